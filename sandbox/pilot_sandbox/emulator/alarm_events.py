"""*CloudWatch Alarm State Change* events, member by member as AWS sends them."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ministack.services import cloudwatch

from . import events

if TYPE_CHECKING:
    from .alarms import Datapoint

_OPERATOR_TEXT = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}

# By alarm ARN: the state last announced, which the next event repeats as previousState; and reason data that is on
# its way, because ministack hands the dispatcher only the reason.
_announced: dict[str, dict] = {}
_reason_data: dict[str, str | None] = {}


def install() -> None:
    """Announce every state change on the default bus, next to the alarm's own actions."""
    dispatch_actions = cloudwatch._dispatch_alarm_actions

    def dispatch(alarm: dict, old_state: str, new_state: str, reason: str) -> None:
        dispatch_actions(alarm, old_state, new_state, reason)
        if old_state != new_state:
            _announce(alarm, old_state, new_state, reason)

    cloudwatch._dispatch_alarm_actions = dispatch


def expect_reason_data(alarm_arn: str, reason_data: str | None) -> None:
    """Keep the reason data of the state change that is about to be dispatched."""
    _reason_data[alarm_arn] = reason_data


def explain(alarm: dict, state: str, recent: list[Datapoint], now: float) -> tuple[str, str]:
    """The reason sentence and the reason data (a JSON string) of a change of state."""
    shown = ", ".join(f"{point.value} ({_clock(point.start_seconds)})" for point in recent)
    threshold = float(alarm["Threshold"])
    data = {
        "version": "1.0",
        "queryDate": _timestamp(now),
        "startDate": _timestamp(recent[-1].start_seconds) if recent else None,
        "statistic": alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average",
        "period": int(alarm.get("Period") or 60),
        "recentDatapoints": [point.value for point in reversed(recent)],
        "threshold": threshold,
        "evaluatedDatapoints": [
            {"timestamp": _timestamp(point.start_seconds), "sampleCount": point.sample_count, "value": point.value}
            for point in recent
        ],
    }
    reason_data = json.dumps({name: value for name, value in data.items() if value is not None})
    periods = int(alarm.get("EvaluationPeriods") or 1)
    if not recent:
        missing = "datapoint was unknown" if periods == 1 else f"{periods} datapoints were unknown"
        treated = {"ALARM": "treated as [Breaching]", "OK": "treated as [NonBreaching]"}.get(state, "not enough data")
        return f"Insufficient Data: {missing}, {treated}.", reason_data
    negation = "" if state == "ALARM" else "not "
    verb = "was" if len(recent) == 1 else "were"
    needed = int(alarm.get("DatapointsToAlarm") or periods)
    reason = (
        f"Threshold Crossed: {len(recent)} out of the last {periods} datapoints [{shown}] {verb} {negation}"
        f"{_OPERATOR_TEXT[alarm['ComparisonOperator']]} the threshold ({threshold}) "
        f"(minimum {needed} datapoint{'' if needed == 1 else 's'} for OK -> ALARM transition)."
    )
    return reason, reason_data


def _announce(alarm: dict, old_state: str, new_state: str, reason: str) -> None:
    arn = alarm["AlarmArn"]
    previous = _announced.get(arn)
    if previous is None or previous["value"] != old_state:
        created = alarm.get("AlarmConfigurationUpdatedTimestamp") or time.time()
        previous = {
            "value": old_state,
            "reason": "Unchecked: Initial alarm creation",
            "timestamp": _timestamp(float(created)),
        }
    state = {"value": new_state, "reason": reason, "timestamp": _timestamp(time.time())}
    reason_data = _reason_data.pop(arn, None)
    if reason_data:
        state["reasonData"] = reason_data
    _announced[arn] = state
    detail = {
        "alarmName": alarm["AlarmName"],
        "state": state,
        "previousState": previous,
        "configuration": _configuration(alarm),
    }
    events.send("aws.cloudwatch", "CloudWatch Alarm State Change", [arn], detail)


def _configuration(alarm: dict) -> dict:
    configuration = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if "AlarmRule" in alarm:
        return {**configuration, "alarmRule": alarm["AlarmRule"]}
    metric = {
        "namespace": alarm.get("Namespace"),
        "name": alarm.get("MetricName"),
        "dimensions": {pair["Name"]: pair["Value"] for pair in alarm.get("Dimensions") or []},
    }
    stat = {
        "metric": metric,
        "period": int(alarm.get("Period") or 60),
        "stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average",
    }
    # The same id at every event of one alarm, as on AWS.
    metric_id = str(uuid.uuid5(uuid.NAMESPACE_URL, alarm["AlarmArn"]))
    return {**configuration, "metrics": [{"id": metric_id, "metricStat": stat, "returnData": True}]}


def _timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%d/%m/%y %H:%M:%S")
