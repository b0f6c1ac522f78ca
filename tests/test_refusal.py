"""Whole runs that do nothing, or undo what they did, and say why."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

from sandbox_under_test import Workload


def assert_untouched(workload: Workload) -> None:
    """Everything in the recovery Region is exactly as it was seeded."""
    replica = workload.replica()
    assert "ReadReplicaSourceDBInstanceIdentifier" in replica
    assert replica["DBInstanceStatus"] == "available"
    assert workload.sizes() == (0, 0, 0)
    assert not workload.stop_object_present()


def test_primary_healthy(workload: Workload) -> None:
    """Nothing happens, and the run says why."""
    run = workload.run("by mistake")
    assert (run.status, run.error) == ("FAILED", "Refused")
    assert run.report["outcome"] == "refused"
    assert "PrimaryHealthy" in run.report["reason"]
    assert "healthy application, database" in run.report["reason"]
    assert run.report["journal"] == []
    assert_untouched(workload)
    assert workload.lease()["phase"] == "released"
    assert set(workload.client_until(workload.sandbox.primary_region)["ackedByRegion"]) == {
        workload.sandbox.primary_region
    }


def test_promotion_refused(workload: Workload) -> None:
    """RDS refuses: the group, which had been scaled up meanwhile, goes back to exactly the values before."""
    workload.sandbox.aws("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=workload.group_name, MinSize=0, MaxSize=3, DesiredCapacity=0
    )
    workload.kill()
    workload.sandbox.add_fault(
        {
            "service": "rds",
            "operation": "PromoteReadReplica",
            "body": f"DBInstanceIdentifier == '{workload.replica_id}'",
            "error": {"code": "InvalidDBInstanceState", "status": 400, "message": "not now"},
        }
    )
    run = workload.run()
    assert (run.status, run.error) == ("FAILED", "RolledBack"), (run.error, run.cause)
    assert run.report["outcome"] == "rolledBack"
    assert "PromotionRefused" in run.report["reason"]
    assert workload.sizes() == (0, 3, 0)
    assert not workload.stop_object_present()
    assert "ReadReplicaSourceDBInstanceIdentifier" in workload.replica()
    resize = [entry for entry in run.report["journal"] if entry["action"] == "resize-group"]
    assert all(entry["undoneAt"] for entry in resize)
    assert workload.lease()["phase"] == "released"


def test_two_starts_at_once(workload: Workload) -> None:
    """One run acts; the other is refused and names the one that holds the lease."""
    workload.kill()
    with ThreadPoolExecutor(2) as pool:
        arns = list(pool.map(lambda _: workload.start("two people at once"), range(2)))
        runs = list(pool.map(lambda arn: workload.sandbox.wait(arn, workload.name), arns))
    assert sorted(run.report["outcome"] for run in runs) == ["recovered", "refused"]
    winner, loser = sorted(runs, key=lambda run: run.report["outcome"])
    assert "LeaseHeld" in loser.report["reason"]
    assert winner.run_id in loser.report["reason"]
    assert loser.report["journal"] == []


def test_plan_broken(workload: Workload) -> None:
    """A bad plan is refused with every problem and its path, before the lease is taken."""
    workload.put_plan(re.sub(r"quorum: 2", "quorum: 9\n  qourum: 2", workload.plan()) + "\ntypo: true\n")
    workload.kill()
    run = workload.run()
    assert (run.status, run.error) == ("FAILED", "Refused")
    assert "PlanInvalid" in run.report["reason"]
    for path in ("/policy", "typo", "qourum"):
        assert path in run.report["reason"]
    assert workload.lease() == {}
    assert_untouched(workload)


def test_no_such_plan(workload: Workload) -> None:
    """A start with a mistyped name is refused by the documented error."""
    stepfunctions = workload.sandbox.aws("stepfunctions")
    arn = stepfunctions.start_execution(
        stateMachineArn=workload.sandbox.outputs["RecoveryStateMachineArn"],
        input=json.dumps({"plan": "no-such-plan", "mode": "failover"}),
    )["executionArn"]
    run = workload.sandbox.wait(arn, "no-such-plan")
    assert (run.status, run.error) == ("FAILED", "Refused")
    assert "PlanNotFound" in run.report["reason"]


def test_loss_above_the_objective(workload: Workload) -> None:
    """A replica that lags by more than the plan allows is not promoted."""
    workload.put_plan(re.sub(r"maxDataLossSeconds: \d+", "maxDataLossSeconds: 1", workload.plan()))
    workload.sandbox.control("POST", "/replication/lag", {"seconds": 20}, workload=workload.name)
    time.sleep(12)  # until the line is as slow as that, the replica is not behind
    workload.kill()
    run = workload.run()
    assert (run.status, run.error) == ("FAILED", "Refused"), (run.error, run.cause)
    assert "DataLossTooHigh" in run.report["reason"]
    assert_untouched(workload)
