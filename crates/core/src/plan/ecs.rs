//! Amazon ECS: the service that is brought up in the recovery Region, and the one that the fence takes to zero.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::capacity::ServingCapacity;
use super::component::{RestingCapacity, default_timeout_seconds, first_wave};

/// An Amazon ECS service in the recovery Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EcsService {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The cluster's name, not its ARN.
    #[schemars(regex(pattern = super::ECS_NAME_PATTERN))]
    pub cluster_name: String,
    /// The service's name, not its ARN.
    #[schemars(regex(pattern = super::ECS_NAME_PATTERN))]
    pub service_name: String,
    /// The capacity to serve with: `desired` is the service's desired count; `min` and `max` are the minimum and maximum capacity of its
    /// scalable target, where Application Auto Scaling has one for it.
    pub capacity: ServingCapacity,
    /// The capacity to rest with while the other Region serves: what a failback brings the service down to. Without it the service stays as
    /// it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting_capacity: Option<RestingCapacity>,
    /// How long the tasks may take to run and the service to be steady.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

impl EcsService {
    /// The service as journal and reports name it: `CLUSTER/SERVICE`.
    pub fn resource(&self) -> String {
        resource(&self.cluster_name, &self.service_name)
    }
}

/// The primary's ECS service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FenceService {
    /// The item's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// The cluster's name, in the primary Region.
    #[schemars(regex(pattern = super::ECS_NAME_PATTERN))]
    pub cluster_name: String,
    /// The service's name.
    #[schemars(regex(pattern = super::ECS_NAME_PATTERN))]
    pub service_name: String,
}

impl FenceService {
    /// The service as journal and reports name it: `CLUSTER/SERVICE`.
    pub fn resource(&self) -> String {
        resource(&self.cluster_name, &self.service_name)
    }
}

/// Neither name can hold a `/`, so it is clear where one ends.
fn resource(cluster_name: &str, service_name: &str) -> String {
    format!("{cluster_name}/{service_name}")
}
