//! An EC2 Auto Scaling group: observe, decide, resize - and the undo of it, in one file.

use pilot_core::decide::group::{Decision, decide, decide_rest, decide_undo};
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::GroupObserved;
use pilot_core::plan::{AutoScalingGroup, Capacity};
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::Groups;
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::json;

/// How soon instances that are launching are looked at again.
const LAUNCH_LOOK_SECONDS: u32 = 3;
/// How soon sizes that were just set are looked at again.
const RESIZE_LOOK_SECONDS: u32 = 2;

/// Brings one group a step on towards its capacity.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, G: Groups>(
    context: &StepContext<'_, L>,
    groups: &G,
    component: &AutoScalingGroup,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let (name, target) = (component.group_name.as_str(), component.capacity.sizes());
    let observed = observe(groups, name).await?;
    match decide(name, observed.as_ref(), target) {
        Decision::Done => {
            let earlier = context.earlier(&component.name, Action::ResizeGroup).await?;
            context.settle(earlier.as_ref(), "its answer was lost; seen to be resized").await?;
            let in_service = observed.map_or(0, |group| group.in_service);
            Ok(done(&component.name, format!("{in_service} instances in service, {} wanted", target.desired)))
        }
        Decision::Wait { in_service } => {
            let detail = format!("{in_service} of {} instances in service", target.desired);
            context.check_deadline(name, &detail, allowed_seconds)?;
            Ok(in_progress(&component.name, detail, LAUNCH_LOOK_SECONDS))
        }
        Decision::Resize(sizes) => {
            context.check_deadline(name, "the group is not at its sizes", allowed_seconds)?;
            resize(context, groups, component, observed.as_ref(), (Action::ResizeGroup, sizes)).await
        }
        Decision::Fail(failure) => Err(*failure),
    }
}

/// Brings one group a step on towards its resting capacity. A plan that states none leaves the group as it is.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn rest<L: Ledger, G: Groups>(
    context: &StepContext<'_, L>,
    groups: &G,
    component: &AutoScalingGroup,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let name = component.group_name.as_str();
    let Some(resting) = component.resting_capacity.map(Capacity::from) else {
        return Ok(done(&component.name, "left as it is: the plan states no restingCapacity"));
    };
    let observed = observe(groups, name).await?;
    match decide_rest(name, observed.as_ref(), resting) {
        Decision::Done => {
            let earlier = context.earlier(&component.name, Action::RestGroup).await?;
            context.settle(earlier.as_ref(), "its answer was lost; seen to rest").await?;
            Ok(done(&component.name, format!("rests at {}", written(resting))))
        }
        Decision::Wait { in_service } => {
            let detail = format!("{in_service} instances still in service, {} rest", resting.desired);
            context.check_deadline(name, &detail, allowed_seconds)?;
            Ok(in_progress(&component.name, detail, LAUNCH_LOOK_SECONDS))
        }
        Decision::Resize(sizes) => {
            context.check_deadline(name, "the group does not rest", allowed_seconds)?;
            resize(context, groups, component, observed.as_ref(), (Action::RestGroup, sizes)).await
        }
        Decision::Fail(failure) => Err(*failure),
    }
}

async fn resize<L: Ledger, G: Groups>(
    context: &StepContext<'_, L>,
    groups: &G,
    component: &AutoScalingGroup,
    observed: Option<&GroupObserved>,
    (action, sizes): (Action, Capacity),
) -> Result<Progress, Failure> {
    let name = component.group_name.as_str();
    let earlier = context.earlier(&component.name, action).await?;
    let act = Act {
        component: component.name.clone(),
        action,
        resource: name.to_owned(),
        irreversible: false,
        // The sizes only: how many instances ran is nothing that can be set.
        before: observed.map_or(json!(null), |g| json!({"min": g.min, "max": g.max, "desired": g.desired})),
        intention: format!("set to {}", written(sizes)),
    };
    let call = || async { groups.resize(name, sizes).await.map(|()| written(sizes)) };
    match context.act(act, earlier.as_ref(), call).await? {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(detail) => Ok(in_progress(&component.name, format!("set to {detail}"), RESIZE_LOOK_SECONDS)),
        Acted::Failed(error @ CallError::Refused { .. }) => Err(Failure::new(
            FailureName::ComputeFailed,
            name,
            format!("autoscaling:UpdateAutoScalingGroup to {} was {error}", written(sizes)),
        )
        .now("this call changed nothing; what went before stands in the journal")
        .next("check scale-compute's role and the group's own limits; then start the run again")),
        Acted::Failed(error) => Err(error.into_failure("autoscaling:UpdateAutoScalingGroup", name)),
    }
}

/// The undo of [`reconcile`]: minimum, maximum and desired capacity go back to exactly the journalled values, and are seen to be
/// there. Doing it twice is the same as once.
///
/// # Errors
/// `RollbackIncomplete` if they cannot go back, `AwsUnavailable` (tried again), `AwsRefused`.
pub async fn undo<G: Groups>(groups: &G, entry: &Entry) -> Result<Progress, Failure> {
    let name = entry.resource.as_str();
    let before: GroupObserved = serde_json::from_value(entry.before.clone())
        .map_err(|error| incomplete(name, format!("the journal's values before cannot be read: {error}")))?;
    let Some(sizes) = to_restore(groups, name, &before).await? else {
        return Ok(back(entry, &before));
    };
    match groups.resize(name, sizes).await {
        Ok(()) => {}
        Err(error @ CallError::Refused { .. }) => {
            return Err(incomplete(name, format!("setting it back to {} was {error}", written(sizes))));
        }
        Err(error) => return Err(error.into_failure("autoscaling:UpdateAutoScalingGroup", name)),
    }
    // That the call was accepted is not that the values are back.
    Ok(match to_restore(groups, name, &before).await? {
        None => back(entry, &before),
        Some(_) => in_progress(&entry.component, format!("set back to {}, not seen yet", written(sizes)), 2),
    })
}

async fn to_restore<G: Groups>(groups: &G, name: &str, before: &GroupObserved) -> Result<Option<Capacity>, Failure> {
    let observed = observe(groups, name).await?;
    let observed = observed.ok_or_else(|| incomplete(name, "there is no such Auto Scaling group any more".into()))?;
    Ok(decide_undo(&observed, before))
}

fn back(entry: &Entry, before: &GroupObserved) -> Progress {
    let sizes = Capacity { min: before.min, max: before.max, desired: before.desired };
    done(&entry.component, format!("back at {}", written(sizes)))
}

fn incomplete(name: &str, what: String) -> Failure {
    Failure::new(FailureName::RollbackIncomplete, name, what)
        .now("the group keeps the sizes the run gave it")
        .next("set minimum, maximum and desired capacity by hand to the values in the run's journal")
}

async fn observe<G: Groups>(groups: &G, name: &str) -> Result<Option<GroupObserved>, Failure> {
    let observed = groups.describe(name).await;
    observed.map_err(|error| error.into_failure("autoscaling:DescribeAutoScalingGroups", name))
}

fn written(sizes: Capacity) -> String {
    format!("min {}, max {}, desired {}", sizes.min, sizes.max, sizes.desired)
}
