//! The capacity to serve with, as a plan states it: numbers, and if wanted a share of what the primary had last.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Capacity;

/// What a component of the primary had while it was healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Had {
    /// The desired capacity or count; of a Lambda function its reserved concurrency, 0 for none.
    pub desired: u32,
    /// Of a Lambda function's alias or version the provisioned concurrency that was asked for.
    pub provisioned: Option<u32>,
}

impl From<u32> for Had {
    fn from(desired: u32) -> Self {
        Had { desired, provisioned: None }
    }
}

impl Had {
    /// Whether it served at all: what has nothing was emptied by somebody, and tells no capacity.
    pub fn is_something(self) -> bool {
        self.desired > 0 || self.provisioned.is_some_and(|provisioned| provisioned > 0)
    }
}

/// So many per cent of what the primary had, rounded up.
pub(super) fn share(percent: u32, of: u32) -> u32 {
    u32::try_from((u64::from(percent) * u64::from(of)).div_ceil(100)).unwrap_or(u32::MAX)
}

/// The capacity to serve with. Instances count when they are `InService` and healthy and tasks when they run, not when they are desired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServingCapacity {
    /// The minimum.
    #[schemars(range(max = 10_000))]
    pub min: u32,
    /// The maximum.
    #[schemars(range(min = 1, max = 10_000))]
    pub max: u32,
    /// The desired capacity; with `percentOfPrimary` the least it will be.
    #[schemars(range(min = 1, max = 10_000))]
    pub desired: u32,
    /// Per cent of what the component of the same name in `/home/compute` last had as desired while the primary was healthy, rounded up. The probe
    /// writes that down in the recovery Region, so a failover needs nothing from the primary. Never below `desired`, never above `max`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000))]
    pub percent_of_primary: Option<u32>,
}

impl ServingCapacity {
    /// The sizes as they are stated.
    pub fn sizes(self) -> Capacity {
        Capacity { min: self.min, max: self.max, desired: self.desired }
    }

    /// The capacity when the primary is known to have had this desired capacity; `None`: nothing is known, and what is stated holds. Its numbers
    /// are fixed by that: it asks for no share any more.
    pub fn fixed(self, primary_desired: Option<u32>) -> Self {
        let shares = self.percent_of_primary.zip(primary_desired).map(|(percent, known)| share(percent, known));
        let share = shares.unwrap_or(0);
        ServingCapacity { desired: self.desired.max(share).min(self.max), percent_of_primary: None, ..self }
    }
}
