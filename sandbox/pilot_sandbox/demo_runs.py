"""The runs of a demo: followed while they go on, and their reports fetched when they have ended."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import following
from .following import Execution, Stack
from .paths import OUT
from .run_display import display_for
from .topologies import Topology

_RUN_TIMEOUT_SECONDS = 600.0
_POLL_SECONDS = 0.5
_FILES = ("report.json", "report.html")

Say = Callable[[str], None]


@dataclass(frozen=True)
class View:
    """Where the demo looks from outside."""

    topology: Topology
    client_url: str
    control_url: str

    @property
    def primary(self) -> str:
        """The Region that dies, and where the way home ends."""
        return self.topology.regions.primary

    @property
    def recovery(self) -> str:
        """The Region that takes over."""
        return self.topology.regions.recovery


class Phases:
    """The demo's phases, each with its time."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self._began: list[tuple[str, float]] = []

    def begin(self, name: str) -> None:
        """A phase begins, and the one before it ends."""
        self._began.append((name, time.monotonic()))

    def print(self) -> None:
        """The last phase ends: print how long each took, in seconds."""
        ends = [at for _, at in self._began[1:]] + [time.monotonic()]
        lines = [f"{name:<28}{end - at:6.1f} s" for (name, at), end in zip(self._began, ends, strict=True)]
        print("\n  " + "\n  ".join(lines) + "\n", flush=True)


def follow(stack: Stack, since: float, say: Say) -> Execution:
    """Follow the run that does the work until it has ended; alarms of one incident may start several."""
    deadline = time.monotonic() + _RUN_TIMEOUT_SECONDS
    followed: str | None = None
    with display_for(say) as display:
        while time.monotonic() < deadline:
            executions = following.executions_since(stack, since)
            run = following.leading(executions)
            if run.run_id != followed:
                say(f"following run {run.run_id}")
                followed = run.run_id
            display.show(run, following.steps(stack, run.run_id))
            if all(execution.ended for execution in executions):
                return _told(run, say)
            time.sleep(_POLL_SECONDS)
    raise following.NothingHappened(f"run {followed} did not end within {_RUN_TIMEOUT_SECONDS:.0f} s")


def start_and_follow(stack: Stack, plan: str, mode: str, reason: str, say: Say) -> Execution:
    """Start a run as a person does, and follow it until it has ended."""
    arn = stack.client("stepfunctions").start_execution(
        stateMachineArn=stack.machine_arn, input=json.dumps({"plan": plan, "mode": mode, "reason": reason})
    )["executionArn"]
    say(f"following run {arn.rsplit(':', 1)[1]}, which somebody started by hand: mode {mode}")
    with display_for(say) as display:
        return _told(following.wait_for_end(stack, arn, _RUN_TIMEOUT_SECONDS, display.show), say)


def remove_reports(plan: str) -> None:
    """Remove what an earlier demo left: if a run writes no report, none must be there."""
    for file in (OUT / plan).glob("report*"):
        file.unlink()


def fetch_reports(plan: str, stack: Stack, run: Execution, say: Say, called: str = "report") -> dict:
    """Put a run's reports into `out/<plan>/<called>.json` and `.html`; returns the former, empty if there is none."""
    folder: Path = OUT / plan
    folder.mkdir(parents=True, exist_ok=True)
    report: dict = {}
    for name in _FILES:
        content = following.report(stack, plan, run.run_id, name)
        if content is None:
            say(f"run {run.run_id} has left no {name} in bucket {stack.bucket}")
            continue
        file = folder / f"{called}{Path(name).suffix}"
        file.write_bytes(content)
        say(f"report in {file}")
        if name == "report.json":
            report = json.loads(content)
    return report


def _told(run: Execution, say: Say) -> Execution:
    if run.status != "SUCCEEDED":
        say(f"run {run.run_id} ended as {run.status}: {run.error}: {run.cause}")
    return run
