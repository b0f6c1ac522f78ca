//! An Amazon ECS service: observe, decide, set its scalable target and its desired count - and the undo of both, in one file.

use pilot_core::decide::service::{Decision, Setting, decide, decide_rest, decide_undo};
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::{ServiceBefore, ServiceObserved};
use pilot_core::plan::{Capacity, EcsService};
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::Services;
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::{Value, json};

/// How soon tasks that are starting or stopping are looked at again.
const TASK_LOOK_SECONDS: u32 = 3;
/// How soon a service that was just set is looked at again.
const SET_LOOK_SECONDS: u32 = 2;
/// A service has no more settings than these: an undo needs no more calls.
const SETTINGS: usize = 2;

/// Brings one service a step on towards its capacity.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, S: Services>(
    context: &StepContext<'_, L>,
    services: &S,
    component: &EcsService,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let (resource, wanted) = (component.resource(), component.capacity.sizes());
    let observed = observe(services, &component.cluster_name, &component.service_name).await?;
    match (decide(&resource, observed.as_ref(), wanted), observed) {
        (Decision::Done, observed) => {
            settle(context, component, "its answer was lost; seen to be set").await?;
            let running = observed.map_or(0, |service| service.running);
            Ok(done(&component.name, format!("{running} tasks running, {} wanted", wanted.desired)))
        }
        (Decision::Wait { running }, _) => {
            let detail = format!("{running} of {} tasks running and steady", wanted.desired);
            context.check_deadline(&resource, &detail, allowed_seconds)?;
            Ok(in_progress(&component.name, detail, TASK_LOOK_SECONDS))
        }
        (Decision::Set(setting), Some(service)) => {
            context.check_deadline(&resource, "the service is not at its capacity", allowed_seconds)?;
            let desired = service.desired.max(wanted.desired);
            set(context, services, component, &service, (setting, desired)).await
        }
        (Decision::Fail(failure), _) => Err(*failure),
        (Decision::Set(_), None) => Err(gone(&resource)),
    }
}

/// Brings one service a step on towards its resting capacity. A plan that states none leaves the service as it is.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn rest<L: Ledger, S: Services>(
    context: &StepContext<'_, L>,
    services: &S,
    component: &EcsService,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let resource = component.resource();
    let Some(resting) = component.resting_capacity.map(Capacity::from) else {
        return Ok(done(&component.name, "left as it is: the plan states no restingCapacity"));
    };
    let observed = observe(services, &component.cluster_name, &component.service_name).await?;
    match (decide_rest(&resource, observed.as_ref(), resting), observed) {
        (Decision::Done, observed) => {
            settle(context, component, "its answer was lost; seen to rest").await?;
            let settings = observed.map_or_else(String::new, |service| service.settings().to_string());
            Ok(done(&component.name, format!("rests at {settings}")))
        }
        (Decision::Wait { running }, _) => {
            let detail = format!("{running} tasks still running, {} rest", resting.desired);
            context.check_deadline(&resource, &detail, allowed_seconds)?;
            Ok(in_progress(&component.name, detail, TASK_LOOK_SECONDS))
        }
        (Decision::Set(setting), Some(service)) => {
            context.check_deadline(&resource, "the service does not rest", allowed_seconds)?;
            set(context, services, component, &service, (setting, resting.desired)).await
        }
        (Decision::Fail(failure), _) => Err(*failure),
        (Decision::Set(_), None) => Err(gone(&resource)),
    }
}

/// Sets one thing; `desired`: the desired count that all of it leads to.
async fn set<L: Ledger, S: Services>(
    context: &StepContext<'_, L>,
    services: &S,
    component: &EcsService,
    observed: &ServiceObserved,
    (setting, desired): (Setting, u32),
) -> Result<Progress, Failure> {
    let action = action(setting);
    let earlier = context.earlier(&component.name, action).await?;
    let act = Act {
        component: component.name.clone(),
        action,
        resource: component.resource(),
        irreversible: false,
        before: before(context, component, action, observed).await?,
        intention: match setting {
            Setting::Target(target) => format!("set to {target}, desired count {desired}"),
            Setting::Desired(_) => format!("set to {setting}"),
        },
    };
    let (cluster, service) = (component.cluster_name.as_str(), component.service_name.as_str());
    let call = || async { apply(services, cluster, service, setting).await.map(|()| setting.to_string()) };
    match context.act(act, earlier.as_ref(), call).await? {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(detail) => Ok(in_progress(&component.name, format!("set to {detail}"), SET_LOOK_SECONDS)),
        Acted::Failed(error @ CallError::Refused { .. }) => Err(Failure::new(
            FailureName::ComputeFailed,
            component.resource(),
            format!("{} to {setting} was {error}", call_name(setting)),
        )
        .now("this call changed nothing; what went before stands in the journal")
        .next("check scale-compute's role and the service's own limits; then start the run again")),
        Acted::Failed(error) => Err(error.into_failure(call_name(setting), &component.resource())),
    }
}

