//! AWS Backup tells of a change: count it, and tell a person when protection is less than planned.

use jiff::Timestamp;
use pilot_core::Failure;
use pilot_core::decide::backup::{News, Standing, Subject, notice};
use pilot_shell::telemetry::{Metric, emf};
use serde::Serialize;
use serde_json::Value;

use crate::handler::Notices;

/// What the function returns of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Noted {
    /// About what.
    pub subject: &'static str,
    /// The state as AWS writes it.
    pub state: String,
    /// The job's id.
    pub job_id: Option<String>,
    /// The recovery point.
    pub recovery_point_arn: Option<String>,
    /// Whether a person was told.
    pub notified: bool,
}

/// Counts a change and notifies.
///
/// # Errors
/// The notification's: the event is delivered again then.
pub async fn note<N: Notices>(
    news: &News,
    notices: &N,
    publish: impl Fn(&Value),
    namespace: &str,
    now: Timestamp,
) -> Result<Noted, Failure> {
    tracing::info!(
        subject = news.subject.as_str(),
        state = news.state,
        job = news.job_id,
        resource = news.resource_arn,
        recovery_point = news.recovery_point_arn,
        size_bytes = news.size_bytes,
        "AWS Backup tells of a change"
    );
    let notice = notice(news);
    if let Some(notice) = &notice {
        notices.send(notice).await?;
    }
    // After the notification, so that an event that is delivered again is counted once.
    if let Some(name) = metric_name(news.subject, news.standing) {
        publish(&emf(namespace, &[], &[Metric { name, unit: "Count", value: 1.0 }], now));
    }
    Ok(Noted {
        subject: news.subject.as_str(),
        state: news.state.clone(),
        job_id: news.job_id.clone(),
        recovery_point_arn: news.recovery_point_arn.clone(),
        notified: notice.is_some(),
    })
}

/// The metric that counts such a change. Without dimensions, so that one alarm covers every vault of the Region.
fn metric_name(subject: Subject, standing: Standing) -> Option<&'static str> {
    Some(match (subject, standing) {
        (_, Standing::Underway | Standing::Deleted) => return None,
        (Subject::BackupJob, Standing::Completed) => "BackupJobCompleted",
        (Subject::BackupJob, Standing::CompletedWithIssues) => "BackupJobCompletedWithIssues",
        (Subject::BackupJob, Standing::Failed) => "BackupJobFailed",
        (Subject::CopyJob, Standing::Completed) => "CopyJobCompleted",
        (Subject::CopyJob, Standing::CompletedWithIssues) => "CopyJobCompletedWithIssues",
        (Subject::CopyJob, Standing::Failed) => "CopyJobFailed",
        (Subject::RestoreJob, Standing::Completed) => "RestoreJobCompleted",
        (Subject::RestoreJob, Standing::CompletedWithIssues) => "RestoreJobCompletedWithIssues",
        (Subject::RestoreJob, Standing::Failed) => "RestoreJobFailed",
        (Subject::RecoveryPoint, Standing::Completed) => "RecoveryPointCompleted",
        (Subject::RecoveryPoint, Standing::CompletedWithIssues) => "RecoveryPointCompletedWithIssues",
        (Subject::RecoveryPoint, Standing::Failed) => "RecoveryPointFailed",
    })
}
