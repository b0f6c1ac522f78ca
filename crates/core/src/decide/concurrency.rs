//! A Lambda function's concurrency on its way up, to rest, and back.
//!
//! Two settings, one bound: the provisioned concurrency of a function's aliases and versions may not exceed its reserved concurrency (Lambda
//! developer guide, "Configuring provisioned concurrency"). So the reserved concurrency is raised before the provisioned one, and the
//! provisioned one lowered before the reserved one: AWS refuses both in the other order.
//!
//! A requested provisioned concurrency is an intention: it counts when its status is `READY` and as much is available. One that is `FAILED`
//! is asked for once by each step that finds it so, because its cause may have been mended meanwhile; if it fails again, that is the answer. A
//! function that has more than the plan asks for keeps it.

use std::fmt;

use crate::observed::{ConcurrencyBefore, FunctionObserved, ProvisionedObserved, ProvisionedStatus};
use crate::plan::{LambdaConcurrency, RestingConcurrency};
use crate::{Failure, FailureName};

/// The version that is edited: it cannot have provisioned concurrency, nor can an alias that leads to it.
const LATEST: &str = "$LATEST";

/// What to do with the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It has what it should have, and was seen to.
    Done,
    /// Set this, and look again.
    Set(Setting),
    /// Provisioned concurrency is being allocated, or taken away.
    Wait {
        /// How much is available so far.
        available: u32,
    },
    /// There is no such function, or it cannot be brought up.
    Fail(Box<Failure>),
}

/// One call's worth of a function's concurrency; `None` takes it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// The reserved concurrency.
    Reserved(Option<u32>),
    /// The qualifier's provisioned concurrency.
    Provisioned(Option<u32>),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, value) = match self {
            Setting::Reserved(value) => ("reserved", value),
            Setting::Provisioned(value) => ("provisioned", value),
        };
        match value {
            Some(value) => write!(f, "{what} concurrency {value}"),
            None => write!(f, "no {what} concurrency"),
        }
    }
}

/// Decides from the function as described (`None`: no such function). `asked`: this step has asked for the provisioned concurrency already.
pub fn decide(component: &LambdaConcurrency, observed: Option<&FunctionObserved>, asked: bool) -> Decision {
    let function = match able(component, observed) {
        Ok(function) => function,
        Err(failure) => return Decision::Fail(failure),
    };
    let target = raised(component, function);
    if target.reserved != function.reserved {
        return Decision::Set(Setting::Reserved(target.reserved));
    }
    let (Some(wanted), Some(target)) = (component.capacity.provisioned_concurrency, target.provisioned) else {
        return Decision::Done;
    };
    match &function.provisioned {
        Some(now) if now.requested >= target => allocation(component, now, wanted, asked),
        _ => Decision::Set(Setting::Provisioned(Some(target))),
    }
}

/// What the function has when it is up: what the plan asks for, or what it has if that is more. A reservation that is made where there was
/// none holds at least what is provisioned.
pub fn raised(component: &LambdaConcurrency, function: &FunctionObserved) -> ConcurrencyBefore {
    let (wanted, now) = (component.capacity, function.settings());
    let provisioned = wanted.provisioned_concurrency.max(now.provisioned);
    // `None` is less than every number: without a wish what is there stays.
    let reserved = wanted.reserved_concurrency.map(|wanted| Some(wanted).max(now.reserved).max(now.provisioned));
    ConcurrencyBefore { reserved: reserved.unwrap_or(now.reserved), provisioned }
}

fn allocation(component: &LambdaConcurrency, now: &ProvisionedObserved, wanted: u32, asked: bool) -> Decision {
    match &now.status {
        ProvisionedStatus::Ready if now.available >= wanted => Decision::Done,
        ProvisionedStatus::Failed { reason } if asked => Decision::Fail(Box::new(
            Failure::new(
                FailureName::ComputeFailed,
                component.resource(),
                format!("its provisioned concurrency of {} failed: {reason}", now.requested),
            )
            .next("mend what the reason names (the function's start, the account's concurrency); then start the run again"),
        )),
        ProvisionedStatus::Failed { .. } => Decision::Set(Setting::Provisioned(Some(now.requested))),
        _ => Decision::Wait { available: now.available },
    }
}

