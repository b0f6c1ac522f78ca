//! ARC routing controls, with one safety rule: how many of them must be on.

use pilot_core::decide::routing::{CONTROLS_PER_CALL_MAX, ControlState, ControlStates};
use pilot_core::plan::ClusterEndpoint;
use pilot_shell::CallError;
use pilot_shell::ports::RoutingControls;

use super::{FakeWorld, refused};

/// The controls of one cluster.
#[derive(Debug, Clone, Default)]
pub(super) struct FakeControls {
    /// By ARN.
    pub states: ControlStates,
    /// An assertion rule of the type ATLEAST over all of them: its name and how many must be on.
    pub at_least: Option<(String, usize)>,
}

impl FakeWorld {
    /// Puts a routing control into the cluster, or turns it by hand.
    pub fn put_control(&self, arn: &str, state: ControlState) {
        self.write().controls.states.insert(arn.into(), state);
    }

    /// From now on at least so many controls must be on, by a rule of this name.
    pub fn assert_controls_on(&self, rule: &str, at_least: usize) {
        self.write().controls.at_least = Some((rule.into(), at_least));
    }
}

impl RoutingControls for FakeWorld {
    async fn states(&self, _endpoints: &[ClusterEndpoint], controls: &[&str]) -> Result<ControlStates, CallError> {
        let states = &self.read().controls.states;
        Ok(controls.iter().filter_map(|arn| Some(((*arn).to_owned(), *states.get(*arn)?))).collect())
    }

    async fn set(&self, _endpoints: &[ClusterEndpoint], states: &ControlStates) -> Result<(), CallError> {
        let controls = &mut self.write().controls;
        if states.is_empty() || states.len() > CONTROLS_PER_CALL_MAX {
            return Err(refused("ValidationException", format!("{} entries are not taken", states.len())));
        }
        if let Some(arn) = states.keys().find(|arn| !controls.states.contains_key(*arn)) {
            return Err(refused("ResourceNotFoundException", format!("no routing control {arn}")));
        }
        let mut after = controls.states.clone();
        after.extend(states.clone());
        if let Some((rule, at_least)) = &controls.at_least
            && after.values().filter(|state| **state == ControlState::On).count() < *at_least
        {
            return Err(refused("ConflictException", format!("the update would violate the safety rule {rule}")));
        }
        controls.states = after;
        Ok(())
    }
}
