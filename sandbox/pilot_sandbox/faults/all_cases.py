"""Runs cases side by side, each on a workload of its own, and tells how they end."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import count
from pathlib import Path

from .calls import Case, cases_of, sites_of
from .case import CaseRun, Result, WorkloadNotMade
from .kinds import NOTHING
from .scenarios import SCENARIOS
from .stack import Stack

_numbers = count(1)
#: A server of a fresh workload may be too slow on a machine that runs many: another workload does for the case as well.
_MAKING_TRIES = 3


def recorded(stack: Stack, scenario: str) -> list[dict]:
    """The calls of one run of a scenario in which nothing fails but what belongs to it."""
    for tries_left in reversed(range(_MAKING_TRIES)):
        try:
            result, calls = CaseRun(stack, Case(scenario, "", 0, NOTHING), _workload()).recorded()
            break
        except WorkloadNotMade:
            if not tries_left:
                raise
    expected = "rolledBack" if scenario.endswith("rollback") else "recovered"
    if result.outcome != expected or result.forbidden:
        raise RuntimeError(f"the {scenario} itself, without any fault, ended {result.outcome}: {result.forbidden}")
    return calls


def every_case(stack: Stack, mode: str, say: Callable[[str], None]) -> list[Case]:
    """Every fault on every call of every scenario of a mode."""
    cases: list[Case] = []
    for name, scenario in SCENARIOS.items():
        if scenario.mode != mode:
            continue
        calls = recorded(stack, name)
        of_scenario = cases_of(name, calls, scenario.functions)
        sites = sites_of(calls, scenario.functions)
        say(f"{name}: {len(calls)} calls crossed the wire; {len(sites)} different ones make {len(of_scenario)} cases")
        for site, times in sites.items():
            say(f"    {times:3d} x {site}")
        cases += of_scenario
    return cases


def run_cases(stack: Stack, cases: Iterable[Case], side_by_side: int, ended: Callable[[Result], None]) -> list[Result]:
    """Run them; `ended` hears of each as it ends."""

    def one(case: Case) -> Result:
        result = _run_case(stack, case)
        ended(result)
        return result

    with ThreadPoolExecutor(side_by_side) as pool:
        return list(pool.map(one, cases))


def _run_case(stack: Stack, case: Case, making_tries: int = _MAKING_TRIES) -> Result:
    workload = _workload()
    try:
        return CaseRun(stack, case, workload).run()
    except WorkloadNotMade as error:
        if making_tries > 1:
            return _run_case(stack, case, making_tries - 1)
        return _broken(case, workload, error)
    except Exception as error:  # the case is told as broken, the others go on
        return _broken(case, workload, error)


def _broken(case: Case, workload: str, error: Exception) -> Result:
    return Result(case, workload, "broken", [f"{type(error).__name__}: {error}"], "", None, False, 0.0)


def write(mode: str, results: list[Result], path: Path) -> None:
    """Leave the whole as JSON."""
    document = {
        "mode": mode,
        "cases": len(results),
        "forbidden": sum(bool(result.forbidden) for result in results),
        "byFault": {
            fault: dict(Counter(result.outcome for result in results if result.case.fault == fault))
            for fault in dict.fromkeys(result.case.fault for result in results)
        },
        "byOutcome": dict(Counter(result.outcome for result in results)),
        "notFired": sum(not result.fired for result in results),
        "results": [_plain(result) for result in results],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def _plain(result: Result) -> dict:
    plain = asdict(result)
    return {**plain.pop("case"), **plain}


def _workload() -> str:
    # Different from run to run: the sandbox keeps its executions, and Step Functions takes a name once.
    return f"fx{next(_numbers):04d}-{int(time.time()) % 100_000:05d}"
