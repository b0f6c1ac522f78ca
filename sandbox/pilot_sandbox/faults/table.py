"""What people see: one line a case that matters, a bar for all of them, a table at the end."""

from collections import Counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from .case import Result
from .judge import OUTCOMES


class Display:
    """Progress while the cases run; plain lines when nobody watches a terminal."""

    def __init__(self, total: int) -> None:
        self._console = Console()
        self._total = total
        self._ended = 0
        self._forbidden = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("cases", total=total)

    def __enter__(self) -> "Display":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def ended(self, result: Result) -> None:
        """Count a case; tell of one that must not be."""
        self._ended += 1
        self._forbidden += bool(result.forbidden)
        self._progress.update(self._task, advance=1)
        for finding in result.forbidden:
            self._console.print(f"FORBIDDEN {result.case} [{result.run}]: {finding}", style="red", markup=False)
        if not self._console.is_terminal and (self._ended % 10 == 0 or self._ended == self._total):
            print(f"{self._ended} of {self._total} cases ended, {self._forbidden} forbidden", flush=True)


def table(results: list[Result]) -> Table:
    """Faults by outcomes."""
    shown = Table(title=f"{len(results)} cases")
    outcomes = [*OUTCOMES, *sorted({r.outcome for r in results} - set(OUTCOMES))]
    for heading in ("fault", *outcomes, "forbidden"):
        shown.add_column(heading, justify="left" if heading == "fault" else "right")
    for fault in [*dict.fromkeys(result.case.fault for result in results), None]:
        of_fault = [result for result in results if fault in (None, result.case.fault)]
        counts = Counter(result.outcome for result in of_fault)
        forbidden = sum(bool(result.forbidden) for result in of_fault)
        shown.add_row(fault or "all", *(str(counts[outcome]) for outcome in outcomes), str(forbidden))
    return shown
