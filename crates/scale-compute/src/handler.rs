//! The step `scale-compute`: every compute component of the plan, wave by wave.

use pilot_core::Failure;
use pilot_core::contract::StepResponse;
use pilot_core::plan::Compute;
use pilot_shell::context::{Clock, run_step};
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use pilot_shell::ports::Groups;
use pilot_shell::waves;
use serde_json::Value;

use crate::auto_scaling_group;

/// The function's name.
pub const FUNCTION: &str = "scale-compute";

/// One invocation.
///
/// # Errors
/// `EventInvalid`, `PlanInvalid`, `PlanChanged`, `LeaseLost`, `ComputeFailed`, `StepDeadlineExceeded`, `AwsUnavailable` (tried again),
/// `AwsRefused`, `JournalUnavailable`.
pub async fn handle<L: Ledger, P: PlanStore, G: Groups>(
    event: Value,
    ledger: &L,
    plans: &P,
    groups: &G,
    clock: Clock,
) -> Result<StepResponse, Failure> {
    run_step(FUNCTION, event, ledger, plans, clock, async |context, _| {
        waves::reconcile(&context.plan.compute, async |compute: &Compute, allowed_seconds| match compute {
            Compute::AutoScalingGroup(group) => {
                auto_scaling_group::reconcile(context, groups, group, allowed_seconds).await
            }
        })
        .await
    })
    .await
}
