//! Aurora: the global database that is made writable in the recovery Region, and the two signals that look at it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component::{default_timeout_seconds, first_wave};
use super::restored::RestoredSettings;

/// An Aurora global database of which one cluster lies in the primary Region and one in the recovery Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuroraGlobalCluster {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The global database's identifier.
    #[schemars(length(min = 1, max = 63))]
    pub global_cluster_identifier: String,
    /// The primary's DB cluster identifier, in the primary Region.
    #[schemars(length(min = 1, max = 63))]
    pub primary_cluster_identifier: String,
    /// The secondary's DB cluster identifier, in the recovery Region. It needs at least one instance and the primary's engine version.
    #[schemars(length(min = 1, max = 63))]
    pub recovery_cluster_identifier: String,
    /// What the recovery cluster and its instances are set to once it is the writer: a secondary's parameter groups, security groups,
    /// retention, deletion protection and tags are its own and not the primary's.
    #[serde(default, skip_serializing_if = "RestoredSettings::is_empty")]
    pub promoted_settings: Box<RestoredSettings>,
    /// The same of the primary's cluster, once a failback has made it the writer again.
    #[serde(default, skip_serializing_if = "RestoredSettings::is_empty")]
    pub home_settings: Box<RestoredSettings>,
    /// How long the failover may take.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

/// The primary Aurora cluster and its writer instance, as their own Region tells it. An unanswered call is unknown, not failing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RdsClusterSignal {
    /// The signal's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Which signals it fails together with.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub fate: String,
    /// The DB cluster identifier.
    #[schemars(length(min = 1, max = 63))]
    pub identifier: String,
    /// Its Region.
    #[schemars(regex(pattern = super::REGION_PATTERN))]
    pub region: String,
}

/// Whether the secondary in the recovery Region still receives from the primary, and how far behind it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuroraReplicationSignal {
    /// The signal's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Which signals it fails together with.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub fate: String,
    /// The global database's identifier.
    #[schemars(length(min = 1, max = 63))]
    pub global_cluster_identifier: String,
    /// The secondary's DB cluster identifier, in the recovery Region.
    #[schemars(length(min = 1, max = 63))]
    pub recovery_cluster_identifier: String,
}

impl AuroraGlobalCluster {
    /// The same global database, seen from the other Region.
    pub(super) fn mirrored(&self) -> Self {
        AuroraGlobalCluster {
            primary_cluster_identifier: self.recovery_cluster_identifier.clone(),
            recovery_cluster_identifier: self.primary_cluster_identifier.clone(),
            promoted_settings: self.home_settings.clone(),
            home_settings: self.promoted_settings.clone(),
            ..self.clone()
        }
    }
}
