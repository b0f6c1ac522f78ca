"""CloudWatch alarms that live by themselves, and EventBridge rules that carry what happens to their targets."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest
from emulator_process import ACCOUNT, MINUTE_SECONDS, RECOVERY, Emulator, eventually
from function_zip import create_function

ECHO = """
def handle(event):
    return event
"""


@pytest.fixture
def queue(emulator: Emulator, name: str) -> tuple[str, str]:
    """URL and ARN of a queue that rules may send to."""
    url = emulator.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url, f"arn:aws:sqs:{RECOVERY}:{ACCOUNT}:{name}"


def receive(emulator: Emulator, url: str) -> list[dict]:
    """The messages of a queue, as JSON, each only once."""
    sqs = emulator.client("sqs")
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in messages]


def rule(emulator: Emulator, name: str, pattern: dict, target: dict) -> None:
    """A rule on the default bus with one target."""
    events = emulator.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "1", **target}])


def put_alarm(emulator: Emulator, name: str, **settings: object) -> str:
    """An alarm on failures of one workload, evaluated on one high-resolution period."""
    alarm = {
        "AlarmName": name,
        "AlarmDescription": "canary",
        "Namespace": "PilotLight/Canary",
        "MetricName": "Failures",
        "Dimensions": [{"Name": "Workload", "Value": name}],
        "Statistic": "Sum",
        "Period": 10,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    }
    client = emulator.client("cloudwatch")
    client.put_metric_alarm(**{**alarm, **settings})
    return client.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["AlarmArn"]


def state(emulator: Emulator, name: str) -> str:
    """An alarm's state."""
    return emulator.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]


def publish(emulator: Emulator, workload: str, value: float) -> None:
    """One data point of the canary."""
    emulator.client("cloudwatch").put_metric_data(
        Namespace="PilotLight/Canary",
        MetricData=[
            {
                "MetricName": "Failures",
                "Dimensions": [{"Name": "Workload", "Value": workload}],
                "Value": value,
                "Timestamp": datetime.now(UTC),
                "StorageResolution": 1,
            }
        ],
    )


def test_an_alarm_goes_off_by_itself_and_tells_eventbridge_and_its_topic(
    emulator: Emulator, name: str, queue: tuple[str, str]
) -> None:
    topic = emulator.client("sns").create_topic(Name=name)["TopicArn"]
    emulator.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue[1])
    event_queue = emulator.client("sqs").create_queue(QueueName=f"{name}-events")["QueueUrl"]
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [name], "state": {"value": ["ALARM"]}}}
    rule(emulator, name, pattern, {"Arn": f"{queue[1]}-events"})
    arn = put_alarm(emulator, name, AlarmActions=[topic])
    publish(emulator, name, 2)
    publish(emulator, f"{name}-another", 0)

    event = eventually(lambda: receive(emulator, event_queue))[0]
    assert event["detail-type"] == "CloudWatch Alarm State Change" and event["resources"] == [arn]
    detail = event["detail"]
    assert detail["alarmName"] == name and detail["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert detail["state"]["timestamp"].endswith("+0000") and "Threshold Crossed" in detail["state"]["reason"]
    assert json.loads(detail["state"]["reasonData"])["recentDatapoints"] == [2.0]
    stat = detail["configuration"]["metrics"][0]["metricStat"]
    assert stat["metric"]["dimensions"] == {"Workload": name} and stat["period"] == 10
    notice = eventually(lambda: receive(emulator, queue[0]))[0]
    assert json.loads(notice["Message"])["NewStateValue"] == "ALARM"


@pytest.mark.parametrize(("treatment", "expected"), [("breaching", "ALARM"), ("notBreaching", "OK")])
def test_missing_data_is_treated_as_configured(emulator: Emulator, name: str, treatment: str, expected: str) -> None:
    put_alarm(emulator, name, TreatMissingData=treatment)
    eventually(lambda: state(emulator, name) == expected)


def test_a_state_set_by_hand_is_announced_and_does_not_last(
    emulator: Emulator, name: str, queue: tuple[str, str]
) -> None:
    rule(emulator, name, {"source": ["aws.cloudwatch"], "detail": {"alarmName": [name]}}, {"Arn": queue[1]})
    put_alarm(emulator, name)
    client = emulator.client("cloudwatch")
    client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="drill", StateReasonData='{"by":"test"}')
    detail = eventually(lambda: receive(emulator, queue[0]))[0]["detail"]
    assert detail["state"]["reason"] == "drill" and json.loads(detail["state"]["reasonData"]) == {"by": "test"}
    assert state(emulator, name) == "ALARM"
    eventually(lambda: state(emulator, name) == "INSUFFICIENT_DATA")
    assert eventually(lambda: receive(emulator, queue[0]))[0]["detail"]["previousState"]["reason"] == "drill"


