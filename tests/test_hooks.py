"""Whole runs with what only the owner can do: a Lambda function, called until it is done, and an SSM automation."""

import json
from collections.abc import Callable, Iterator

import pytest
from owner_hooks import SECRET, OwnerHooks
from sandbox_under_test import Run, Workload
from test_dry_run import _changes
from test_stuck import assert_recovered_after_stuck


@pytest.fixture
def hooks(workload: Workload) -> Iterator[OwnerHooks]:
    """What the owner of a freshly seeded workload made beforehand."""
    made = OwnerHooks(workload).create()
    try:
        yield made
    finally:
        made.remove()


def _assert_says_nothing_of_the_payload(run: Run) -> None:
    assert SECRET not in json.dumps(run.report)
    assert SECRET not in json.dumps(run.cause)


def test_both_hooks_in_a_failover(hooks: OwnerHooks) -> None:
    """The function waits for the database and then does its part over several calls; the runbook runs once."""
    workload = hooks.workload
    called = hooks.called()
    called["payload"]["replica"] = workload.replica_id
    workload.change_plan(lambda plan: plan["compute"].extend([called, hooks.recorded()]))
    workload.kill()
    run = workload.run("with hooks")
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    published = hooks.made("published")
    assert published is not None
    assert published | {"token": ""} == {
        "token": "",
        "settings": "blue",
        "runId": run.run_id,
        "mode": "failover",
        "generation": 1,
        "recoveryRegion": workload.sandbox.recovery_region,
    }
    assert hooks.made("announced") == {"token": published["token"]}
    expected = {"runId": run.run_id, "mode": "failover", "region": workload.sandbox.recovery_region}
    assert hooks.made("record") == expected
    assert [execution["AutomationExecutionStatus"] for execution in hooks.executions()] == ["Success"]
    assert {"call-function", "start-automation"} <= {entry["action"] for entry in run.report["journal"]}
    details = {c["name"]: c["detail"] for s in run.report["steps"] for c in s["components"] if s["name"] == "validate"}
    assert details["publish"] == "the function answered `done`: published"
    _assert_says_nothing_of_the_payload(run)
    workload.client_until(workload.sandbox.recovery_region)


def test_a_dry_run_calls_only_what_knows_one(hooks: OwnerHooks) -> None:
    """The function is called with `dryRun` and makes nothing; of the runbook is only said what would be started."""
    workload = hooks.workload
    workload.change_plan(lambda plan: plan["compute"].extend([hooks.called(dryRunCall=True), hooks.recorded()]))
    arn = workload.start(mode="dryRun")
    run = workload.sandbox.wait(arn, workload.name)
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    assert [name for name in _changes(workload) if not name.startswith("lambda.Invoke")] == []
    assert any(name.startswith("lambda.Invoke") for name in _changes(workload)), "the wire saw its call"
    assert [hooks.made(name) for name in ("announced", "published", "record")] == [None, None, None]
    assert hooks.executions() == []
    output = json.loads(workload.sandbox.aws("stepfunctions").describe_execution(executionArn=arn)["output"])
    decisions = {d["component"]: d["detail"] for d in output["decisions"] if d["step"] == "scale-compute"}
    assert decisions["record"] == f"started: one automation of {hooks.document}"
    [step] = [step for step in run.report["steps"] if step["name"] == "scale-compute"]
    details = {component["name"]: component["detail"] for component in step["components"]}
    assert details["publish"] == "the function answered `done`: would publish"


def _without_a_database(plan: dict) -> None:
    """A run without a pivot, of which everything can be undone."""
    plan["databases"] = []
    del plan["home"]


def test_a_hook_that_fails_before_the_pivot(hooks: OwnerHooks) -> None:
    """Everything is put back, also what the function had made; its error is told by its type alone."""
    workload = hooks.workload
    workload.change_plan(_without_a_database)
    workload.change_plan(lambda plan: plan["compute"].extend([hooks.called(), hooks.recorded()]))
    hooks.break_it()
    before = workload.primary_doors()
    workload.kill()
    run = workload.run("with a hook that fails")
    assert (run.status, run.error) == ("FAILED", "RolledBack"), (run.error, run.cause)
    assert "HookFailed" in run.report["reason"]
    assert "its invocation ended in an error of the type" in run.report["reason"]
    assert (workload.sizes(), workload.primary_doors()) == ((0, 0, 0), before)
    assert (hooks.made("announced"), hooks.made("published")) == (None, None), "the function took it back"
    assert hooks.made("record") is not None, "what an automation made stays"
    assert workload.lease()["phase"] == "released"
    _assert_says_nothing_of_the_payload(run)


def test_a_hook_that_fails_after_the_pivot(hooks: OwnerHooks) -> None:
    """Nothing is undone and a person is paged; once it is mended, the next run calls it anew and gets through."""
    workload = hooks.workload
    called = hooks.called()
    called["payload"]["replica"] = workload.replica_id
    workload.change_plan(lambda plan: plan["compute"].append(called))
    workload.change_plan(lambda plan: plan["policy"].update(forwardTries=1))
    hooks.break_it()
    pages = workload.pages()
    workload.kill()
    run = workload.run("with a hook that fails")
    assert (run.status, run.error) == ("FAILED", "Stuck"), (run.error, run.cause)
    assert "HookFailed" in run.report["reason"]
    assert "ReadReplicaSourceDBInstanceIdentifier" not in workload.replica()
    announced = hooks.made("announced")
    assert announced is not None, "nothing is undone past the pivot"
    pages.about(run.run_id, "HookFailed")
    hooks.set_up()
    again = workload.run("the hook is mended", resume=run.run_id)
    assert_recovered_after_stuck(workload, again, run)
    published = hooks.made("published")
    assert published is not None
    assert (published["runId"], published["token"] == announced["token"]) == (again.run_id, True)


def _changed(hooks: OwnerHooks, **fields: object) -> Callable[[dict], None]:
    return lambda plan: plan["compute"].append(hooks.called(**fields))


def test_wrong_hooks_are_refused(hooks: OwnerHooks) -> None:
    """Each is refused by what is wrong with it, and nothing is changed; the right ones then recover."""
    workload, right = hooks.workload, hooks.workload.plan()
    elsewhere = f"arn:aws:lambda:eu-west-1:000000000000:function:{hooks.function}"
    wrong = {
        "no-such-function": _changed(hooks, functionName="no-such-function"),
        "no-such-alias": _changed(hooks, qualifier="no-such-alias"),
        "eu-west-1": _changed(hooks, functionName=elsewhere),
        "no-such-document": lambda plan: plan["compute"].append(
            hooks.recorded() | {"documentName": "no-such-document"}
        ),
    }
    workload.kill()
    workload.verdict_until("down")
    before = workload.primary_doors()
    for name, change in wrong.items():
        workload.put_plan(right)
        workload.change_plan(change)
        run = workload.run(f"with {name}")
        assert (run.status, run.error) == ("FAILED", "Refused"), (name, run.cause)
        assert name in run.report["reason"]
        assert run.report["journal"] == []
        assert (workload.sizes(), workload.primary_doors()) == ((0, 0, 0), before)
        assert (hooks.made("announced"), hooks.executions()) == (None, [])
    workload.put_plan(right)
    workload.change_plan(lambda plan: plan["compute"].extend([hooks.called(), hooks.recorded()]))
    run = workload.run("with the right plan")
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    assert hooks.made("published") is not None
