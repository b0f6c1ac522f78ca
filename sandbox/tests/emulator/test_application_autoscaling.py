"""Application Auto Scaling: the owner of a service's desired count keeps it in bounds and scales in without load."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from ecs_service import counts, create, wait_until_running
from emulator_process import PRIMARY, Emulator, eventually

DIMENSION = "ecs:service:DesiredCount"


def target_of(name: str) -> dict:
    """What names the scalable target of a service."""
    return {"ServiceNamespace": "ecs", "ResourceId": f"service/{name}/{name}", "ScalableDimension": DIMENSION}


@pytest.fixture
def scaling(emulator: Emulator) -> BaseClient:
    """A client of Application Auto Scaling."""
    return emulator.client("application-autoscaling")


def refusal(call, **arguments: object) -> str:
    """The error code that a call is refused with."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"]


def bounds(scaling: BaseClient, name: str) -> list[tuple[int, int]]:
    """Minimum and maximum of the targets of a service: one pair, or none."""
    found = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[f"service/{name}/{name}"])
    return [(each["MinCapacity"], each["MaxCapacity"]) for each in found["ScalableTargets"]]


def track_cpu(scaling: BaseClient, name: str, **more: object) -> str:
    """Put a policy that would scale in without load; its ARN."""
    metric = {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
    return scaling.put_scaling_policy(
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 60.0,
            "PredefinedMetricSpecification": metric,
            **more,
        },
        **target_of(name),
    )["PolicyARN"]


def test_a_target_is_registered_changed_in_part_and_deregistered(
    emulator: Emulator, name: str, scaling: BaseClient
) -> None:
    target = target_of(name)
    assert refusal(scaling.register_scalable_target, **target, MinCapacity=1, MaxCapacity=2) == "ValidationException"
    create(emulator, name, 1)
    for given in (
        {},
        {"MinCapacity": 1},
        {"MaxCapacity": 4},
        {"MinCapacity": 5, "MaxCapacity": 4},
        {"MinCapacity": -1},
    ):
        assert refusal(scaling.register_scalable_target, **target, **given) == "ValidationException"
    assert bounds(scaling, name) == []
    arn = scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=4)["ScalableTargetARN"]
    assert scaling.register_scalable_target(**target, MinCapacity=2)["ScalableTargetARN"] == arn
    assert bounds(scaling, name) == [(2, 4)]
    scaling.register_scalable_target(**target, MaxCapacity=6)
    assert refusal(scaling.register_scalable_target, **target, MinCapacity=7) == "ValidationException"
    assert refusal(scaling.register_scalable_target, **target, MaxCapacity=1) == "ValidationException"
    assert bounds(scaling, name) == [(2, 6)]
    elsewhere = emulator.client("application-autoscaling", PRIMARY)
    assert bounds(elsewhere, name) == []
    scaling.deregister_scalable_target(**target)
    assert bounds(scaling, name) == []
    assert refusal(scaling.deregister_scalable_target, **target) == "ObjectNotFoundException"


def activities(scaling: BaseClient, name: str, status: str) -> list[dict]:
    """The scaling activities of a service with this status, newest first."""
    found = scaling.describe_scaling_activities(**target_of(name))["ScalingActivities"]
    return [each for each in found if each["StatusCode"] == status]


def test_a_raised_minimum_starts_tasks(emulator: Emulator, name: str, scaling: BaseClient) -> None:
    create(emulator, name, 0)
    scaling.register_scalable_target(**target_of(name), MinCapacity=0, MaxCapacity=4)
    scaling.register_scalable_target(**target_of(name), MinCapacity=2)
    wait_until_running(emulator, name, 2)
    [activity] = eventually(lambda: activities(scaling, name, "Successful"))
    assert activity["Cause"] == "minimum capacity was set to 2"
    assert activity["StatusMessage"].endswith("Change successfully fulfilled by ecs.")


@pytest.mark.parametrize(("asked", "kept"), [(5, 3), (0, 1)])
def test_a_desired_count_outside_the_bounds_does_not_stay(
    emulator: Emulator, name: str, scaling: BaseClient, asked: int, kept: int
) -> None:
    create(emulator, name, 1)
    scaling.register_scalable_target(**target_of(name), MinCapacity=1, MaxCapacity=3)
    wait_until_running(emulator, name, 1)
    answer = emulator.client("ecs").update_service(cluster=name, service=name, desiredCount=asked)
    assert answer["service"]["desiredCount"] == asked
    eventually(lambda: counts(emulator, name)[0] == kept)
    wait_until_running(emulator, name, kept)


