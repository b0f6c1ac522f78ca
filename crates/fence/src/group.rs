//! The primary's Auto Scaling group: it goes to zero.
//!
//! Its undo is that of every group that was resized, `scale_compute::auto_scaling_group::undo`, over the primary Region's
//! [`Groups`]: minimum, maximum and desired capacity go back to the journalled values.

use pilot_core::decide::fence::{Decision, decide_group};
use pilot_core::journal::Action;
use pilot_core::observed::GroupObserved;
use pilot_core::plan::{Capacity, FenceGroup};
use pilot_shell::CallError;
use pilot_shell::ports::Groups;
use serde_json::{Value, json};

use crate::item::Item;

/// Nothing runs, and nothing may be launched: with a maximum above zero a scaling policy would bring the primary back.
const NOTHING: Capacity = Capacity { min: 0, max: 0, desired: 0 };

/// A group that is fenced.
pub(crate) struct Group<'a, G> {
    pub(crate) item: &'a FenceGroup,
    pub(crate) groups: &'a G,
}

impl<G: Groups> Item for Group<'_, G> {
    const KIND: &'static str = "Auto Scaling group";
    const OBSERVING: &'static str = "autoscaling:DescribeAutoScalingGroups";
    const ACTION: Action = Action::FenceGroup;
    type Observed = GroupObserved;

    fn name(&self) -> &str {
        &self.item.name
    }

    fn resource(&self) -> &str {
        &self.item.group_name
    }

    async fn observe(&self) -> Result<Option<GroupObserved>, CallError> {
        self.groups.describe(&self.item.group_name).await
    }

    fn decide(&self, group: &GroupObserved) -> Decision {
        decide_group(group)
    }

    fn written(&self, group: &GroupObserved) -> String {
        let sizes = Capacity { min: group.min, max: group.max, desired: group.desired };
        format!("{}, {} instances left", written(sizes), group.in_service)
    }

    fn before(&self, group: &GroupObserved) -> Value {
        // The sizes only: how many instances ran is nothing that can be set.
        json!({"min": group.min, "max": group.max, "desired": group.desired})
    }

    fn intention(&self) -> String {
        format!("set to {}", written(NOTHING))
    }

    fn acting(&self, _group: &GroupObserved) -> &'static str {
        "autoscaling:UpdateAutoScalingGroup"
    }

    async fn act(&self, _group: &GroupObserved) -> Result<(), CallError> {
        self.groups.resize(&self.item.group_name, NOTHING).await
    }
}

fn written(sizes: Capacity) -> String {
    format!("min {}, max {}, desired {}", sizes.min, sizes.max, sizes.desired)
}
