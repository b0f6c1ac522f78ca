"""The on-demand function itself, behind its URL, against the emulator's Step Functions and DynamoDB."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from botocore.credentials import Credentials
from emulator_process import ACCOUNT, RECOVERY, Emulator, eventually
from pilot_sandbox import function_url
from pilot_sandbox.function_url import Answer

_BINARY = Path(__file__).parents[3] / "target" / "debug" / "on-demand"
_EARLIER, _MUCH_LATER = "2026-03-14T09:26:53Z", "2126-03-14T09:26:53Z"
_ROOT = Credentials("test", "test")


@pytest.fixture(scope="module")
def code(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The deployment package, in a bucket."""
    assert _BINARY.is_file(), "not built: run `make build-native`"
    package = tmp_path_factory.mktemp("on-demand") / "function.zip"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.write(_BINARY, "bootstrap")
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="on-demand-code", CreateBucketConfiguration={"LocationConstraint": RECOVERY})
    s3.upload_file(str(package), "on-demand-code", "function.zip")
    return {"S3Bucket": "on-demand-code", "S3Key": "function.zip"}


@dataclass
class Desk:
    """The function with its URL, a state table, and a state machine that asks a person."""

    emulator: Emulator
    name: str
    machine_arn: str
    queue_url: str
    url: str

    def send(self, method: str, path: str, body: dict | None = None, keys: Credentials | None = _ROOT) -> Answer:
        """Send a request, signed with these keys; with none it is not signed."""
        data = None if body is None else json.dumps(body).encode()
        to = f"{self.url}{path}"
        made = function_url.signed(to, keys, RECOVERY, method, data) if keys else function_url.request(to, method, data)
        return function_url.send(made, self.emulator.url)

    def executions(self) -> list[dict]:
        """What was started."""
        return self.emulator.client("stepfunctions").list_executions(stateMachineArn=self.machine_arn)["executions"]

    def put(self, sort_key: str, run_id: str, **attributes: object) -> None:
        """Put an item of a run as the ledger writes it."""
        session = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="dummy", region_name=RECOVERY)
        table = session.resource("dynamodb", endpoint_url=self.emulator.url).Table(self.name)
        table.put_item(Item={"pk": f"run#{run_id}", "sk": sort_key, **attributes})

    def asks(self, started: dict) -> None:
        """Write down, as open-run and gate do, that this run asks a person."""
        received = eventually(
            lambda: self.emulator.client("sqs").receive_message(QueueUrl=self.queue_url).get("Messages")
        )
        run_id, asked_until = started["runId"], {"askedAt": _EARLIER, "expiresAt": _MUCH_LATER}
        plan = {"name": "shop", "bucket": "b", "key": "plans/shop.yaml", "version": "v1", "sha256": "9f86"}
        run = {"runId": run_id, "executionArn": started["executionArn"], "plan": plan, "mode": "failover"}
        run |= {"trigger": {"kind": "manual"}, "generation": 4, "startedAt": _EARLIER}
        self.put("evidence#run", run_id, document=run)
        asked = {"taskToken": received[0]["Body"], "why": ["the plan wants it"], "lossSeconds": 12, **asked_until}
        self.put("evidence#approval-asked", run_id, document=asked)
        step = {"name": "gate", "startedAt": _EARLIER, "outcome": "inProgress", "components": []}
        self.put("step#gate", run_id, **step)

    def metric(self, namespace: str, name: str, dimensions: dict[str, str]) -> float:
        """A metric's sum."""
        found = self.emulator.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=datetime.now(UTC) - timedelta(minutes=5),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in found)


@pytest.fixture
def desk(emulator: Emulator, name: str, code: dict[str, str]) -> Desk:
    """A new one."""
    emulator.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    queue_url = emulator.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Arguments": {"QueueUrl": queue_url, "MessageBody": "{% $states.context.Task.Token %}"},
        "TimeoutSeconds": 300,
        "End": True,
    }
    machine_arn = emulator.client("stepfunctions").create_state_machine(
        name=name,
        definition=json.dumps({"QueryLanguage": "JSONata", "StartAt": "Ask", "States": {"Ask": ask}}),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/any",
    )["stateMachineArn"]
    function = emulator.client("lambda")
    function.create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=f"arn:aws:iam::{ACCOUNT}:role/any",
        Code=code,
        Timeout=30,
        Environment={
            "Variables": {"STATE_MACHINE_ARN": machine_arn, "STATE_TABLE": name, "METRICS_NAMESPACE": f"Pilot/{name}"}
        },
    )
    url = function.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    return Desk(emulator, name, machine_arn, queue_url, url.rstrip("/"))


