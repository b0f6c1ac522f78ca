"""`python -m pilot_sandbox faults`."""

import asyncio
import json
import os
import random
import sys
import time
from dataclasses import dataclass

from rich.console import Console

from ..children import ChildFailed, start_child
from ..paths import OUT, REPOSITORY, SandboxPaths
from ..session import stopwatch
from .all_cases import every_case, recorded, run_cases, write
from .calls import Case, random_kills
from .stack import Stack
from .table import Display, table

_SANDBOX = "faults"
_READY_SECONDS_MAX = 300


@dataclass(frozen=True)
class FaultOptions:
    """What the command line asks for."""

    #: Only cases whose text holds this.
    only: str = ""
    side_by_side: int = 8
    #: Instead of every fault on every call: so many processes killed at random moments.
    random_kills: int = 0
    seed: int = 1
    #: The mode of the runs that fail: one of `MODES`.
    mode: str = "failover"


async def faults(options: FaultOptions) -> int:
    """Run the cases in a sandbox of their own; 1 if anything forbidden was seen."""
    say = stopwatch()
    paths = SandboxPaths(_SANDBOX)
    paths.folder.mkdir(parents=True, exist_ok=True)
    # A process of its own: what watches must not slow down what is watched.
    command = [sys.executable, "-m", "pilot_sandbox", "up", "--name", _SANDBOX, "--no-workload"]
    command += ["--promotion-seconds", "1", "--launch-seconds", "1"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "sandbox")}
    child = await start_child("sandbox", command, paths.own_log, environment=environment)
    try:
        say(f"starting sandbox {_SANDBOX}; its log is {paths.own_log}")
        stack = await _ready(paths, child)
        say("sandbox ready")
        return await asyncio.to_thread(_run, stack, options, say)
    finally:
        await child.stop(patience_seconds=90)


async def _ready(paths: SandboxPaths, child) -> Stack:
    deadline = time.monotonic() + _READY_SECONDS_MAX
    while time.monotonic() < deadline and child.running:
        if paths.description.exists():
            description = json.loads(paths.description.read_text())
            if description["pid"] == child.pid:
                return Stack(description)
        await asyncio.sleep(0.3)
    raise ChildFailed(f"sandbox {_SANDBOX} did not become ready; its log ends:\n{child.last_lines()}")


def _run(stack: Stack, options: FaultOptions, say) -> int:
    cases = _cases(stack, options, say)
    if not cases:
        say(f"no case holds {options.only!r}")
        return 1
    say(f"{len(cases)} cases of a {options.mode}, {options.side_by_side} side by side")
    with Display(len(cases)) as display:
        results = run_cases(stack, cases, options.side_by_side, display.ended)
    path = OUT / "faults.json"
    write(options.mode, results, path)
    Console().print(table(results))
    forbidden = sum(bool(result.forbidden) for result in results)
    say(f"{len(results)} cases, {forbidden} forbidden; all of them in {path}")
    return int(forbidden > 0)


def _cases(stack: Stack, options: FaultOptions, say) -> list[Case]:
    if options.random_kills:
        return random_kills(options.mode, recorded(stack, options.mode), options.random_kills, options.seed)
    cases = [case for case in every_case(stack, options.mode, say) if options.only in str(case)]
    # Mixed, so that an hour's run shows what is wrong in its first minutes.
    random.Random(options.seed).shuffle(cases)
    return cases