@pytest.fixture
def load_ends(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """There is load, so that nothing scales in, until this is called."""
    monkeypatch.setitem(emulator.world.delays, "scaleInSeconds", 3600.0)
    return lambda: monkeypatch.setitem(emulator.world.delays, "scaleInSeconds", 1.0)


def wait_until_another_has_scaled_in(emulator: Emulator, name: str, scaling: BaseClient) -> None:
    """Wait as long as it takes for a service to be scaled in that was not even made yet."""
    create(emulator, name, 1)
    scaling.register_scalable_target(**target_of(name), MinCapacity=0, MaxCapacity=4)
    track_cpu(scaling, name)
    wait_until_running(emulator, name, 0)


def test_without_load_a_service_scales_in_to_its_minimum_unless_that_was_raised(
    emulator: Emulator, name: str, scaling: BaseClient, load_ends: Callable[[], None]
) -> None:
    create(emulator, name, 1)
    scaling.register_scalable_target(**target_of(name), MinCapacity=1, MaxCapacity=4)
    track_cpu(scaling, name)
    emulator.client("ecs").update_service(cluster=name, service=name, desiredCount=3)
    wait_until_running(emulator, name, 3)
    load_ends()
    wait_until_running(emulator, name, 1)
    [activity] = eventually(lambda: activities(scaling, name, "Successful"))
    assert "triggered policy cpu" in activity["Cause"]
    eventually(lambda: len(emulator.world.instances("terminate", name)) == 2)

    scaling.register_scalable_target(**target_of(name), MinCapacity=3)
    wait_until_running(emulator, name, 3)
    wait_until_another_has_scaled_in(emulator, f"{name}-b", scaling)
    assert counts(emulator, name) == (3, 3, 0)


@pytest.mark.parametrize("held_by", ["no policy", "a policy that may not scale in", "a suspension"])
def test_what_may_not_scale_in_stays(
    emulator: Emulator, name: str, scaling: BaseClient, load_ends: Callable[[], None], held_by: str
) -> None:
    create(emulator, name, 2)
    scaling.register_scalable_target(**target_of(name), MinCapacity=1, MaxCapacity=4)
    if held_by != "no policy":
        track_cpu(scaling, name, DisableScaleIn=held_by == "a policy that may not scale in")
    if held_by == "a suspension":
        scaling.register_scalable_target(**target_of(name), SuspendedState={"DynamicScalingInSuspended": True})
    wait_until_running(emulator, name, 2)
    load_ends()
    wait_until_another_has_scaled_in(emulator, f"{name}-b", scaling)
    assert counts(emulator, name) == (2, 2, 0)


def test_policies_belong_to_a_target(emulator: Emulator, name: str, scaling: BaseClient) -> None:
    create(emulator, name, 1)
    with pytest.raises(ClientError, match="ObjectNotFoundException"):
        track_cpu(scaling, name)
    scaling.register_scalable_target(**target_of(name), MinCapacity=1, MaxCapacity=4)
    arn = track_cpu(scaling, name)
    assert track_cpu(scaling, name) == arn
    missing = {"PolicyName": "steps", "PolicyType": "StepScaling", **target_of(name)}
    assert refusal(scaling.put_scaling_policy, **missing) == "ValidationException"
    [policy] = scaling.describe_scaling_policies(**target_of(name))["ScalingPolicies"]
    assert (policy["PolicyName"], policy["PolicyType"]) == ("cpu", "TargetTrackingScaling")
    scaling.delete_scaling_policy(PolicyName="cpu", **target_of(name))
    assert scaling.describe_scaling_policies(**target_of(name))["ScalingPolicies"] == []
    gone = {"PolicyName": "cpu", **target_of(name)}
    assert refusal(scaling.delete_scaling_policy, **gone) == "ObjectNotFoundException"


def test_only_the_desired_count_of_ecs_services_can_be_scaled(scaling: BaseClient) -> None:
    sizes = {"MinCapacity": 1, "MaxCapacity": 2}
    for target in (
        {**target_of("x"), "ServiceNamespace": "dynamodb"},
        {**target_of("x"), "ResourceId": "service/x"},
        {**target_of("x"), "ScalableDimension": "rds:cluster:ReadReplicaCount"},
    ):
        assert refusal(scaling.register_scalable_target, **target, **sizes) == "ValidationException"
