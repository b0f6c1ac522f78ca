//! The primary's DB instance: it admits no new client.

use pilot_core::Failure;
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::DoorObserved;
use pilot_core::plan::FenceInstance;
use pilot_shell::CallError;
use pilot_shell::ports::InstanceDoors;
use pilot_shell::waves::Progress;

use crate::door::{self, Door, Turning};

/// A DB instance that is fenced.
pub(crate) fn closing<'a, I: InstanceDoors>(
    item: &'a FenceInstance,
    instances: &'a I,
) -> Turning<'a, impl Door, false> {
    let door = Instance { identifier: &item.identifier, instances };
    Turning { name: &item.name, group_ids: std::slice::from_ref(&item.closed_security_group_id), door }
}

/// A DB instance whose door is opened again.
pub(crate) fn opening<'a, I: InstanceDoors>(item: &'a FenceInstance, instances: &'a I) -> Turning<'a, impl Door, true> {
    let door = Instance { identifier: &item.identifier, instances };
    Turning { name: &item.name, group_ids: &item.open_security_group_ids, door }
}

/// The undo: the instance gets exactly the journalled security groups, and is seen to have them. Doing it twice is the same as once.
///
/// # Errors
/// `RollbackIncomplete` if they cannot go back, `AwsUnavailable` (tried again), `AwsRefused`.
pub async fn undo<I: InstanceDoors>(instances: &I, entry: &Entry) -> Result<Progress, Failure> {
    door::undo(&Instance { identifier: &entry.resource, instances }, entry).await
}

struct Instance<'a, I> {
    identifier: &'a str,
    instances: &'a I,
}

impl<I: InstanceDoors> Door for Instance<'_, I> {
    const KIND: &'static str = "DB instance";
    const OBSERVING: &'static str = "rds:DescribeDBInstances";
    const ACTING: &'static str = "rds:ModifyDBInstance";
    const ACTION: Action = Action::FenceInstance;
    const LIFTING: Action = Action::LiftInstance;

    fn resource(&self) -> &str {
        self.identifier
    }

    async fn look(&self) -> Result<Option<DoorObserved>, CallError> {
        self.instances.door(self.identifier).await
    }

    async fn set(&self, security_group_ids: &[String]) -> Result<(), CallError> {
        self.instances.set_door(self.identifier, security_group_ids).await
    }

    /// An instance can be modified only while it is available: a backup or another change goes first. The shape is called `...Fault` in
    /// the service model, the code on the wire is not; emulators and older endpoints write either.
    fn is_busy(code: &str) -> bool {
        matches!(code, "InvalidDBInstanceState" | "InvalidDBInstanceStateFault")
    }
}
