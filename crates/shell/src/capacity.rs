//! What the primary last had, as a run uses it: read once, and kept as the run's evidence, so that its targets do not move while it is under way.

use pilot_core::decide::last_known::LastKnown;
use pilot_core::{Failure, FailureName};
use serde_json::json;

use crate::StepContext;
use crate::ledger::Ledger;

/// The evidence's name. A run that goes on with another one's journal takes it up.
pub const EVIDENCE: &str = "capacity";

/// What the primary last had, as it was when this run first asked. Of a plan that wants no share of it nothing is read.
///
/// # Errors
/// `JournalUnavailable`, `AwsUnavailable`, `AwsRefused`.
pub async fn pinned<L: Ledger>(context: &StepContext<'_, L>) -> Result<LastKnown, Failure> {
    if context.plan.compute.iter().all(|component| component.share().is_none()) {
        return Ok(LastKnown::default());
    }
    let run_id = &context.run.run_id;
    if let Some(pinned) = context.ledger.evidence(run_id).await?.remove(EVIDENCE) {
        return serde_json::from_value(pinned).map_err(|error| unreadable(run_id, &error));
    }
    let known = context.ledger.capacity(&context.plan.metadata.name).await?;
    context.ledger.keep_evidence(run_id, EVIDENCE, &json!(known)).await?;
    Ok(known)
}

fn unreadable(run_id: &str, error: &serde_json::Error) -> Failure {
    Failure::new(FailureName::JournalUnavailable, run_id, format!("its evidence `{EVIDENCE}` cannot be read: {error}"))
        .now("this invocation changed nothing")
        .next("look at that evidence in the state table; without it the run takes the newest record")
}
