"""Schedules: `rate()` in the sandbox's minutes, and fired when due instead of at the next of six sweeps a minute."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from ministack.core.responses import new_uuid
from ministack.services import eventbridge, scheduler

_SWEEP_SECONDS = 0.25


def install(minute_seconds: float) -> None:
    """Make one minute of a rate last `minute_seconds`, for EventBridge rules and EventBridge Scheduler alike."""
    parse = eventbridge._parse_rate_seconds

    def parse_scaled(expression: str) -> float | None:
        real_seconds = parse(expression)
        return None if real_seconds is None else real_seconds * minute_seconds / 60

    eventbridge._parse_rate_seconds = parse_scaled
    eventbridge._SCHEDULER_TICK_INTERVAL = _SWEEP_SECONDS
    scheduler._SCHEDULE_TICK_INTERVAL = _SWEEP_SECONDS
    _start_countdowns_at_first_sight()
    _fill_context_attributes()


def _start_countdowns_at_first_sight() -> None:
    # ministack stores creation times in whole seconds or not at all, depending on who made the schedule. Counting
    # from the first sweep that sees a schedule makes the first fire come one interval after creation, always.
    fire_rules, fire_schedules = eventbridge._tick_scheduled_rules, scheduler._tick_schedules

    def sweep_rules() -> None:
        for key, rule in list(eventbridge._rules._data.items()):
            if rule.get("ScheduleExpression", "").startswith("rate("):
                eventbridge._rule_last_fired.setdefault(key, time.time())
        fire_rules()

    def sweep_schedules() -> None:
        for key, schedule in list(scheduler._schedules._data.items()):
            if schedule.get("ScheduleExpression", "").startswith("rate("):
                scheduler._schedule_last_fired.setdefault(key, time.time())
        fire_schedules()

    eventbridge._tick_scheduled_rules = sweep_rules
    scheduler._tick_schedules = sweep_schedules


def _fill_context_attributes() -> None:
    """Replace `<aws.scheduler.*>` in a schedule's Input, as EventBridge Scheduler does."""
    invoke_target = eventbridge._invoke_target

    def invoke(target: dict, event: dict, rule: dict, view: object = None) -> None:
        if event.get("Source") == "aws.scheduler" and target.get("Input"):
            target = {**target, "Input": _with_attributes(target["Input"], event)}
        invoke_target(target, event, rule, view)

    eventbridge._invoke_target = invoke


def _with_attributes(text: str, event: dict) -> str:
    attributes = {
        "schedule-arn": next(iter(event.get("Resources") or [""])),
        "scheduled-time": datetime.fromtimestamp(event["Time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": new_uuid(),
        "attempt-number": "1",
    }
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text
