"""There and back: away with nothing lost or after a disaster, protected, home again, and ready for the next time."""

import time

from sandbox_under_test import Run, SandboxUnderTest, Workload

_PIVOT_SECONDS_MAX = 90


def assert_succeeded(run: Run) -> Run:
    """The run ended well; otherwise everything that is known of it."""
    assert run.status == "SUCCEEDED", (run.error, run.cause, [s for s in run.report["steps"] if s["outcome"] != "done"])
    return run


def assert_follows(workload: Workload, region: str, identifier: str, source: str) -> None:
    """By boto3: the instance is a replica of the source in the other Region, and replicates."""
    rds = workload.sandbox.aws("rds", region)
    instance = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
    assert instance["DBInstanceStatus"] == "available"
    assert instance["ReadReplicaSourceDBInstanceIdentifier"].rsplit(":", 1)[1] == source
    assert [info["Status"] for info in instance["StatusInfos"]] == ["replicating"]


def assert_set_aside(workload: Workload, region: str, identifier: str, times: int) -> None:
    """By boto3: what was the primary is kept under another name, and nothing was deleted."""
    rds = workload.sandbox.aws("rds", region)
    names = [found["DBInstanceIdentifier"] for found in rds.describe_db_instances()["DBInstances"]]
    assert sum(name.startswith(f"{identifier}-aside-") for name in names) == times, names


def assert_protected(workload: Workload) -> None:
    """After `protect`: the old primary is fenced and set aside, and its Region follows the one that serves."""
    primary = workload.sandbox.primary_region
    assert_follows(workload, primary, f"{workload.name}-db", workload.replica_id)
    assert_set_aside(workload, primary, f"{workload.name}-db", times=1)
    assert workload.primary_doors()["primary-web"] == [0, 0, 0]
    assert workload.stop_object_present(), "the traffic stays where it is until somebody brings it home"


