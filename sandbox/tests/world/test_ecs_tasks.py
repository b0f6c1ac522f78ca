"""Tasks of an ECS service are application processes behind the Region's load balancer, as instances are."""

from __future__ import annotations

import signal
import urllib.request

import psutil
import pytest
from botocore.client import BaseClient
from pilot_sandbox.aws_clients import AwsClients
from pilot_sandbox.naming import PRIMARY_REGION, RECOVERY_REGION, Names
from pilot_sandbox.outside_proof import call
from whole_sandbox import Sandbox, eventually

NAMES = Names("pilot-light")
SERVICE = {"cluster": NAMES.ecs_cluster, "service": NAMES.service}


def create_service(client: BaseClient, desired: int) -> None:
    """The workload's cluster, task definition and service in the client's Region."""
    client.create_cluster(clusterName=NAMES.ecs_cluster)
    client.register_task_definition(family=NAMES.service, containerDefinitions=[{"name": "app", "image": "orders:1"}])
    client.create_service(
        cluster=NAMES.ecs_cluster, serviceName=NAMES.service, taskDefinition=NAMES.service, desiredCount=desired
    )


@pytest.fixture(scope="module")
def ecs(sandbox: Sandbox) -> BaseClient:
    """A client of the recovery Region, with the workload's service in it at zero: the group there is at zero too."""
    sandbox.control("/delays", {"launchSeconds": 0.5, "scaleInSeconds": 1})
    client = AwsClients(sandbox.content["endpointUrl"]).client("ecs", RECOVERY_REGION)
    create_service(client, 0)
    return client


def load_balancer(sandbox: Sandbox) -> str:
    """Base URL of the recovery Region's load balancer."""
    return sandbox.content["workloads"]["pilot-light"]["recoveryLoadBalancerUrl"]


def answering_task(sandbox: Sandbox) -> str:
    """Whoever the load balancer hands a request to."""
    with urllib.request.urlopen(f"{load_balancer(sandbox)}/live", timeout=60) as response:
        return response.headers["X-Instance"]


def task_ids(ecs: BaseClient) -> list[str]:
    """Ids of the service's tasks that are to run."""
    arns = ecs.list_tasks(cluster=SERVICE["cluster"], serviceName=SERVICE["service"])["taskArns"]
    return sorted(arn.rsplit("/", 1)[-1] for arn in arns)


def described(ecs: BaseClient, task: str) -> dict:
    """One task as it is now."""
    return ecs.describe_tasks(cluster=SERVICE["cluster"], tasks=[task])["tasks"][0]


def process_of(sandbox: Sandbox, task: str) -> psutil.Process | None:
    """The application process of a task."""
    for process in psutil.Process(sandbox.process.pid).children(recursive=True):
        try:
            if task in process.cmdline():
                return process
        except psutil.Error:
            continue  # it has ended while we looked
    return None


def wait_until_running(ecs: BaseClient, count: int) -> None:
    """Wait until so many tasks are wanted and run, and nothing is on its way."""

    def steady() -> bool:
        [service] = ecs.describe_services(cluster=SERVICE["cluster"], services=[SERVICE["service"]])["services"]
        return (service["desiredCount"], service["runningCount"], service["pendingCount"]) == (count, count, 0)

    eventually(steady, f"{count} tasks running")


def test_the_load_balancer_serves_from_every_task(sandbox: Sandbox, ecs: BaseClient) -> None:
    wait_until_running(ecs, 0)
    assert call(f"{load_balancer(sandbox)}/live").status == 503
    ecs.update_service(**SERVICE, desiredCount=2)
    wait_until_running(ecs, 2)
    tasks = task_ids(ecs)
    assert all(process_of(sandbox, task) for task in tasks)
    health = call(f"{load_balancer(sandbox)}/health")
    assert (health.status, health.region, health.body["role"]) == (200, RECOVERY_REGION, "standby")
    assert {answering_task(sandbox) for _ in tasks} == set(tasks)
    condition = sandbox.control("/state")[0]
    assert condition["instances"][RECOVERY_REGION] == tasks


def test_a_killed_process_is_replaced_by_a_new_task(sandbox: Sandbox, ecs: BaseClient) -> None:
    ecs.update_service(**SERVICE, desiredCount=2)
    wait_until_running(ecs, 2)
    dead, survivor = task_ids(ecs)
    process_of(sandbox, dead).send_signal(signal.SIGKILL)
    eventually(lambda: dead not in task_ids(ecs), "the dead task is no longer wanted")
    wait_until_running(ecs, 2)
    [replacement] = set(task_ids(ecs)) - {survivor}
    assert process_of(sandbox, replacement) is not None
    eventually(lambda: described(ecs, dead)["lastStatus"] == "STOPPED", "the dead task is STOPPED")
    assert described(ecs, dead)["containers"][0]["exitCode"] == 128 + signal.SIGKILL


def test_the_owner_of_the_desired_count_scales_back_in(sandbox: Sandbox, ecs: BaseClient) -> None:
    ecs.update_service(**SERVICE, desiredCount=2)
    wait_until_running(ecs, 2)
    processes = [process_of(sandbox, task) for task in task_ids(ecs)]
    scaling = AwsClients(sandbox.content["endpointUrl"]).client("application-autoscaling", RECOVERY_REGION)
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{NAMES.ecs_cluster}/{NAMES.service}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=2)
    scaling.put_scaling_policy(
        **target,
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 60.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
    )
    wait_until_running(ecs, 0)
    eventually(lambda: not any(process.is_running() for process in processes), "their processes have ended")
    assert call(f"{load_balancer(sandbox)}/live").status == 503


def test_nobody_replaces_tasks_of_an_application_that_was_taken_down_with_its_region(sandbox: Sandbox) -> None:
    primary = AwsClients(sandbox.content["endpointUrl"]).client("ecs", PRIMARY_REGION)
    create_service(primary, 1)
    wait_until_running(primary, 1)
    [task] = task_ids(primary)
    sandbox.control("/primary/app/down", {})
    assert process_of(sandbox, task) is None
    assert sandbox.control(f"/hooks/ecs/{PRIMARY_REGION}/{NAMES.service}/ended") == {"ended": {}}
    assert described(primary, task)["lastStatus"] == "RUNNING"
    sandbox.control("/primary/app/up", {})
    assert process_of(sandbox, task) is not None
    assert task_ids(primary) == [task]
