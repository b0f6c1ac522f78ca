"""A dry run walks the whole machine, and not one call that changes the workload crosses the wire."""

import json

from pilot_sandbox.faults.stack import Stack
from sandbox_under_test import Run, SandboxUnderTest, Workload

#: What changes nothing, by the first word of the operation's name.
_READS = ("Describe", "Get", "List", "Head", "Query")
#: Writes that are not of the workload: the run's own table, its report.
_OWN = {"dynamodb", "s3.PutObject report.json", "s3.PutObject report.html"}


def _changes(workload: Workload) -> list[str]:
    calls = Stack(workload.sandbox.description).calls(workload.name)
    assert len(calls) > 20, "the wire records nothing"
    made = [f"{call['operation']} {call['item']}".strip() for call in calls if call["function"] != "outside"]
    return [
        name
        for name in made
        if not name.split(".")[1].startswith(_READS) and name.split(".")[0] not in _OWN and name not in _OWN
    ]


def _walked(sandbox: SandboxUnderTest, workload: Workload) -> tuple[Run, dict]:
    before = workload.sizes(), workload.primary_doors(), workload.stop_object_present()
    arn = workload.start(mode="dryRun")
    run = sandbox.wait(arn, workload.name)
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    assert (workload.sizes(), workload.primary_doors(), workload.stop_object_present()) == before
    assert "ReadReplicaSourceDBInstanceIdentifier" in workload.replica()
    assert run.report["outcome"] == "dryRun"
    assert run.report["journal"] == []
    output = sandbox.aws("stepfunctions").describe_execution(executionArn=arn)["output"]
    return run, json.loads(output)


def test_a_dry_run_of_a_healthy_workload(sandbox: SandboxUnderTest, workload: Workload) -> None:
    """It says that a real run would end at once, and walks on."""
    run, output = _walked(sandbox, workload)
    assert _changes(workload) == []
    decisions = {(d["step"], d["action"]): d for d in output["decisions"]}
    assert "PrimaryHealthy" in decisions["assess", "end"]["detail"]
    promotion = decisions["promote-data", "promote-read-replica"]
    assert (promotion["resource"], promotion["irreversible"]) == (workload.replica_id, True)
    assert decisions["scale-compute", "resize-group"]["before"] == {"min": 0, "max": 0, "desired": 0}
    assert ("shift-traffic", "put-stop-object") in decisions
    assert {"fence-group", "fence-load-balancer", "fence-instance"} <= {action for step, action in decisions}
    names = {step["name"] for step in run.report["steps"]}
    assert {"assess", "ready", "fence", "gate", "promote-data", "scale-compute", "validate"} <= names
    assert {"shift-traffic", "verify"} <= names


def test_a_dry_run_beside_a_real_one(sandbox: SandboxUnderTest, workload: Workload) -> None:
    """It holds nothing up: the real run takes its own lease and recovers."""
    workload.change_plan(lambda plan: plan["policy"].update(gate="approval", approvers=["ana"]))
    workload.kill()
    run, output = _walked(sandbox, workload)
    assert _changes(workload) == []
    asked = next(d for d in output["decisions"] if d["action"] == "ask")
    assert "every promotion approved" in asked["detail"]
    assert workload.lease() == {}, "the lease of real runs was never touched"
