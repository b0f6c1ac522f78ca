//! ECS services: the desired count is an intention, the tasks come later. A scalable target moves the desired count into its range when
//! it is registered (Application Auto Scaling API reference), and takes a desired count below its minimum back with its next activity.

use pilot_core::observed::{DeploymentObserved, ScalableTarget, ServiceBefore, ServiceObserved};
use pilot_shell::CallError;
use pilot_shell::ports::Services;

use super::{FakeWorld, refused};

/// An ECS service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeService {
    /// Its status.
    pub status: String,
    /// Its desired count.
    pub desired: u32,
    /// Its running tasks.
    pub running: u32,
    /// Its newest deployment.
    pub deployment: DeploymentObserved,
    /// Its scalable target.
    pub target: Option<ScalableTarget>,
    /// How often the service must be described before tasks that were launched run.
    pub launch_looks: u32,
    /// Whether tasks can be launched at all.
    pub launches: bool,
    /// How often the service must be described before tasks that are too many have stopped.
    pub stop_looks: u32,
    /// How often it must still be described before the tasks are as many as desired.
    pub looks_left: u32,
}

impl FakeService {
    /// An active, steady service with this desired count, as many running tasks, and the target's minimum and maximum.
    pub fn of(desired: u32, target: Option<(u32, u32)>) -> Self {
        FakeService {
            status: "ACTIVE".into(),
            desired,
            running: desired,
            deployment: DeploymentObserved::Steady,
            target: target.map(|(min, max)| ScalableTarget { min, max }),
            launch_looks: 2,
            launches: true,
            stop_looks: 0,
            looks_left: 0,
        }
    }

    /// What of it can be set.
    pub fn settings(&self) -> ServiceBefore {
        ServiceBefore { desired: self.desired, target: self.target }
    }

    pub(super) fn look(&mut self) -> ServiceObserved {
        if self.looks_left > 0 {
            self.looks_left -= 1;
        } else {
            // The activity of Application Auto Scaling that comes by and by.
            if let Some(target) = self.target.filter(|target| self.desired < target.min) {
                self.move_to(target.min);
            }
            if self.looks_left == 0 && (self.launches || self.running > self.desired) {
                self.running = self.desired;
            }
        }
        ServiceObserved {
            status: self.status.clone(),
            desired: self.desired,
            running: self.running,
            deployment: self.deployment.clone(),
            target: self.target,
        }
    }

    pub(super) fn register(&mut self, target: ScalableTarget) -> Result<(), CallError> {
        if target.min > target.max {
            return Err(refused("ValidationException", "Maximum capacity cannot be less than minimum capacity"));
        }
        self.target = Some(target);
        if self.status == "ACTIVE" {
            self.move_to(self.desired.clamp(target.min, target.max));
        }
        Ok(())
    }

    pub(super) fn update(&mut self, desired: u32) -> Result<(), CallError> {
        if self.status != "ACTIVE" {
            return Err(refused("ServiceNotActiveException", "Service was not ACTIVE."));
        }
        self.move_to(desired);
        Ok(())
    }

    fn move_to(&mut self, desired: u32) {
        if desired == self.desired {
            return;
        }
        self.desired = desired;
        self.looks_left = self.launch_looks;
        if self.running > desired {
            self.looks_left = self.stop_looks;
            if self.stop_looks == 0 {
                self.running = desired;
            }
        }
    }
}

impl FakeWorld {
    /// Puts a service into the Region; `resource`: `CLUSTER/SERVICE`.
    pub fn put_service(&self, resource: &str, service: FakeService) {
        self.write().services.insert(resource.into(), service);
    }

    /// Changes a service from outside.
    pub fn change_service(&self, resource: &str, change: impl FnOnce(&mut FakeService)) {
        if let Some(service) = self.write().services.get_mut(resource) {
            change(service);
        }
    }

    /// Takes a service out of the Region.
    pub fn take_service(&self, resource: &str) {
        self.write().services.remove(resource);
    }

    /// The service as it is, without looking at it.
    pub fn peek_service(&self, resource: &str) -> Option<FakeService> {
        self.read().services.get(resource).cloned()
    }
}

impl Services for FakeWorld {
    async fn describe(&self, cluster: &str, service: &str) -> Result<Option<ServiceObserved>, CallError> {
        Ok(self.write().services.get_mut(&resource(cluster, service)).map(FakeService::look))
    }

    async fn set_scalable_target(&self, cluster: &str, service: &str, target: ScalableTarget) -> Result<(), CallError> {
        let mut state = self.write();
        state.services.get_mut(&resource(cluster, service)).ok_or_else(no_such_target)?.register(target)
    }

    async fn set_desired_count(&self, cluster: &str, service: &str, desired: u32) -> Result<(), CallError> {
        let mut state = self.write();
        state.services.get_mut(&resource(cluster, service)).ok_or_else(no_such_service)?.update(desired)
    }
}

pub(super) fn resource(cluster: &str, service: &str) -> String {
    format!("{cluster}/{service}")
}

pub(super) fn no_such_target() -> CallError {
    refused("ValidationException", "ECS service doesn't exist")
}

pub(super) fn no_such_service() -> CallError {
    refused("ServiceNotFoundException", "Service not found.")
}