def start(desk: Desk, **body: str) -> Answer:
    """Start a run."""
    return desk.send("POST", "/runs", {"plan": "shop", "mode": "failover", "reason": "the Region is dark", **body})


def test_a_run_is_started_once_looked_at_and_approved(desk: Desk) -> None:
    first = start(desk, name="region-down-1")
    assert first.status == 202, first
    second = start(desk, name="region-down-1")
    assert (second.status, second.document) == (202, first.document), "an answer may get lost"
    assert [execution["name"] for execution in desk.executions()] == ["region-down-1"]
    execution_arn = first.document["executionArn"]
    states = desk.emulator.client("stepfunctions")
    given = json.loads(states.describe_execution(executionArn=execution_arn)["input"])
    root = f"arn:aws:iam::{ACCOUNT}:root"
    assert given["reason"] == f"the Region is dark (asked for over HTTP by {root})"

    desk.asks(first.document)
    seen = desk.send("GET", "/runs/region-down-1")
    assert (seen.status, seen.document["state"], seen.document["asked"]["lossSeconds"]) == (200, "RUNNING", 12)
    assert "oken" not in json.dumps(seen.document), "nothing that lets anybody answer in another's name"

    answer = desk.send("POST", "/runs/region-down-1/approval", {"approve": True, "acceptLossSeconds": 60})
    assert (answer.status, answer.document["answer"]["approver"]) == (202, root), answer
    ended = eventually(
        lambda: (e := states.describe_execution(executionArn=execution_arn))["status"] == "SUCCEEDED" and e
    )
    assert json.loads(ended["output"]) == {"decision": "approve", "approver": root, "acceptLossSeconds": 60}
    late = desk.send("POST", "/runs/region-down-1/approval", {"approve": False})
    assert (late.status, late.document["error"]["name"]) == (409, "NobodyWaits")

    again = start(desk, name="region-down-1")
    assert (again.status, again.document) == (200, first.document), "the same start when the run is over"
    assert len(desk.executions()) == 1


def test_names_that_are_taken_and_runs_that_are_not_there(desk: Desk) -> None:
    assert start(desk, name="one").status == 202
    other = start(desk, name="one", mode="dryRun")
    assert (other.status, other.document["error"]["name"]) == (409, "NameTaken")
    assert desk.send("GET", "/runs/nobody").status == 404
    assert desk.send("POST", "/runs/nobody/approval", {"approve": True}).status == 404
    assert start(desk, mode="fly").status == 400
    assert desk.send("DELETE", "/runs/one").status == 405
    assert len(desk.executions()) == 1


def test_nobody_gets_in_unsigned_even_if_the_url_were_opened(desk: Desk) -> None:
    body = {"plan": "shop", "mode": "failover", "reason": "x"}
    by_lambda = desk.send("POST", "/runs", body, keys=None)
    assert (by_lambda.status, by_lambda.document) == (403, {"Message": "Forbidden"})
    assert desk.metric("AWS/Lambda", "Url4xxCount", {"FunctionName": desk.name}) == 1
    assert desk.metric(f"Pilot/{desk.name}", "OnDemandUnauthenticated", {}) == 0

    desk.emulator.client("lambda").update_function_url_config(FunctionName=desk.name, AuthType="NONE")
    for keys in (None, _ROOT):
        by_us = desk.send("POST", "/runs", body, keys=keys)
        assert (by_us.status, by_us.document["error"]["name"]) == (403, "Unauthenticated")
    eventually(lambda: desk.metric(f"Pilot/{desk.name}", "OnDemandUnauthenticated", {}) == 2)
    assert desk.metric("AWS/Lambda", "Url4xxCount", {"FunctionName": desk.name}) == 3
    assert desk.executions() == []
