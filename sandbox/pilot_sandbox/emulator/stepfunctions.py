"""Step Functions: what ministack's interpreter lacks of the JSONata machines that this project runs."""

from __future__ import annotations

import json
import random
import threading

from ministack.core.responses import request_scope
from ministack.services import stepfunctions as sfn

from . import stepfunctions_branches

# AWS: States.ALL catches neither States.DataLimitExceeded nor States.Runtime.
_NEVER_CAUGHT_BY_ALL = ("States.DataLimitExceeded", "States.Runtime")


def install() -> None:
    """Put the shims in place."""
    sfn._error_matches = error_matches
    sfn._find_matching_retrier = find_retrier
    _evaluate_task_timeouts()
    _evaluate_default_of_choice()
    _evaluate_output_of_succeed()
    _limit_whole_executions()
    stepfunctions_branches.install()


def error_matches(error_equals: list[str], error: str) -> bool:
    """Whether a retrier's or catcher's ErrorEquals covers an error name; wildcards do not cover everything."""
    if error in error_equals:
        return True
    if error in _NEVER_CAUGHT_BY_ALL:
        return False
    return "States.ALL" in error_equals or ("States.TaskFailed" in error_equals and error != "States.Timeout")


def find_retrier(retriers: list[dict], error: str, retry_counts: dict[int, int]) -> tuple[dict | None, int]:
    """The retrier of an error, with MaxDelaySeconds and JitterStrategy already worked into its interval."""
    for index, retrier in enumerate(retriers):
        if not error_matches(retrier.get("ErrorEquals", []), error):
            continue
        count = retry_counts.get(index, 0)
        if count >= retrier.get("MaxAttempts", 3):
            return None, -1
        delay_seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** count
        if "MaxDelaySeconds" in retrier:
            delay_seconds = min(delay_seconds, retrier["MaxDelaySeconds"])
        if retrier.get("JitterStrategy") == "FULL":
            delay_seconds = random.uniform(0, delay_seconds)
        # The caller computes interval * rate ** count; a rate of one leaves the delay as it is.
        return {**retrier, "IntervalSeconds": delay_seconds, "BackoffRate": 1.0}, index
    return None, -1


def _evaluate_task_timeouts() -> None:
    # TimeoutSeconds may be an expression; the interpreter takes it for a number.
    execute_task = sfn._execute_task

    def execute(state: dict, raw_input: object, execution: dict, ctx: dict) -> tuple:
        if isinstance(state.get("TimeoutSeconds"), str):
            seconds = sfn._jsonata_state_field(state, "TimeoutSeconds", "number", raw_input, ctx)
            state = {**state, "TimeoutSeconds": seconds}
        return execute_task(state, raw_input, execution, ctx)

    sfn._execute_task = execute


def _evaluate_default_of_choice() -> None:
    # A Choice's own Output applies when no rule matched and Default is taken; the interpreter forgets it.
    execute_choice = sfn._execute_choice

    def execute(state: dict, raw_input: object, ctx: dict | None = None) -> tuple:
        if sfn._state_query_language(state, ctx) != "JSONata" or "Output" not in state:
            return execute_choice(state, raw_input, ctx)
        if any(sfn._evaluate_jsonata_choice_rule(rule, raw_input, ctx) for rule in state.get("Choices", [])):
            return execute_choice(state, raw_input, ctx)
        output = sfn._apply_jsonata_output(state, raw_input, ctx, default=raw_input)
        _, next_state = execute_choice(state, raw_input, ctx)
        return output, next_state

    sfn._execute_choice = execute


def _evaluate_output_of_succeed() -> None:
    # The interpreter passes a Succeed state's input through OutputPath only, a JSONPath field.
    apply_output_path = sfn._apply_output_path

    def apply(state: dict, data: object, ctx: dict | None = None) -> object:
        if state.get("Type") == "Succeed" and sfn._state_query_language(state, ctx) == "JSONata":
            return sfn._apply_jsonata_output(state, data, ctx, default=data)
        return apply_output_path(state, data, ctx)

    sfn._apply_output_path = apply


def _limit_whole_executions() -> None:
    """Honour the state machine's own TimeoutSeconds: the execution ends TIMED_OUT, whatever it was doing."""
    run_execution, fail_execution = sfn._run_execution, sfn._fail_execution
    ending = threading.Lock()

    def run(execution_arn: str) -> None:
        timeout_seconds = _execution_timeout_seconds(execution_arn)
        if timeout_seconds is None:
            run_execution(execution_arn)
            return
        execution = sfn._executions[execution_arn]
        scope = (sfn.get_account_id(), sfn.get_region())
        timer = threading.Timer(timeout_seconds, _time_out, (execution, scope, ending))
        timer.daemon = True
        timer.start()
        try:
            run_execution(execution_arn)
        finally:
            timer.cancel()

    def fail(execution: dict, error: str, cause: str) -> None:
        # An execution that was stopped or timed out keeps that end when its last state fails later.
        with ending:
            if execution["status"] == "RUNNING":
                fail_execution(execution, error, cause)

    sfn._run_execution, sfn._fail_execution = run, fail


def _execution_timeout_seconds(execution_arn: str) -> float | None:
    machine = sfn._state_machines.get(sfn._executions[execution_arn]["stateMachineArn"])
    try:
        return json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
    except ValueError:
        # The interpreter reports a definition that is no JSON as the execution's failure.
        return None


def _time_out(execution: dict, scope: tuple[str, str], ending: threading.Lock) -> None:
    with ending, request_scope(*scope):
        if execution["status"] != "RUNNING":
            return
        execution.update(status="TIMED_OUT", stopDate=sfn.now_iso(), error="States.Timeout", cause="")
        sfn._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {"error": "States.Timeout"}})
        sfn._emit_execution_status_event(execution)
