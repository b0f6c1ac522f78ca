//! The primary's load balancer: its door is closed.

use pilot_core::Failure;
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::DoorObserved;
use pilot_core::plan::FenceLoadBalancer;
use pilot_shell::CallError;
use pilot_shell::ports::LoadBalancers;
use pilot_shell::waves::Progress;

use crate::door::{self, Door, Turning};

/// A load balancer that is fenced.
pub(crate) fn closing<'a, B: LoadBalancers>(
    item: &'a FenceLoadBalancer,
    load_balancers: &'a B,
) -> Turning<'a, impl Door, false> {
    let door = LoadBalancer { arn: &item.load_balancer_arn, load_balancers };
    Turning { name: &item.name, group_ids: std::slice::from_ref(&item.closed_security_group_id), door }
}

/// A load balancer whose door is opened again.
pub(crate) fn opening<'a, B: LoadBalancers>(
    item: &'a FenceLoadBalancer,
    load_balancers: &'a B,
) -> Turning<'a, impl Door, true> {
    let door = LoadBalancer { arn: &item.load_balancer_arn, load_balancers };
    Turning { name: &item.name, group_ids: &item.open_security_group_ids, door }
}

/// The undo: the load balancer gets exactly the journalled security groups, and is seen to have them. Doing it twice is the same as once.
///
/// # Errors
/// `RollbackIncomplete` if they cannot go back, `AwsUnavailable` (tried again), `AwsRefused`.
pub async fn undo<B: LoadBalancers>(load_balancers: &B, entry: &Entry) -> Result<Progress, Failure> {
    door::undo(&LoadBalancer { arn: &entry.resource, load_balancers }, entry).await
}

struct LoadBalancer<'a, B> {
    arn: &'a str,
    load_balancers: &'a B,
}

impl<B: LoadBalancers> Door for LoadBalancer<'_, B> {
    const KIND: &'static str = "load balancer";
    const OBSERVING: &'static str = "elasticloadbalancing:DescribeLoadBalancers";
    const ACTING: &'static str = "elasticloadbalancing:SetSecurityGroups";
    const ACTION: Action = Action::FenceLoadBalancer;
    const LIFTING: Action = Action::LiftLoadBalancer;

    fn resource(&self) -> &str {
        self.arn
    }

    async fn look(&self) -> Result<Option<DoorObserved>, CallError> {
        self.load_balancers.door(self.arn).await
    }

    async fn set(&self, security_group_ids: &[String]) -> Result<(), CallError> {
        self.load_balancers.set_door(self.arn, security_group_ids).await
    }
}
