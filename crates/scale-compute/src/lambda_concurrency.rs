//! A Lambda function's concurrency: observe, decide, set what is reserved and what is provisioned - and the undo of both, in one file.

use jiff::Timestamp;
use pilot_core::decide::concurrency::{Decision, Setting, decide, decide_rest, raised, rested, towards};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::observed::{ConcurrencyBefore, FunctionObserved};
use pilot_core::plan::LambdaConcurrency;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::Concurrencies;
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::{Value, json};

/// How soon provisioned concurrency that is being allocated is looked at again.
const ALLOCATION_LOOK_SECONDS: u32 = 5;
/// How soon a function that was just set is looked at again.
const SET_LOOK_SECONDS: u32 = 2;
/// A function's concurrency has no more settings than these: an undo needs no more calls.
const SETTINGS: usize = 2;

/// Brings one function a step on towards its concurrency.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, C: Concurrencies>(
    context: &StepContext<'_, L>,
    functions: &C,
    component: &LambdaConcurrency,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let resource = component.resource();
    let observed = observe(functions, &component.function_name, component.qualifier.as_deref()).await?;
    let earlier = context.earlier(&component.name, Action::SetProvisionedConcurrency).await?;
    let asked = earlier.as_ref().is_some_and(|entry| asked_since(entry, context.step.started_at));
    match (decide(component, observed.as_ref(), asked), observed) {
        (Decision::Done, observed) => {
            settle(context, component, "its answer was lost; seen to be set").await?;
            Ok(done(&component.name, observed.map_or_else(String::new, |function| function.settings().to_string())))
        }
        (Decision::Wait { available }, _) => {
            let detail = waiting(component, available);
            context.check_deadline(&resource, &detail, allowed_seconds)?;
            Ok(in_progress(&component.name, detail, ALLOCATION_LOOK_SECONDS))
        }
        (Decision::Set(setting), Some(function)) => {
            context.check_deadline(&resource, "the function is not at its concurrency", allowed_seconds)?;
            let target = raised(component, &function);
            set(context, functions, component, &function, (setting, target)).await
        }
        (Decision::Fail(failure), _) => Err(*failure),
        (Decision::Set(_), None) => Err(gone(&resource)),
    }
}

/// Brings one function a step on towards its resting concurrency. A plan that states none leaves the function as it is.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn rest<L: Ledger, C: Concurrencies>(
    context: &StepContext<'_, L>,
    functions: &C,
    component: &LambdaConcurrency,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let resource = component.resource();
    let Some(resting) = component.resting_capacity else {
        return Ok(done(&component.name, "left as it is: the plan states no restingCapacity"));
    };
    let observed = observe(functions, &component.function_name, component.qualifier.as_deref()).await?;
    match (decide_rest(component, observed.as_ref(), resting), observed) {
        (Decision::Done, observed) => {
            settle(context, component, "its answer was lost; seen to rest").await?;
            let settings = observed.map_or_else(String::new, |function| function.settings().to_string());
            Ok(done(&component.name, format!("rests at {settings}")))
        }
        (Decision::Wait { available }, _) => {
            let detail = format!("{available} provisioned are still available");
            context.check_deadline(&resource, &detail, allowed_seconds)?;
            Ok(in_progress(&component.name, detail, ALLOCATION_LOOK_SECONDS))
        }
        (Decision::Set(setting), Some(function)) => {
            context.check_deadline(&resource, "the function does not rest", allowed_seconds)?;
            let target = rested(resting, function.settings());
            set(context, functions, component, &function, (setting, target)).await
        }
        (Decision::Fail(failure), _) => Err(*failure),
        (Decision::Set(_), None) => Err(gone(&resource)),
    }
}

/// What is waited for, for people.
fn waiting(component: &LambdaConcurrency, available: u32) -> String {
    let wanted = component.capacity.provisioned_concurrency.unwrap_or_default();
    format!("{available} of {wanted} provisioned available and ready")
}

/// Whether the act was accepted since the step was entered. One that an earlier step or run asked for is asked for again if it failed.
fn asked_since(entry: &Entry, started_at: Timestamp) -> bool {
    matches!(entry.outcome, Some(EntryOutcome::Accepted { at, .. }) if at >= started_at)
}

/// Sets one thing; `target`: what all of it leads to.
async fn set<L: Ledger, C: Concurrencies>(
    context: &StepContext<'_, L>,
    functions: &C,
    component: &LambdaConcurrency,
    observed: &FunctionObserved,
    (setting, target): (Setting, ConcurrencyBefore),
) -> Result<Progress, Failure> {
    let (action, resource) = (action(setting), component.resource());
    let earlier = context.earlier(&component.name, action).await?;
    let act = Act {
        component: component.name.clone(),
        action,
        resource: resource.clone(),
        irreversible: false,
        before: before(context, component, action, observed).await?,
        intention: format!("set to {target}"),
    };
    let (function, qualifier) = (component.function_name.as_str(), component.qualifier.as_deref());
    let call = || async { apply(functions, function, qualifier, setting).await.map(|()| setting.to_string()) };
    match context.act(act, earlier.as_ref(), call).await? {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(detail) => Ok(in_progress(&component.name, format!("set to {detail}"), SET_LOOK_SECONDS)),
        Acted::Failed(error @ CallError::Refused { .. }) => Err(Failure::new(
            FailureName::ComputeFailed,
            resource,
            format!("{} for {setting} was {error}", call_name(setting)),
        )
        .now("this call changed nothing; what went before stands in the journal")
        .next("check scale-compute's role, and that the account's concurrency holds it; then start the run again")),
        Acted::Failed(error) => Err(error.into_failure(call_name(setting), &resource)),
    }
}

