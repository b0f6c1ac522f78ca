//! Auto Scaling, by the AWS SDK.

use aws_config::SdkConfig;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance, LifecycleState};
use pilot_core::observed::GroupObserved;
use pilot_core::plan::Capacity;
use pilot_shell::CallError;
use pilot_shell::ports::Groups;

/// Auto Scaling groups in the function's Region.
#[derive(Debug, Clone)]
pub struct AwsGroups {
    client: Client,
}

impl AwsGroups {
    /// With a client of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsGroups { client: Client::new(config) }
    }
}

impl Groups for AwsGroups {
    async fn describe(&self, name: &str) -> Result<Option<GroupObserved>, CallError> {
        // An unknown name is no error here: the list is empty.
        let answer = self.client.describe_auto_scaling_groups().auto_scaling_group_names(name).send().await?;
        Ok(answer.auto_scaling_groups().first().map(observed))
    }

    async fn resize(&self, name: &str, sizes: Capacity) -> Result<(), CallError> {
        let size = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        let call = self.client.update_auto_scaling_group().auto_scaling_group_name(name);
        let call = call.min_size(size(sizes.min)).max_size(size(sizes.max)).desired_capacity(size(sizes.desired));
        call.send().await?;
        Ok(())
    }
}

fn observed(group: &AutoScalingGroup) -> GroupObserved {
    let size = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok()).unwrap_or(0);
    let in_service = group.instances().iter().filter(|instance| serves(instance)).count();
    GroupObserved {
        min: size(group.min_size()),
        max: size(group.max_size()),
        desired: size(group.desired_capacity()),
        in_service: u32::try_from(in_service).unwrap_or(u32::MAX),
    }
}

fn serves(instance: &Instance) -> bool {
    let healthy = instance.health_status().is_some_and(|status| status.eq_ignore_ascii_case("healthy"));
    healthy && instance.lifecycle_state() == Some(&LifecycleState::InService)
}