/// The values before the first act on the service in this step: `RegisterScalableTarget` moves the desired count too, so those before the
/// second act would be this run's own.
async fn before<L: Ledger>(
    context: &StepContext<'_, L>,
    component: &EcsService,
    action: Action,
    observed: &ServiceObserved,
) -> Result<Value, Failure> {
    let other = match action {
        Action::SetDesiredCount => Action::SetScalableTarget,
        _ => Action::SetDesiredCount,
    };
    let earlier = context.earlier(&component.name, other).await?;
    Ok(earlier.map_or_else(|| json!(observed.settings()), |entry| entry.before))
}

async fn settle<L: Ledger>(context: &StepContext<'_, L>, component: &EcsService, seen: &str) -> Result<(), Failure> {
    for action in [Action::SetScalableTarget, Action::SetDesiredCount] {
        let earlier = context.earlier(&component.name, action).await?;
        context.settle(earlier.as_ref(), seen).await?;
    }
    Ok(())
}

/// The undo of [`reconcile`], and of a service that was fenced: the scalable target's minimum and maximum and the desired count go back to
/// exactly the journalled values, and are seen to be there. Whichever act it is called for, both are brought back: the target first, because
/// it moves the desired count. Doing it twice is the same as once.
///
/// # Errors
/// `RollbackIncomplete` if they cannot go back, `AwsUnavailable` (tried again), `AwsRefused`.
pub async fn undo<S: Services>(services: &S, entry: &Entry) -> Result<Progress, Failure> {
    let resource = entry.resource.as_str();
    let before: ServiceBefore = serde_json::from_value(entry.before.clone())
        .map_err(|error| incomplete(resource, format!("the journal's values before cannot be read: {error}")))?;
    let (cluster, service) = resource
        .split_once('/')
        .ok_or_else(|| incomplete(resource, "the journal's resource is no CLUSTER/SERVICE".into()))?;
    for _ in 0..SETTINGS {
        let Some(setting) = to_restore(services, cluster, service, &before).await? else {
            return Ok(back(entry, &before));
        };
        match apply(services, cluster, service, setting).await {
            Ok(()) => {}
            Err(error @ CallError::Refused { .. }) => {
                return Err(incomplete(resource, format!("setting it back to {setting} was {error}")));
            }
            Err(error) => return Err(error.into_failure(call_name(setting), resource)),
        }
    }
    // That the calls were accepted is not that the values are back.
    Ok(match to_restore(services, cluster, service, &before).await? {
        None => back(entry, &before),
        Some(_) => in_progress(&entry.component, format!("set back to {before}, not seen yet"), SET_LOOK_SECONDS),
    })
}

async fn to_restore<S: Services>(
    services: &S,
    cluster: &str,
    service: &str,
    before: &ServiceBefore,
) -> Result<Option<Setting>, Failure> {
    let observed = observe(services, cluster, service).await?;
    let observed = observed
        .ok_or_else(|| incomplete(&format!("{cluster}/{service}"), "there is no such ECS service any more".into()))?;
    Ok(decide_undo(&observed, before))
}

async fn apply<S: Services>(services: &S, cluster: &str, service: &str, setting: Setting) -> Result<(), CallError> {
    match setting {
        Setting::Target(target) => services.set_scalable_target(cluster, service, target).await,
        Setting::Desired(desired) => services.set_desired_count(cluster, service, desired).await,
    }
}

fn action(setting: Setting) -> Action {
    match setting {
        Setting::Target(_) => Action::SetScalableTarget,
        Setting::Desired(_) => Action::SetDesiredCount,
    }
}

fn call_name(setting: Setting) -> &'static str {
    match setting {
        Setting::Target(_) => "application-autoscaling:RegisterScalableTarget",
        Setting::Desired(_) => "ecs:UpdateService",
    }
}

fn back(entry: &Entry, before: &ServiceBefore) -> Progress {
    done(&entry.component, format!("back at {before}"))
}

fn gone(resource: &str) -> Failure {
    Failure::new(FailureName::ComputeFailed, resource, "there is no such ECS service")
        .next("correct clusterName and serviceName in the plan, or deploy the service")
}

fn incomplete(resource: &str, what: String) -> Failure {
    Failure::new(FailureName::RollbackIncomplete, resource, what)
        .now("the service keeps what the run set")
        .next("set the scalable target's minimum and maximum and the desired count by hand to the values in the run's journal")
}

async fn observe<S: Services>(services: &S, cluster: &str, service: &str) -> Result<Option<ServiceObserved>, Failure> {
    let observed = services.describe(cluster, service).await;
    observed.map_err(|error| error.into_failure("ecs:DescribeServices", &format!("{cluster}/{service}")))
}
