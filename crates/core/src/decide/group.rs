//! An Auto Scaling group on its way to its capacity.
//!
//! Desired capacity is an intention: during the October 2025 event launches failed for hours behind a good answer of the API. Only
//! instances `InService` and healthy count. A group that already has more than the plan asks for keeps it.

use crate::observed::GroupObserved;
use crate::plan::Capacity;
use crate::{Failure, FailureName};

/// What to do with the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Enough instances are in service.
    Done,
    /// Set these sizes, all three at once (a desired capacity above the maximum is refused by AWS).
    Resize(Capacity),
    /// Instances are on their way.
    Wait {
        /// How many are in service so far.
        in_service: u32,
    },
    /// There is no such group.
    Fail(Box<Failure>),
}

/// Decides from the group as described (`None`: no such group).
pub fn decide(group_name: &str, observed: Option<&GroupObserved>, target: Capacity) -> Decision {
    let Some(group) = observed else {
        return Decision::Fail(Box::new(
            Failure::new(FailureName::ComputeFailed, group_name, "the recovery Region has no such Auto Scaling group")
                .next("correct groupName in the plan, or deploy the group"),
        ));
    };
    let sizes = Capacity {
        min: group.min.max(target.min),
        max: group.max.max(target.max),
        desired: group.desired.max(target.desired),
    };
    if (sizes.min, sizes.max, sizes.desired) != (group.min, group.max, group.desired) {
        Decision::Resize(sizes)
    } else if group.in_service >= target.desired {
        Decision::Done
    } else {
        Decision::Wait { in_service: group.in_service }
    }
}

/// Decides how a group comes to rest: exactly at these sizes, with no more in service than desired.
pub fn decide_rest(group_name: &str, observed: Option<&GroupObserved>, resting: Capacity) -> Decision {
    match observed {
        Some(group) if (group.min, group.max, group.desired) != (resting.min, resting.max, resting.desired) => {
            Decision::Resize(resting)
        }
        Some(group) if group.in_service > resting.desired => Decision::Wait { in_service: group.in_service },
        Some(_) => Decision::Done,
        // The sentence is the same: a group that is not there can neither serve nor rest.
        None => decide(group_name, None, resting),
    }
}

/// What the undo does: nothing once the sizes are the journalled ones.
pub fn decide_undo(observed: &GroupObserved, before: &GroupObserved) -> Option<Capacity> {
    let sizes = |g: &GroupObserved| (g.min, g.max, g.desired);
    (sizes(observed) != sizes(before)).then_some(Capacity { min: before.min, max: before.max, desired: before.desired })
}

#[cfg(test)]
mod tests;
