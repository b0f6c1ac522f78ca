"""ECS: services that move over time, one application process a task, and what is refused."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from ecs_service import (
    NETWORK,
    counts,
    create,
    create_definition,
    describe,
    events,
    task,
    task_ids,
    wait_until_running,
)
from emulator_process import PRIMARY, Emulator, eventually


def refusal(call, **arguments: object) -> str:
    """The error code that a call is refused with."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"]


def test_a_service_starts_at_zero_and_scales_out_to_real_processes_and_in_again(emulator: Emulator, name: str) -> None:
    create(emulator, name, 0)
    eventually(lambda: describe(emulator, name)["deployments"][0]["rolloutState"] == "COMPLETED")
    emulator.world.tasks_may_start.clear()
    client = emulator.client("ecs")
    assert client.update_service(cluster=name, service=name, desiredCount=2)["service"]["desiredCount"] == 2
    started = eventually(lambda: task_ids(emulator, name))
    eventually(lambda: [task(emulator, name, each)["lastStatus"] for each in started] == ["ACTIVATING"] * 2)
    assert counts(emulator, name) == (2, 0, 2)
    emulator.world.tasks_may_start.set()
    wait_until_running(emulator, name, 2)
    assert sorted(emulator.world.instances("launch", name)) == started == task_ids(emulator, name)
    [deployment] = describe(emulator, name)["deployments"]
    assert (deployment["desiredCount"], deployment["runningCount"], deployment["rolloutState"]) == (2, 2, "COMPLETED")
    eventually(lambda: events(emulator, name)[0] == "has reached a steady state.")
    assert any(event.startswith("has started 2 tasks: (task ") for event in events(emulator, name))

    client.update_service(cluster=name, service=name, desiredCount=1)
    wait_until_running(emulator, name, 1)
    [stopped] = eventually(lambda: task_ids(emulator, name, "STOPPED"))
    eventually(lambda: task(emulator, name, stopped)["lastStatus"] == "STOPPED")
    assert emulator.world.instances("terminate", name) == [stopped]
    assert task(emulator, name, stopped)["stopCode"] == "ServiceSchedulerInitiated"


def test_a_rollout_is_in_progress_until_its_tasks_run(emulator: Emulator, name: str) -> None:
    emulator.world.tasks_may_start.clear()
    [deployment] = create(emulator, name, 1)["deployments"]
    assert (deployment["rolloutState"], deployment["status"]) == ("IN_PROGRESS", "PRIMARY")
    emulator.world.tasks_may_start.set()
    wait_until_running(emulator, name, 1)
    eventually(lambda: describe(emulator, name)["deployments"][0]["rolloutState"] == "COMPLETED")
    [before] = task_ids(emulator, name)

    emulator.world.tasks_may_start.clear()
    definition = create_definition(emulator, name)
    emulator.client("ecs").update_service(cluster=name, service=name, taskDefinition=definition)
    both = describe(emulator, name)["deployments"]
    assert [(each["status"], each["rolloutState"]) for each in both] == [
        ("PRIMARY", "IN_PROGRESS"),
        ("ACTIVE", "COMPLETED"),
    ]
    assert before in task_ids(emulator, name)
    emulator.world.tasks_may_start.set()
    eventually(lambda: len(describe(emulator, name)["deployments"]) == 1)
    wait_until_running(emulator, name, 1)
    [after] = task_ids(emulator, name)
    assert after != before
    assert task(emulator, name, after)["taskDefinitionArn"] == definition
    eventually(lambda: emulator.world.instances("terminate", name) == [before])


def test_a_process_that_dies_is_replaced(emulator: Emulator, name: str) -> None:
    create(emulator, name, 2)
    wait_until_running(emulator, name, 2)
    dead, survivor = task_ids(emulator, name)
    emulator.world.ended_tasks[dead] = 137
    eventually(lambda: dead not in task_ids(emulator, name))
    wait_until_running(emulator, name, 2)
    assert survivor in task_ids(emulator, name)
    eventually(lambda: task(emulator, name, dead)["lastStatus"] == "STOPPED")
    ended = task(emulator, name, dead)
    assert (ended["stopCode"], ended["containers"][0]["exitCode"]) == ("EssentialContainerExited", 137)


def test_a_task_that_somebody_stops_is_replaced(emulator: Emulator, name: str) -> None:
    create(emulator, name, 1)
    wait_until_running(emulator, name, 1)
    [stopped] = task_ids(emulator, name)
    answer = emulator.client("ecs").stop_task(cluster=name, task=stopped, reason="to see")["task"]
    assert (answer["desiredStatus"], answer["stopCode"], answer["stoppedReason"]) == (
        "STOPPED",
        "UserInitiated",
        "to see",
    )
    eventually(lambda: task_ids(emulator, name) not in ([], [stopped]))
    wait_until_running(emulator, name, 1)
    eventually(lambda: emulator.world.instances("terminate", name) == [stopped])


