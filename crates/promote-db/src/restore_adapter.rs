//! Vaults and restore jobs, by the AWS SDK. The databases that a job makes are in `restored_adapter` and `restored_table_adapter`.

use std::collections::{BTreeMap, HashMap};

use aws_config::SdkConfig;
use aws_sdk_backup::operation::describe_restore_job::DescribeRestoreJobOutput;
use backup_monitor::adapter::AwsRecoveryPoints;
use backup_monitor::handler::RecoveryPoints;
use jiff::Timestamp;
use pilot_core::decide::backup::RecoveryPointSeen;
use pilot_core::observed::RestoreJobObserved;
use pilot_shell::CallError;
use pilot_shell::ports::{Backups, NewRestore};

/// Restores in one Region: AWS Backup, and the RDS and DynamoDB it restores into.
#[derive(Debug, Clone)]
pub struct AwsRestores {
    points: AwsRecoveryPoints,
    backup: aws_sdk_backup::Client,
    pub(crate) rds: aws_sdk_rds::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
}

impl AwsRestores {
    /// With clients of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsRestores {
            points: AwsRecoveryPoints::new(config),
            backup: aws_sdk_backup::Client::new(config),
            rds: aws_sdk_rds::Client::new(config),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
        }
    }
}

impl Backups for AwsRestores {
    async fn recovery_points(&self, vault_name: &str, resource_arn: &str) -> Result<Vec<RecoveryPointSeen>, CallError> {
        self.points.list(vault_name, resource_arn).await
    }

    async fn restore_metadata(
        &self,
        vault_name: &str,
        recovery_point_arn: &str,
    ) -> Result<BTreeMap<String, String>, CallError> {
        let call = self.backup.get_recovery_point_restore_metadata().backup_vault_name(vault_name);
        let answer = call.recovery_point_arn(recovery_point_arn).send().await?;
        Ok(answer.restore_metadata().map(told).unwrap_or_default())
    }

    async fn start_restore(&self, restore: &NewRestore<'_>) -> Result<String, CallError> {
        // The SDK's own retries carry the same token, so AWS Backup hands the first one's job back to them.
        let metadata: HashMap<String, String> = restore.metadata.clone().into_iter().collect();
        let call = self
            .backup
            .start_restore_job()
            .recovery_point_arn(restore.recovery_point_arn)
            .iam_role_arn(restore.role_arn)
            .resource_type(restore.resource_type)
            .idempotency_token(restore.idempotency_token)
            .set_metadata(Some(metadata));
        let answer = call.send().await?;
        let without_id = || CallError::Unknown { message: "backup:StartRestoreJob answered without a job's id".into() };
        answer.restore_job_id().filter(|id| !id.is_empty()).map(str::to_owned).ok_or_else(without_id)
    }

    async fn restore_job(&self, job_id: &str) -> Result<Option<RestoreJobObserved>, CallError> {
        match self.backup.describe_restore_job().restore_job_id(job_id).send().await {
            Ok(answer) => Ok(Some(job(&answer))),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Emulators hand an empty text where there is none.
pub(crate) fn some(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn told(map: &HashMap<String, String>) -> BTreeMap<String, String> {
    map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn job(answer: &DescribeRestoreJobOutput) -> RestoreJobObserved {
    RestoreJobObserved {
        // A missing status is no status that a decision acts on.
        status: answer.status().map_or("unknown", |status| status.as_str()).to_owned(),
        message: some(answer.status_message()),
        percent_done: some(answer.percent_done()),
        created_arn: some(answer.created_resource_arn()),
        completed_at: answer.completion_date().and_then(|at| Timestamp::from_second(at.secs()).ok()),
    }
}
