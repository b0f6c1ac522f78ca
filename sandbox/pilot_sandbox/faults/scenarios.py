"""The runs whose calls fail, of every mode: the run itself, one that a person approves, one that is rolled back."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from .modes import MODES
from .stack import Stack


def _nothing(*_: object) -> None:
    return None


def _arm_nothing(*_: object) -> Callable[[], None]:
    return _nothing


@dataclass(frozen=True)
class Scenario:
    """A course of a run."""

    #: In which mode it is started: one of `MODES`.
    mode: str
    #: Changes the plan.
    change: Callable[[dict], object] = _nothing
    #: Breaks what has to be broken for this course; returns what mends it.
    arm: Callable[[Stack, str], Callable[[], None]] = _arm_nothing
    #: What a person does while the run of this id is on.
    meanwhile: Callable[[Stack, str], None] = _nothing
    #: Only the calls of these functions are of interest here; `None`: all.
    functions: frozenset[str] | None = None


def _ask(plan: dict) -> None:
    plan["policy"] |= {"gate": "approval", "approvers": ["ana"], "approvalTimeoutSeconds": 120}


def _approve(stack: Stack, run_id: str) -> None:
    """Ana says yes whenever she is asked."""
    asked = stack.evidence(run_id, "approval-asked")
    if asked is None:
        return
    answer = {"decision": "approve", "approver": "ana", "acceptLossSeconds": 600}
    # The token may be of an asking that is over; the next look finds the new one.
    with suppress(stack.aws("stepfunctions").exceptions.ClientError):
        stack.aws("stepfunctions").send_task_success(taskToken=asked["taskToken"]["S"], output=json.dumps(answer))


def _refuse_promotion(stack: Stack, workload: str) -> Callable[[], None]:
    """RDS refuses the promotion for good, so everything before it is undone."""
    return stack.add_rule(
        {
            "service": "rds",
            "operation": "PromoteReadReplica",
            "headers": {"x-pilot-call": f"|{workload}|"},
            "error": {"code": "AccessDenied", "status": 403, "message": "not authorized (injected)"},
        }
    )


def _of_mode(mode: str) -> dict[str, Scenario]:
    """The three courses; of a failover they are called as they always were."""
    prefix = "" if mode == "failover" else f"{mode} "
    return {
        mode: Scenario(mode),
        f"{prefix}approval": Scenario(mode, change=_ask, meanwhile=_approve, functions=frozenset({"gate"})),
        f"{prefix}rollback": Scenario(mode, arm=_refuse_promotion, functions=frozenset({"rollback"})),
    }


#: By name; the first of a mode is called like the mode.
SCENARIOS = {name: scenario for mode in MODES for name, scenario in _of_mode(mode).items()}
