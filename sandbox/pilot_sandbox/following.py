"""Follows runs of the recovery state machine from outside: executions, their steps, and their reports.

Plain blocking functions over boto3, for the demo and for tests alike; nothing here starts or changes a run.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from .aws_clients import AwsClients

_POLL_SECONDS = 0.5
_ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


class NothingHappened(TimeoutError):
    """What was waited for did not come in time."""


@dataclass(frozen=True)
class Execution:
    """One execution of the state machine."""

    arn: str
    status: str
    started_at: float
    ended_at: float | None
    error: str | None = None
    cause: str | None = None
    output: dict | None = None

    @property
    def run_id(self) -> str:
        """The run's id is the execution's name."""
        return self.arn.rsplit(":", 1)[1]

    @property
    def ended(self) -> bool:
        """Whether the execution has reached one of its final states."""
        return self.status in _ENDED


@dataclass(frozen=True)
class Step:
    """One step of a run, from the state table."""

    name: str
    started_at: float | None
    ended_at: float | None
    outcome: str | None


@dataclass(frozen=True)
class Stack:
    """Where to look: the deployed stack of one sandbox."""

    clients: AwsClients
    region: str
    machine_arn: str
    table: str
    bucket: str

    @classmethod
    def of(cls, clients: AwsClients, region: str, outputs: dict[str, str]) -> "Stack":
        """From the outputs of the stack in `region`, as in sandbox.json."""
        return cls(
            clients,
            region,
            outputs["RecoveryStateMachineArn"],
            outputs["StateTableName"],
            outputs["ArtifactsBucketName"],
        )

    def client(self, service: str):
        """A client in the recovery Region."""
        return self.clients.client(service, self.region)


def executions_since(stack: Stack, since: float) -> list[Execution]:
    """Executions that started at `since` (seconds since the epoch) or later, oldest first."""
    listed = stack.client("stepfunctions").list_executions(stateMachineArn=stack.machine_arn, maxResults=100)
    arns = [
        entry["executionArn"]
        for entry in sorted(listed["executions"], key=lambda entry: entry["startDate"])
        # Start times may be cut to whole seconds on the way.
        if entry["startDate"].timestamp() >= since - 1
    ]
    return [execution(stack, arn) for arn in arns]


def execution(stack: Stack, arn: str) -> Execution:
    """What Step Functions says of one execution."""
    found = stack.client("stepfunctions").describe_execution(executionArn=arn)
    ended_at = found.get("stopDate")
    return Execution(
        arn,
        found["status"],
        found["startDate"].timestamp(),
        ended_at.timestamp() if ended_at else None,
        found.get("error"),
        found.get("cause"),
        json.loads(found["output"]) if found.get("output") else None,
    )


def wait_for_execution(stack: Stack, since: float, timeout_seconds: float) -> Execution:
    """Wait until something starts an execution; raises NothingHappened."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if found := executions_since(stack, since):
            return found[0]
        time.sleep(_POLL_SECONDS)
    raise NothingHappened(f"no execution of {stack.machine_arn} started within {timeout_seconds:.0f} s")


def wait_for_end(
    stack: Stack,
    arn: str,
    timeout_seconds: float,
    watch: Callable[[Execution, list[Step]], None] = lambda _execution, _steps: None,
) -> Execution:
    """Wait until an execution ends, showing its steps to `watch` at each look; raises NothingHappened."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        found = execution(stack, arn)
        watch(found, steps(stack, found.run_id))
        if found.ended:
            return found
        if time.monotonic() > deadline:
            raise NothingHappened(f"execution {found.run_id} is still {found.status} after {timeout_seconds:.0f} s")
        time.sleep(_POLL_SECONDS)


def leading(executions: list[Execution]) -> Execution:
    """Of several that one incident started, the one that does the work: the others are refused by the lease."""

    def rank(candidate: Execution) -> int:
        return {"SUCCEEDED": 0, "RUNNING": 1}.get(candidate.status, 3 if candidate.error == "Refused" else 2)

    return min(executions, key=rank)


def steps(stack: Stack, run_id: str) -> list[Step]:
    """The steps of a run so far, in the order in which they started."""
    found = [
        Step(item["name"], _seconds(item.get("startedAt")), _seconds(item.get("endedAt")), item.get("outcome"))
        for item in journal(stack, run_id)
        if item["sk"].startswith("step#")
    ]
    return sorted(found, key=lambda step: step.started_at or 0.0)


def journal(stack: Stack, run_id: str) -> list[dict]:
    """Every item that the state table holds of one run."""
    return [
        {key: _PLAIN.deserialize(value) for key, value in item.items()}
        for page in stack.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=stack.table,
            KeyConditionExpression="pk = :run",
            ExpressionAttributeValues={":run": {"S": f"run#{run_id}"}},
            ConsistentRead=True,
        )
        for item in page["Items"]
    ]


def report(stack: Stack, plan: str, run_id: str, name: str = "report.json") -> bytes | None:
    """One of a run's report files, or None when it was not written."""
    try:
        found = stack.client("s3").get_object(Bucket=stack.bucket, Key=f"runs/{plan}/{run_id}/{name}")
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise
    return found["Body"].read()


_PLAIN = TypeDeserializer()


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    # Numbers of this size are milliseconds: 10^11 seconds would be the year 5138.
    number = float(value)  # DynamoDB numbers come as Decimal
    return number / 1000 if number > 1e11 else number
