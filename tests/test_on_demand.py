"""The on-demand endpoint: a failover started, looked at and approved over HTTP, by callers that IAM knows."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.credentials import Credentials
from pilot_sandbox import function_url
from pilot_sandbox.function_url import Answer
from sandbox_under_test import SandboxUnderTest, Workload


@dataclass
class Person:
    """An IAM user with an access key."""

    sandbox: SandboxUnderTest
    arn: str
    keys: Credentials

    @classmethod
    def called(cls, sandbox: SandboxUnderTest, name: str, *, may_call: bool = True) -> "Person":
        """A new user, with the stack's own policy for callers or without it."""
        iam = sandbox.aws("iam")
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        if may_call:
            iam.attach_user_policy(UserName=name, PolicyArn=sandbox.outputs["OnDemandCallersPolicyArn"])
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return cls(sandbox, arn, Credentials(key["AccessKeyId"], key["SecretAccessKey"]))

    def send(self, method: str, path: str, body: dict | None = None) -> Answer:
        """A request, signed."""
        data = None if body is None else json.dumps(body).encode()
        url = self.sandbox.outputs["OnDemandUrl"].rstrip("/") + path
        made = function_url.signed(url, self.keys, self.sandbox.recovery_region, method, data)
        return function_url.send(made, self.sandbox.description["endpointUrl"])

    def status_until(self, run_id: str, right: Callable[[dict], bool], timeout_seconds: float = 120) -> dict:
        """The first status of a run that is right."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            seen = self.send("GET", f"/runs/{run_id}")
            assert seen.status == 200, seen
            if right(seen.document):
                return seen.document
            assert time.monotonic() < deadline, f"never so: {json.dumps(seen.document, indent=1)}"
            time.sleep(0.3)


def test_started_looked_at_and_approved_over_http(workload: Workload) -> None:
    """From the request to the recovered workload; who approves is who signs, and a stranger's word does not do."""
    sandbox, run_id = workload.sandbox, f"{workload.name}-by-hand"
    ana, eve = (Person.called(sandbox, f"{workload.name[:40]}-{name}") for name in ("ana", "eve"))
    workload.change_plan(
        lambda plan: plan["policy"].update(gate="approval", approvers=[ana.arn], approvalTimeoutSeconds=300)
    )
    workload.kill()
    body = {"plan": workload.name, "mode": "failover", "reason": "the Region is dark", "name": run_id}
    started = ana.send("POST", "/runs", body)
    assert (started.status, started.document["runId"]) == (202, run_id), started
    again = ana.send("POST", "/runs", body)
    assert (again.status, again.document) == (202, started.document), "the same start is one run"
    assert eve.send("POST", "/runs", body).status == 409, "somebody else's is another"

    asking = ana.status_until(run_id, lambda seen: "asked" in seen)
    assert {step["name"]: step["outcome"] for step in asking["steps"]}["fence"] == "done"
    assert "oken" not in json.dumps(asking["asked"])
    assert "ReadReplicaSourceDBInstanceIdentifier" in workload.replica(), "not promoted before the answer"

    answer = {"approve": True, "acceptLossSeconds": 600}
    assert eve.send("POST", f"/runs/{run_id}/approval", answer).status == 202
    asked_at = asking["asked"]["askedAt"]
    ana.status_until(run_id, lambda seen: seen.get("asked", {}).get("askedAt", asked_at) != asked_at)
    assert "ReadReplicaSourceDBInstanceIdentifier" in workload.replica(), "not promoted on a stranger's word"

    approved = ana.send("POST", f"/runs/{run_id}/approval", answer)
    assert (approved.status, approved.document["answer"]["approver"]) == (202, ana.arn), approved
    run = sandbox.wait(started.document["executionArn"], workload.name)
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    assert run.report["evidence"]["approval"]["approver"] == ana.arn
    assert run.report["trigger"]["reason"] == f"the Region is dark (asked for over HTTP by {ana.arn})"
    ended = ana.status_until(run_id, lambda seen: seen["state"] != "RUNNING")
    assert (ended["state"], ended["closed"]["outcome"]) == ("SUCCEEDED", "recovered")
    assert ana.send("POST", f"/runs/{run_id}/approval", answer).status == 409
    workload.client_until(sandbox.recovery_region)


def test_whoever_is_not_let_in_starts_nothing(workload: Workload) -> None:
    """Unsigned, or signed by somebody without permission: 403 before the function runs, and counted."""
    sandbox = workload.sandbox
    body = {"plan": workload.name, "mode": "dryRun", "reason": "x"}
    before = _refused(sandbox)
    url = sandbox.outputs["OnDemandUrl"].rstrip("/") + "/runs"
    unsigned = function_url.request(url, "POST", json.dumps(body).encode())
    stranger = Person.called(sandbox, f"{workload.name[:40]}-eve", may_call=False)
    answers = (function_url.send(unsigned, sandbox.description["endpointUrl"]), stranger.send("POST", "/runs", body))
    assert [(a.status, a.document) for a in answers] == [(403, {"Message": "Forbidden"})] * 2
    assert _refused(sandbox) == before + 2
    assert sandbox.executions_of(workload.name) == []
    alarms = sandbox.aws("cloudwatch").describe_alarms()["MetricAlarms"]
    found = next(alarm for alarm in alarms if alarm["AlarmName"].endswith("-on-demand-refused"))
    assert found["Dimensions"] == [{"Name": "FunctionName", "Value": sandbox.outputs["OnDemandFunctionName"]}]


def _refused(sandbox: SandboxUnderTest) -> float:
    found = sandbox.aws("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Url4xxCount",
        Dimensions=[{"Name": "FunctionName", "Value": sandbox.outputs["OnDemandFunctionName"]}],
        StartTime=datetime.now(UTC) - timedelta(hours=3),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=86400,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in found)
