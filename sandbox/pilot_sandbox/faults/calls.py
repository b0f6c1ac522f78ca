"""The cases: every call of a recorded run, each with every fault."""

import random
from collections import Counter
from dataclasses import dataclass

from .kinds import KINDS, ONE_CALL

#: The validation function serves three steps of a run under the same names: each gets its turn.
_OCCURRENCES = {"validate": 3}


@dataclass(frozen=True)
class Case:
    """A fault on a call of a scenario."""

    scenario: str
    call: str
    nth: int
    fault: str
    delay_seconds: float = 0.0

    @property
    def function(self) -> str:
        """The function that makes the call."""
        return self.call.split(" ")[0]

    def __str__(self) -> str:
        return f"{self.fault}: {self.call} ({self.nth}) in a {self.scenario}"


def site_name(call: dict) -> str:
    """A recorded call's name, without what differs from run to run."""
    return f"{call['function']} {call['operation']} {call['item']}".strip()


def sites_of(recorded: list[dict], functions: frozenset[str] | None) -> dict[str, int]:
    """The different calls of a recorded run, in its order, and how often each was made."""
    return dict(Counter(site_name(call) for call in recorded if _is_ours(call, functions)))


def cases_of(scenario: str, recorded: list[dict], functions: frozenset[str] | None) -> list[Case]:
    """Every fault on every call of a recorded run, in the order of the run."""
    counts = sites_of(recorded, functions)
    return [
        Case(scenario, call, nth, fault)
        for call, count in counts.items()
        for nth in range(1, min(count, _OCCURRENCES.get(call.split(" ")[0], 1)) + 1)
        for fault in KINDS
        # What befalls every call of a name has no number.
        if nth == 1 or fault in ONE_CALL
    ]


def random_kills(scenario: str, recorded: list[dict], count: int, seed: int) -> list[Case]:
    """The process killed at random moments: after a random call, a random while later."""
    chance = random.Random(seed)
    calls = [call for call in recorded if _is_ours(call, None)]
    picked = (chance.choice(calls) for _ in range(count))
    return [
        Case(scenario, site_name(call), call["nth"], "process killed", round(chance.uniform(0, 0.2), 3))
        for call in picked
    ]


def _is_ours(call: dict, functions: frozenset[str] | None) -> bool:
    return call["function"] != "outside" and (functions is None or call["function"] in functions)
