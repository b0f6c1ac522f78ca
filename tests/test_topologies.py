"""The other topologies: the primary Region dies, the real state machine recovers it and brings it home again."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from sandbox_under_test import Run, SandboxUnderTest, Workload

# The client orders every 0.2 s, and the lag metric has a point every 2 s, later on a busy machine.
_RPO_SLACK_SECONDS = 5
_ALARM_TIMEOUT_SECONDS = 180
#: The fence's item of the primary's compute, and its minimum, maximum and desired capacity while it serves.
_COMPUTE = {"payments": "primary-api", "warm-standby": "primary-web"}
_SERVING = {"payments": [2, 6, 2], "warm-standby": [2, 4, 2]}


@contextmanager
def _first_workload_of(topology: str) -> Iterator[Workload]:
    with SandboxUnderTest.started(f"whole-{topology}", topology) as sandbox:
        yield sandbox.workload(topology)


def _kill_the_region(workload: Workload) -> None:
    """Everything of it: network and AWS API, database, application."""
    workload.kill()
    workload.sandbox.control("POST", "/primary/network/down", workload=workload.name)


def _assert_writer(workload: Workload, role: str) -> None:
    """By boto3: the global database has one writer, it is at home (`primary`) or away (`recovery`), and it is well."""
    sandbox, identifier = workload.sandbox, f"{workload.name}-aurora-{role}"
    region = sandbox.primary_region if role == "primary" else sandbox.recovery_region
    members = workload.global_members()
    assert [cluster for cluster, member in members.items() if member["IsWriter"]] == [identifier]
    cluster = sandbox.aws("rds", region).describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]
    assert cluster["Status"] == "available"
    assert [member["IsClusterWriter"] for member in cluster["DBClusterMembers"]] == [True]


def _assert_connected(workload: Workload) -> None:
    """By boto3: both clusters are members, and each follows or is followed."""
    states = {name: member["SynchronizationStatus"] for name, member in workload.global_members().items()}
    assert states == {f"{workload.name}-aurora-{role}": "connected" for role in ("primary", "recovery")}


def _assert_recovered(workload: Workload, run: Run) -> None:
    """What every topology has in common: the global database, the traffic, the client's orders and the report."""
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    assert run.report["outcome"] == "recovered"
    _assert_writer(workload, "recovery")
    assert workload.stop_object_present()
    assert workload.lease()["phase"] == "released"
    _assert_loss(workload, run, workload.client_until(workload.sandbox.recovery_region))


def _assert_loss(workload: Workload, run: Run, client: dict) -> None:
    """What this failover lost is inside the reported loss, which exceeds it by how late the incident was seen."""
    assert client["readRegion"] == workload.sandbox.recovery_region
    assert client["losses"], "a lag of 1.5 s must have lost something, or the count proves nothing"
    loss_seconds = client["losses"][-1]["seconds"]
    assert loss_seconds <= run.report["rpoSeconds"] + 0.5
    assert workload.killed_at is not None
    noticed_after = datetime.fromisoformat(run.report["incidentAt"]).timestamp() - workload.killed_at
    assert run.report["rpoSeconds"] <= loss_seconds + noticed_after + _RPO_SLACK_SECONDS


def _lag_then_kill(workload: Workload) -> None:
    sandbox = workload.sandbox
    sandbox.control("POST", "/replication/lag", {"seconds": 1.5}, workload=workload.name)
    # Orders that were confirmed after the line became slow are on it when the Region dies.
    confirmed = workload.client()["acked"]
    workload.acked_until(confirmed + 25)
    _kill_the_region(workload)


def _run_of_the_alarm(workload: Workload) -> Run:
    """The run that the primary-down alarm starts; nobody else starts one."""
    deadline = time.monotonic() + _ALARM_TIMEOUT_SECONDS
    while not (started := workload.sandbox.executions_of(workload.name)):
        assert time.monotonic() < deadline, "the alarm started no run"
        time.sleep(0.5)
    return workload.sandbox.wait(started[0]["executionArn"], workload.name)


