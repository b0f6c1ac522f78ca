//! Routing controls of Amazon Application Recovery Controller (ARC): switches that health checks follow, kept by a cluster in five Regions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component::{default_timeout_seconds, first_wave};

/// A routing control's ARN (API reference, `UpdateRoutingControlStateEntry`); it names no Region, for it is in none.
const CONTROL_PATTERN: &str = "^arn:aws[a-z-]*:route53-recovery-control::[0-9]{12}:controlpanel/[0-9a-zA-Z]{1,64}/routingcontrol/[0-9a-zA-Z]{1,64}$";

/// Routing controls that are turned by one call, so that a safety rule sees all of them at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoutingControl {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The cluster's Regional endpoints, of which AWS gives five: any one that answers is enough, so name them all.
    #[schemars(length(min = 1, max = 5))]
    pub cluster_endpoints: Vec<ClusterEndpoint>,
    /// ARNs of the controls that must be on when the recovery Region serves, and off at home. With `controlsOff` at most 10.
    #[serde(default)]
    #[schemars(length(max = 10), inner(regex(pattern = CONTROL_PATTERN)))]
    pub controls_on: Vec<String>,
    /// ARNs of the controls that must be off when the recovery Region serves, and on at home.
    #[serde(default)]
    #[schemars(length(max = 10), inner(regex(pattern = CONTROL_PATTERN)))]
    pub controls_off: Vec<String>,
    /// How long the controls may take to be read back.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

/// One Regional endpoint of a routing control cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterEndpoint {
    /// The endpoint's Region, which its calls are signed for.
    #[schemars(regex(pattern = super::REGION_PATTERN))]
    pub region: String,
    /// Its address, as `route53-recovery-control-config:DescribeCluster` gives it: keep it here, for that call needs us-west-2.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
}

impl RoutingControl {
    /// The same controls on the way home: those that were turned on are turned off, and the other way round.
    pub fn mirrored(&self) -> Self {
        RoutingControl {
            controls_on: self.controls_off.clone(),
            controls_off: self.controls_on.clone(),
            ..self.clone()
        }
    }

    /// Every control of it.
    pub fn controls(&self) -> impl Iterator<Item = &str> {
        self.controls_on.iter().chain(&self.controls_off).map(String::as_str)
    }

    /// What journal and reports call it: the control panel of its first control.
    pub fn resource(&self) -> &str {
        let first = self.controls().next().unwrap_or_default();
        first.split_once("/routingcontrol/").map_or(first, |(panel, _)| panel)
    }
}
