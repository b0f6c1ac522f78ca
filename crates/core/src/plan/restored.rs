//! What a database that was restored or promoted gets: either brings the data, and hardly anything of how the original was set up.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a restored database must be set to. A restore takes what is not stated here from the backup or from the service's defaults of that
/// Region (Aurora user guide, "Restoring from a DB cluster snapshot"; DynamoDB developer guide, "Restoring a table": tags, policies,
/// alarms, Auto Scaling and point-in-time recovery are not restored). Everything stated is read back before the restore counts as done.
/// A promoted database (`promotedSettings`, `homeSettings`) keeps what is not stated; its subnet group and its key cannot be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RestoredSettings {
    /// The DB subnet group. RDS and Aurora only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub subnet_group: Option<String>,
    /// The DB cluster parameter group. Aurora only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub cluster_parameter_group: Option<String>,
    /// The DB parameter group: of the RDS instance, or of every instance of the Aurora cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub parameter_group: Option<String>,
    /// The security groups that admit the application. Without any the database gets the VPC's default group. RDS and Aurora only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), inner(regex(pattern = super::SECURITY_GROUP_PATTERN)))]
    pub security_group_ids: Vec<String>,
    /// For how many days backups are kept: the automated ones of RDS and Aurora, the point-in-time recovery of a DynamoDB table, which
    /// stating this switches on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 35))]
    pub backup_retention_days: Option<u32>,
    /// Whether it is protected from being deleted. Absent: whatever the restore made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_protection: Option<bool>,
    /// The KMS key it is encrypted with, by ARN or id, in its own Region. It is given to the restore: it cannot be changed afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub kms_key_id: Option<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 50))]
    pub tags: BTreeMap<String, String>,
}

impl RestoredSettings {
    /// Whether nothing is stated.
    pub fn is_empty(&self) -> bool {
        *self == RestoredSettings::default()
    }
}

/// An instance of a restored Aurora cluster. A restored cluster has none of its own (Aurora user guide, "Restoring from a DB cluster
/// snapshot"): they are created after it, the first of them becomes the writer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoredInstance {
    /// The DB instance identifier it gets.
    #[schemars(length(min = 1, max = 63))]
    pub identifier: String,
    /// Its class (`db.r6g.large`, `db.serverless`).
    #[schemars(length(min = 1, max = 64))]
    pub instance_class: String,
}
