//! An Aurora cluster of one Region, whose writer moves to another Availability Zone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component::{default_timeout_seconds, first_wave};

/// An Aurora cluster with instances in two Availability Zones of the recovery Region. They share one storage volume, which Aurora keeps in
/// three Availability Zones (Aurora user guide, "High availability for Amazon Aurora"): moving the writer loses nothing that was confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuroraCluster {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The DB cluster identifier.
    #[schemars(length(min = 1, max = 63))]
    pub cluster_identifier: String,
    /// The DB instance that is the writer in ordinary times.
    #[schemars(length(min = 1, max = 63))]
    pub primary_instance_identifier: String,
    /// The DB instance, in another Availability Zone, that the writer's role goes to.
    #[schemars(length(min = 1, max = 63))]
    pub recovery_instance_identifier: String,
    /// How long the failover may take.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

impl AuroraCluster {
    /// The same cluster, seen from the other Availability Zone.
    pub(super) fn mirrored(&self) -> Self {
        AuroraCluster {
            primary_instance_identifier: self.recovery_instance_identifier.clone(),
            recovery_instance_identifier: self.primary_instance_identifier.clone(),
            ..self.clone()
        }
    }
}