/// The values before the first act on the function in this step, so that the undo of either brings back both, in an order that AWS takes.
async fn before<L: Ledger>(
    context: &StepContext<'_, L>,
    component: &LambdaConcurrency,
    action: Action,
    observed: &FunctionObserved,
) -> Result<Value, Failure> {
    let other = match action {
        Action::SetProvisionedConcurrency => Action::SetReservedConcurrency,
        _ => Action::SetProvisionedConcurrency,
    };
    let earlier = context.earlier(&component.name, other).await?;
    Ok(earlier.map_or_else(|| json!(observed.settings()), |entry| entry.before))
}

async fn settle<L: Ledger>(
    context: &StepContext<'_, L>,
    component: &LambdaConcurrency,
    seen: &str,
) -> Result<(), Failure> {
    for action in [Action::SetReservedConcurrency, Action::SetProvisionedConcurrency] {
        let earlier = context.earlier(&component.name, action).await?;
        context.settle(earlier.as_ref(), seen).await?;
    }
    Ok(())
}

/// The undo of both acts: reserved and provisioned concurrency go back to exactly the journalled values, which may be none, and are seen to be
/// there. Doing it twice, or for both entries, is the same as once.
///
/// # Errors
/// `RollbackIncomplete` if they cannot go back, `AwsUnavailable` (tried again), `AwsRefused`.
pub async fn undo<C: Concurrencies>(functions: &C, entry: &Entry) -> Result<Progress, Failure> {
    let resource = entry.resource.as_str();
    let before: ConcurrencyBefore = serde_json::from_value(entry.before.clone())
        .map_err(|error| incomplete(resource, format!("the journal's values before cannot be read: {error}")))?;
    // Neither part can hold a colon.
    let (function, qualifier) = match resource.split_once(':') {
        Some((function, qualifier)) => (function, Some(qualifier)),
        None => (resource, None),
    };
    for _ in 0..SETTINGS {
        let Some(setting) = to_restore(functions, function, qualifier, before).await? else {
            return Ok(back(entry, before));
        };
        match apply(functions, function, qualifier, setting).await {
            Ok(()) => {}
            Err(error @ CallError::Refused { .. }) => {
                return Err(incomplete(resource, format!("setting it back to {setting} was {error}")));
            }
            Err(error) => return Err(error.into_failure(call_name(setting), resource)),
        }
    }
    // That the calls were accepted is not that the values are back.
    Ok(match to_restore(functions, function, qualifier, before).await? {
        None => back(entry, before),
        Some(_) => in_progress(&entry.component, format!("set back to {before}, not seen yet"), SET_LOOK_SECONDS),
    })
}

async fn to_restore<C: Concurrencies>(
    functions: &C,
    function: &str,
    qualifier: Option<&str>,
    before: ConcurrencyBefore,
) -> Result<Option<Setting>, Failure> {
    let observed = observe(functions, function, qualifier).await?;
    match observed {
        Some(seen) if seen.version.is_some() => Ok(towards(seen.settings(), before)),
        _ => Err(incomplete(function, "the function, or its alias or version, is not there any more".into())),
    }
}

async fn apply<C: Concurrencies>(
    functions: &C,
    function: &str,
    qualifier: Option<&str>,
    setting: Setting,
) -> Result<(), CallError> {
    match setting {
        Setting::Reserved(reserved) => functions.set_reserved(function, reserved).await,
        // Without a qualifier nothing is ever seen to be provisioned, and the plan's rules let nothing be asked for.
        Setting::Provisioned(provisioned) => {
            functions.set_provisioned(function, qualifier.unwrap_or_default(), provisioned).await
        }
    }
}

fn action(setting: Setting) -> Action {
    match setting {
        Setting::Reserved(_) => Action::SetReservedConcurrency,
        Setting::Provisioned(_) => Action::SetProvisionedConcurrency,
    }
}

fn call_name(setting: Setting) -> &'static str {
    match setting {
        Setting::Reserved(Some(_)) => "lambda:PutFunctionConcurrency",
        Setting::Reserved(None) => "lambda:DeleteFunctionConcurrency",
        Setting::Provisioned(Some(_)) => "lambda:PutProvisionedConcurrencyConfig",
        Setting::Provisioned(None) => "lambda:DeleteProvisionedConcurrencyConfig",
    }
}

fn back(entry: &Entry, before: ConcurrencyBefore) -> Progress {
    done(&entry.component, format!("back at {before}"))
}

fn gone(resource: &str) -> Failure {
    Failure::new(FailureName::ComputeFailed, resource, "there is no such Lambda function")
        .next("correct functionName in the plan, or deploy the function")
}

fn incomplete(resource: &str, what: String) -> Failure {
    Failure::new(FailureName::RollbackIncomplete, resource, what)
        .now("the function keeps what the run set")
        .next("set reserved and provisioned concurrency by hand to the values in the run's journal; none: delete it")
}

async fn observe<C: Concurrencies>(
    functions: &C,
    function: &str,
    qualifier: Option<&str>,
) -> Result<Option<FunctionObserved>, Failure> {
    let observed = functions.describe(function, qualifier).await;
    observed.map_err(|error| error.into_failure("lambda:GetFunctionConcurrency", function))
}
