"""A run that fails after its pivot: nothing is undone, a person is paged, the page's next command ends recovered."""

import json
import time

from sandbox_under_test import Run, Workload


def test_stuck_after_the_promotion(workload: Workload) -> None:
    """The database is promoted, the capacity does not come: stuck, with a page that says so."""
    sandbox = workload.sandbox
    workload.change_plan(_impatient)
    sandbox.control("POST", "/delays", {"launchSeconds": 25})
    pages = workload.pages()
    workload.kill()
    run = workload.run()
    sandbox.control("POST", "/delays", {"launchSeconds": 3})
    assert (run.status, run.error) == ("FAILED", "Stuck"), (run.error, run.cause)
    assert run.report["outcome"] == "stuck"
    assert "StepDeadlineExceeded" in run.report["reason"]
    # Nothing is undone: the promoted database keeps the capacity that was asked for.
    assert "ReadReplicaSourceDBInstanceIdentifier" not in workload.replica()
    assert workload.sizes() == (2, 4, 2)
    assert not workload.stop_object_present(), "traffic must not move to what was not proven"
    page = pages.about(run.run_id, "pilot resume")
    assert f"pilot resume {run.run_id}" in run.report["next"]
    _wait_in_service(workload)
    # What the page says, word for word, once the cause is mended.
    line = next(part for part in page.splitlines() if "aws stepfunctions start-execution" in part)
    answer = sandbox.aws_cli(line[line.index("aws stepfunctions") :])
    assert answer.returncode == 0, answer.stderr
    assert_recovered_after_stuck(workload, sandbox.wait(json.loads(answer.stdout)["executionArn"], workload.name), run)


def assert_recovered_after_stuck(workload: Workload, run: Run, stuck: Run) -> None:
    """The next run goes on with the journal: it observes what is done and only does the rest."""
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    assert run.report["resumes"] == stuck.run_id
    own = {entry["action"] for entry in run.report["journal"] if "adoptedFrom" not in entry}
    assert "promote-read-replica" not in own, "never two promotions"
    adopted = {entry["action"] for entry in run.report["journal"] if entry.get("adoptedFrom") == stuck.run_id}
    assert "promote-read-replica" in adopted, "the journal is whole"
    workload.client_until(workload.sandbox.recovery_region)


def _impatient(plan: dict) -> None:
    plan["compute"][0]["timeoutSeconds"] = 10
    plan["policy"]["forwardTries"] = 0


def _wait_in_service(workload: Workload) -> None:
    deadline = time.monotonic() + 60
    while sum(i["LifecycleState"] == "InService" for i in workload.group()["Instances"]) < 2:
        assert time.monotonic() < deadline, workload.group()["Instances"]
        time.sleep(0.5)
