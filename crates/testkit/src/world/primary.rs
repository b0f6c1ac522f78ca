//! The primary Region, as far as a run touches it: the compute and the doors that the fence closes. It can be cut off.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use pilot_core::observed::{
    DoorObserved, FunctionObserved, GroupObserved, ScalableTarget, ServiceBefore, ServiceObserved,
};
use pilot_core::plan::Capacity;
use pilot_shell::CallError;
use pilot_shell::ports::{Concurrencies, Groups, InstanceDoors, LoadBalancers, Services};

use super::functions::no_such_function;
use super::groups::no_such_group;
use super::services::{no_such_service, no_such_target, resource};
use super::{FakeFunction, FakeGroup, FakeService, FakeWorld, refused};

/// The security groups of a load balancer or a DB instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FakeDoor {
    /// Their ids.
    pub security_group_ids: Vec<String>,
    /// How often the door must be described before new groups are in force.
    pub settle_looks: u32,
    /// Whether it cannot be changed now: a backup runs, or the owner stopped it.
    pub busy: bool,
    looks_left: u32,
}

impl FakeDoor {
    /// A door with these groups, in force.
    pub fn of(security_group_ids: &[&str]) -> Self {
        let security_group_ids = security_group_ids.iter().map(|id| (*id).to_owned()).collect();
        FakeDoor { security_group_ids, ..FakeDoor::default() }
    }

    fn look(&mut self) -> DoorObserved {
        let in_force = self.looks_left == 0;
        self.looks_left = self.looks_left.saturating_sub(1);
        DoorObserved { security_group_ids: self.security_group_ids.clone(), in_force }
    }

    fn set(&mut self, security_group_ids: &[String]) {
        self.security_group_ids = security_group_ids.to_vec();
        self.looks_left = self.settle_looks;
    }
}

/// The primary Region.
#[derive(Debug, Default)]
pub struct FakePrimary {
    state: RefCell<State>,
    cut_off: Cell<bool>,
}

#[derive(Debug, Default)]
struct State {
    groups: BTreeMap<String, FakeGroup>,
    services: BTreeMap<String, FakeService>,
    functions: BTreeMap<String, FakeFunction>,
    load_balancers: BTreeMap<String, FakeDoor>,
    instances: BTreeMap<String, FakeDoor>,
    security_groups: BTreeSet<String>,
}

impl FakePrimary {
    /// Puts a group into the Region.
    pub fn put_group(&self, name: &str, group: FakeGroup) {
        self.state.borrow_mut().groups.insert(name.into(), group);
    }

    /// Puts a Lambda function into the Region.
    pub fn put_function(&self, name: &str, function: FakeFunction) {
        self.state.borrow_mut().functions.insert(name.into(), function);
    }

    /// The function as it is, without looking at it.
    pub fn peek_function(&self, name: &str) -> Option<FakeFunction> {
        self.state.borrow().functions.get(name).cloned()
    }

    /// Puts a service into the Region; `resource`: `CLUSTER/SERVICE`.
    pub fn put_service(&self, resource: &str, service: FakeService) {
        self.state.borrow_mut().services.insert(resource.into(), service);
    }

    /// Puts a load balancer into the Region, and the security groups it has.
    pub fn put_load_balancer(&self, arn: &str, door: FakeDoor) {
        let mut state = self.state.borrow_mut();
        state.security_groups.extend(door.security_group_ids.iter().cloned());
        state.load_balancers.insert(arn.into(), door);
    }

    /// Puts a DB instance into the Region, and the security groups it has.
    pub fn put_instance(&self, identifier: &str, door: FakeDoor) {
        let mut state = self.state.borrow_mut();
        state.security_groups.extend(door.security_group_ids.iter().cloned());
        state.instances.insert(identifier.into(), door);
    }

    /// Puts a security group into the Region.
    pub fn put_security_group(&self, id: &str) {
        self.state.borrow_mut().security_groups.insert(id.into());
    }

    /// Changes a DB instance from outside.
    pub fn change_instance(&self, identifier: &str, change: impl FnOnce(&mut FakeDoor)) {
        if let Some(door) = self.state.borrow_mut().instances.get_mut(identifier) {
            change(door);
        }
    }

    /// The sizes of each group.
    pub fn peek_groups(&self) -> BTreeMap<String, Capacity> {
        self.state.borrow().groups.iter().map(|(name, group)| (name.clone(), group.sizes)).collect()
    }

    /// Desired count and scalable target of each service.
    pub fn peek_services(&self) -> BTreeMap<String, ServiceBefore> {
        self.state.borrow().services.iter().map(|(name, service)| (name.clone(), service.settings())).collect()
    }

    /// The security groups of each load balancer and DB instance.
    pub fn peek_doors(&self) -> BTreeMap<String, Vec<String>> {
        let state = self.state.borrow();
        let doors = state.load_balancers.iter().chain(&state.instances);
        doors.map(|(name, door)| (name.clone(), door.security_group_ids.clone())).collect()
    }

