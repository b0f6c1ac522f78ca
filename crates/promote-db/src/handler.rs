//! The step `promote-data`: every database of the plan, wave by wave.

use pilot_core::contract::{StepRequest, StepResponse, read_event};
use pilot_core::plan::Database;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Clock, run_step};
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use pilot_shell::ports::Replicas;
use pilot_shell::waves;
use serde_json::Value;

use crate::rds_read_replica;

/// The function's name.
pub const FUNCTION: &str = "promote-db";

/// One invocation.
///
/// # Errors
/// `EventInvalid`, `PlanInvalid`, `PlanChanged`, `LeaseLost`, `DataLossTooHigh`, `PromotionRefused`, `PromotionFailed`,
/// `StepDeadlineExceeded`, `AwsUnavailable` (tried again), `AwsRefused`, `JournalUnavailable`.
pub async fn handle<L: Ledger, P: PlanStore, R: Replicas>(
    event: Value,
    ledger: &L,
    plans: &P,
    replicas: &R,
    clock: Clock,
) -> Result<StepResponse, Failure> {
    // Before the lease is so much as prolonged: a bad event changes nothing at all.
    let request: StepRequest = read_event(FUNCTION, event.clone())?;
    let assessment = request.assessment.ok_or_else(no_assessment)?;
    run_step(FUNCTION, event, ledger, plans, clock, async |context, _| {
        waves::reconcile(&context.plan.databases, async |database: &Database, allowed_seconds| match database {
            Database::RdsReadReplica(replica) => {
                // The loss is counted up to the first failing look: the later end of the doubt about when the incident
                // began, so that the estimate is not below the loss.
                rds_read_replica::reconcile(context, replicas, replica, &assessment, allowed_seconds).await
            }
        })
        .await
    })
    .await
}

fn no_assessment() -> Failure {
    Failure::new(FailureName::EventInvalid, FUNCTION, "the event carries no assessment: nobody judged the primary")
        .now("nothing was touched")
        .next("start a run; promote-db is called by the state machine after assess")
}
