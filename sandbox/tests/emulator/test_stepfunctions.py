"""Step Functions: the JSONata this project's machine is written in."""

from __future__ import annotations

import json
import time

import pytest
from emulator_process import ACCOUNT, PRIMARY, Emulator, eventually
from function_zip import create_function

# Fails as often as asked, by name, and counts its calls in a file beside its code.
WORKER = """
import pathlib, tempfile
def handle(event):
    if event.get("crash"):
        os._exit(1)
    time.sleep(event.get("seconds", 0))
    calls = pathlib.Path(tempfile.gettempdir(), event.get("counter", "none"))
    count = int(calls.read_text()) + 1 if calls.exists() else 1
    calls.write_text(str(count))
    if count <= event.get("failures", 0):
        raise HandlerError(event.get("error", "ReplicaNotReady"), "not yet")
    return {"calls": count, "text": json.dumps({"inner": count})}
"""

INVOKE = "arn:aws:states:::lambda:invoke"


@pytest.fixture(scope="module")
def worker(emulator: Emulator) -> str:
    """ARN of a function that fails or crashes as it is told."""
    return create_function(emulator.client("lambda"), "sfn-worker", WORKER)


def run(emulator: Emulator, name: str, states: dict, start: str, data: dict | None = None, **top: object) -> dict:
    """Create a machine, run it once to its end, and tell the execution."""
    client = emulator.client("stepfunctions")
    definition = {"QueryLanguage": "JSONata", "StartAt": start, "States": states, **top}
    machine = client.create_state_machine(
        name=name,
        definition=json.dumps(definition),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/any",
        loggingConfiguration={"level": "OFF"},
        tracingConfiguration={"enabled": True},
    )
    arn = client.start_execution(
        stateMachineArn=machine["stateMachineArn"], name="first", input=json.dumps(data or {})
    )["executionArn"]
    return eventually(
        lambda: (seen := client.describe_execution(executionArn=arn))["status"] != "RUNNING" and seen,
    )


def call(worker: str, payload: object, **more: object) -> dict:
    """A Task that invokes the worker."""
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "Arguments": {"FunctionName": worker, "Payload": payload},
        "Output": "{% $states.result.Payload %}",
        "TimeoutSeconds": 10,
        **more,
    }


def output(execution: dict) -> object:
    """What a succeeded execution put out."""
    assert execution["status"] == "SUCCEEDED", execution
    return json.loads(execution["output"])


def test_variables_context_and_time_flow_through_the_states(emulator: Emulator, name: str, worker: str) -> None:
    states = {
        "Bind": {
            "Type": "Pass",
            "Assign": {
                "runId": "{% $states.context.Execution.Name %}",
                "arn": "{% $states.context.Execution.Id %}",
                "startedAt": "{% $states.context.Execution.StartTime %}",
                "enteredAt": "{% $states.context.State.EnteredTime %}",
                "deadlineMs": "{% $toMillis($states.context.Execution.StartTime) + 60000 %}",
                "waitSeconds": 1,
                "round": 0,
            },
            "Next": "Work",
        },
        "Work": call(
            worker,
            "{% {'counter': $states.input.counter, 'has': $exists($states.input.nothing)} %}",
            Assign={"round": "{% $round + 1 %}", "parsed": "{% $parse($states.result.Payload.text) %}"},
            Next="Enough",
        ),
        "Enough": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $round >= 2 %}", "Output": {"left": "early"}, "Next": "Done"}],
            "Default": "Pause",
            "Output": {"counter": "{% 'again-' & $runId %}"},
        },
        "Pause": {"Type": "Wait", "Seconds": "{% $waitSeconds %}", "Next": "Work"},
        "Done": {
            "Type": "Succeed",
            "Output": {
                "input": "{% $states.input %}",
                "round": "{% $round %}",
                "text": "{% $string($round) %}",
                "inner": "{% $parsed.inner %}",
                "runId": "{% $runId %}",
                "arn": "{% $arn %}",
                "inTime": "{% $toMillis($now()) < $deadlineMs %}",
                "deadline": "{% $fromMillis($deadlineMs) %}",
                "entered": "{% $enteredAt >= $startedAt %}",
            },
        },
    }
    started = time.monotonic()
    seen = output(run(emulator, name, states, "Bind", {"counter": name}))
    assert time.monotonic() - started >= 1
    assert seen["input"] == {"left": "early"} and seen["round"] == 2 and seen["text"] == "2"
    assert seen["runId"] == "first" and seen["arn"].endswith(f"{name}:first")
    assert seen["inTime"] is True and seen["entered"] is True and seen["deadline"].endswith("Z")


