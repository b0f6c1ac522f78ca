//! ElastiCache, as it describes itself.

use std::collections::BTreeMap;

/// A replication group. What is `None` ElastiCache did not tell (yet).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheObserved {
    /// Its ARN.
    pub arn: String,
    /// Its status (`creating`, `available`, `modifying`, `deleting`, `create-failed`, `snapshotting`).
    pub status: String,
    /// Its node groups. A group that is being created has none yet.
    pub node_groups: Vec<CacheNodeGroup>,
    /// The global datastore that it is a secondary of: such a group takes no writes of its own.
    pub secondary_of: Option<String>,
    /// Its engine.
    pub engine: Option<String>,
    /// The version of its engine.
    pub engine_version: Option<String>,
    /// Its node type.
    pub node_type: Option<String>,
    /// Whether automatic failover is enabled, or being enabled.
    pub automatic_failover: Option<bool>,
    /// Whether it is in several Availability Zones.
    pub multi_az: Option<bool>,
    /// Whether clients speak TLS with it.
    pub transit_encryption: Option<bool>,
    /// Whether it is encrypted at rest.
    pub at_rest_encryption: Option<bool>,
    /// The KMS key it is encrypted with, by id or ARN.
    pub kms_key_id: Option<String>,
    /// Its cache subnet group.
    pub subnet_group: Option<String>,
    /// Its cache parameter group.
    pub parameter_group: Option<String>,
    /// Its security groups.
    pub security_group_ids: Vec<String>,
    /// Its tags. `None`: not asked for, see the port.
    pub tags: Option<BTreeMap<String, String>>,
}

/// A node group (shard).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheNodeGroup {
    /// Its id (`0001`).
    pub id: String,
    /// Its status (`creating`, `available`, `modifying`, `deleting`).
    pub status: String,
    /// How many nodes it has, its primary among them.
    pub nodes: u32,
}
