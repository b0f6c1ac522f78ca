"""CloudWatch alarms that are evaluated all the time, and whose state changes reach EventBridge.

ministack looks at an alarm only when a metric arrives, ignores dimensions and missing data, and tells EventBridge
nothing. The rules for missing data are AWS's ("Configuring how CloudWatch alarms treat missing data").
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from . import alarm_events

logger = logging.getLogger("pilot.alarms")

_TICK_SECONDS = 1.0
# CloudWatch looks a little further back than the evaluation periods, so that data arriving late is not missing.
_EXTRA_PERIODS = 2
# A state set by SetAlarmState holds until the next evaluation, which is never sooner than this.
_SET_STATE_HOLD_SECONDS_MIN = 5.0

_COMPARE = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}

_set_by_hand_until: dict[str, float] = {}


@dataclass(frozen=True)
class Datapoint:
    """One period of an alarm's metric."""

    start_seconds: float
    value: float
    sample_count: float


def install() -> None:
    """Put the shim in place and start evaluating."""
    # Only the background loop evaluates: an alarm must also change when data stops coming.
    cloudwatch._evaluate_alarm = lambda alarm: None
    cloudwatch._evaluate_all_alarms = lambda: None
    alarm_events.install()
    _hold_states_set_by_hand()
    threading.Thread(target=_loop, name="pilot-alarms", daemon=True).start()


def _hold_states_set_by_hand() -> None:
    set_state = cloudwatch._set_alarm_state

    def set_and_hold(params: dict, data: dict, is_cbor: bool, is_json: bool = False) -> tuple:
        name = data.get("AlarmName", "") if is_cbor or is_json else cloudwatch._p(params, "AlarmName")
        alarm = cloudwatch._alarms.get(name)
        if alarm is not None:
            hold_seconds = max(_SET_STATE_HOLD_SECONDS_MIN, min(float(alarm.get("Period") or 60), 60.0))
            _set_by_hand_until[alarm["AlarmArn"]] = time.time() + hold_seconds
            reason_data = data.get("StateReasonData") or cloudwatch._p(params, "StateReasonData") or None
            alarm_events.expect_reason_data(alarm["AlarmArn"], reason_data)
        return set_state(params, data, is_cbor, is_json)

    cloudwatch._set_alarm_state = set_and_hold


def _loop() -> None:
    while True:
        time.sleep(_TICK_SECONDS)
        now = time.time()
        for (account_id, region, name), alarm in list(cloudwatch._alarms._data.items()):
            try:
                with request_scope(account_id, region):
                    _evaluate(alarm, now)
            except Exception:
                # One broken alarm must not silence the others; it is tried again at the next tick.
                logger.exception("alarm %s of %s could not be evaluated", name, region)


def _evaluate(alarm: dict, now: float) -> None:
    if not alarm.get("Namespace") or not alarm.get("MetricName"):
        return
    if now < _set_by_hand_until.get(alarm["AlarmArn"], 0.0):
        return
    recent = _recent_datapoints(alarm, now)
    state = decide(alarm, [point.value for point in recent])
    if state == alarm["StateValue"]:
        return
    reason, reason_data = alarm_events.explain(alarm, state, recent, now)
    _change_state(alarm, state, reason, reason_data, now)


def decide(alarm: dict, values: list[float]) -> str:
    """The state that the newest values (newest first, missing periods left out) call for."""
    periods = int(alarm.get("EvaluationPeriods") or 1)
    needed = int(alarm.get("DatapointsToAlarm") or periods)
    treat_missing = alarm.get("TreatMissingData") or "missing"
    compare = _COMPARE[alarm["ComparisonOperator"]]
    breaching = sum(compare(value, float(alarm["Threshold"])) for value in values)
    missing = periods - len(values)
    if missing == 0 or treat_missing == "notBreaching":
        return "ALARM" if breaching >= needed else "OK"
    if treat_missing == "breaching":
        return "ALARM" if breaching + missing >= needed else "OK"
    if treat_missing == "ignore":
        decided = breaching >= needed or len(values) - breaching > periods - needed
        return ("ALARM" if breaching >= needed else "OK") if decided else alarm["StateValue"]
    if not values:
        return "INSUFFICIENT_DATA"
    return "ALARM" if breaching >= min(needed, len(values)) else "OK"


def _recent_datapoints(alarm: dict, now: float) -> list[Datapoint]:
    """The newest complete periods that have data, newest first, at most as many as the alarm evaluates."""
    period_seconds = float(alarm.get("Period") or 60)
    periods = int(alarm.get("EvaluationPeriods") or 1)
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    newest_end = now // period_seconds * period_seconds
    points = _points_of(alarm)
    found = []
    for index in range(periods + _EXTRA_PERIODS):
        start = newest_end - (index + 1) * period_seconds
        inside = [point for point in points if start <= point["Timestamp"] < start + period_seconds]
        stats = cloudwatch._calc_stats(inside)
        value = cloudwatch._stat_value(stats, statistic, inside) if stats else None
        if value is not None:
            found.append(Datapoint(start, float(value), stats["SampleCount"]))
    return found[:periods]


def _points_of(alarm: dict) -> list[dict]:
    dimensions = cloudwatch._dims_from_list(alarm.get("Dimensions") or [])
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    unit = alarm.get("Unit")
    return [point for point in cloudwatch._metrics.get(key) or [] if not unit or point.get("Unit") == unit]


def _change_state(alarm: dict, state: str, reason: str, reason_data: str, now: float) -> None:
    before = alarm["StateValue"]
    alarm.update(StateValue=state, StateReason=reason, StateReasonData=reason_data, StateUpdatedTimestamp=int(now))
    logger.info("alarm %s: %s -> %s: %s", alarm["AlarmName"], before, state, reason)
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    alarm_events.expect_reason_data(alarm["AlarmArn"], reason_data)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
