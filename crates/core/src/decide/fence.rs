//! Is the old primary fenced? Item by item, and as a whole.
//!
//! A Region that is gone cannot be fenced from outside, and waiting for it costs the recovery time. So the items are bounded: with
//! `bestEffort` an item that could not be reached twice is given up, with `required` it is tried until the fence's time is over.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::observed::{DoorObserved, GroupObserved, ScalableTarget, ServiceObserved};
use crate::plan::FencePolicy;
use crate::{Failure, FailureName};

/// How often an unreachable item is tried when the fence is best effort.
pub const BEST_EFFORT_LOOKS_MAX: u32 = 2;

/// What to do with one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is fenced, and was seen to be.
    Done,
    /// It is set, and its effect is on its way.
    Wait,
    /// Set it.
    Act,
}

/// The primary's group: nothing may run, and nothing may be launched.
pub fn decide_group(group: &GroupObserved) -> Decision {
    match (group.min, group.max, group.desired, group.in_service) {
        (0, 0, 0, 0) => Decision::Done,
        (0, 0, 0, _) => Decision::Wait,
        _ => Decision::Act,
    }
}

/// What a fenced service's scalable target is set to: with a maximum above zero a scaling policy would bring the primary back.
pub const NO_CAPACITY: ScalableTarget = ScalableTarget { min: 0, max: 0 };

/// The primary's service: nothing may run, and nothing may be launched.
pub fn decide_service(service: &ServiceObserved) -> Decision {
    let nothing_may_run = service.desired == 0 && service.target.is_none_or(|target| target == NO_CAPACITY);
    match (nothing_may_run, service.running) {
        (true, 0) => Decision::Done,
        (true, _) => Decision::Wait,
        (false, _) => Decision::Act,
    }
}

/// A door: as it is to be once it has exactly these security groups - to be closed, one that admits nobody - and they are in force.
pub fn decide_door(door: &DoorObserved, group_ids: &[String]) -> Decision {
    match (door_is_back(door, group_ids), door.in_force) {
        (true, true) => Decision::Done,
        (true, false) => Decision::Wait,
        (false, _) => Decision::Act,
    }
}

/// Whether a door is back at the journalled groups. Their order means nothing, nor whether they are in force already: AWS has taken them.
pub fn door_is_back(door: &DoorObserved, before: &[String]) -> bool {
    let sorted = |ids: &[String]| {
        let mut ids = ids.to_vec();
        ids.sort();
        ids
    };
    sorted(&door.security_group_ids) == sorted(before)
}

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ItemState {
    /// Fenced, and seen to be.
    Done,
    /// Set, or to be tried again.
    InProgress,
    /// AWS refused for now: the resource is in a state that does not take the change. What one look showed; never the end of an item.
    Busy,
    /// The primary Region's API did not answer.
    Unreachable,
    /// AWS refused, or there is no such resource.
    Refused,
}

impl ItemState {
    /// As reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            ItemState::Done => "done",
            ItemState::InProgress => "in progress",
            ItemState::Busy => "busy",
            ItemState::Unreachable => "unreachable",
            ItemState::Refused => "refused",
        }
    }
}

/// One item, as the evidence keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemRecord {
    /// The item's name in the plan.
    pub name: String,
    /// The resource, by identifier.
    pub resource: String,
    /// How far it is.
    pub state: ItemState,
    /// What was seen.
    pub detail: String,
    /// How often it was looked at.
    pub looks: u32,
    /// When it was looked at last.
    pub at: Timestamp,
}

/// What one look at an item came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// How far the item is, by this look alone.
    pub state: ItemState,
    /// What was seen.
    pub detail: String,
}

/// The item's new record: unreachable and busy are final only when it was tried often enough, and nothing is in progress after the fence's
/// time. A dead instance is busy for ever, and must not cost a recovery more than a dead Region does.
pub fn settle(
    policy: FencePolicy,
    earlier: Option<&ItemRecord>,
    name: &str,
    resource: &str,
    seen: Seen,
    now: Timestamp,
    time_is_over: bool,
) -> ItemRecord {
    let looks = earlier.map_or(0, |record| record.looks) + 1;
    let give_up = time_is_over || (policy == FencePolicy::BestEffort && looks >= BEST_EFFORT_LOOKS_MAX);
    let (state, detail) = match seen.state {
        ItemState::Busy if give_up => (ItemState::Refused, seen.detail),
        ItemState::Unreachable | ItemState::Busy if !give_up => {
            (ItemState::InProgress, format!("{}; tried again", seen.detail))
        }
        ItemState::InProgress if time_is_over => {
            (ItemState::Unreachable, format!("not seen to be done in time: {}", seen.detail))
        }
        state => (state, seen.detail),
    };
    ItemRecord { name: name.to_owned(), resource: resource.to_owned(), state, detail, looks, at: now }
}

/// The fence as the evidence keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FenceEvidence {
    /// The plan's policy.
    pub policy: FencePolicy,
    /// Whether every item is seen to be fenced. A plan without items is not fenced.
    pub achieved: bool,
    /// How long the fence took: the time that a dead primary cost.
    pub seconds: i64,
    /// Item by item.
    pub items: Vec<ItemRecord>,
}

impl FenceEvidence {
    /// Whether nothing is in progress any more.
    pub fn is_settled(&self) -> bool {
        self.items.iter().all(|item| item.state != ItemState::InProgress)
    }

    /// Whether the run may go on.
    ///
    /// # Errors
    /// [`FailureName::FenceNotAchieved`], naming the items.
    pub fn check(&self, workload: &str) -> Result<(), Failure> {
        if self.achieved || self.policy == FencePolicy::BestEffort {
            return Ok(());
        }
        let open = self.items.iter().filter(|item| item.state != ItemState::Done);
        let open: Vec<String> =
            open.map(|item| format!("{} ({}: {})", item.name, item.state.as_str(), item.detail)).collect();
        Err(Failure::new(
            FailureName::FenceNotAchieved,
            workload,
            format!("the fence is required, and the old primary may still take writes at {}", open.join("; ")),
        )
        .now("nothing was promoted; what was fenced is put back")
        .next("make sure by other means that the old primary takes no writes; then set fence.policy to bestEffort and start again"))
    }
}

#[cfg(test)]
mod tests;
