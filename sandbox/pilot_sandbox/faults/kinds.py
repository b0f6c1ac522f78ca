"""The faults: what befalls one call. microburst does what it can do; the tap loses answers and kills processes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..wire.naming import CALL_HEADER
from .stack import Stack

if TYPE_CHECKING:
    from .calls import Case

#: Beyond the SDK's operation time-out of 8 s, whose attempts end after 2.5 s each.
_SLOW_MS = 9_000
_ATTEMPTS = 3

_THROTTLES = {"s3": ("SlowDown", 503), "dynamodb": ("ThrottlingException", 400)}
_THROTTLE = ("Throttling", 400)
_INTERNAL = {"code": "InternalFailure", "status": 500, "message": "We encountered an internal error (injected)"}

#: Faults that befall one numbered call.
ONE_CALL = ("throttled once", "500 once", "answer lost", "process killed")
#: Every fault there is, in the order of the table.
KINDS = (*ONE_CALL, "throttled for good", "slower than the time-out")
#: A run that is only recorded.
NOTHING = "nothing"


def arm(stack: Stack, case: "Case", workload: str) -> Callable[[], None]:
    """Let the case's fault befall this workload's call; returns what lifts it."""
    site = f"|{workload}|{case.call}|"
    match case.fault:
        case "throttled once":
            return _rule(stack, f"{site}{case.nth}|", {"error": _throttle(case.call), "times": 1})
        case "throttled for good":
            return _rule(stack, site, {"error": _throttle(case.call)})
        case "500 once":
            return _rule(stack, f"{site}{case.nth}|", {"error": _INTERNAL, "times": 1})
        case "slower than the time-out":
            # The attempts of one call of the SDK, each of which takes effect, late.
            return _rule(stack, site, {"latency": _SLOW_MS, "times": _ATTEMPTS})
        case "answer lost":
            return stack.add_cut({"call": f"{site}{case.nth}|", "how": "lose"})
        case "process killed":
            cut = {"call": f"{site}{case.nth}|", "how": "kill", "delaySeconds": case.delay_seconds}
            return stack.add_cut(cut)
        case "nothing":
            return lambda: None
    raise ValueError(f"no such fault: {case.fault}")


def _rule(stack: Stack, needle: str, effect: dict) -> Callable[[], None]:
    return stack.add_rule({"service": "*", "headers": {CALL_HEADER: needle}, **effect})


def _throttle(call: str) -> dict:
    service = call.split(" ")[1].split(".")[0]
    code, status = _THROTTLES.get(service, _THROTTLE)
    return {"code": code, "status": status, "message": "Rate exceeded (injected)"}
