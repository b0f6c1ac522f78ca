//! An ElastiCache replication group that is created anew in the recovery Region: what was cached is not worth keeping.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component::first_wave;

/// A replication group's id: letters, digits and single hyphens, a letter first, no hyphen last (ElastiCache API reference,
/// `CreateReplicationGroup`).
pub(super) const REPLICATION_GROUP_PATTERN: &str = "^[A-Za-z](-?[A-Za-z0-9])*$";
/// A node type, such as `cache.r7g.large`.
const NODE_TYPE_PATTERN: &str = "^cache\\.[a-z0-9]+\\.[a-z0-9]+$";

/// An ElastiCache replication group, empty when it is made. It is no record of anything: what it held in the primary Region is lost, and
/// nobody counts that as data loss. An authentication token has no place in a plan: create the group beforehand if the application needs
/// one, and it is found as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ElastiCache {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The replication group's id, in the recovery Region. A group of that id that is there already is left as it is, and must be as stated
    /// here.
    #[schemars(length(min = 1, max = 40), regex(pattern = REPLICATION_GROUP_PATTERN))]
    pub replication_group_id: String,
    /// What it is, for people. Not compared with that of a group that is there.
    #[schemars(length(min = 1, max = 255))]
    pub description: String,
    /// The engine.
    pub engine: CacheEngine,
    /// The engine's version (`8.0`); that of a finer number fits too (`7.2` is met by `7.2.6`). Absent: ElastiCache's newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub engine_version: Option<String>,
    /// The node type.
    #[schemars(regex(pattern = NODE_TYPE_PATTERN))]
    pub node_type: String,
    /// How many node groups (shards) it has. More than one is cluster mode.
    #[serde(default = "one_node_group")]
    #[schemars(range(min = 1, max = 500))]
    pub num_node_groups: u32,
    /// How many replicas each node group has beside its primary.
    #[serde(default)]
    #[schemars(range(min = 0, max = 5))]
    pub replicas_per_node_group: u32,
    /// The cache subnet group. Absent: `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub subnet_group: Option<String>,
    /// The cache parameter group. Absent: that of the engine and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub parameter_group: Option<String>,
    /// The security groups that admit the application. Without any it gets the VPC's default group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), inner(regex(pattern = super::SECURITY_GROUP_PATTERN)))]
    pub security_group_ids: Vec<String>,
    /// Whether a replica takes over from a primary that fails. Absent: ElastiCache's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic_failover: Option<bool>,
    /// Whether its nodes stand in several Availability Zones. Absent: ElastiCache's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_az: Option<bool>,
    /// Whether clients speak TLS with it. Absent: ElastiCache's default of the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transit_encryption: Option<bool>,
    /// Whether its disk and backups are encrypted. Absent: ElastiCache's default of the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_rest_encryption: Option<bool>,
    /// The KMS key for that, by ARN or id, in the recovery Region. Absent: ElastiCache's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub kms_key_id: Option<String>,
    /// Its tags. One more is put on it, which says the run that made it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 49))]
    pub tags: BTreeMap<String, String>,
    /// How long the making may take; ElastiCache promises no time. As long again may take its deletion, if the run is rolled back.
    #[serde(default = "default_create_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

/// An engine that has replication groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CacheEngine {
    /// Valkey.
    Valkey,
    /// Redis OSS.
    Redis,
}

impl CacheEngine {
    /// As ElastiCache writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            CacheEngine::Valkey => "valkey",
            CacheEngine::Redis => "redis",
        }
    }
}

fn one_node_group() -> u32 {
    1
}

fn default_create_seconds() -> u32 {
    1800
}
