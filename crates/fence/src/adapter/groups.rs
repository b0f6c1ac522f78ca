//! Auto Scaling groups in a primary Region.

use aws_sdk_autoscaling::types::AutoScalingGroup;
use pilot_core::observed::GroupObserved;
use pilot_core::plan::Capacity;
use pilot_shell::CallError;
use pilot_shell::ports::Groups;

use super::AwsPrimary;

impl Groups for AwsPrimary {
    async fn describe(&self, name: &str) -> Result<Option<GroupObserved>, CallError> {
        // An unknown name is no error here: the list is empty.
        let answer = self.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(name).send().await?;
        Ok(answer.auto_scaling_groups().first().map(observed))
    }

    async fn resize(&self, name: &str, sizes: Capacity) -> Result<(), CallError> {
        let size = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        let call = self.autoscaling.update_auto_scaling_group().auto_scaling_group_name(name);
        let call = call.min_size(size(sizes.min)).max_size(size(sizes.max)).desired_capacity(size(sizes.desired));
        call.send().await?;
        Ok(())
    }
}

/// Unlike a group that is to serve, every instance that is still there counts: an unhealthy one, one in standby or one that is
/// terminating may still write.
fn observed(group: &AutoScalingGroup) -> GroupObserved {
    let size = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok()).unwrap_or(0);
    GroupObserved {
        min: size(group.min_size()),
        max: size(group.max_size()),
        desired: size(group.desired_capacity()),
        in_service: u32::try_from(group.instances().len()).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_autoscaling::types::{Instance, LifecycleState};

    use super::*;

    #[test]
    fn an_instance_counts_as_long_as_it_is_there() {
        let instance = |state: LifecycleState, health: &str| {
            Instance::builder().instance_id("i-1").lifecycle_state(state).health_status(health).build()
        };
        let group = AutoScalingGroup::builder().min_size(0).max_size(0).desired_capacity(0);
        assert_eq!(observed(&group.clone().build()), GroupObserved { min: 0, max: 0, desired: 0, in_service: 0 });
        for (state, health) in [
            (LifecycleState::InService, "Unhealthy"),
            (LifecycleState::Terminating, "Healthy"),
            (LifecycleState::TerminatingWait, "Healthy"),
            (LifecycleState::Standby, "Healthy"),
        ] {
            let seen = observed(&group.clone().instances(instance(state.clone(), health)).build());
            assert_eq!(seen.in_service, 1, "{state:?} {health}");
        }
    }
}
