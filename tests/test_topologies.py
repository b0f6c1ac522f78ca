"""The other topologies, each in a sandbox of its own: its primary Region dies, the real state machine recovers it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sandbox_under_test import Run, SandboxUnderTest, Workload

# The client orders every 0.2 s, and the lag metric has a point every 2 s, later on a busy machine.
_RPO_SLACK_SECONDS = 5
_ALARM_TIMEOUT_SECONDS = 180


@contextmanager
def _first_workload_of(topology: str) -> Iterator[Workload]:
    with SandboxUnderTest.started(f"whole-{topology}", topology) as sandbox:
        yield sandbox.workload(topology)


def _kill_the_region(workload: Workload) -> None:
    """Everything of it: network and AWS API, database, application."""
    workload.kill()
    workload.sandbox.control("POST", "/primary/network/down", workload=workload.name)


def _assert_recovered(workload: Workload, run: Run) -> None:
    """What every topology has in common: the global database, the traffic, the client's orders and the report."""
    sandbox, name = workload.sandbox, workload.name
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    assert run.report["outcome"] == "recovered"
    members = workload.global_members()
    assert members[f"{name}-aurora-recovery"]["IsWriter"] is True
    assert [cluster for cluster, member in members.items() if member["IsWriter"]] == [f"{name}-aurora-recovery"]
    cluster = sandbox.aws("rds").describe_db_clusters(DBClusterIdentifier=f"{name}-aurora-recovery")["DBClusters"][0]
    assert cluster["Status"] == "available"
    assert [member["IsClusterWriter"] for member in cluster["DBClusterMembers"]] == [True]
    assert workload.stop_object_present()
    assert workload.lease()["phase"] == "released"
    _assert_loss(workload, run, workload.client_until(sandbox.recovery_region))


def _assert_loss(workload: Workload, run: Run, client: dict) -> None:
    """Every lost order is inside the reported loss, which exceeds it by how late the incident was seen."""
    assert client["readRegion"] == workload.sandbox.recovery_region
    assert client["lost"] > 0, "a lag of 1.5 s must have lost something, or the count proves nothing"
    assert client["lossSeconds"] <= run.report["rpoSeconds"] + 0.5
    assert workload.killed_at is not None
    noticed_after = datetime.fromisoformat(run.report["incidentAt"]).timestamp() - workload.killed_at
    assert run.report["rpoSeconds"] <= client["lossSeconds"] + noticed_after + _RPO_SLACK_SECONDS


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
    """The alarm starts a run, Aurora is failed over, the ECS service grows; and every other alarm can ring."""
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
        service = workload.service()
        assert (service["desiredCount"], service["runningCount"], service["pendingCount"]) == (3, 3, 0)
        # Without its minimum, Application Auto Scaling would scale straight back in.
        assert workload.scalable_range() == (3, 6)


def test_warm_standby() -> None:
    """A person starts the run, Aurora is failed over, and the group grows from the instance that stands by."""
    with _first_workload_of("warm-standby") as workload:
        assert workload.sizes() == (1, 4, 1)
        _lag_then_kill(workload)
        _assert_recovered(workload, workload.run("us-east-1 is gone"))
        assert workload.sizes() == (2, 4, 2)
        in_service = [i for i in workload.group()["Instances"] if i["LifecycleState"] == "InService"]
        assert len(in_service) == 2
