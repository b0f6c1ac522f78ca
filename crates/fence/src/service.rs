//! The primary's ECS service: it goes to zero, its scalable target first.
//!
//! Its undo is that of every service that was scaled, `scale_compute::ecs_service::undo`, over the primary Region's [`Services`]: the
//! scalable target and the desired count go back to the journalled values.

use pilot_core::decide::fence::{Decision, NO_CAPACITY, decide_service};
use pilot_core::journal::Action;
use pilot_core::observed::ServiceObserved;
use pilot_core::plan::FenceService;
use pilot_shell::CallError;
use pilot_shell::ports::Services;
use serde_json::{Value, json};

use crate::item::Item;

/// A service that is fenced.
pub(crate) struct Service<'a, S> {
    item: &'a FenceService,
    resource: String,
    services: &'a S,
}

impl<'a, S> Service<'a, S> {
    pub(crate) fn new(item: &'a FenceService, services: &'a S) -> Self {
        Service { item, resource: item.resource(), services }
    }
}

impl<S: Services> Item for Service<'_, S> {
    const KIND: &'static str = "ECS service";
    const OBSERVING: &'static str = "ecs:DescribeServices";
    const ACTION: Action = Action::FenceService;
    type Observed = ServiceObserved;

    fn name(&self) -> &str {
        &self.item.name
    }

    fn resource(&self) -> &str {
        &self.resource
    }

    async fn observe(&self) -> Result<Option<ServiceObserved>, CallError> {
        self.services.describe(&self.item.cluster_name, &self.item.service_name).await
    }

    fn decide(&self, service: &ServiceObserved) -> Decision {
        decide_service(service)
    }

    fn written(&self, service: &ServiceObserved) -> String {
        format!("{}, {} tasks left", service.settings(), service.running)
    }

    fn before(&self, service: &ServiceObserved) -> Value {
        json!(service.settings())
    }

    fn intention(&self) -> String {
        format!("set to {NO_CAPACITY}, desired count 0")
    }

    fn acting(&self, service: &ServiceObserved) -> &'static str {
        if holds_capacity(service) { "application-autoscaling:RegisterScalableTarget" } else { "ecs:UpdateService" }
    }

    /// One call a look: an act is journalled once, and with two calls in it a refusal of the second would say that nothing was done.
    async fn act(&self, service: &ServiceObserved) -> Result<(), CallError> {
        let (cluster, name) = (&self.item.cluster_name, &self.item.service_name);
        if holds_capacity(service) {
            self.services.set_scalable_target(cluster, name, NO_CAPACITY).await
        } else {
            self.services.set_desired_count(cluster, name, 0).await
        }
    }
}

/// Whether its scalable target could bring it back.
fn holds_capacity(service: &ServiceObserved) -> bool {
    service.target.is_some_and(|target| target != NO_CAPACITY)
}
