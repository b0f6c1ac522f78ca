"""The operator's `pilot`, as people type it, against the emulator's Step Functions, DynamoDB and S3."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from emulator_process import ACCOUNT, RECOVERY, Emulator, eventually

_PILOT = Path(__file__).parents[3] / "target" / "debug" / "pilot"
_EARLIER = "2026-03-14T09:26:53Z"
_MUCH_LATER = "2126-03-14T09:26:53Z"


@dataclass
class Stack:
    """What the commands need of a deployed stack."""

    emulator: Emulator
    name: str
    machine_arn: str

    def pilot(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `pilot` with the stack exported, as the README says."""
        assert _PILOT.is_file(), "not built: run `make build-native`"
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
            "AWS_ENDPOINT_URL": self.emulator.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "dummy",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PILOT_STATE_MACHINE_ARN": self.machine_arn,
            "PILOT_STATE_TABLE": self.name,
        }
        return subprocess.run([_PILOT, *arguments], env=environment, capture_output=True, text=True, timeout=90)

    def put(self, pk: str, sk: str, **attributes: object) -> None:
        """Put an item as the ledger writes it."""
        session = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="dummy", region_name=RECOVERY)
        dynamodb = session.resource("dynamodb", endpoint_url=self.emulator.url)
        dynamodb.Table(self.name).put_item(Item={"pk": pk, "sk": sk, **attributes})

    def opened(self, run_id: str, arn: str) -> None:
        """Put what `open-run` writes down of a run."""
        run = {
            "runId": run_id,
            "executionArn": arn,
            "plan": {"name": "shop", "bucket": self.name, "key": "plans/shop.yaml", "version": "v1", "sha256": "9f86"},
            "mode": "failover",
            "trigger": {"kind": "manual"},
            "generation": 4,
            "startedAt": _EARLIER,
        }
        self.put(f"run#{run_id}", "evidence#run", document=run)

    def described(self, arn: str) -> dict:
        """An execution."""
        return self.emulator.client("stepfunctions").describe_execution(executionArn=arn)


@pytest.fixture
def stack(emulator: Emulator, name: str) -> Stack:
    """A table, a bucket, and a state machine that asks a person, unless it goes on with a run or is dry."""
    emulator.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    emulator.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": RECOVERY})
    queue_url = emulator.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    report = f"s3://{name}/report.json"
    closed = (
        "{% $string({'runId': $states.context.Execution.Name, 'outcome': 'stuck', 'reason': 'no capacity', 'report': '"
    )
    states = {
        "Which": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $exists($states.input.resume) %}", "Next": "Recovered"},
                {"Condition": "{% $states.input.reason = 'get stuck' %}", "Next": "Stuck"},
            ],
            "Default": "Ask",
        },
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Arguments": {"QueueUrl": queue_url, "MessageBody": "{% $states.context.Task.Token %}"},
            "TimeoutSeconds": 60,
            "End": True,
        },
        "Recovered": {
            "Type": "Pass",
            "Output": {
                "runId": "{% $states.context.Execution.Name %}",
                "outcome": "recovered",
                "reason": "it serves",
                "report": report,
            },
            "End": True,
        },
        "Stuck": {"Type": "Fail", "Error": "Stuck", "Cause": closed + report + "'}) %}"},
    }
    machine = emulator.client("stepfunctions").create_state_machine(
        name=name,
        definition=json.dumps({"QueryLanguage": "JSONata", "StartAt": "Which", "States": states}),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/any",
    )
    return Stack(emulator, name, machine["stateMachineArn"])


def started(told: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """The run's id and its execution's ARN, as `pilot` tells them."""
    lines = dict(line.split(maxsplit=1) for line in told.stdout.splitlines() if line.startswith(("run ", "execution ")))
    return lines["run"], lines["execution"]


def asked(stack: Stack, run_id: str) -> str:
    """Wait until the run asks a person, and keep the question as `gate` does."""
    sqs = stack.emulator.client("sqs")
    url = sqs.get_queue_url(QueueName=stack.name)["QueueUrl"]
    message = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))[0]
    token = message["Body"]
    document = {"taskToken": token, "why": ["the plan wants it"], "lossSeconds": None}
    stack.put(
        f"run#{run_id}", "evidence#approval-asked", document={**document, "askedAt": _EARLIER, "expiresAt": _MUCH_LATER}
    )
    return token


