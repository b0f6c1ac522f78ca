//! A database that is restored from a recovery point in a backup vault of the recovery Region.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component::first_wave;
use super::restored::{RestoredInstance, RestoredSettings};

/// A database that AWS Backup restores: an RDS instance, an Aurora cluster or a DynamoDB table, told apart by the original's ARN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreFromBackup {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The original, in the primary Region: a DB instance (`...:rds:...:db:NAME`), an Aurora cluster (`...:rds:...:cluster:NAME`) or a DynamoDB
    /// table (`...:dynamodb:...:table/NAME`). A copied recovery point still names it.
    #[schemars(regex(pattern = super::ARN_PATTERN))]
    pub resource_arn: String,
    /// The vault in the recovery Region that holds its recovery points.
    #[schemars(length(min = 1, max = 50))]
    pub vault_name: String,
    /// The role that AWS Backup restores with. `promote-db` must be allowed to pass it.
    #[schemars(regex(pattern = super::ARN_PATTERN))]
    pub restore_role_arn: String,
    /// What the restored database is called, in the recovery Region. Nothing of that name may be there before.
    #[schemars(length(min = 1, max = 255))]
    pub restored_identifier: String,
    /// A time (RFC 3339): the newest completed recovery point at or before it is taken, for data that was spoilt then. Absent: the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub not_after: Option<String>,
    /// The instances of a restored Aurora cluster, in the order they are made; the first becomes the writer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub instances: Vec<RestoredInstance>,
    /// What the restored database must be set to.
    #[serde(default, skip_serializing_if = "RestoredSettings::is_empty")]
    pub settings: RestoredSettings,
    /// How long restore, instances and settings may take together. AWS promises no time for a restore.
    #[serde(default = "default_restore_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

/// A restore takes much longer than a promotion, and grows with the data.
fn default_restore_seconds() -> u32 {
    7200
}

/// What a restored database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoredKind {
    /// An RDS DB instance.
    Instance,
    /// An Aurora DB cluster.
    Cluster,
    /// A DynamoDB table.
    Table,
}

impl RestoredKind {
    /// Of the resource with this ARN; `None`: neither of the three.
    pub fn of(resource_arn: &str) -> Option<Self> {
        let mut parts = resource_arn.splitn(6, ':').skip(2);
        let service = parts.next()?;
        let resource = parts.nth(2)?;
        match service {
            "rds" if has_name(resource, "db:") => Some(RestoredKind::Instance),
            "rds" if has_name(resource, "cluster:") => Some(RestoredKind::Cluster),
            "dynamodb" if has_name(resource, "table/") => Some(RestoredKind::Table),
            _ => None,
        }
    }

    /// The kind for people.
    pub fn as_str(self) -> &'static str {
        match self {
            RestoredKind::Instance => "DB instance",
            RestoredKind::Cluster => "DB cluster",
            RestoredKind::Table => "table",
        }
    }

    /// What AWS Backup calls it (`StartRestoreJob`, `ResourceType`).
    pub fn backup_type(self) -> &'static str {
        match self {
            RestoredKind::Instance => "RDS",
            RestoredKind::Cluster => "Aurora",
            RestoredKind::Table => "DynamoDB",
        }
    }
}

fn has_name(resource: &str, prefix: &str) -> bool {
    resource.strip_prefix(prefix).is_some_and(|name| !name.is_empty() && !name.contains([':', '/']))
}

impl RestoreFromBackup {
    /// What it restores. A plan that exists has been checked, so the ARN is one of the three.
    pub fn restored_kind(&self) -> RestoredKind {
        RestoredKind::of(&self.resource_arn).unwrap_or(RestoredKind::Cluster)
    }

    /// The newest time a recovery point may be of, if the plan states one.
    pub fn not_after(&self) -> Option<Timestamp> {
        self.not_after.as_deref().and_then(|text| text.parse().ok())
    }
}