def test_retry_then_catch_by_the_function_s_own_error_name(emulator: Emulator, name: str, worker: str) -> None:
    retry = [
        {
            "ErrorEquals": ["ReplicaNotReady"],
            "IntervalSeconds": 1,
            "BackoffRate": 100,
            "MaxAttempts": 2,
            "MaxDelaySeconds": 1,
            "JitterStrategy": "FULL",
        }
    ]
    catch = [
        {
            "ErrorEquals": ["ReplicaNotReady"],
            "Assign": {"failure": "{% $states.errorOutput.Error %}"},
            "Output": {"cause": "{% $parse($states.errorOutput.Cause).errorMessage %}"},
            "Next": "Give up",
        }
    ]
    states = {
        "Recovers": call(worker, {"counter": f"{name}-a", "failures": 2}, Retry=retry, Next="Does not"),
        "Does not": call(worker, {"counter": f"{name}-b", "failures": 3}, Retry=retry, Catch=catch, End=True),
        "Give up": {
            "Type": "Fail",
            "Error": "{% $failure %}",
            "Cause": "{% $string({'why': $states.input.cause}) %}",
        },
    }
    started = time.monotonic()
    seen = run(emulator, name, states, "Recovers")
    assert seen["status"] == "FAILED" and seen["error"] == "ReplicaNotReady"
    assert json.loads(seen["cause"]) == {"why": "not yet"}
    # MaxDelaySeconds caps what a backoff of a hundred would make 1 + 100 seconds, each time.
    assert time.monotonic() - started < 100


@pytest.mark.parametrize(
    ("payload", "more", "error"),
    [
        ({"crash": True}, {}, "Runtime.ExitError"),
        ({"seconds": 5}, {"TimeoutSeconds": "{% 1 %}"}, "States.Timeout"),
    ],
)
def test_a_crash_and_a_time_out_have_the_names_that_retries_go_by(
    emulator: Emulator, name: str, worker: str, payload: dict, more: dict, error: str
) -> None:
    states = {"Work": call(worker, payload, End=True, **more)}
    assert run(emulator, name, states, "Work")["error"] == error


def test_a_function_s_own_time_out_is_sandbox_timedout(emulator: Emulator, name: str) -> None:
    arn = create_function(emulator.client("lambda"), name, WORKER, timeout_seconds=1)
    states = {"Work": call(arn, {"seconds": 5}, End=True)}
    assert run(emulator, name, states, "Work")["error"] == "Sandbox.Timedout"


def test_states_all_does_not_catch_a_runtime_error(emulator: Emulator, name: str) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    states = {
        "Bad": {"Type": "Task", "Resource": "arn:aws:states:::nosuch:thing", "Catch": catch, "End": True},
        "Caught": {"Type": "Pass", "End": True},
    }
    assert run(emulator, name, states, "Bad")["error"] == "States.Runtime"


