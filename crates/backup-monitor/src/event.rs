//! What the function is asked for, told apart by the event.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use pilot_core::contract::read_event;
use pilot_core::decide::backup::{self, News};
use pilot_core::{Failure, FailureName};
use serde::Deserialize;
use serde_json::Value;

use crate::handler::FUNCTION;

/// What the function is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// AWS Backup tells of a change.
    Changed(Box<News>),
    /// The schedule: look for yourself.
    Reconcile {
        /// The plan's name.
        plan: String,
    },
}

/// The schedule's constant input: `{"reconcile":{"plan":"NAME"}}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReconcileEvent {
    reconcile: Target,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    plan: String,
}

/// Reads an event.
///
/// # Errors
/// `EventInvalid`, for whatever is neither, and for changes of a kind or state it does not know: AWS adds some now and then, and a
/// refused event lies in the dead-letter queue where somebody sees it.
pub fn read(event: Value) -> Result<Event, Failure> {
    if event.get("reconcile").is_some() {
        return read_event::<ReconcileEvent>(FUNCTION, event)
            .map(|event| Event::Reconcile { plan: event.reconcile.plan });
    }
    let envelope: EventBridgeEvent<Value> = read_event(FUNCTION, event)?;
    if envelope.source != "aws.backup" {
        return Err(refused(format!("source {:?} is not \"aws.backup\"", envelope.source)));
    }
    let resources = envelope.resources.unwrap_or_default();
    let news = backup::read(&envelope.detail_type, &resources, &envelope.detail).map_err(refused)?;
    Ok(Event::Changed(Box::new(news)))
}

fn refused(what: String) -> Failure {
    Failure::new(FailureName::EventInvalid, FUNCTION, format!("the event is not what {FUNCTION} takes: {what}"))
        .now("nothing was touched")
        .next(format!("compare the event with the samples in events/{FUNCTION}/"))
}
