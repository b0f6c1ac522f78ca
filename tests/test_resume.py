"""A run that dies is gone on with, by its journal, instead of being repeated."""

import json
import time

from sandbox_under_test import Workload


def test_a_run_that_was_aborted_is_resumed(workload: Workload) -> None:
    """The execution is aborted right after the promotion; `pilot resume` goes on with its journal at once."""
    sandbox = workload.sandbox
    workload.kill()
    arn = workload.start()
    run_id = arn.rsplit(":", 1)[1]
    _promotion_is_journalled(workload, run_id)
    sandbox.aws("stepfunctions").stop_execution(executionArn=arn)
    assert workload.lease()["runId"] == run_id, "a dead run keeps its lease"
    other = workload.run("somebody else tries")
    assert "LeaseHeld" in other.report["reason"]
    assert run_id in other.report["reason"]
    answer = sandbox.pilot("resume", run_id)
    assert answer.returncode == 0, answer.stderr
    resumed = next(e for e in sandbox.executions_of(workload.name) if json.loads(e["input"]).get("resume") == run_id)
    run = sandbox.wait(resumed["executionArn"], workload.name)
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    assert run.report["resumes"] == run_id
    promotions = [entry for entry in run.report["journal"] if entry["action"] == "promote-read-replica"]
    assert [entry.get("adoptedFrom") for entry in promotions] == [run_id], "promoted once, by the run that died"
    assert workload.lease()["generation"] == 2
    workload.client_until(sandbox.recovery_region)


def test_a_finished_run_is_not_resumed(workload: Workload) -> None:
    """There is nothing to go on with: said before anything is started, and by the run itself."""
    workload.kill()
    run = workload.run()
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    answer = workload.sandbox.pilot("resume", run.run_id)
    assert answer.returncode != 0
    assert run.run_id in answer.stderr
    again = workload.run(resume=run.run_id)
    assert (again.status, again.error) == ("FAILED", "Refused")
    assert "NothingToResume" in again.report["reason"]


def _promotion_is_journalled(workload: Workload, run_id: str) -> None:
    deadline = time.monotonic() + 90
    while "outcome" not in workload.sandbox.item(f"run#{run_id}", "act#promote-data#shop-db#promote-read-replica"):
        assert time.monotonic() < deadline, f"run {run_id} promoted nothing"
        time.sleep(0.1)
