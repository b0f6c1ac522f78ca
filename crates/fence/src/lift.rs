//! The step `lift`, on the way home: the doors that a fence closed there are opened again. The compute is not brought back here but by
//! `scale-compute`, to what the plan says of home.
//!
//! Before the promotion, and undone with everything else if the run is called off. Nothing is led there yet.

use futures::future::join_all;
use pilot_core::contract::StepResponse;
use pilot_core::decide::fence::{ItemState, Seen};
use pilot_core::plan::FenceItem;
use pilot_core::{Failure, FailureName};
use pilot_shell::StepContext;
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{InstanceDoors, LoadBalancers};
use pilot_shell::waves::{Progress, done, in_progress};

use crate::{instance, item, load_balancer};

/// How soon a door that is being opened is looked at again.
const LOOK_SECONDS: u32 = 2;

/// One invocation. `home` is the Region that the run leads to.
///
/// # Errors
/// `LiftFailed`, `StepDeadlineExceeded`, and the journal's and the lease's.
pub(crate) async fn step<L, R>(context: &StepContext<'_, L>, home: &R) -> Result<StepResponse, Failure>
where
    L: Ledger,
    R: LoadBalancers + InstanceDoors,
{
    // What the plan, as it is written, fences at home.
    let fenced = context.plan.mirrored().map_or_else(Vec::new, |plan| plan.fence.items);
    let lifted = join_all(fenced.iter().map(|item| lift(context, home, item))).await;
    let progress: Vec<Progress> = lifted.into_iter().collect::<Result<_, Failure>>()?;
    Ok(StepResponse::of(progress))
}

async fn lift<L, R>(context: &StepContext<'_, L>, home: &R, item: &FenceItem) -> Result<Progress, Failure>
where
    L: Ledger,
    R: LoadBalancers + InstanceDoors,
{
    let region = context.plan.regions.recovery.as_str();
    let seen: Seen = match item {
        FenceItem::AutoScalingGroup(_) | FenceItem::EcsService(_) => {
            return Ok(done(item.name(), "no door: scale-compute brings it back"));
        }
        FenceItem::LoadBalancer(door) => item::look(context, region, &load_balancer::opening(door, home)).await?,
        FenceItem::RdsInstance(door) => item::look(context, region, &instance::opening(door, home)).await?,
    };
    let name = item.name();
    match seen.state {
        ItemState::Done => Ok(done(name, seen.detail)),
        ItemState::Refused => Err(Failure::new(FailureName::LiftFailed, item.resource(), seen.detail)
            .now("nothing was promoted; what this run changed is put back")
            .next("correct openSecurityGroupIds in the plan, or open the door by hand; then start again")),
        _ => {
            let fence_timeout_seconds = context.plan.mirrored().map_or(0, |plan| plan.fence.timeout_seconds);
            context.check_deadline(&item.resource(), &seen.detail, fence_timeout_seconds.max(60))?;
            Ok(in_progress(name, seen.detail, LOOK_SECONDS))
        }
    }
}
