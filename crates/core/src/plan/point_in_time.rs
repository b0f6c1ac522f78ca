//! A database that is restored within its Region to a point in time.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component::first_wave;
use super::restore::RestoredKind;
use super::restored::{RestoredInstance, RestoredSettings};

/// An Aurora cluster or a DynamoDB table that is restored beside the original, from the continuous backups that AWS keeps of it. The
/// original stays as it is. How far back that reaches is the cluster's backup retention, or the table's point-in-time recovery period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreToPointInTime {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The original, in the recovery Region: an Aurora cluster (`...:rds:...:cluster:NAME`) or a DynamoDB table (`...:dynamodb:...:table/NAME`).
    #[schemars(regex(pattern = super::ARN_PATTERN))]
    pub resource_arn: String,
    /// What the restored database is called. Nothing of that name may be there before.
    #[schemars(length(min = 1, max = 255))]
    pub restored_identifier: String,
    /// The time it is restored to (RFC 3339): the last one at which the data was good. Absent: the latest that AWS can restore to, at most five
    /// minutes or so ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub restore_to: Option<String>,
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

impl RestoreToPointInTime {
    /// What it restores: a cluster or a table. A plan that exists has been checked, so the ARN is one of the two.
    pub fn restored_kind(&self) -> RestoredKind {
        RestoredKind::of(&self.resource_arn).unwrap_or(RestoredKind::Cluster)
    }

    /// The original's identifier: an ARN's last part.
    pub fn source_identifier(&self) -> &str {
        self.resource_arn.rsplit([':', '/']).next().unwrap_or_default()
    }

    /// The time it is restored to, if the plan states one.
    pub fn restore_to(&self) -> Option<Timestamp> {
        self.restore_to.as_deref().and_then(|text| text.parse().ok())
    }
}
