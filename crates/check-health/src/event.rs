//! What the function is asked for, told apart by the event.

use pilot_core::Failure;
use pilot_core::contract::{StepRequest, read_event};
use serde::Deserialize;
use serde_json::Value;

use crate::handler::FUNCTION;

/// What the function is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The schedule: look, publish, remember.
    Probe {
        /// The plan's name.
        plan: String,
    },
    /// A person: look, and write nothing.
    Look {
        /// The plan's name.
        plan: String,
    },
    /// The step `assess` of a run; the event as it came.
    Assess(Value),
}

/// The schedule's constant input: `{"probe":{"plan":"NAME"}}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProbeEvent {
    probe: Target,
}

/// `{"look":{"plan":"NAME"}}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LookEvent {
    look: Target,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    plan: String,
}

/// Reads an event.
///
/// # Errors
/// `EventInvalid`, for whatever is neither of the three.
pub fn read(event: Value) -> Result<Event, Failure> {
    if event.get("probe").is_some() {
        read_event::<ProbeEvent>(FUNCTION, event).map(|event| Event::Probe { plan: event.probe.plan })
    } else if event.get("look").is_some() {
        read_event::<LookEvent>(FUNCTION, event).map(|event| Event::Look { plan: event.look.plan })
    } else {
        read_event::<StepRequest>(FUNCTION, event.clone()).map(|_| Event::Assess(event))
    }
}
