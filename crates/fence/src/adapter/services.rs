//! ECS services in a primary Region.

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_ecs::types::Service;
use pilot_core::observed::{DeploymentObserved, ScalableTarget, ServiceObserved};
use pilot_shell::CallError;
use pilot_shell::ports::Services;

use super::AwsPrimary;

impl AwsPrimary {
    async fn scalable_target(&self, cluster: &str, service: &str) -> Result<Option<ScalableTarget>, CallError> {
        let call = self.scaling.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
        let call = call.scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        let answer = call.resource_ids(resource_id(cluster, service)).send().await?;
        let target = answer.scalable_targets().first();
        Ok(target.map(|t| ScalableTarget { min: count(t.min_capacity()), max: count(t.max_capacity()) }))
    }
}

impl Services for AwsPrimary {
    async fn describe(&self, cluster: &str, service: &str) -> Result<Option<ServiceObserved>, CallError> {
        let answer = match self.ecs.describe_services().cluster(cluster).services(service).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|e| e.is_cluster_not_found_exception()) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        // An unknown service is no error here: it stands among the answer's failures as MISSING.
        let Some(described) = answer.services().first() else { return Ok(None) };
        Ok(Some(observed(described, self.scalable_target(cluster, service).await?)))
    }

    async fn set_scalable_target(&self, cluster: &str, service: &str, target: ScalableTarget) -> Result<(), CallError> {
        let call = self.scaling.register_scalable_target().service_namespace(ServiceNamespace::Ecs);
        let call = call.scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        let call = call.resource_id(resource_id(cluster, service));
        call.min_capacity(number(target.min)).max_capacity(number(target.max)).send().await?;
        Ok(())
    }

    async fn set_desired_count(&self, cluster: &str, service: &str, desired: u32) -> Result<(), CallError> {
        self.ecs.update_service().cluster(cluster).service(service).desired_count(number(desired)).send().await?;
        Ok(())
    }
}

/// How Application Auto Scaling names an ECS service (its API reference, `RegisterScalableTarget`).
fn resource_id(cluster: &str, service: &str) -> String {
    format!("service/{cluster}/{service}")
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn count(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

/// Unlike a service that is to serve, tasks that are still starting count: they would write. What its deployments come to is no matter.
fn observed(service: &Service, target: Option<ScalableTarget>) -> ServiceObserved {
    ServiceObserved {
        status: service.status().unwrap_or_default().to_owned(),
        desired: count(service.desired_count()),
        running: count(service.running_count()).saturating_add(count(service.pending_count())),
        deployment: DeploymentObserved::Steady,
        target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_counts_as_soon_as_it_is_pending() {
        let service = Service::builder().status("ACTIVE").desired_count(0);
        assert_eq!(observed(&service.clone().build(), None).running, 0);
        assert_eq!(observed(&service.clone().running_count(2).build(), None).running, 2);
        assert_eq!(observed(&service.running_count(2).pending_count(1).build(), None).running, 3);
    }
}