    pub(super) fn answers(&self) -> Result<(), CallError> {
        if self.cut_off.get() {
            return Err(CallError::Unknown { message: "the primary Region does not answer".into() });
        }
        Ok(())
    }
}

impl FakeWorld {
    /// The primary Region.
    pub fn primary(&self) -> &FakePrimary {
        &self.primary
    }

    /// Cuts the primary Region off, or lets it answer again. What is in it stays as it is.
    pub fn set_primary_reachable(&self, reachable: bool) {
        self.primary.cut_off.set(!reachable);
    }
}

impl State {
    fn known(&self, ids: &[String], code: &str) -> Result<(), CallError> {
        match ids.iter().find(|id| !self.security_groups.contains(*id)) {
            Some(id) => Err(refused(code, format!("the security group '{id}' does not exist"))),
            None => Ok(()),
        }
    }
}

impl Groups for FakePrimary {
    async fn describe(&self, name: &str) -> Result<Option<GroupObserved>, CallError> {
        self.answers()?;
        Ok(self.state.borrow_mut().groups.get_mut(name).map(FakeGroup::look))
    }

    async fn resize(&self, name: &str, sizes: Capacity) -> Result<(), CallError> {
        self.answers()?;
        self.state.borrow_mut().groups.get_mut(name).ok_or_else(|| no_such_group(name))?.resize(sizes)
    }
}

impl Concurrencies for FakePrimary {
    async fn describe(&self, function: &str, qualifier: Option<&str>) -> Result<Option<FunctionObserved>, CallError> {
        self.answers()?;
        Ok(self.state.borrow_mut().functions.get_mut(function).map(|function| function.look(qualifier)))
    }

    async fn set_reserved(&self, function: &str, reserved: Option<u32>) -> Result<(), CallError> {
        self.answers()?;
        let mut state = self.state.borrow_mut();
        state.functions.get_mut(function).ok_or_else(|| no_such_function(function))?.reserve(reserved)
    }

    async fn set_provisioned(
        &self,
        function: &str,
        qualifier: &str,
        provisioned: Option<u32>,
    ) -> Result<(), CallError> {
        self.answers()?;
        let mut state = self.state.borrow_mut();
        let known = state.functions.get_mut(function).ok_or_else(|| no_such_function(function))?;
        known.provision(qualifier, provisioned)
    }
}

impl Services for FakePrimary {
    async fn describe(&self, cluster: &str, service: &str) -> Result<Option<ServiceObserved>, CallError> {
        self.answers()?;
        Ok(self.state.borrow_mut().services.get_mut(&resource(cluster, service)).map(FakeService::look))
    }

    async fn set_scalable_target(&self, cluster: &str, service: &str, target: ScalableTarget) -> Result<(), CallError> {
        self.answers()?;
        let mut state = self.state.borrow_mut();
        state.services.get_mut(&resource(cluster, service)).ok_or_else(no_such_target)?.register(target)
    }

    async fn set_desired_count(&self, cluster: &str, service: &str, desired: u32) -> Result<(), CallError> {
        self.answers()?;
        let mut state = self.state.borrow_mut();
        state.services.get_mut(&resource(cluster, service)).ok_or_else(no_such_service)?.update(desired)
    }
}

impl LoadBalancers for FakePrimary {
    async fn door(&self, arn: &str) -> Result<Option<DoorObserved>, CallError> {
        self.answers()?;
        Ok(self.state.borrow_mut().load_balancers.get_mut(arn).map(FakeDoor::look))
    }

    async fn set_door(&self, arn: &str, security_group_ids: &[String]) -> Result<(), CallError> {
        self.answers()?;
        let mut state = self.state.borrow_mut();
        state.known(security_group_ids, "InvalidSecurityGroup")?;
        let door = state.load_balancers.get_mut(arn);
        door.ok_or_else(|| refused("LoadBalancerNotFound", "One or more load balancers not found"))?
            .set(security_group_ids);
        Ok(())
    }
}

impl InstanceDoors for FakePrimary {
    async fn door(&self, identifier: &str) -> Result<Option<DoorObserved>, CallError> {
        self.answers()?;
        Ok(self.state.borrow_mut().instances.get_mut(identifier).map(FakeDoor::look))
    }

    async fn set_door(&self, identifier: &str, security_group_ids: &[String]) -> Result<(), CallError> {
        self.answers()?;
        let mut state = self.state.borrow_mut();
        state.known(security_group_ids, "InvalidParameterValue")?;
        let Some(door) = state.instances.get_mut(identifier) else {
            return Err(refused("DBInstanceNotFound", format!("DBInstance {identifier} not found.")));
        };
        if door.busy {
            return Err(refused("InvalidDBInstanceState", format!("DB instance {identifier} is not available.")));
        }
        door.set(security_group_ids);
        Ok(())
    }
}