def test_aws_events_reach_targets_with_their_input_transformed(
    emulator: Emulator, name: str, queue: tuple[str, str]
) -> None:
    transformer = {"InputPathsMap": {"state": "$.detail.state"}, "InputTemplate": '{"plan":"x","state":<state>}'}
    pattern = {"source": ["aws.backup"], "detail": {"backupVaultName": [name]}}
    rule(emulator, name, pattern, {"Arn": queue[1], "InputTransformer": transformer})
    detail = {"backupVaultName": name, "state": "FAILED"}
    entry = {"Source": "aws.backup", "DetailType": "Backup Job State Change", "Detail": json.dumps(detail)}
    assert emulator.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert eventually(lambda: receive(emulator, queue[0])) == [{"plan": "x", "state": "FAILED"}]


def test_a_rule_starts_a_state_machine(emulator: Emulator, name: str) -> None:
    states = emulator.client("stepfunctions")
    definition = {"QueryLanguage": "JSONata", "StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    role = f"arn:aws:iam::{ACCOUNT}:role/any"
    machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    target = {
        "Arn": machine["stateMachineArn"],
        "RoleArn": role,
        "Input": '{"plan":"x"}',
        "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 60},
        "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{RECOVERY}:{ACCOUNT}:dead"},
    }
    rule(emulator, name, {"source": ["test"], "detail-type": [name]}, target)
    emulator.client("events").put_events(Entries=[{"Source": "test", "DetailType": name, "Detail": "{}"}])
    found = eventually(lambda: states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"])
    run = states.describe_execution(executionArn=found[0]["executionArn"])
    assert json.loads(run["input"]) == {"plan": "x"}


def test_an_event_a_function_refuses_ends_in_its_dead_letter_queue(
    emulator: Emulator, name: str, queue: tuple[str, str]
) -> None:
    client = emulator.client("lambda")
    arn = create_function(client, name, 'def handle(event): raise HandlerError("BadEvent", "no")')
    client.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue[1]}},
    )
    rule(emulator, name, {"source": ["test"], "detail-type": [name]}, {"Arn": arn})
    emulator.client("events").put_events(Entries=[{"Source": "test", "DetailType": name, "Detail": "{}"}])
    record = eventually(lambda: receive(emulator, queue[0]))[0]
    assert record["responsePayload"]["errorType"] == "BadEvent"
    assert record["requestPayload"]["detail-type"] == name


def test_rates_run_in_the_sandbox_s_minutes(emulator: Emulator, name: str, queue: tuple[str, str]) -> None:
    events, scheduler = emulator.client("events"), emulator.client("scheduler")
    scheduled = emulator.client("sqs").create_queue(QueueName=f"{name}-scheduled")["QueueUrl"]
    started = time.monotonic()
    events.put_rule(Name=name, ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue[1]}])
    scheduler.create_schedule(
        Name=name,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": f"{queue[1]}-scheduled",
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/any",
            "Input": '{"at":"<aws.scheduler.scheduled-time>"}',
        },
    )
    eventually(lambda: receive(emulator, queue[0]))
    assert time.monotonic() - started >= MINUTE_SECONDS
    at = eventually(lambda: receive(emulator, scheduled))[0]["at"]
    assert abs(datetime.fromisoformat(at).timestamp() - time.time()) <= 60
    events.disable_rule(Name=name)
    scheduler.delete_schedule(Name=name)
