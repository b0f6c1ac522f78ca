//! What is seen of a restore: AWS Backup's job, and the database it makes.

use jiff::Timestamp;

use crate::plan::RestoredSettings;

/// A restore job, as AWS Backup tells it (`DescribeRestoreJob`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreJobObserved {
    /// Its status as AWS writes it (`PENDING`, `RUNNING`, `COMPLETED`, `ABORTED`, `FAILED`).
    pub status: String,
    /// AWS's own words.
    pub message: Option<String>,
    /// How far it is (`42.00%`), where AWS tells.
    pub percent_done: Option<String>,
    /// What it made, once it is there.
    pub created_arn: Option<String>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// A DB instance, an Aurora cluster or a DynamoDB table that was restored, or an instance of such a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredObserved {
    /// Its ARN.
    pub arn: String,
    /// Its status as AWS writes it (RDS: `available`, DynamoDB: `ACTIVE`).
    pub status: String,
    /// Its engine; a table has none.
    pub engine: Option<String>,
    /// The settings that are in force. A security group that is still being added is not.
    pub settings: RestoredSettings,
    /// Whether its parameter group waits for a reboot to be in force; of a cluster: in any of its instances.
    pub pending_reboot: bool,
    /// The Aurora cluster an instance belongs to.
    pub cluster: Option<String>,
}
