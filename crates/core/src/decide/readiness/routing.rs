//! Could the routing controls be turned, and are they not turned already?

use super::Readiness;
use crate::decide::routing::{ControlStates, Decision, decide, told, wanted};
use crate::plan::RoutingControl;

/// Whether every control is there: what does not depend on how the primary is.
pub fn controls(component: &RoutingControl, observed: &ControlStates) -> Readiness {
    match decide(&wanted(component), observed) {
        Decision::Missing(missing) => Readiness::Problem(format!(
            "the cluster has no routing control {}; make it, or correct controlsOn and controlsOff",
            missing.join(", ")
        )),
        Decision::Done | Decision::Set(_) => Readiness::Ready(format!("routing controls are {}", told(observed))),
    }
}

/// The same while the primary is well: then the controls must not lead to the recovery Region already.
pub fn unturned(component: &RoutingControl, observed: &ControlStates) -> Readiness {
    match decide(&wanted(component), observed) {
        Decision::Done => Readiness::Problem(format!(
            "routing controls are {}: the traffic is switched already; turn them back once clients may go back",
            told(observed)
        )),
        Decision::Missing(_) | Decision::Set(_) => controls(component, observed),
    }
}
