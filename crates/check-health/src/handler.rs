//! One handler for the three ways in.

use http_probe::Http;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Clock, run_step};
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use serde::Serialize;
use serde_json::Value;

use crate::capacity::Capacities;
use crate::event::{self, Event};
use crate::look::{Alarms, Eyes, Instances};
use crate::{assess, capacity, probe};

/// The function's name.
pub const FUNCTION: &str = "check-health";

/// What the function works with, built once.
#[derive(Debug)]
pub struct Tools<'a, L, P, H, A, I, C> {
    /// The state table.
    pub ledger: &'a L,
    /// The plans.
    pub plans: &'a P,
    /// What it looks through.
    pub eyes: Eyes<'a, H, A, I>,
    /// What the primary has.
    pub capacities: &'a C,
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
/// `EventInvalid`, `PlanNotFound`, `PlanInvalid`, `PlanChanged`, `LeaseLost`, `PrimaryHealthy`, `PrimaryNotDown`, `AwsUnavailable`
/// (tried again), `AwsRefused`, `JournalUnavailable`. Never because the primary could not be seen: that is a verdict.
pub async fn handle<L: Ledger, P: PlanStore, H: Http, A: Alarms, I: Instances, C: Capacities>(
    event: Value,
    tools: &Tools<'_, L, P, H, A, I, C>,
) -> Result<Value, Failure> {
    let Tools { ledger, plans, eyes, capacities, clock, namespace, publish } = tools;
    match event::read(event)? {
        Event::Probe { plan } => {
            let (_, plan) = plans.newest(&plan).await?;
            let looked = probe::probe(&plan, *ledger, eyes, *clock, publish, namespace).await?;
            capacity::write_down(&plan, looked.verdict, *ledger, *capacities, clock()).await?;
            answer(&looked)
        }
        Event::Look { plan } => {
            let (_, plan) = plans.newest(&plan).await?;
            answer(&probe::look(&plan, *ledger, eyes, *clock).await?)
        }
        Event::Assess(event) => {
            let work = async |context: &pilot_shell::StepContext<'_, L>, request: &_| {
                assess::step(context, request, eyes).await
            };
            answer(&run_step(FUNCTION, event, *ledger, *plans, *clock, work).await?)
        }
    }
}

fn answer(answer: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(answer).map_err(|error| {
        Failure::new(FailureName::Misconfigured, FUNCTION, format!("the answer cannot be written as JSON: {error}"))
            .next("this is a fault of Pilot Light itself: report it with this text")
    })
}
