//! Routing controls on their way to leading to the recovery Region.
//!
//! AWS behaviour relied on (API reference, `UpdateRoutingControlStates`): a call takes at most 10 controls, and takes effect whole or not at
//! all; safety rules are held against what is true after all of it; setting a control to the state it has already is no error.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::RoutingControl;

/// The most controls one call takes.
pub const CONTROLS_PER_CALL_MAX: usize = 10;

/// A routing control's state, as AWS and the journal write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ControlState {
    /// Health checks that follow it are healthy: it lets traffic through.
    On,
    /// They are unhealthy: it lets none through.
    Off,
}

impl ControlState {
    /// The state as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ControlState::On => "On",
            ControlState::Off => "Off",
        }
    }
}

/// States by the control's ARN; a control that does not exist is not in it.
pub type ControlStates = BTreeMap<String, ControlState>;

/// What to do with the controls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// All are as wanted.
    Done,
    /// Set these, all in one call.
    Set(ControlStates),
    /// These do not exist: nothing is set.
    Missing(Vec<String>),
}

/// The states a component wants.
pub fn wanted(component: &RoutingControl) -> ControlStates {
    let on = component.controls_on.iter().map(|arn| (arn.clone(), ControlState::On));
    on.chain(component.controls_off.iter().map(|arn| (arn.clone(), ControlState::Off))).collect()
}

/// Decides from the states as read: both the way there (`wanted` by the plan) and the undo (`wanted` by the journal).
pub fn decide(wanted: &ControlStates, observed: &ControlStates) -> Decision {
    let missing: Vec<String> = wanted.keys().filter(|arn| !observed.contains_key(*arn)).cloned().collect();
    if !missing.is_empty() {
        return Decision::Missing(missing);
    }
    let differing: ControlStates =
        wanted.iter().filter(|(arn, state)| observed.get(*arn) != Some(state)).map(|(a, s)| (a.clone(), *s)).collect();
    if differing.is_empty() { Decision::Done } else { Decision::Set(differing) }
}

/// States for people: `On: a, b; Off: c`, each control by the id that ends its ARN.
pub fn told(states: &ControlStates) -> String {
    let of = |state: ControlState| {
        let ids: Vec<&str> =
            states.iter().filter(|(_, s)| **s == state).filter_map(|(arn, _)| arn.rsplit('/').next()).collect();
        (!ids.is_empty()).then(|| format!("{}: {}", state.as_str(), ids.join(", ")))
    };
    let parts: Vec<String> = [ControlState::On, ControlState::Off].into_iter().filter_map(of).collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests;