def test_payments() -> None:
    """The alarm starts a run, Aurora is failed over, the ECS service grows; and every other alarm can ring.

    Then the way home, and the next disaster, without touching anything by hand but mending the Region.
    """
    with _first_workload_of("payments") as workload:
        primary, recovery = workload.sandbox.primary_region, workload.sandbox.recovery_region
        assert (workload.service()["runningCount"], workload.scalable_range()) == (1, (1, 6))
        # OK, and not INSUFFICIENT_DATA: every alarm watches a metric that is there.
        watched = [("replication-lag", recovery), ("too-few-tasks", recovery)]
        watched += [("unhealthy-targets", primary), ("too-few-tasks", primary)]
        for on, region in watched:
            workload.alarm_until(on, region, "OK")
        workload.kill("app")
        workload.alarm_until("unhealthy-targets", primary, "ALARM")
        workload.mend("app")
        workload.client_until(primary)
        _lag_then_kill(workload)
        run = _run_of_the_alarm(workload)
        assert run.report["trigger"]["alarmName"] == workload.sandbox.outputs["PrimaryDownAlarmName"]
        _assert_recovered(workload, run)
        _assert_set(workload, "recovery", recovery, "promotedSettings")
        _assert_three_tasks_serve(workload)
        _bring_payments_home(workload)
        # The canary's alarm rings on for a while: the next disaster is to be judged by its own signs.
        workload.verdict_until("healthy")
        _lag_then_kill(workload)
        _assert_recovered(workload, workload.run("us-east-1 is gone again"))
        _assert_three_tasks_serve(workload)
        assert len(workload.client()["losses"]) == 2


def _assert_set(workload: Workload, role: str, region: str, settings: str) -> None:
    """By boto3: the writer's cluster and its instance are set as the plan says."""
    rds, wanted = workload.sandbox.aws("rds", region), workload.document()["databases"][0][settings]
    cluster = f"{workload.name}-aurora-{role}"
    found = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]
    workload.assert_set(wanted, found)
    assert found["BackupRetentionPeriod"] == wanted["backupRetentionDays"] == 14
    assert found["DBClusterParameterGroup"] == f"{workload.name}-cluster-parameters"
    instance = rds.describe_db_instances(DBInstanceIdentifier=f"{cluster}-1")["DBInstances"][0]
    group = {"DBParameterGroupName": f"{workload.name}-parameters", "ParameterApplyStatus": "pending-reboot"}
    assert instance["DBParameterGroups"] == [group]
    assert wanted["tags"].items() <= {tag["Key"]: tag["Value"] for tag in instance["TagList"]}.items()


def _assert_three_tasks_serve(workload: Workload) -> None:
    service = workload.service()
    assert (service["desiredCount"], service["runningCount"], service["pendingCount"]) == (3, 3, 0)
    # Without its minimum, Application Auto Scaling would scale straight back in.
    assert workload.scalable_range() == (3, 6)


def _bring_payments_home(workload: Workload) -> None:
    """Mend the Region, `protect`, `failback`: nothing else is lost, and one task stands by again."""
    primary, lost = workload.sandbox.primary_region, workload.client()["lost"]
    workload.mend()
    _assert_protected(workload, _succeeded(workload.run("make the old primary follow", mode="protect")), kept=1)
    run = _succeeded(workload.run("home", mode="failback"))
    assert run.report["rpoSeconds"] == 0
    assert workload.client_until(primary)["lost"] == lost, "the way home loses nothing"
    _assert_home(workload)
    _assert_set(workload, "primary", primary, "homeSettings")
    service = workload.service()
    assert (service["desiredCount"], service["runningCount"], workload.scalable_range()) == (1, 1, (1, 6))
    assert workload.service(primary)["runningCount"] == 2


@pytest.fixture(scope="module")
def standby() -> Iterator[SandboxUnderTest]:
    """One warm-standby sandbox for all its tests."""
    with SandboxUnderTest.started("whole-warm-standby", "warm-standby") as sandbox:
        yield sandbox


@pytest.fixture
def shop(standby: SandboxUnderTest, request: pytest.FixtureRequest) -> Iterator[Workload]:
    """A freshly seeded warm standby, its Region well again and removed afterwards."""
    name = request.node.name.removeprefix("test_warm_standby_").replace("_", "-")
    created = standby.create_workload(name)
    try:
        yield created
    finally:
        created.mend()
        standby.remove_workload(name)


def _succeeded(run: Run) -> Run:
    assert run.status == "SUCCEEDED", json.dumps([run.error, run.cause], indent=1)
    return run


def _kept_snapshots(workload: Workload) -> list[dict]:
    """What is kept by hand of data that the old primary had not replicated."""
    rds = workload.sandbox.aws("rds", workload.sandbox.primary_region)
    found = rds.describe_db_cluster_snapshots(
        DBClusterIdentifier=f"{workload.name}-aurora-primary", SnapshotType="manual"
    )["DBClusterSnapshots"]
    return [s for s in found if s["DBClusterSnapshotIdentifier"].startswith("kept-unplanned-global-failover-")]


