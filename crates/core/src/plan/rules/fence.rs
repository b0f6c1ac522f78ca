//! The fence: can it be achieved, and is it the primary that is fenced?

use super::{PlanProblem, RecoveryPlan, names};
use crate::plan::{FenceItem, FencePolicy};

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    if plan.fence.policy == FencePolicy::Required && plan.fence.items.is_empty() {
        problems.push(PlanProblem::new(
            "/fence/items",
            "is empty, but the fence is required: nothing could ever be promoted",
        ));
    }
    let resources = plan.fence.items.iter().enumerate();
    names::unique(resources.map(|(i, item)| (format!("/fence/items/{i}"), item.resource())), problems);
    for (i, item) in plan.fence.items.iter().enumerate() {
        if let FenceItem::LoadBalancer(item) = item {
            let region = item.load_balancer_arn.split(':').nth(3).unwrap_or_default();
            if region != plan.regions.primary {
                problems.push(PlanProblem::new(
                    format!("/fence/items/{i}/loadBalancerArn"),
                    format!("is in {region:?}; the fence closes the primary, {:?}", plan.regions.primary),
                ));
            }
        }
    }
}
