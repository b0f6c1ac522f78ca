//! Routing controls, on whichever endpoint of their cluster answers.

use std::future::Future;

use pilot_core::decide::routing::ControlStates;
use pilot_core::plan::ClusterEndpoint;

use crate::CallError;

/// Routing controls of ARC clusters. Each call goes to one endpoint after the other, from anywhere in the list, until one answers; what
/// comes back as an error is the answer that no other endpoint would give differently, or that of the last one.
pub trait RoutingControls {
    /// `route53-recovery-cluster:GetRoutingControlState` of each; a control that does not exist is not in the answer.
    fn states(
        &self,
        endpoints: &[ClusterEndpoint],
        controls: &[&str],
    ) -> impl Future<Output = Result<ControlStates, CallError>>;
    /// `route53-recovery-cluster:UpdateRoutingControlStates`, all of them in one call (at most 10), no safety rule overridden. A rule that
    /// forbids it refuses with `ConflictException`.
    fn set(&self, endpoints: &[ClusterEndpoint], states: &ControlStates)
    -> impl Future<Output = Result<(), CallError>>;
}
