//! One handler for the four ways in.

use http_probe::Http;
use pilot_core::contract::{Step, StepRequest, StepResponse};
use pilot_core::decide::last_known::LastKnown;
use pilot_core::{Failure, FailureName};
use pilot_shell::StepContext;
use pilot_shell::context::{Clock, run_step};
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use serde::Serialize;
use serde_json::Value;

use crate::event::{self, Event};
use crate::ports::{Dns, Eyes, Region};
use crate::{proof, readiness, ready, verify};

/// The function's name.
pub const FUNCTION: &str = "validate";

/// What the function works with, built once.
#[derive(Debug)]
pub struct Tools<'a, L, P, R, H, D> {
    /// The state table.
    pub ledger: &'a L,
    /// The plans.
    pub plans: &'a P,
    /// What it looks through.
    pub eyes: Eyes<'a, R, H, D>,
    /// The clock.
    pub clock: Clock,
    /// The metrics' namespace.
    pub namespace: &'a str,
    /// Where metrics go.
    pub publish: fn(&Value),
}

/// One invocation.
///
/// # Errors
/// `EventInvalid`, `PlanNotFound`, `PlanInvalid`, `PlanChanged`, `LeaseLost`, `NotReady`, `DataLossTooHigh`, `ValidationFailed`,
/// `TrafficFailed`, `StepDeadlineExceeded`, `AwsUnavailable` (tried again), `AwsRefused`, `JournalUnavailable`.
pub async fn handle<L: Ledger, P: PlanStore, R: Region, H: Http, D: Dns>(
    event: Value,
    tools: &Tools<'_, L, P, R, H, D>,
) -> Result<Value, Failure> {
    match event::read(event)? {
        Event::Readiness { plan } => {
            let (_, plan) = tools.plans.newest(&plan).await?;
            let now = (tools.clock)();
            // Of a plan that wants no share of the primary's capacity nothing is read.
            let known = if plan.compute.iter().any(|component| component.share().is_some()) {
                tools.ledger.capacity(&plan.metadata.name).await?
            } else {
                LastKnown::default()
            };
            answer(&readiness::report(&plan, tools.eyes.region, &known, now, tools.publish, tools.namespace).await?)
        }
        Event::Step(step, event) => {
            let work = async |context: &StepContext<'_, L>, request: &StepRequest| {
                dispatch(step, context, request, &tools.eyes).await
            };
            answer(&run_step(FUNCTION, event, tools.ledger, tools.plans, tools.clock, work).await?)
        }
    }
}

async fn dispatch<L: Ledger, R: Region, H: Http, D: Dns>(
    step: Step,
    context: &StepContext<'_, L>,
    request: &StepRequest,
    eyes: &Eyes<'_, R, H, D>,
) -> Result<StepResponse, Failure> {
    match (step, &request.assessment) {
        (Step::Ready, Some(assessment)) => ready::step(context, assessment, eyes.region).await,
        (Step::Verify, _) => verify::step(context, eyes).await,
        // `event::read` lets nothing else through than these three.
        _ => proof::step(context, eyes).await,
    }
}

fn answer(answer: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(answer).map_err(|error| {
        Failure::new(FailureName::Misconfigured, FUNCTION, format!("the answer cannot be written as JSON: {error}"))
            .next("this is a fault of Pilot Light itself: report it with this text")
    })
}
