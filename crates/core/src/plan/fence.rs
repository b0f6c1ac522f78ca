//! The fence: what stops the old primary from taking writes, where it can still be reached. Everything in it is undone if the run is
//! called off before the pivot.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ecs::FenceService;

/// How the old primary is fenced before anything is promoted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Fence {
    /// What follows if an item cannot be fenced.
    pub policy: FencePolicy,
    /// How long the fence may take as a whole: what is not seen to be done by then counts as not achieved.
    #[serde(default = "Fence::default_timeout_seconds")]
    #[schemars(range(min = 5, max = 900))]
    pub timeout_seconds: u32,
    /// What is fenced, all at once, in the primary Region.
    #[schemars(length(max = 20))]
    pub items: Vec<FenceItem>,
}

impl Fence {
    fn default_timeout_seconds() -> u32 {
        30
    }
}

/// What follows if an item cannot be fenced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FencePolicy {
    /// The run goes on, and the report says what was not achieved: a Region that is gone cannot be fenced from outside.
    #[default]
    BestEffort,
    /// Nothing is promoted, and everything is put back.
    Required,
}

/// One thing that is fenced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum FenceItem {
    /// The primary's compute goes to zero. Undo: minimum, maximum and desired capacity go back to the journalled values.
    AutoScalingGroup(FenceGroup),
    /// The primary's ECS service goes to zero, and its scalable target with it, so that no scaling policy brings it back. A task that is
    /// stopping may still write until its `stopTimeout` is over. Undo: the scalable target's minimum and maximum and the desired count go back
    /// to the journalled values.
    EcsService(FenceService),
    /// The primary's door is closed: its load balancer gets a security group that admits nobody. Undo: the journalled groups.
    LoadBalancer(FenceLoadBalancer),
    /// The primary's database admits no new client: its instance gets a security group that admits nobody. Replication to another Region
    /// does not pass the instance's security groups. Connections that stand go on until their clients end: fence the compute too. Undo: the
    /// journalled groups.
    RdsInstance(FenceInstance),
}

impl FenceItem {
    /// The item's name.
    pub fn name(&self) -> &str {
        match self {
            FenceItem::AutoScalingGroup(item) => &item.name,
            FenceItem::EcsService(item) => &item.name,
            FenceItem::LoadBalancer(item) => &item.name,
            FenceItem::RdsInstance(item) => &item.name,
        }
    }

    /// The resource, by identifier.
    pub fn resource(&self) -> Cow<'_, str> {
        match self {
            FenceItem::AutoScalingGroup(item) => Cow::Borrowed(&item.group_name),
            FenceItem::EcsService(item) => Cow::Owned(item.resource()),
            FenceItem::LoadBalancer(item) => Cow::Borrowed(&item.load_balancer_arn),
            FenceItem::RdsInstance(item) => Cow::Borrowed(&item.identifier),
        }
    }

    /// Whether it is compute: what serves there next brings it back, and it has no door to open.
    pub fn is_compute(&self) -> bool {
        matches!(self, FenceItem::AutoScalingGroup(_) | FenceItem::EcsService(_))
    }
}

/// The primary's Auto Scaling group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FenceGroup {
    /// The item's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// The group's name, in the primary Region.
    #[schemars(length(min = 1, max = 255))]
    pub group_name: String,
}

/// The primary's load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FenceLoadBalancer {
    /// The item's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// The load balancer, in the primary Region.
    #[schemars(regex(pattern = super::ARN_PATTERN))]
    pub load_balancer_arn: String,
    /// A security group without any ingress rule, made beforehand in the primary's VPC.
    #[schemars(regex(pattern = super::SECURITY_GROUP_PATTERN))]
    pub closed_security_group_id: String,
    /// The security groups that admit its clients: what a failback opens the door with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), inner(regex(pattern = super::SECURITY_GROUP_PATTERN)))]
    pub open_security_group_ids: Vec<String>,
}

/// The primary's DB instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FenceInstance {
    /// The item's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// The instance's identifier, in the primary Region.
    #[schemars(length(min = 1, max = 63))]
    pub identifier: String,
    /// A security group without any ingress rule, made beforehand in the primary's VPC.
    #[schemars(regex(pattern = super::SECURITY_GROUP_PATTERN))]
    pub closed_security_group_id: String,
    /// The security groups that admit its clients: what a failback opens the door with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), inner(regex(pattern = super::SECURITY_GROUP_PATTERN)))]
    pub open_security_group_ids: Vec<String>,
}