/// Decides how a function comes to rest: exactly at what the plan states. How the allocation of what it keeps ended is no matter then.
pub fn decide_rest(
    component: &LambdaConcurrency,
    observed: Option<&FunctionObserved>,
    resting: RestingConcurrency,
) -> Decision {
    let function = match there(component, observed) {
        Ok(function) => function,
        Err(failure) => return Decision::Fail(failure),
    };
    let now = function.settings();
    match (towards(now, rested(resting, now)), &function.provisioned) {
        (Some(setting), _) => Decision::Set(setting),
        (None, Some(kept)) if kept.status == ProvisionedStatus::InProgress => {
            Decision::Wait { available: kept.available }
        }
        (None, _) => Decision::Done,
    }
}

/// What the function has when it rests: what the plan states, and of the rest what it has now.
pub fn rested(resting: RestingConcurrency, now: ConcurrencyBefore) -> ConcurrencyBefore {
    let reserved = if resting.unreserved { None } else { resting.reserved_concurrency.or(now.reserved) };
    let provisioned = resting.provisioned_concurrency.or(now.provisioned).filter(|provisioned| *provisioned > 0);
    ConcurrencyBefore { reserved, provisioned }
}

/// The next call on the way to exactly these values: what is provisioned is lowered first and raised last, so that it never exceeds what is
/// reserved.
pub fn towards(now: ConcurrencyBefore, target: ConcurrencyBefore) -> Option<Setting> {
    let provisioned = (now.provisioned != target.provisioned).then_some(Setting::Provisioned(target.provisioned));
    let reserved = (now.reserved != target.reserved).then_some(Setting::Reserved(target.reserved));
    // `None` is less than every number, and of provisioned concurrency that is its meaning.
    if target.provisioned < now.provisioned { provisioned } else { reserved.or(provisioned) }
}

/// A function of which the plan's qualifier is there.
fn there<'a>(
    component: &LambdaConcurrency,
    observed: Option<&'a FunctionObserved>,
) -> Result<&'a FunctionObserved, Box<Failure>> {
    let fail = |what: String, next: &str| {
        Err(Box::new(Failure::new(FailureName::ComputeFailed, component.resource(), what).next(next)))
    };
    let (function, qualifier) = (&component.function_name, component.qualifier.as_deref().unwrap_or_default());
    match observed {
        None => fail(
            format!("the Region has no Lambda function {function}"),
            "correct functionName in the plan, or deploy the function",
        ),
        Some(seen) if seen.version.is_none() => fail(
            format!("the function {function} has no alias or version {qualifier}"),
            "correct qualifier in the plan, or publish a version and make the alias",
        ),
        Some(seen) => Ok(seen),
    }
}

/// A function that AWS would bring up as the plan says: asked before anything is changed.
fn able<'a>(
    component: &LambdaConcurrency,
    observed: Option<&'a FunctionObserved>,
) -> Result<&'a FunctionObserved, Box<Failure>> {
    let fail = |what: String, next: &str| {
        Err(Box::new(Failure::new(FailureName::ComputeFailed, component.resource(), what).next(next)))
    };
    let function = there(component, observed)?;
    let target = raised(component, function);
    if component.capacity.provisioned_concurrency.is_some() && function.version.as_deref() == Some(LATEST) {
        return fail(
            "the qualifier leads to $LATEST, which cannot have provisioned concurrency".to_owned(),
            "publish a version and let the alias lead to it",
        );
    }
    match (target.reserved, target.provisioned) {
        (Some(0), _) => fail(
            "its reserved concurrency is 0, so every invocation is throttled, and the plan states none to raise it to"
                .to_owned(),
            "state capacity.reservedConcurrency in the plan, or take the reservation away",
        ),
        (Some(reserved), Some(provisioned)) if provisioned > reserved => fail(
            format!("{provisioned} provisioned would exceed its reserved concurrency of {reserved}: AWS refuses that"),
            "state a capacity.reservedConcurrency in the plan that holds it",
        ),
        _ => Ok(function),
    }
}

#[cfg(test)]
mod tests;
