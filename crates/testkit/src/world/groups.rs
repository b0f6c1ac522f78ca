//! Auto Scaling groups: the sizes are an intention, the instances come later.

use pilot_core::observed::GroupObserved;
use pilot_core::plan::Capacity;
use pilot_shell::CallError;
use pilot_shell::ports::Groups;

use super::{FakeWorld, refused};

/// An Auto Scaling group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FakeGroup {
    /// Its sizes.
    pub sizes: Capacity,
    /// Instances in service.
    pub in_service: u32,
    /// How often the group must be described before launched instances are in service.
    pub launch_looks: u32,
    /// Whether instances can be launched at all (in October 2025 they could not).
    pub launches: bool,
    /// How often the group must be described before instances that are too many are gone.
    pub terminate_looks: u32,
    looks_left: u32,
}

impl FakeGroup {
    /// A group with these sizes and as many instances in service.
    pub fn of(min: u32, max: u32, desired: u32) -> Self {
        FakeGroup {
            sizes: Capacity { min, max, desired },
            in_service: desired,
            launch_looks: 2,
            launches: true,
            terminate_looks: 0,
            looks_left: 0,
        }
    }

    pub(super) fn look(&mut self) -> GroupObserved {
        if self.looks_left > 0 {
            self.looks_left -= 1;
        } else if self.launches || self.in_service > self.sizes.desired {
            self.in_service = self.sizes.desired;
        }
        let Capacity { min, max, desired } = self.sizes;
        GroupObserved { min, max, desired, in_service: self.in_service }
    }

    pub(super) fn resize(&mut self, sizes: Capacity) -> Result<(), CallError> {
        if sizes.desired > sizes.max || sizes.desired < sizes.min {
            let message = format!(
                "Desired capacity:{} must be between the specified min size:{} and max size:{}",
                sizes.desired, sizes.min, sizes.max
            );
            return Err(refused("ValidationError", message));
        }
        self.sizes = sizes;
        self.looks_left = self.launch_looks;
        if self.in_service > sizes.desired {
            self.looks_left = self.terminate_looks;
            if self.terminate_looks == 0 {
                self.in_service = sizes.desired;
            }
        }
        Ok(())
    }
}

impl FakeWorld {
    /// Puts a group into the Region.
    pub fn put_group(&self, name: &str, group: FakeGroup) {
        self.write().groups.insert(name.into(), group);
    }

    /// Changes a group from outside.
    pub fn change_group(&self, name: &str, change: impl FnOnce(&mut FakeGroup)) {
        if let Some(group) = self.write().groups.get_mut(name) {
            change(group);
        }
    }

    /// The group as it is, without looking at it.
    pub fn peek_group(&self, name: &str) -> Option<FakeGroup> {
        self.read().groups.get(name).copied()
    }
}

impl Groups for FakeWorld {
    async fn describe(&self, name: &str) -> Result<Option<GroupObserved>, CallError> {
        Ok(self.write().groups.get_mut(name).map(FakeGroup::look))
    }

    async fn resize(&self, name: &str, sizes: Capacity) -> Result<(), CallError> {
        self.write().groups.get_mut(name).ok_or_else(|| no_such_group(name))?.resize(sizes)
    }
}

pub(super) fn no_such_group(name: &str) -> CallError {
    refused("ValidationError", format!("AutoScalingGroup name not found - no such group: {name}"))
}
