"""A fixed sample of `make faults`: whatever call fails, however, nothing forbidden comes of it."""

import json
from pathlib import Path

from pilot_sandbox.faults.all_cases import run_cases
from pilot_sandbox.faults.calls import Case
from pilot_sandbox.faults.kinds import KINDS
from pilot_sandbox.faults.stack import Stack
from sandbox_under_test import SandboxUnderTest

_SAMPLE = Path(__file__).with_name("faults_sample.json")
_SIDE_BY_SIDE = 8
#: Every function on the way of a run; `backup-monitor` is on none.
_FUNCTIONS = {
    "check-health",
    "close-run",
    "fence",
    "gate",
    "open-run",
    "promote-db",
    "rollback",
    "scale-compute",
    "update-dns",
    "validate",
}


def test_the_sample_covers_every_function_and_every_fault() -> None:
    """What the sample promises, held by itself."""
    cases = _cases()
    assert len(cases) >= 40
    assert {case.function for case in cases} == _FUNCTIONS
    assert {case.fault for case in cases} == set(KINDS)
    assert len(set(cases)) == len(cases)


def test_nothing_forbidden_comes_of_any_fault(sandbox: SandboxUnderTest) -> None:
    """Each case is a whole run of its own; stuck ones go on by their page's command."""
    results = run_cases(Stack(sandbox.description), _cases(), _SIDE_BY_SIDE, lambda result: print(result))
    assert {str(result.case): result.forbidden for result in results if result.forbidden} == {}
    not_made = [str(result.case) for result in results if not result.fired]
    assert not_made == [], "these calls are not made any more: choose others for the sample"
    stuck = [result for result in results if result.outcome == "stuck"]
    assert stuck, "a sample in which nothing gets stuck tries no page"
    assert {result.resumed for result in stuck} == {"recovered"}


def _cases() -> list[Case]:
    return [Case(**case) for case in json.loads(_SAMPLE.read_text())]
