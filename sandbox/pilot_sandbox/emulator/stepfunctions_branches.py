"""Step Functions: Parallel branches as AWS runs them.

Each branch has its own context and its own variables on top of the outer ones. The first branch to fail fails the
state, and the others stop at their next step - ministack would let them run on, calling functions all the while a
rollback is under way. States inside branches leave events in the history too.
"""

from __future__ import annotations

import contextvars
import copy
import json
import logging
import queue
import threading
import time

from ministack.services import stepfunctions as sfn

logger = logging.getLogger("pilot.stepfunctions")

# How often a waiting branch looks whether it was stopped.
_STOP_POLL_SECONDS = 0.1

# Set for the thread of a branch: raised when the branch is to stop.
_stop: contextvars.ContextVar[tuple[threading.Event, ...]] = contextvars.ContextVar("pilot_branch_stop", default=())
_execution: contextvars.ContextVar[dict | None] = contextvars.ContextVar("pilot_execution", default=None)


class _Stopped(sfn._ExecutionError):
    """This branch was stopped because another failed, or because the execution has ended."""

    def __init__(self) -> None:
        # A name that no wildcard catches: nothing in a stopped branch may run on.
        super().__init__("States.Runtime", "stopped, because another branch failed or the execution has ended")


def install() -> None:
    """Put the shim in place."""
    sfn._run_parallel_branches = run_parallel
    sfn._run_sub_machine = run_branch
    sfn._scaled_sleep = sleep
    _order_events()
    run_execution = sfn._run_execution

    def run(execution_arn: str) -> None:
        _execution.set(sfn._executions.get(execution_arn))
        run_execution(execution_arn)

    sfn._run_execution = run


def _order_events() -> None:
    # An event's id is its place in the history, so branches must not add events at the same moment.
    add_event, lock = sfn._add_event, threading.Lock()

    def add(execution: dict, event_type: str, details: dict | None = None) -> dict:
        with lock:
            # What a stopped execution's last step still does belongs to no history.
            late = execution.get("status") in ("ABORTED", "TIMED_OUT") and not event_type.startswith("Execution")
            return {} if late else add_event(execution, event_type, details)

    sfn._add_event = add


def sleep(seconds: float) -> None:
    """Wait, but not beyond the end of the branch or of the execution."""
    until = time.monotonic() + seconds * sfn._SFN_WAIT_SCALE
    while (left_seconds := until - time.monotonic()) > 0:
        execution = _execution.get()
        if _is_stopped() or (execution is not None and execution["status"] != "RUNNING"):
            raise _Stopped
        time.sleep(min(left_seconds, _STOP_POLL_SECONDS))


def run_parallel(state: dict, raw_input: object, execution: dict, ctx: dict) -> tuple:
    """A Parallel state: all branches at once, the first failure wins."""
    jsonata = sfn._state_query_language(state, ctx) == "JSONata"
    if jsonata:
        effective = sfn._apply_jsonata_arguments(state, raw_input, ctx)
    else:
        effective = sfn._apply_parameters(state, sfn._apply_input_path(state, raw_input, ctx), ctx)
    results = _results_of(state.get("Branches", []), effective, execution, ctx)
    if jsonata:
        output = sfn._apply_jsonata_output(state, raw_input, ctx, result=results, default=results)
        sfn._apply_state_assign(state, raw_input, ctx, result=results)
        return output, sfn._next_or_end(state)
    selected = sfn._apply_result_selector(state, results)
    output = sfn._apply_result_path(state, raw_input, selected)
    return sfn._apply_output_path(state, output, ctx), sfn._next_or_end(state)


def _results_of(branches: list[dict], effective: object, execution: dict, ctx: dict) -> list:
    stop = threading.Event()
    ended: queue.Queue[tuple[int, object, sfn._ExecutionError | None]] = queue.Queue()

    def run(index: int, branch: dict) -> None:
        _stop.set((*_stop.get(), stop))
        try:
            result = run_branch(branch["States"], branch["StartAt"], effective, execution, copy.deepcopy(ctx))
            ended.put((index, result, None))
        except sfn._ExecutionError as error:
            ended.put((index, None, error))
        except Exception as error:
            # Whatever it is, the waiting Parallel state must hear of it.
            logger.exception("a branch of %s ended in an unexpected error", ctx["Execution"]["Id"])
            ended.put((index, None, sfn._ExecutionError("States.BranchFailed", str(error))))

    for index, branch in enumerate(branches):
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(run, index, branch), daemon=True).start()
    results: list = [None] * len(branches)
    for _ in branches:
        index, result, error = ended.get()
        if error is not None:
            stop.set()
            raise error
        results[index] = result
    return results


def run_branch(states: dict, start_at: str, input_data: object, execution: dict, ctx: dict) -> object:
    """Walk one branch of a Parallel state, or one item of a Map, to its end."""
    name, data = start_at, copy.deepcopy(input_data)
    while name:
        if _is_stopped() or execution["status"] != "RUNNING":
            raise _Stopped
        state = states.get(name)
        if state is None:
            raise sfn._ExecutionError("States.Runtime", f"State '{name}' not found")
        ctx["State"] = {"Name": name, "EnteredTime": sfn.now_iso(), "RetryCount": 0}
        _record(execution, state, "Entered", name, data)
        data, next_name = _step(state, data, execution, ctx)
        _record(execution, state, "Exited", name, data)
        name = next_name
    return data


def _step(state: dict, data: object, execution: dict, ctx: dict) -> tuple[object, str | None]:
    kind = state.get("Type")
    if kind == "Succeed":
        return sfn._apply_output_path(state, sfn._apply_input_path(state, data, ctx), ctx), None
    if kind == "Fail":
        raise sfn._ExecutionError(*sfn._fail_state_error(state, data, ctx))
    with_execution = {"Task": sfn._execute_task, "Parallel": sfn._execute_parallel, "Map": sfn._execute_map}
    if kind in with_execution:
        return with_execution[kind](state, data, execution, ctx)
    plain = {"Pass": sfn._execute_pass, "Choice": sfn._execute_choice, "Wait": sfn._execute_wait}
    if kind not in plain:
        raise sfn._ExecutionError("States.Runtime", f"Unknown state type: {kind}")
    return plain[kind](state, data, ctx)


def _record(execution: dict, state: dict, what: str, name: str, data: object) -> None:
    details, member = {
        "Entered": ("stateEnteredEventDetails", "input"),
        "Exited": ("stateExitedEventDetails", "output"),
    }[what]
    sfn._add_event(execution, f"{state.get('Type')}State{what}", {details: {"name": name, member: json.dumps(data)}})


def _is_stopped() -> bool:
    return any(stop.is_set() for stop in _stop.get())
