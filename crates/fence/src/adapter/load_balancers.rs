//! Load balancers in a primary Region.

use aws_sdk_elasticloadbalancingv2::types::{LoadBalancer, LoadBalancerStateEnum};
use pilot_core::observed::DoorObserved;
use pilot_shell::CallError;
use pilot_shell::ports::LoadBalancers;

use super::AwsPrimary;

impl LoadBalancers for AwsPrimary {
    async fn door(&self, arn: &str) -> Result<Option<DoorObserved>, CallError> {
        match self.load_balancing.describe_load_balancers().load_balancer_arns(arn).send().await {
            Ok(answer) => Ok(answer.load_balancers().first().map(observed)),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_load_balancer_not_found_exception()) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn set_door(&self, arn: &str, security_group_ids: &[String]) -> Result<(), CallError> {
        let call = self.load_balancing.set_security_groups().load_balancer_arn(arn);
        call.set_security_groups(Some(security_group_ids.to_vec())).send().await?;
        Ok(())
    }
}

fn observed(load_balancer: &LoadBalancer) -> DoorObserved {
    let state = load_balancer.state().and_then(|state| state.code());
    // `active_impaired` routes too: it only could not scale as it wanted.
    let in_force = matches!(state, Some(LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired));
    DoorObserved { security_group_ids: load_balancer.security_groups().to_vec(), in_force }
}
