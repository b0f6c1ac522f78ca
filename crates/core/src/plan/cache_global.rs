//! An ElastiCache global datastore: a cache that is kept in step in two Regions, and takes writes in one of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cache::REPLICATION_GROUP_PATTERN;
use super::component::{default_timeout_seconds, first_wave};

/// An ElastiCache global datastore of which one replication group lies in the primary Region and one in the recovery Region. ElastiCache
/// moves the primary's role to another Region only when it is asked to. A cache is no record of anything: what the secondary had not received
/// is lost, also by a switchover, and nobody counts that as data loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ElastiCacheGlobal {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The global datastore's id, with the prefix that ElastiCache put before it (`ldgnf-shop`).
    #[schemars(length(min = 1, max = 255), regex(pattern = REPLICATION_GROUP_PATTERN))]
    pub global_replication_group_id: String,
    /// The primary's replication group id, in the primary Region.
    #[schemars(length(min = 1, max = 40), regex(pattern = REPLICATION_GROUP_PATTERN))]
    pub primary_replication_group_id: String,
    /// The secondary's replication group id, in the recovery Region.
    #[schemars(length(min = 1, max = 40), regex(pattern = REPLICATION_GROUP_PATTERN))]
    pub recovery_replication_group_id: String,
    /// How long the failover may take. As long again may take the way back, if the run is rolled back.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

impl ElastiCacheGlobal {
    /// The same global datastore, seen from the other Region.
    pub(super) fn mirrored(&self) -> Self {
        ElastiCacheGlobal {
            primary_replication_group_id: self.recovery_replication_group_id.clone(),
            recovery_replication_group_id: self.primary_replication_group_id.clone(),
            ..self.clone()
        }
    }
}