def test_a_task_that_cannot_start_says_why_and_is_tried_again(emulator: Emulator, name: str) -> None:
    emulator.world.refuse_launch = "Capacity is unavailable at this time"
    create(emulator, name, 1)
    failed, *_ = eventually(lambda: task_ids(emulator, name, "STOPPED"))
    assert task(emulator, name, failed)["stopCode"] == "TaskFailedToStart"
    said = "was unable to place a task. Reason: Capacity is unavailable at this time."
    eventually(lambda: said in events(emulator, name))
    eventually(lambda: describe(emulator, name)["deployments"][0]["failedTasks"])
    assert describe(emulator, name)["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    assert counts(emulator, name)[1] == 0
    emulator.world.refuse_launch = None
    wait_until_running(emulator, name, 1)
    eventually(lambda: describe(emulator, name)["deployments"][0]["failedTasks"] == 0)


def test_scaling_in_while_processes_start_leaves_none_of_them(emulator: Emulator, name: str) -> None:
    emulator.world.tasks_may_start.clear()
    create(emulator, name, 2)
    starting = eventually(lambda: len(ids := emulator.world.instances("launch", name)) == 2 and ids)
    emulator.client("ecs").update_service(cluster=name, service=name, desiredCount=0)
    wait_until_running(emulator, name, 0)
    eventually(lambda: set(emulator.world.instances("terminate", name)) == set(starting))
    emulator.world.tasks_may_start.set()
    # Ended once more now that there is a process to end.
    eventually(lambda: sorted(emulator.world.instances("terminate", name)) == sorted(starting * 2))
    assert task_ids(emulator, name) == []


def test_deleting_drains_and_then_leaves_an_inactive_service(emulator: Emulator, name: str) -> None:
    create(emulator, name, 1)
    wait_until_running(emulator, name, 1)
    client = emulator.client("ecs")
    named = {"cluster": name, "service": name}
    assert refusal(client.delete_service, **named) == "InvalidParameterException"
    assert refusal(client.delete_cluster, cluster=name) == "ClusterContainsServicesException"
    [running] = task_ids(emulator, name)
    assert client.delete_service(**named, force=True)["service"]["desiredCount"] == 0
    eventually(lambda: describe(emulator, name)["status"] == "INACTIVE")
    assert emulator.world.instances("terminate", name) == [running]
    assert refusal(client.update_service, **named, desiredCount=1) == "ServiceNotActiveException"
    assert counts(emulator, name) == (0, 0, 0)
    create(emulator, name, 1)
    wait_until_running(emulator, name, 1)
    client.delete_service(**named, force=True)
    eventually(lambda: describe(emulator, name)["status"] == "INACTIVE")
    assert client.delete_cluster(cluster=name)["cluster"]["status"] == "INACTIVE"


def test_what_is_missing_is_told_apart(emulator: Emulator, name: str) -> None:
    client = emulator.client("ecs")
    client.create_cluster(clusterName=name)
    answer = client.describe_services(cluster=name, services=["nothing"])
    assert answer["services"] == []
    [failure] = answer["failures"]
    assert (failure["reason"], failure["arn"].rsplit("/", 1)[-1]) == ("MISSING", "nothing")
    assert refusal(client.describe_services, cluster="nowhere", services=["x"]) == "ClusterNotFoundException"
    assert refusal(client.list_tasks, cluster="nowhere") == "ClusterNotFoundException"
    assert refusal(client.list_tasks, cluster=name, serviceName="x") == "ServiceNotFoundException"
    assert refusal(client.describe_tasks, cluster="nowhere", tasks=["x"]) == "ClusterNotFoundException"
    missing_task = client.describe_tasks(cluster=name, tasks=["0" * 32])["failures"]
    assert [each["reason"] for each in missing_task] == ["MISSING"]
    assert refusal(client.update_service, cluster="nowhere", service="x") == "ClusterNotFoundException"
    assert refusal(client.update_service, cluster=name, service="x", desiredCount=1) == "ServiceNotFoundException"
    assert refusal(client.delete_service, cluster=name, service="x") == "ServiceNotFoundException"
    assert refusal(client.delete_cluster, cluster="nowhere") == "ClusterNotFoundException"
    assert refusal(client.stop_task, cluster=name, task="x") == "InvalidParameterException"
    # The same names in the other Region are other things.
    other = emulator.client("ecs", PRIMARY)
    assert refusal(other.describe_services, cluster=name, services=["x"]) == "ClusterNotFoundException"


def test_what_cannot_be_is_refused_and_changes_nothing(emulator: Emulator, name: str) -> None:
    create(emulator, name, 1)
    wait_until_running(emulator, name, 1)
    client = emulator.client("ecs")
    made = {"cluster": name, "serviceName": f"{name}-2", "taskDefinition": name, "desiredCount": 1}
    assert refusal(client.create_service, **{**made, "cluster": "nowhere"}) == "ClusterNotFoundException"
    assert refusal(client.create_service, **{**made, "taskDefinition": "none"}) == "ClientException"
    assert refusal(client.create_service, **made) == "InvalidParameterException"  # awsvpc without a network
    made["networkConfiguration"] = NETWORK
    assert refusal(client.create_service, **{**made, "serviceName": name}) == "InvalidParameterException"
    assert refusal(client.create_service, **{**made, "desiredCount": -1}) == "InvalidParameterException"
    assert refusal(client.update_service, cluster=name, service=name, desiredCount=-1) == "InvalidParameterException"
    assert refusal(client.update_service, cluster=name, service=name, taskDefinition="none") == "ClientException"
    eleven = [f"service-{number}" for number in range(11)]
    assert refusal(client.describe_services, cluster=name, services=eleven) == "InvalidParameterException"
    assert counts(emulator, name) == (1, 1, 0)
    assert len(client.list_services(cluster=name)["serviceArns"]) == 1