def _assert_protected(workload: Workload, run: Run, *, kept: int) -> None:
    """After `protect`: the old primary follows, is fenced, and what it alone had is kept and named in the report."""
    _assert_writer(workload, "recovery")
    _assert_connected(workload)
    snapshots = _kept_snapshots(workload)
    assert [snapshot["Status"] for snapshot in snapshots] == ["available"] * kept
    step = next(step for step in run.report["steps"] if step["name"] == "protect")
    for snapshot in snapshots:
        assert snapshot["DBClusterSnapshotIdentifier"] in json.dumps(step)
    assert workload.primary_doors()[_COMPUTE[workload.sandbox.topology]] == [0, 0, 0]
    assert workload.stop_object_present(), "the traffic stays where it is until somebody brings it home"


def _assert_home(workload: Workload) -> None:
    """After `failback`: as before it all began."""
    _assert_writer(workload, "primary")
    _assert_connected(workload)
    assert not workload.stop_object_present()
    doors = workload.primary_doors()
    assert doors[_COMPUTE[workload.sandbox.topology]] == _SERVING[workload.sandbox.topology]
    door = next(item for item in workload.document()["fence"]["items"] if item["name"] == "primary-door")
    assert doors["primary-door"] == sorted(door["openSecurityGroupIds"])
    assert workload.lease()["phase"] == "released"


def _assert_cache_primary(workload: Workload, region: str) -> None:
    """By boto3, in both Regions: this Region's replication group is primary, the other follows, all is available."""
    primary, recovery = workload.sandbox.primary_region, workload.sandbox.recovery_region
    roles = {each: "PRIMARY" if each == region else "SECONDARY" for each in (primary, recovery)}
    for seen_from in (primary, recovery):
        datastore = workload.datastore(seen_from)
        assert datastore["Status"] == "available"
        assert {m["ReplicationGroupRegion"]: m["Role"] for m in datastore["Members"]} == roles
    for member in datastore["Members"]:
        elasticache = workload.sandbox.aws("elasticache", member["ReplicationGroupRegion"])
        found = elasticache.describe_replication_groups(ReplicationGroupId=member["ReplicationGroupId"])
        group = found["ReplicationGroups"][0]
        assert (group["Status"], group["GlobalReplicationGroupInfo"]["GlobalReplicationGroupMemberRole"]) == (
            "available",
            member["Role"],
        )


def _assert_two_serve(workload: Workload) -> None:
    assert workload.sizes() == (2, 4, 2)
    in_service = [i for i in workload.group()["Instances"] if i["LifecycleState"] == "InService"]
    assert len(in_service) == 2


def test_warm_standby_there_and_back(shop: Workload) -> None:
    """The whole loop, without touching anything by hand but mending the Region: and it can begin anew."""
    assert shop.sizes() == (1, 4, 1)
    _lag_then_kill(shop)
    _assert_recovered(shop, shop.run("us-east-1 is gone"))
    _assert_two_serve(shop)
    primary, recovery = shop.sandbox.primary_region, shop.sandbox.recovery_region
    _assert_cache_primary(shop, recovery)
    lost = shop.client()["lost"]
    shop.mend()
    _assert_protected(shop, _succeeded(shop.run("make the old primary follow", mode="protect")), kept=1)
    run = _succeeded(shop.run("home", mode="failback"))
    assert run.report["rpoSeconds"] == 0
    assert shop.client_until(primary)["lost"] == lost, "the way home loses nothing"
    _assert_home(shop)
    _assert_cache_primary(shop, primary)
    assert shop.sizes() == (1, 4, 1), "one instance stands by"
    # The canary's alarm rings on for a while: the next disaster is to be judged by its own signs.
    shop.verdict_until("healthy")
    _lag_then_kill(shop)
    _assert_recovered(shop, shop.run("us-east-1 is gone again"))
    _assert_two_serve(shop)
    _assert_cache_primary(shop, recovery)
    assert len(shop.client()["losses"]) == 2


def test_warm_standby_planned(shop: Workload) -> None:
    """A switchover and the way home: every order that was ever confirmed is there, and nothing needs to be kept."""
    run = _succeeded(shop.run("a planned move", mode="switchover"))
    assert run.report["rpoSeconds"] == 0
    assert shop.client_until(shop.sandbox.recovery_region)["lost"] == 0
    _assert_cache_primary(shop, shop.sandbox.recovery_region)
    _assert_protected(shop, _succeeded(shop.run("follow", mode="protect")), kept=0)
    run = _succeeded(shop.run("home", mode="failback"))
    assert run.report["rpoSeconds"] == 0
    seen = shop.client_until(shop.sandbox.primary_region)
    assert (seen["lost"], seen["losses"]) == (0, [])
    _assert_home(shop)
    _assert_cache_primary(shop, shop.sandbox.primary_region)
    assert shop.sizes() == (1, 4, 1), "one instance stands by"
