"""Auto Scaling: capacity takes time, may fail, and is one application process an instance."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from emulator_process import Emulator, eventually


def create(emulator: Emulator, name: str, minimum: int, maximum: int, desired: int) -> None:
    """A group with a launch template."""
    emulator.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=minimum,
        MaxSize=maximum,
        DesiredCapacity=desired,
        AvailabilityZones=["ap-southeast-1a", "ap-southeast-1b"],
        LaunchTemplate={"LaunchTemplateName": "app", "Version": "$Latest"},
    )


def instances(emulator: Emulator, name: str) -> list[dict]:
    """The group's instances."""
    groups = emulator.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return groups["AutoScalingGroups"][0]["Instances"]


def in_service(emulator: Emulator, name: str, count: int) -> bool:
    """Whether exactly so many instances exist, all in service and healthy."""
    found = [(each["LifecycleState"], each["HealthStatus"]) for each in instances(emulator, name)]
    return found == [("InService", "Healthy")] * count


def activities(emulator: Emulator, name: str) -> list[dict]:
    """The group's scaling activities, newest first."""
    return emulator.client("autoscaling").describe_scaling_activities(AutoScalingGroupName=name)["Activities"]


def test_scale_out_and_in_moves_real_processes(emulator: Emulator, name: str) -> None:
    create(emulator, name, 0, 0, 0)
    client = emulator.client("autoscaling")
    client.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=1, MaxSize=4, DesiredCapacity=2)
    eventually(lambda: [each["LifecycleState"] for each in instances(emulator, name)] == ["Pending", "Pending"])
    eventually(lambda: in_service(emulator, name, 2))
    assert set(emulator.world.instances("launch", name)) == {each["InstanceId"] for each in instances(emulator, name)}
    assert {each["StatusCode"] for each in activities(emulator, name)} == {"Successful"}

    client.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    eventually(lambda: in_service(emulator, name, 1))
    assert len(emulator.world.instances("terminate", name)) == 1
    assert activities(emulator, name)[0]["Description"].startswith("Terminating")


def test_a_group_created_with_capacity_launches_at_once(emulator: Emulator, name: str) -> None:
    create(emulator, name, 1, 4, 2)
    eventually(lambda: in_service(emulator, name, 2))
    with pytest.raises(ClientError, match="ResourceInUse"):
        emulator.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=name)
    emulator.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    eventually(lambda: len(emulator.world.instances("terminate", name)) == 2)


def test_a_failed_launch_says_why_and_is_tried_again(emulator: Emulator, name: str) -> None:
    emulator.world.refuse_launch = "InsufficientInstanceCapacity."
    create(emulator, name, 0, 2, 1)
    failed = eventually(lambda: [each for each in activities(emulator, name) if each["StatusCode"] == "Failed"])
    assert "InsufficientInstanceCapacity" in failed[0]["StatusMessage"]
    assert not in_service(emulator, name, 1)
    emulator.world.refuse_launch = None
    eventually(lambda: in_service(emulator, name, 1))


@pytest.mark.parametrize("desired", [0, 5])
def test_capacity_outside_the_bounds_is_refused_and_changes_nothing(
    emulator: Emulator, name: str, desired: int
) -> None:
    create(emulator, name, 1, 4, 1)
    client = emulator.client("autoscaling")
    for call in (client.set_desired_capacity, client.update_auto_scaling_group):
        with pytest.raises(ClientError) as error:
            call(AutoScalingGroupName=name, DesiredCapacity=desired)
        assert error.value.response["Error"]["Code"] == "ValidationError"
    group = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == (1, 4, 1)
    client.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=2)
    group = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    assert group["DesiredCapacity"] == 2
