//! What the function is asked for, told apart by the event.

use pilot_core::contract::{Step, StepRequest, read_event};
use pilot_core::{Failure, FailureName};
use serde::Deserialize;
use serde_json::Value;

use crate::handler::FUNCTION;

/// What the function is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The schedule: could we fail over now?
    Readiness {
        /// The plan's name.
        plan: String,
    },
    /// A step of a run; the event as it came.
    Step(Step, Value),
}

/// The schedule's constant input: `{"readiness":{"plan":"NAME"}}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadinessEvent {
    readiness: Target,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    plan: String,
}

/// Reads an event.
///
/// # Errors
/// `EventInvalid`: neither of the four, or `ready` without an assessment.
pub fn read(event: Value) -> Result<Event, Failure> {
    if event.get("readiness").is_some() {
        return read_event::<ReadinessEvent>(FUNCTION, event).map(|e| Event::Readiness { plan: e.readiness.plan });
    }
    let request: StepRequest = read_event(FUNCTION, event.clone())?;
    match request.step.name {
        Step::Ready if request.assessment.is_none() => {
            Err(refused("`ready` carries no assessment: nobody judged the primary"))
        }
        step @ (Step::Ready | Step::Validate | Step::Verify) => Ok(Event::Step(step, event)),
        other => Err(refused(&format!("the step is {}, {FUNCTION} does ready, validate and verify", other.as_str()))),
    }
}

fn refused(what: &str) -> Failure {
    Failure::new(FailureName::EventInvalid, FUNCTION, what)
        .now("nothing was touched")
        .next(format!("compare the event with the samples in events/{FUNCTION}/"))
}
