//! AWS Backup and SNS.

use aws_config::SdkConfig;
use aws_sdk_backup::types::RecoveryPointByBackupVault;
use jiff::Timestamp;
use pilot_core::Failure;
use pilot_core::decide::backup::{Notice, RecoveryPointSeen};
use pilot_shell::CallError;

use crate::handler::{Notices, RecoveryPoints};

/// As many recovery points a page as AWS gives.
const PAGE_SIZE: i32 = 1000;
/// A limit on the pages: fifty thousand recovery points of one resource is no plan.
const PAGES_MAX: usize = 50;
/// SNS takes subjects of at most so many characters, of ASCII and on one line.
const SUBJECT_CHARACTERS_MAX: usize = 100;

/// Vaults in the function's Region.
#[derive(Debug, Clone)]
pub struct AwsRecoveryPoints {
    client: aws_sdk_backup::Client,
}

impl AwsRecoveryPoints {
    /// With a client of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsRecoveryPoints { client: aws_sdk_backup::Client::new(config) }
    }
}

impl RecoveryPoints for AwsRecoveryPoints {
    async fn list(&self, vault_name: &str, resource_arn: &str) -> Result<Vec<RecoveryPointSeen>, CallError> {
        let mut seen = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let call = self.client.list_recovery_points_by_backup_vault().backup_vault_name(vault_name);
            let call = call.by_resource_arn(resource_arn).max_results(PAGE_SIZE).set_next_token(token);
            let answer = call.send().await?;
            // A recovery point of another resource restores other data: the filter is not left to AWS alone.
            let of_it =
                answer.recovery_points().iter().filter(|p| p.resource_arn().is_none_or(|arn| arn == resource_arn));
            seen.extend(of_it.filter_map(recovery_point));
            token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(seen);
            }
        }
        // The order of the pages is not documented: the newest may be on the next one.
        Err(CallError::Unknown { message: format!("more than {PAGES_MAX} pages of recovery points") })
    }
}

/// A recovery point without ARN, status or time proves nothing and is left out.
fn recovery_point(point: &RecoveryPointByBackupVault) -> Option<RecoveryPointSeen> {
    Some(RecoveryPointSeen {
        arn: point.recovery_point_arn()?.to_owned(),
        status: point.status()?.as_str().to_owned(),
        created_at: Timestamp::from_second(point.creation_date()?.secs()).ok()?,
    })
}

/// The notifications topic.
#[derive(Debug, Clone)]
pub struct AwsNotices {
    client: aws_sdk_sns::Client,
    topic_arn: String,
}

impl AwsNotices {
    /// Publishes to this topic.
    pub fn new(config: &SdkConfig, topic_arn: String) -> Self {
        AwsNotices { client: aws_sdk_sns::Client::new(config), topic_arn }
    }
}

impl Notices for AwsNotices {
    async fn send(&self, notice: &Notice) -> Result<(), Failure> {
        let call = self.client.publish().topic_arn(&self.topic_arn).subject(subject(&notice.subject));
        match call.message(&notice.message).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(CallError::from(error).into_failure("sns:Publish", &self.topic_arn)),
        }
    }
}

fn subject(text: &str) -> String {
    let printable = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    text.chars().map(printable).take(SUBJECT_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line_of_ascii_within_the_limit() {
        assert_eq!(subject("Pilot Light: b\u{fc}cher\nfailed"), "Pilot Light: b?cher?failed");
        assert_eq!(subject(&"x".repeat(300)).len(), SUBJECT_CHARACTERS_MAX);
    }
}
