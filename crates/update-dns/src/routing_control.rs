//! Routing controls: observe, decide, set - and the undo of it, in one file.
//!
//! A data-plane switch: a cluster keeps the controls in five Regions, and any endpoint that answers is enough. All controls of a component go
//! in one call, so that a safety rule ("one Region must be on") sees what turns off together with what turns on.

use pilot_core::decide::routing::{ControlStates, Decision, decide, told, wanted};
use pilot_core::journal::{Action, Entry};
use pilot_core::plan::RoutingControl;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::RoutingControls;
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::json;

const GET: &str = "route53-recovery-cluster:GetRoutingControlState";
const UPDATE: &str = "route53-recovery-cluster:UpdateRoutingControlStates";
/// What the API reference names a refusal by a safety rule.
const SAFETY_RULE: &str = "ConflictException";

/// Brings one component's controls a step on towards the states that the plan wants.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, C: RoutingControls>(
    context: &StepContext<'_, L>,
    controls: &C,
    component: &RoutingControl,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let observed = observe(controls, component).await?;
    let earlier = context.earlier(&component.name, Action::SetRoutingControls).await?;
    match decide(&wanted(component), &observed) {
        Decision::Done => {
            let is = format!("routing controls are {}", told(&observed));
            context.settle(earlier.as_ref(), &format!("its answer was lost; seen: {is}")).await?;
            Ok(done(&component.name, is))
        }
        Decision::Missing(missing) => {
            Err(Failure::new(FailureName::TrafficFailed, component.resource(), missing_ones(&missing))
                .now("no routing control was set; traffic is where it was")
                .next("correct controlsOn and controlsOff in the plan; then start the run again"))
        }
        Decision::Set(differing) => {
            let detail = format!("routing controls must still be set {}", told(&differing));
            context.check_deadline(component.resource(), &detail, allowed_seconds)?;
            set(context, controls, component, &differing, &observed, earlier.as_ref()).await
        }
    }
}

async fn set<L: Ledger, C: RoutingControls>(
    context: &StepContext<'_, L>,
    controls: &C,
    component: &RoutingControl,
    differing: &ControlStates,
    observed: &ControlStates,
    earlier: Option<&Entry>,
) -> Result<Progress, Failure> {
    let act = Act {
        component: component.name.clone(),
        action: Action::SetRoutingControls,
        resource: component.resource().to_owned(),
        irreversible: false,
        // All of them, not only those that differ now: a later try may have to set the others.
        before: json!(observed),
        intention: format!("set {}", told(differing)),
    };
    let call = || async { controls.set(&component.cluster_endpoints, differing).await.map(|()| told(differing)) };
    match context.act(act, earlier, call).await? {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(_) => {
            Ok(in_progress(&component.name, format!("routing controls were set {}", told(differing)), 1))
        }
        Acted::Failed(error @ CallError::Refused { .. }) => Err(refused(component, &error)),
        Acted::Failed(error) => Err(error.into_failure(UPDATE, component.resource())),
    }
}

/// A refusal by a safety rule carries AWS's words, which name the rule.
fn refused(component: &RoutingControl, error: &CallError) -> Failure {
    let by_rule = error.code() == Some(SAFETY_RULE);
    let who = if by_rule { "was forbidden by a safety rule" } else { "failed" };
    let next = if by_rule {
        "bring the other controls of the rule to where it lets these be set, or set them by hand with --safety-rules-to-override; then start \
         the run again"
    } else {
        "check update-dns's role and the controls in the plan; then start the run again"
    };
    Failure::new(FailureName::TrafficFailed, component.resource(), format!("{UPDATE} {who}: {error}"))
        .now("this call set no routing control: it is taken whole or not at all")
        .next(next)
}

/// The undo of [`reconcile`]: the controls go back to the journalled states in one call, and are read back. Doing it twice is the same as
/// once. `component` says where the cluster is.
///
/// # Errors
/// `RollbackIncomplete` if they cannot go back, `AwsUnavailable` (tried again), `AwsRefused`.
pub async fn undo<C: RoutingControls>(
    controls: &C,
    component: &RoutingControl,
    entry: &Entry,
) -> Result<Progress, Failure> {
    let before: ControlStates = serde_json::from_value(entry.before.clone())
        .map_err(|error| incomplete(entry, format!("the journal's values before cannot be read: {error}")))?;
    let arns: Vec<&str> = before.keys().map(String::as_str).collect();
    let observed = controls.states(&component.cluster_endpoints, &arns).await;
    let observed = observed.map_err(|error| error.into_failure(GET, component.resource()))?;
    match decide(&before, &observed) {
        Decision::Done => Ok(done(&component.name, format!("routing controls are back: {}", told(&observed)))),
        Decision::Missing(missing) => Err(incomplete(entry, missing_ones(&missing))),
        Decision::Set(differing) => match controls.set(&component.cluster_endpoints, &differing).await {
            Ok(()) => {
                Ok(in_progress(&component.name, format!("routing controls were set back {}", told(&differing)), 1))
            }
            Err(error @ CallError::Refused { .. }) => {
                Err(incomplete(entry, format!("{UPDATE} back to {} was {error}", told(&differing))))
            }
            Err(error) => Err(error.into_failure(UPDATE, component.resource())),
        },
    }
}

fn incomplete(entry: &Entry, what: String) -> Failure {
    Failure::new(FailureName::RollbackIncomplete, &entry.resource, what)
        .now("routing controls may still lead to the recovery Region")
        .next("set them by hand to the states in the run's journal, on any endpoint of the cluster")
}

fn missing_ones(missing: &[String]) -> String {
    format!("the cluster has no routing control {}", missing.join(", "))
}

async fn observe<C: RoutingControls>(controls: &C, component: &RoutingControl) -> Result<ControlStates, Failure> {
    let arns: Vec<&str> = component.controls().collect();
    let states = controls.states(&component.cluster_endpoints, &arns).await;
    states.map_err(|error| error.into_failure(GET, component.resource()))
}