def delete_what_was_set_aside(workload: Workload, run: Run) -> None:
    """A person runs the commands that the report of `protect` tells, word for word: the data is in a snapshot first."""
    rds = workload.sandbox.aws("rds", workload.sandbox.primary_region)
    entry = next(entry for entry in run.report["journal"] if entry["action"] == "set-aside")
    lift, delete = entry["before"]["deleteWith"]
    detail = next(step for step in run.report["steps"] if step["name"] == "protect")["components"][0]["detail"]
    assert f"`{lift}`, then `{delete}`" in detail
    aside = entry["before"]["setAsideAs"]
    for line in (lift, delete):
        ran = workload.sandbox.aws_cli(line)
        assert ran.returncode == 0, ran.stderr
    rds.get_waiter("db_snapshot_available").wait(
        DBSnapshotIdentifier=f"{aside}-final", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=aside, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    snapshot = rds.describe_db_snapshots(DBSnapshotIdentifier=f"{aside}-final")["DBSnapshots"][0]
    assert (snapshot["DBInstanceIdentifier"], snapshot["SnapshotType"]) == (aside, "manual")
    assert_follows(workload, workload.sandbox.primary_region, f"{workload.name}-db", workload.replica_id)


def assert_home(workload: Workload) -> None:
    """After `failback`: as before it all began, with the recovery Region at rest and following."""
    sandbox = workload.sandbox
    assert_follows(workload, sandbox.recovery_region, workload.replica_id, f"{workload.name}-db")
    assert_set_aside(workload, sandbox.recovery_region, workload.replica_id, times=1)
    rds = sandbox.aws("rds", sandbox.primary_region)
    instance = rds.describe_db_instances(DBInstanceIdentifier=f"{workload.name}-db")["DBInstances"][0]
    workload.assert_set(workload.document()["databases"][0]["homeSettings"], instance)
    assert workload.sizes() == (0, 0, 0)
    assert not workload.stop_object_present()
    doors = workload.primary_doors()
    plan = {item["name"]: item for item in workload.document()["fence"]["items"]}
    assert doors["primary-web"] == [2, 4, 2]
    for name in ("primary-door", "primary-db"):
        assert doors[name] == sorted(plan[name]["openSecurityGroupIds"])


def recover(workload: Workload) -> None:
    """The primary dies, and the recovery Region takes over within the loss that it reports."""
    earlier = len(workload.client_until(workload.sandbox.primary_region)["losses"])
    workload.kill()
    run = assert_succeeded(workload.run("the Region is gone"))
    seen = workload.client_until(workload.sandbox.recovery_region)
    # None, if everything had arrived when it died; otherwise one stretch, after those of earlier disasters.
    for loss in seen["losses"][earlier:]:
        assert loss["seconds"] <= run.report["rpoSeconds"] + 0.5
    assert "--mode protect" in run.report["next"]


def test_failover_protect_failback_failover(workload: Workload) -> None:
    """The whole loop, without touching anything by hand but mending the Region."""
    recover(workload)
    lost = workload.client()["lost"]
    workload.mend()
    run = assert_succeeded(workload.run("make the old primary follow", mode="protect"))
    assert_protected(workload)
    delete_what_was_set_aside(workload, run)
    assert_succeeded(workload.run("home", mode="failback"))
    seen = workload.client_until(workload.sandbox.primary_region)
    assert seen["lost"] == lost, "the way home loses nothing"
    assert_home(workload)
    recover(workload)


def test_switchover_and_failback_lose_nothing(workload: Workload) -> None:
    """Every number that was ever confirmed is there afterwards, in both directions."""
    sandbox = workload.sandbox
    run = assert_succeeded(workload.run("a planned move", mode="switchover"))
    assert run.report["rpoSeconds"] == 0
    assert workload.client_until(sandbox.recovery_region)["lost"] == 0
    assert_succeeded(workload.run("follow", mode="protect"))
    assert_protected(workload)
    run = assert_succeeded(workload.run("home", mode="failback"))
    assert run.report["rpoSeconds"] == 0
    seen = workload.client_until(sandbox.primary_region)
    assert (seen["lost"], seen["acked"] > 0) == (0, True)
    assert_home(workload)


def test_a_failback_that_died_past_its_pivot_is_gone_on_with(workload: Workload, sandbox: SandboxUnderTest) -> None:
    """Its execution is stopped once the promotion at home was accepted: `pilot resume` brings the workload home."""
    assert_succeeded(workload.run("a planned move", mode="switchover"))
    assert_succeeded(workload.run("follow", mode="protect"))
    arn = workload.start("home", mode="failback")
    dead = arn.rsplit(":", 1)[1]
    deadline = time.monotonic() + _PIVOT_SECONDS_MAX
    while not any(entry["irreversible"] and "outcome" in entry for entry in sandbox.items(f"run#{dead}", "act#")):
        assert time.monotonic() < deadline, "the promotion at home was never accepted"
        time.sleep(0.2)
    sandbox.aws("stepfunctions").stop_execution(executionArn=arn)
    followed = sandbox.pilot("resume", dead, "--follow")
    assert followed.returncode == 0, followed.stdout + followed.stderr
    assert workload.client_until(sandbox.primary_region)["lost"] == 0
    assert_home(workload)


def test_planned_runs_are_refused_on_a_bad_day(workload: Workload, sandbox: SandboxUnderTest) -> None:
    """A dead primary is no switchover; who was not failed over has nothing to protect, and no way home."""
    workload.change_plan(lambda plan: plan["policy"].update(assessTimeoutSeconds=3))
    before = (workload.sizes(), workload.primary_doors())
    for mode in ("protect", "failback"):
        run = workload.run("too early", mode=mode)
        assert (run.status, run.error) == ("FAILED", "Refused"), (mode, run.cause)
    workload.kill("app")
    run = workload.run("not today", mode="switchover")
    assert (run.status, run.error) == ("FAILED", "Refused"), run.cause
    assert run.report["error"]["name"] == "NotHealthy"
    assert (workload.sizes(), workload.primary_doors()) == before
    workload.change_plan(lambda plan: plan.pop("home"))
    run = workload.run("nowhere", mode="failback")
    assert run.report["error"]["name"] == "PlanInvalid"
    assert "/home" in run.report["reason"]
