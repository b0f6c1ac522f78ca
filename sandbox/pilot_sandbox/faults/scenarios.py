"""The runs whose calls fail: the failover itself, one that a person approves, one that is rolled back."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from .stack import Stack


def _nothing(*_: object) -> None:
    return None


def _arm_nothing(*_: object) -> Callable[[], None]:
    return _nothing


@dataclass(frozen=True)
class Scenario:
    """A course of a run."""

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


SCENARIOS = {
    "failover": Scenario(),
    "approval": Scenario(change=_ask, meanwhile=_approve, functions=frozenset({"gate"})),
    "rollback": Scenario(arm=_refuse_promotion, functions=frozenset({"rollback"})),
}
