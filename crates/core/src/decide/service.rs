//! An ECS service on its way to its capacity.
//!
//! The scalable target goes first, the desired count after it: a desired count below the minimum or above the maximum of the target is
//! taken back by Application Auto Scaling with its next activity. `RegisterScalableTarget` itself moves the desired count of an active
//! service into the new range (Application Auto Scaling API reference), so both are always looked at again.
//!
//! A desired count is an intention: only running tasks of a service without a deployment under way count. A service that already has more
//! than the plan asks for keeps it.

use std::fmt;

use crate::observed::{DeploymentObserved, ScalableTarget, ServiceBefore, ServiceObserved};
use crate::plan::Capacity;
use crate::{Failure, FailureName};

/// The only status of a service that can be scaled; `DRAINING` and `INACTIVE` ones are being deleted, or are (ECS API reference, `Service`).
const ACTIVE: &str = "ACTIVE";

/// What to do with the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It has what it should have, and was seen to.
    Done,
    /// Set this, and look again.
    Set(Setting),
    /// Tasks are on their way, or a deployment is.
    Wait {
        /// How many run so far.
        running: u32,
    },
    /// There is no such service, or it cannot be brought up.
    Fail(Box<Failure>),
}

/// One call's worth of a service's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// The scalable target's minimum and maximum, both at once.
    Target(ScalableTarget),
    /// The desired count.
    Desired(u32),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Target(target) => target.fmt(f),
            Setting::Desired(desired) => write!(f, "desired count {desired}"),
        }
    }
}

/// Decides from the service as described (`None`: no such service).
pub fn decide(resource: &str, observed: Option<&ServiceObserved>, wanted: Capacity) -> Decision {
    let service = match active(resource, observed) {
        Ok(service) => service,
        Err(failure) => return Decision::Fail(failure),
    };
    if let DeploymentObserved::Failed { reason } = &service.deployment {
        return Decision::Fail(Box::new(deployment_failed(resource, reason)));
    }
    // Not below what is desired now: new bounds pull the desired count into them, and nothing is ever lowered here.
    let raised = |target: ScalableTarget| ScalableTarget {
        min: target.min.max(wanted.min),
        max: target.max.max(wanted.max).max(service.desired),
    };
    match service.target.map(raised) {
        Some(target) if service.target != Some(target) => Decision::Set(Setting::Target(target)),
        _ if service.desired < wanted.desired => Decision::Set(Setting::Desired(wanted.desired)),
        _ if service.running >= wanted.desired && service.deployment == DeploymentObserved::Steady => Decision::Done,
        _ => Decision::Wait { running: service.running },
    }
}

/// Decides how a service comes to rest: exactly at these values, with no more tasks running than desired. What its newest deployment came
/// to is no matter then.
pub fn decide_rest(resource: &str, observed: Option<&ServiceObserved>, resting: Capacity) -> Decision {
    let service = match active(resource, observed) {
        Ok(service) => service,
        Err(failure) => return Decision::Fail(failure),
    };
    let target = ScalableTarget { min: resting.min, max: resting.max };
    if service.target.is_some_and(|now| now != target) {
        Decision::Set(Setting::Target(target))
    } else if service.desired != resting.desired {
        Decision::Set(Setting::Desired(resting.desired))
    } else if service.running > resting.desired {
        Decision::Wait { running: service.running }
    } else {
        Decision::Done
    }
}

/// What the undo does next: nothing once scalable target and desired count are the journalled ones. A target that somebody registered
/// meanwhile is none of ours.
pub fn decide_undo(observed: &ServiceObserved, before: &ServiceBefore) -> Option<Setting> {
    match before.target {
        Some(target) if observed.target != Some(target) => Some(Setting::Target(target)),
        _ => (observed.desired != before.desired).then_some(Setting::Desired(before.desired)),
    }
}

/// A service that can be scaled.
fn active<'a>(resource: &str, observed: Option<&'a ServiceObserved>) -> Result<&'a ServiceObserved, Box<Failure>> {
    match observed {
        None => Err(Box::new(
            Failure::new(FailureName::ComputeFailed, resource, "the Region has no such ECS service")
                .next("correct clusterName and serviceName in the plan, or deploy the service"),
        )),
        Some(service) if service.status != ACTIVE => Err(Box::new(
            Failure::new(
                FailureName::ComputeFailed,
                resource,
                format!("the ECS service is `{}`: it runs no new tasks", service.status),
            )
            .next("deploy the service again, or correct clusterName and serviceName in the plan"),
        )),
        Some(service) => Ok(service),
    }
}

fn deployment_failed(resource: &str, reason: &str) -> Failure {
    Failure::new(
        FailureName::ComputeFailed,
        resource,
        format!("the newest deployment failed, and a failed one launches no tasks: {reason}"),
    )
    .next("see the service's events and its stopped tasks, deploy a revision that starts; then start the run again")
}

#[cfg(test)]
mod tests;
