//! ECS services and their scalable targets, by the AWS SDK.

use aws_config::SdkConfig;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_ecs::types::{DeploymentRolloutState, Service};
use pilot_core::observed::{DeploymentObserved, ScalableTarget, ServiceObserved};
use pilot_shell::CallError;
use pilot_shell::ports::Services;

/// The status of a service's newest deployment.
const NEWEST: &str = "PRIMARY";

/// ECS services in one Region.
#[derive(Debug, Clone)]
pub struct AwsServices {
    ecs: aws_sdk_ecs::Client,
    scaling: aws_sdk_applicationautoscaling::Client,
}

impl AwsServices {
    /// With clients of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsServices {
            ecs: aws_sdk_ecs::Client::new(config),
            scaling: aws_sdk_applicationautoscaling::Client::new(config),
        }
    }

    async fn scalable_target(&self, cluster: &str, service: &str) -> Result<Option<ScalableTarget>, CallError> {
        let call = self.scaling.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
        let call = call.scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        let answer = call.resource_ids(resource_id(cluster, service)).send().await?;
        let target = answer.scalable_targets().first();
        Ok(target.map(|t| ScalableTarget { min: count(t.min_capacity()), max: count(t.max_capacity()) }))
    }
}

impl Services for AwsServices {
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

fn observed(service: &Service, target: Option<ScalableTarget>) -> ServiceObserved {
    ServiceObserved {
        status: service.status().unwrap_or_default().to_owned(),
        desired: count(service.desired_count()),
        running: count(service.running_count()),
        deployment: deployment(service),
        target,
    }
}

/// `rolloutState` is returned for rolling updates only, and not behind a Classic Load Balancer (ECS API reference, `Deployment`). Without
/// it a service is steady when its newest deployment is alone and runs what it should.
fn deployment(service: &Service) -> DeploymentObserved {
    let Some(newest) = service.deployments().iter().find(|one| one.status() == Some(NEWEST)) else {
        return DeploymentObserved::Steady;
    };
    let alone = service.deployments().len() == 1;
    match newest.rollout_state() {
        Some(DeploymentRolloutState::Completed) => DeploymentObserved::Steady,
        Some(DeploymentRolloutState::Failed) => {
            let reason = newest.rollout_state_reason().unwrap_or("ECS states no reason");
            DeploymentObserved::Failed { reason: reason.to_owned() }
        }
        None if alone && newest.running_count() >= newest.desired_count() => DeploymentObserved::Steady,
        _ => DeploymentObserved::InProgress,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::Deployment;

    use super::*;

    fn service(deployments: Vec<Deployment>) -> Service {
        Service::builder().status("ACTIVE").desired_count(3).running_count(2).set_deployments(Some(deployments)).build()
    }

    #[test]
    fn a_service_is_read_with_its_target() {
        let target = Some(ScalableTarget { min: 1, max: 4 });
        let steady = DeploymentObserved::Steady;
        let expected = ServiceObserved { status: "ACTIVE".into(), desired: 3, running: 2, deployment: steady, target };
        assert_eq!(observed(&service(Vec::new()), target), expected);
    }

    #[test]
    fn the_newest_deployment_counts_and_its_rollout_state_where_there_is_one() {
        use DeploymentRolloutState::{Completed, Failed, InProgress};
        let one = |status: &str, running| Deployment::builder().status(status).desired_count(2).running_count(running);
        let stated =
            |state| one("PRIMARY", 2).rollout_state(state).rollout_state_reason("tasks failed to start").build();
        let (plain, short) = (one("PRIMARY", 2).build(), one("PRIMARY", 1).build());
        let older = one("ACTIVE", 2).rollout_state(Failed).build();
        let failed = DeploymentObserved::Failed { reason: "tasks failed to start".into() };
        let rows = [
            ("completed", vec![stated(Completed)], DeploymentObserved::Steady),
            ("in progress", vec![stated(InProgress)], DeploymentObserved::InProgress),
            ("failed", vec![stated(Failed)], failed),
            ("rolled back: an older one failed", vec![older.clone(), stated(Completed)], DeploymentObserved::Steady),
            ("no state, complete", vec![plain.clone()], DeploymentObserved::Steady),
            ("no state, short of a task", vec![short], DeploymentObserved::InProgress),
            ("no state, an older one beside it", vec![plain, older], DeploymentObserved::InProgress),
        ];
        for (name, deployments, expected) in rows {
            assert_eq!(deployment(&service(deployments)), expected, "{name}");
        }
    }
}
