//! The step `shift-traffic`: every traffic component of the plan, wave by wave.

use pilot_core::Failure;
use pilot_core::contract::{StepRequest, StepResponse};
use pilot_core::plan::Traffic;
use pilot_shell::StepContext;
use pilot_shell::context::{Clock, run_step};
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use pilot_shell::ports::{Records, RoutingControls, StopObjects};
use pilot_shell::waves;
use serde_json::Value;

use crate::{route53_records, routing_control, stop_object};

/// The function's name.
pub const FUNCTION: &str = "update-dns";

/// One invocation.
///
/// # Errors
/// `EventInvalid`, `PlanInvalid`, `PlanChanged`, `LeaseLost`, `TrafficFailed`, `StepDeadlineExceeded`, `AwsUnavailable` (tried again),
/// `AwsRefused`, `JournalUnavailable`.
pub async fn handle<L: Ledger, P: PlanStore, S: StopObjects, R: Records, C: RoutingControls>(
    event: Value,
    ledger: &L,
    plans: &P,
    objects: &S,
    records: &R,
    controls: &C,
    clock: Clock,
) -> Result<StepResponse, Failure> {
    let work = async |context: &StepContext<'_, L>, _: &StepRequest| {
        waves::reconcile(&context.plan.traffic, async |traffic: &Traffic, allowed_seconds| match traffic {
            Traffic::StopObject(object) => stop_object::reconcile(context, objects, object, allowed_seconds).await,
            Traffic::RoutingControl(component) => {
                routing_control::reconcile(context, controls, component, allowed_seconds).await
            }
            Traffic::Route53Records(component) => {
                route53_records::reconcile(context, records, component, allowed_seconds).await
            }
        })
        .await
    };
    run_step(FUNCTION, event, ledger, plans, clock, work).await
}
