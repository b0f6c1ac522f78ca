//! The primary Region: the only one of a plan that a function acts in without living there.

use std::future::Future;

use pilot_shell::ports::{Groups, InstanceDoors, LoadBalancers, Services};

/// Primary Regions by name: which one it is stands in the plan, which is read only once an event is there.
pub trait Primaries {
    /// What the fence, and its undo, need there.
    type Region: Groups + Services + LoadBalancers + InstanceDoors;

    /// The Region of this name. Nothing is asked of it yet, so it is handed out however dead it is.
    fn region(&self, name: &str) -> impl Future<Output = Self::Region>;
}
