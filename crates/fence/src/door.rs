//! A door: whatever has security groups that admit clients. How it is closed and opened again is the same for every kind.

use std::future::Future;

use pilot_core::decide::fence::{Decision, decide_door, door_is_back};
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::DoorObserved;
use pilot_core::{Failure, FailureName};
use pilot_shell::CallError;
use pilot_shell::waves::{Progress, done, in_progress};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::item::Item;

/// How soon a door that was set back, and is not seen to be, is looked at again.
const OPENING_LOOK_SECONDS: u32 = 2;

/// A resource with security groups.
pub(crate) trait Door {
    /// See [`Item::KIND`].
    const KIND: &'static str;
    /// See [`Item::OBSERVING`].
    const OBSERVING: &'static str;
    /// The call that sets its security groups, as IAM writes it.
    const ACTING: &'static str;
    /// See [`Item::ACTION`].
    const ACTION: Action;
    /// The act that opens it again, as the journal writes it.
    const LIFTING: Action;

    /// The resource, by identifier.
    fn resource(&self) -> &str;
    /// Looks at it.
    fn look(&self) -> impl Future<Output = Result<Option<DoorObserved>, CallError>>;
    /// Sets its security groups, all of them at once.
    fn set(&self, security_group_ids: &[String]) -> impl Future<Output = Result<(), CallError>>;
    /// See [`Item::is_busy`].
    fn is_busy(_code: &str) -> bool {
        false
    }
}

/// A door that is to be closed, or - on the way home - to be opened again: it gets these security groups.
pub(crate) struct Turning<'a, D, const OPENS: bool> {
    pub(crate) name: &'a str,
    pub(crate) group_ids: &'a [String],
    pub(crate) door: D,
}

impl<D: Door, const OPENS: bool> Item for Turning<'_, D, OPENS> {
    const KIND: &'static str = D::KIND;
    const OBSERVING: &'static str = D::OBSERVING;
    const ACTION: Action = if OPENS { D::LIFTING } else { D::ACTION };
    type Observed = DoorObserved;

    fn name(&self) -> &str {
        self.name
    }

    fn resource(&self) -> &str {
        self.door.resource()
    }

    async fn observe(&self) -> Result<Option<DoorObserved>, CallError> {
        self.door.look().await
    }

    fn decide(&self, door: &DoorObserved) -> Decision {
        decide_door(door, self.group_ids)
    }

    fn written(&self, door: &DoorObserved) -> String {
        written(door)
    }

    fn before(&self, door: &DoorObserved) -> Value {
        json!(Before { security_group_ids: door.security_group_ids.clone() })
    }

    fn intention(&self) -> String {
        format!("{} with {}", if OPENS { "opened" } else { "closed" }, self.group_ids.join(", "))
    }

    fn acting(&self, _door: &DoorObserved) -> &'static str {
        D::ACTING
    }

    async fn act(&self, _door: &DoorObserved) -> Result<(), CallError> {
        self.door.set(self.group_ids).await
    }

    fn is_busy(&self, code: &str) -> bool {
        D::is_busy(code)
    }
}

/// The values before, as the journal has them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Before {
    security_group_ids: Vec<String>,
}

/// The undo of every door: the security groups go back to exactly the journalled ones, and are seen to be there. Doing it twice is the
/// same as once.
pub(crate) async fn undo<D: Door>(door: &D, entry: &Entry) -> Result<Progress, Failure> {
    let resource = door.resource();
    let Before { security_group_ids: before } = serde_json::from_value(entry.before.clone())
        .map_err(|error| incomplete(resource, format!("the journal's values before cannot be read: {error}")))?;
    let observed = observe(door).await?;
    if door_is_back(&observed, &before) {
        return Ok(back(entry, &observed));
    }
    match door.set(&before).await {
        Ok(()) => {}
        Err(CallError::Refused { code, message }) if D::is_busy(&code) => {
            let detail = format!("{} was put off with {code}: {message}", D::ACTING);
            return Ok(in_progress(&entry.component, detail, OPENING_LOOK_SECONDS));
        }
        Err(error @ CallError::Refused { .. }) => {
            return Err(incomplete(resource, format!("setting it back to {} was {error}", before.join(", "))));
        }
        Err(error) => return Err(error.into_failure(D::ACTING, resource)),
    }
    // That the call was accepted is not that the values are back.
    let observed = observe(door).await?;
    Ok(if door_is_back(&observed, &before) {
        back(entry, &observed)
    } else {
        let detail = format!("set back to {}, not seen yet", before.join(", "));
        in_progress(&entry.component, detail, OPENING_LOOK_SECONDS)
    })
}

async fn observe<D: Door>(door: &D) -> Result<DoorObserved, Failure> {
    let observed = door.look().await.map_err(|error| error.into_failure(D::OBSERVING, door.resource()))?;
    observed.ok_or_else(|| incomplete(door.resource(), format!("there is no such {} any more", D::KIND)))
}

fn back(entry: &Entry, door: &DoorObserved) -> Progress {
    done(&entry.component, format!("back at {}", written(door)))
}

fn written(door: &DoorObserved) -> String {
    let in_force = if door.in_force { "" } else { ", not in force yet" };
    format!("security groups {}{in_force}", door.security_group_ids.join(", "))
}

fn incomplete(resource: &str, what: String) -> Failure {
    Failure::new(FailureName::RollbackIncomplete, resource, what)
        .now("the primary's door keeps the security group that admits nobody")
        .next("give it back the security groups in the run's journal by hand")
}