def test_parallel_branches_keep_their_variables_and_the_first_failure_stops_the_rest(
    emulator: Emulator, name: str, worker: str
) -> None:
    def loop(counter: str) -> dict:
        return {
            "StartAt": "Work",
            "States": {
                "Work": call(worker, {"counter": counter}, Assign={"mine": counter}, Next="Pause"),
                "Pause": {"Type": "Wait", "Seconds": 1, "Next": "Work"},
            },
        }

    failing = {
        "StartAt": "Pause",
        "States": {
            "Pause": {"Type": "Wait", "Seconds": 2, "Next": "No"},
            "No": {"Type": "Fail", "Error": "Stuck", "Cause": "branch"},
        },
    }
    short = {"StartAt": "Say", "States": {"Say": {"Type": "Pass", "Assign": {"mine": 1}, "Output": 1, "End": True}}}
    states = {
        "Both": {
            "Type": "Parallel",
            "Branches": [short, {**short, "States": {"Say": {**short["States"]["Say"], "Output": "{% $outer %}"}}}],
            "Assign": {"sum": "{% $sum($states.result) %}"},
            "Next": "Fails",
        },
        "Fails": {
            "Type": "Parallel",
            "Branches": [loop(name), failing],
            "Catch": [
                {
                    "ErrorEquals": ["Stuck"],
                    "Output": "{% {'error': $states.errorOutput.Error, 'sum': $sum, 'mine': $exists($mine)} %}",
                    "Next": "Read",
                }
            ],
            "End": True,
        },
        "Read": {"Type": "Succeed", "Output": "{% $states.input %}"},
    }
    first = {"Start": {"Type": "Pass", "Assign": {"outer": 41}, "Next": "Both"}}
    seen = output(run(emulator, name, {**first, **states}, "Start"))
    assert seen == {"error": "Stuck", "sum": 42, "mine": False}
    calls_then = calls(emulator, worker, name)
    time.sleep(2)
    assert calls(emulator, worker, name) == calls_then + 1, "the stopped branch went on calling its function"


def calls(emulator: Emulator, worker: str, counter: str) -> int:
    """How often the worker was called under this counter, counting this look."""
    answer = emulator.client("lambda").invoke(FunctionName=worker, Payload=json.dumps({"counter": counter}))
    return json.load(answer["Payload"])["calls"]


def test_dynamodb_and_sns_are_called_directly(emulator: Emulator, name: str) -> None:
    dynamodb = emulator.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "run"}, "generation": {"N": "3"}})
    topic = emulator.client("sns").create_topic(Name=name)["TopicArn"]
    key = {"pk": {"S": "run"}}
    states = {
        "Get": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:getItem",
            "Arguments": {"TableName": name, "Key": key, "ConsistentRead": True},
            "Assign": {"generation": "{% $number($states.result.Item.generation.N) %}"},
            "Next": "Update",
        },
        "Update": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:updateItem",
            "Arguments": {
                "TableName": name,
                "Key": key,
                "UpdateExpression": "SET generation = :next",
                "ConditionExpression": "generation = :seen",
                "ExpressionAttributeValues": {
                    ":next": {"N": "{% $string($generation + 1) %}"},
                    ":seen": {"N": "{% $string($generation) %}"},
                },
            },
            "Next": "Again",
        },
        "Again": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:updateItem",
            "Arguments": {
                "TableName": name,
                "Key": key,
                "UpdateExpression": "SET generation = :next",
                "ConditionExpression": "generation = :seen",
                "ExpressionAttributeValues": {":next": {"N": "9"}, ":seen": {"N": "3"}},
            },
            "Catch": [{"ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "Next": "Tell"}],
            "End": True,
        },
        "Tell": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Arguments": {"TopicArn": topic, "Subject": "stuck", "Message": "{% $string({'a': 1}) %}"},
            "Output": "{% $exists($states.result.MessageId) %}",
            "End": True,
        },
    }
    assert output(run(emulator, name, states, "Get")) is True
    assert dynamodb.get_item(TableName=name, Key=key)["Item"]["generation"] == {"N": "4"}


def test_the_machine_s_own_time_out_ends_the_execution(emulator: Emulator, name: str) -> None:
    states = {"Pause": {"Type": "Wait", "Seconds": 30, "End": True}}
    seen = run(emulator, name, states, "Pause", TimeoutSeconds=1)
    assert seen["status"] == "TIMED_OUT"
    time.sleep(0.5)
    arn = seen["executionArn"]
    assert emulator.client("stepfunctions").describe_execution(executionArn=arn)["status"] == "TIMED_OUT"
    events = emulator.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    assert events[-1]["type"] == "ExecutionTimedOut"


def test_machines_of_two_regions_do_not_mix(emulator: Emulator, name: str) -> None:
    run(emulator, name, {"Done": {"Type": "Succeed"}}, "Done")
    assert emulator.client("stepfunctions", PRIMARY).list_state_machines()["stateMachines"] == []
