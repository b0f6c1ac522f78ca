"""Shows a run as it goes: a live table in a terminal, plain lines anywhere else."""

import sys
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from .following import Execution, Step

_MARKS = {"done": "[green]done[/]", "failed": "[red]failed[/]", "inProgress": "[yellow]in progress[/]"}


class PlainDisplay:
    """One line when a step begins and one when it ends."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._shown: set[tuple[str, bool]] = set()

    def __enter__(self) -> "PlainDisplay":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, _: Execution, steps: list[Step]) -> None:
        """Print what is new since the last call."""
        for step in steps:
            self._once((step.name, False), f"  {step.name} began")
            if step.ended_at is not None:
                self._once((step.name, True), f"  {step.name} {step.outcome or 'ended'} after {_duration(step)}")

    def _once(self, key: tuple[str, bool], line: str) -> None:
        if key not in self._shown:
            self._shown.add(key)
            self._say(line)


class LiveDisplay:
    """A table that is redrawn in place."""

    def __init__(self, say: Callable[[str], None]) -> None:
        del say
        self._live = Live(console=Console(), refresh_per_second=4, transient=False)

    def __enter__(self) -> "LiveDisplay":
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, run: Execution, steps: list[Step]) -> None:
        """Redraw."""
        table = Table(title=f"run {run.run_id}: {run.status}", title_justify="left")
        for heading in ("step", "state", "seconds"):
            table.add_column(heading, justify="right" if heading == "seconds" else "left")
        for step in steps:
            table.add_row(step.name, _MARKS.get(step.outcome or "", step.outcome or "began"), _duration(step))
        self._live.update(table)


def display_for(say: Callable[[str], None]) -> PlainDisplay | LiveDisplay:
    """The display that fits where the output goes."""
    return LiveDisplay(say) if sys.stdout.isatty() else PlainDisplay(say)


def _duration(step: Step) -> str:
    if step.started_at is None:
        return ""
    end = step.ended_at if step.ended_at is not None else time.time()
    return f"{end - step.started_at:.1f} s"