def test_a_run_is_started_approved_and_then_over(stack: Stack) -> None:
    begun = stack.pilot("run", "start", "shop", "--mode", "dry-run", "--reason", "drill")
    assert begun.returncode == 0, begun
    run_id, arn = started(begun)
    assert json.loads(stack.described(arn)["input"]) == {"plan": "shop", "mode": "dryRun", "reason": "drill"}
    stack.opened(run_id, arn)
    token = asked(stack, run_id)

    too_early = stack.pilot("resume", run_id)
    assert too_early.returncode == 1 and "is still running" in too_early.stderr, too_early
    approved = stack.pilot("approve", run_id, "--as", "ada", "--accept-loss-seconds", "12.5", "--reason", "go")
    assert approved.returncode == 0, approved
    over = eventually(lambda: (seen := stack.described(arn))["status"] != "RUNNING" and seen)
    answer = {"decision": "approve", "approver": "ada", "acceptLossSeconds": 12.5, "reason": "go"}
    assert (over["status"], json.loads(over["output"])) == ("SUCCEEDED", answer)

    too_late = stack.pilot("refuse", run_id, "--as", "ada")
    assert too_late.returncode == 1 and "nobody waits for this answer any more" in too_late.stderr, too_late
    nothing_left = stack.pilot("resume", run_id)
    assert nothing_left.returncode == 1 and "has succeeded" in nothing_left.stderr, nothing_left
    for told in (begun, too_early, approved, too_late, nothing_left):
        assert token not in told.stdout + told.stderr


def test_a_stuck_run_is_followed_and_gone_on_with(stack: Stack) -> None:
    report = json.loads((Path(__file__).parents[3] / "crates/cli/tests/data/report.json").read_text())
    report["next"] = "raise the quota"
    stack.emulator.client("s3").put_object(Bucket=stack.name, Key="report.json", Body=json.dumps(report))
    stuck = stack.pilot("run", "start", "shop", "--reason", "get stuck", "--follow")
    assert stuck.returncode == 1, stuck
    assert "no capacity" in stuck.stdout and "raise the quota" in stuck.stdout, stuck.stdout
    run_id, arn = started(stuck)
    stack.opened(run_id, arn)

    recovered = stack.pilot("resume", run_id, "--follow")
    assert recovered.returncode == 0 and "\nrecovered\n" in recovered.stdout, recovered
    again, arn = started(recovered)
    assert again.startswith(f"{run_id}-resume-")
    expected = {"plan": "shop", "mode": "failover", "resume": run_id, "reason": f"go on after run {run_id}"}
    assert json.loads(stack.described(arn)["input"]) == expected


def test_status_reads_what_the_ledger_writes(stack: Stack) -> None:
    run_id = "shop-1"
    stack.opened(run_id, f"{stack.machine_arn.replace('stateMachine', 'execution')}:{run_id}")
    stack.put(
        "workload#shop",
        "lease",
        workload="shop",
        runId=run_id,
        generation=4,
        phase="acting",
        expiresAt=_MUCH_LATER,
        expiresAtSeconds=4928990813,
        acquiredAt=_EARLIER,
    )
    for number, step in enumerate(("open", "assess", "ready")):
        component = {"name": f"of-{step}", "status": "done", "detail": "seen"}
        stack.put(
            f"run#{run_id}",
            f"step#{step}",
            name=step,
            startedAt=f"2026-03-14T09:27:0{number}Z",
            outcome="done",
            components=[component],
        )
    stack.put(
        f"run#{run_id}",
        "act#scale-compute#web#resize-group",
        step="scale-compute",
        component="web",
        action="resize-group",
        resource="shop-app",
        intentAt=_EARLIER,
        generation=4,
        irreversible=False,
        before={"min": 0, "max": 0, "desired": 0},
        outcome={"kind": "accepted", "at": _EARLIER, "detail": "accepted"},
    )
    by_run, by_plan = stack.pilot("run", "status", run_id), stack.pilot("run", "status", "--plan", "shop")
    assert by_run.returncode == 0, by_run
    assert by_run.stdout == by_plan.stdout
    for text in ("holder      shop-1", "generation  4", "phase       acting", "web  resize-group  shop-app  accepted"):
        assert text in by_run.stdout, by_run.stdout
    steps = [line.split()[0] for line in by_run.stdout.splitlines() if line.strip().startswith("of-")]
    assert steps == ["of-open", "of-assess", "of-ready"]


def test_a_table_that_is_not_there_is_told(stack: Stack) -> None:
    told = stack.pilot("run", "status", "--plan", "shop", "--state-table", f"no-{stack.name}")
    assert told.returncode == 2 and "dynamodb:GetItem: ResourceNotFoundException" in told.stderr, told
