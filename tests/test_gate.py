"""The gate between fence and promotion: a person approves, refuses or says nothing; the primary comes back."""

import time

from sandbox_under_test import Workload


def _ask_ana(plan: dict) -> None:
    plan["policy"] |= {"gate": "approval", "approvers": ["ana"], "approvalTimeoutSeconds": 120}


def _line(page: str, decision: str) -> str:
    """The AWS CLI's line out of the page."""
    lines = (line.strip() for line in page.splitlines())
    return next(line for line in lines if line.startswith("aws stepfunctions") and f'"decision":"{decision}"' in line)


def _is_untouched(workload: Workload, before: dict) -> None:
    assert "ReadReplicaSourceDBInstanceIdentifier" in workload.replica(), "nothing was promoted"
    assert workload.sizes() == (0, 0, 0)
    assert not workload.stop_object_present()
    assert workload.primary_doors() == before, "the fence is lifted, to the exact values before"
    assert workload.lease()["phase"] == "released"


def test_approved_by_the_aws_cli(workload: Workload) -> None:
    """The old primary is fenced, the page tells how to answer, and the answer stands in the evidence."""
    workload.change_plan(_ask_ana)
    pages = workload.pages()
    before = workload.primary_doors()
    workload.kill()
    arn = workload.start()
    page = pages.about(workload.name, "To approve")
    doors = workload.primary_doors()
    assert doors["primary-web"] == [0, 0, 0], "fenced before anybody is asked"
    assert doors["primary-door"] != before["primary-door"]
    assert "ReadReplicaSourceDBInstanceIdentifier" in workload.replica(), "not promoted before the answer"
    answer = workload.sandbox.aws_cli(_line(page, "approve").replace("NAME", "ana"))
    assert answer.returncode == 0, answer.stderr
    run = workload.sandbox.wait(arn, workload.name)
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    approval = run.report["evidence"]["approval"]
    assert (approval["approver"], approval["decision"]) == ("ana", "approve")
    assert approval["acceptedLossSeconds"] >= approval["statedLossSeconds"]
    workload.client_until(workload.sandbox.recovery_region)


def test_refused_by_the_command_line(workload: Workload) -> None:
    """A stranger's word is asked again; the approver's no puts everything back."""
    sandbox = workload.sandbox
    workload.change_plan(_ask_ana)
    pages = workload.pages()
    before = workload.primary_doors()
    workload.kill()
    arn = workload.start()
    run_id = arn.rsplit(":", 1)[1]
    pages.about(workload.name, "To approve")
    stranger = sandbox.pilot("approve", run_id, "--as", "eve", "--accept-loss-seconds", "600")
    assert stranger.returncode == 0, stranger.stderr
    pages.about(workload.name, "is none of the plan's approvers")
    answer = sandbox.pilot("refuse", run_id, "--as", "ana", "--reason", "it is only the network")
    assert answer.returncode == 0, answer.stderr
    run = sandbox.wait(arn, workload.name)
    assert (run.status, run.error) == ("FAILED", "Refused"), (run.error, run.cause)
    assert "ApprovalRefused" in run.report["reason"]
    assert "it is only the network" in run.report["reason"]
    assert run.report["evidence"]["approval"]["approver"] == "ana"
    _is_untouched(workload, before)


def test_nobody_answers(workload: Workload) -> None:
    """A time limit that expires refuses, and everything is put back."""
    workload.change_plan(lambda plan: plan["policy"].update(gate="approval", approvalTimeoutSeconds=10))
    before = workload.primary_doors()
    workload.kill()
    run = workload.run()
    assert (run.status, run.error) == ("FAILED", "Refused"), (run.error, run.cause)
    assert "ApprovalExpired" in run.report["reason"]
    _is_untouched(workload, before)


def test_the_primary_comes_back_before_the_pivot(workload: Workload) -> None:
    """A Region cut off cannot be fenced; it comes back while a person thinks: the run is called off."""
    workload.change_plan(_ask_ana)
    pages = workload.pages()
    before = workload.primary_doors()
    workload.kill("network")
    arn = workload.start()
    run_id = arn.rsplit(":", 1)[1]
    page = pages.about(workload.name, "To approve")
    assert "unreachable" in page
    workload.mend("network")
    workload.verdict_until("healthy")
    answer = workload.sandbox.pilot("approve", run_id, "--as", "ana", "--accept-loss-seconds", "600")
    assert answer.returncode == 0, answer.stderr
    run = workload.sandbox.wait(arn, workload.name)
    assert (run.status, run.error) == ("FAILED", "Refused"), (run.error, run.cause)
    assert "PrimaryRecovered" in run.report["reason"]
    _is_untouched(workload, before)


def test_required_fence_not_achieved(workload: Workload) -> None:
    """A Region that cannot be reached cannot be fenced: with `required` nothing is promoted."""
    workload.change_plan(lambda plan: plan["fence"].update(policy="required", timeoutSeconds=8))
    before = workload.primary_doors()
    workload.kill("network")
    run = workload.run()
    assert (run.status, run.error) == ("FAILED", "Refused"), (run.error, run.cause)
    assert "FenceNotAchieved" in run.report["reason"]
    states = {item["name"]: item["state"] for item in run.report["evidence"]["fence"]["items"]}
    assert set(states.values()) == {"unreachable"}
    _is_untouched(workload, before)


def test_a_loss_is_accepted_in_numbers(workload: Workload) -> None:
    """A replica that lags by more than the plan allows is promoted only when an approver accepts at least that much."""
    sandbox = workload.sandbox
    workload.change_plan(lambda plan: plan["policy"].update(maxDataLossSeconds=1, approvers=["ana"]))
    sandbox.control("POST", "/replication/lag", {"seconds": 12}, workload=workload.name)
    time.sleep(10)  # until the line is as slow as that, the replica is not behind
    pages = workload.pages()
    workload.kill()
    arn = workload.start()
    run_id = arn.rsplit(":", 1)[1]
    page = pages.about(workload.name, "To approve")
    assert "the plan allows 1" in page
    assert sandbox.pilot("approve", run_id, "--as", "ana", "--accept-loss-seconds", "2").returncode == 0
    pages.about(workload.name, "2 seconds are accepted")
    assert sandbox.pilot("approve", run_id, "--as", "ana", "--accept-loss-seconds", "600").returncode == 0
    run = sandbox.wait(arn, workload.name)
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    approval = run.report["evidence"]["approval"]
    assert (approval["approver"], approval["acceptedLossSeconds"]) == ("ana", 600)
    assert 2 < approval["statedLossSeconds"] == run.report["rpoSeconds"]
    client = workload.client_until(sandbox.recovery_region)
    assert 0 < client["lossSeconds"] <= run.report["rpoSeconds"] + 0.5
