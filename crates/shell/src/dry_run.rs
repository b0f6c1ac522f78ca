//! A dry run: the whole machine is walked, nothing is changed, and every decision is kept.
//!
//! Where a real run would wait for the effect of an act that was not done, or would end with a refusal, the dry run says so and walks on:
//! a person wants to see all of the way, not only the first thing that stands in it.

use std::collections::BTreeSet;

use pilot_core::contract::{Assessment, ComponentProgress, Status, Step, StepResponse, WouldDo};
use pilot_core::{Failure, FailureName};
use serde_json::Value;

use crate::context::StepContext;
use crate::ledger::Ledger;

/// The name of the evidence that a decision is kept under begins with this.
pub const DECISION: &str = "decision#";

/// What ends a dry run too: it could not look, or must not.
const ENDS_IT: &[FailureName] = &[
    FailureName::AwsUnavailable,
    FailureName::EventInvalid,
    FailureName::JournalUnavailable,
    FailureName::LeaseLost,
    FailureName::PlanChanged,
    FailureName::PlanInvalid,
    FailureName::PlanNotFound,
];

/// Keeps a decision.
///
/// # Errors
/// The ledger's.
pub async fn keep<L: Ledger>(ledger: &L, run_id: &str, decision: &WouldDo) -> Result<(), Failure> {
    let name = format!("{DECISION}{}#{}#{}", decision.step.as_str(), decision.component, decision.action);
    let document = serde_json::to_value(decision).unwrap_or(Value::Null);
    ledger.keep_evidence(run_id, &name, &document).await
}

/// Turns what a step came to into a step that is done, and keeps what stood in the way.
///
/// # Errors
/// What ends a dry run too, and the ledger's.
pub(crate) async fn walk_on<L: Ledger>(
    context: &StepContext<'_, L>,
    result: Result<StepResponse, Failure>,
) -> Result<StepResponse, Failure> {
    let mut response = match result {
        Ok(response) => response,
        Err(failure) if ENDS_IT.contains(&failure.name) => return Err(failure),
        Err(failure) => {
            keep(context.ledger, &context.run.run_id, &stands_in_the_way(context, &failure)).await?;
            let step = context.step.name.as_str();
            let detail = format!("dry run: a real run would end here: {failure}");
            StepResponse::of(vec![(ComponentProgress { name: step.to_owned(), status: Status::Done, detail }, 1)])
        }
    };
    let rehearsed = rehearsed(context, &response).await?;
    let waits = |c: &&mut ComponentProgress| c.status == Status::InProgress && !rehearsed.contains(&c.name);
    for component in response.components.iter_mut().filter(waits) {
        component.status = Status::Done;
        component.detail = format!("dry run: would wait: {}", component.detail);
    }
    // What the dry run itself started is waited for.
    response.status = if rehearsed.is_empty() { Status::Done } else { Status::InProgress };
    if context.step.name == Step::Assess && response.assessment.is_none() {
        // Nobody decided, but the steps after it need a time to reckon from.
        let now = context.now();
        response.assessment = Some(Assessment { incident_at: now, last_healthy_at: Some(now), decided_at: now });
    }
    Ok(response)
}

/// The hooks on their way that were started for this dry run, because their plan says that they know one.
async fn rehearsed<L: Ledger>(
    context: &StepContext<'_, L>,
    response: &StepResponse,
) -> Result<BTreeSet<String>, Failure> {
    let knows = |name: &str| context.plan.compute.iter().any(|c| c.name() == name && c.dry_run_call());
    let moving = response.components.iter().filter(|c| c.status == Status::InProgress && knows(&c.name));
    let mut names: BTreeSet<String> = moving.map(|c| c.name.clone()).collect();
    if !names.is_empty() {
        let journal = context.ledger.entries(&context.run.run_id).await?;
        // One that waits for an earlier wave, which a dry run does not bring up, would wait for ever.
        names.retain(|name| journal.iter().any(|e| e.step == context.step.name && &e.component == name));
    }
    Ok(names)
}

fn stands_in_the_way<L: Ledger>(context: &StepContext<'_, L>, failure: &Failure) -> WouldDo {
    WouldDo {
        step: context.step.name,
        component: context.step.name.as_str().to_owned(),
        action: "end".into(),
        resource: failure.resource.clone(),
        detail: failure.to_string(),
        irreversible: false,
        before: Value::Null,
        at: context.now(),
    }
}
