"""How the tests make an ECS service and look at it."""

from __future__ import annotations

from emulator_process import Emulator, eventually

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}


def create_definition(emulator: Emulator, name: str) -> str:
    """Register a task definition for Fargate; its ARN."""
    made = emulator.client("ecs").register_task_definition(
        family=name,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "app", "image": "orders:1"}],
    )
    return made["taskDefinition"]["taskDefinitionArn"]


def create(emulator: Emulator, name: str, desired: int, **more: object) -> dict:
    """A cluster, a task definition and a service, all of the same name."""
    client = emulator.client("ecs")
    client.create_cluster(clusterName=name)
    return client.create_service(
        cluster=name,
        serviceName=name,
        taskDefinition=create_definition(emulator, name),
        desiredCount=desired,
        launchType="FARGATE",
        networkConfiguration=NETWORK,
        **more,
    )["service"]


def describe(emulator: Emulator, name: str) -> dict:
    """The service as it is now."""
    return emulator.client("ecs").describe_services(cluster=name, services=[name])["services"][0]


def counts(emulator: Emulator, name: str) -> tuple[int, int, int]:
    """Desired, running and pending count."""
    service = describe(emulator, name)
    return service["desiredCount"], service["runningCount"], service["pendingCount"]


def wait_until_running(emulator: Emulator, name: str, count: int) -> None:
    """Wait until so many tasks are wanted and run, and nothing is on its way."""
    eventually(lambda: counts(emulator, name) == (count, count, 0))


def task_ids(emulator: Emulator, name: str, status: str = "RUNNING") -> list[str]:
    """Ids of the service's tasks that are to run, or were told to stop."""
    client = emulator.client("ecs")
    arns = client.list_tasks(cluster=name, serviceName=name, desiredStatus=status)["taskArns"]
    return sorted(arn.rsplit("/", 1)[-1] for arn in arns)


def task(emulator: Emulator, name: str, task_id: str) -> dict:
    """One task as it is now."""
    return emulator.client("ecs").describe_tasks(cluster=name, tasks=[task_id])["tasks"][0]


def events(emulator: Emulator, name: str) -> list[str]:
    """The service's events, newest first, without the service's name."""
    return [event["message"].removeprefix(f"(service {name}) ") for event in describe(emulator, name)["events"]]
