"""The processes of one build: each phase a shell of its own, all in one process group that ends with the build.

CodeBuild runs all commands of a build in one shell. Here a phase hands its exported variables and its folder to the
next one through two files, so that `exit` in a command ends the phase and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class CommandFailure:
    """The command that ended a phase."""

    command: str
    exit_status: int


class BuildEndedError(RuntimeError):
    """The build was stopped, or ran out of time, while a command ran or before it began."""


class BuildProcess:
    """Runs commands in a build's folder until it is ended."""

    def __init__(self, folder: Path, shell: str, environment: dict[str, str], emit: Callable[[str], None]) -> None:
        self._shell = shell
        self._environment = environment
        self._emit = emit
        self._source = folder / "src"
        self._state, self._folder_now, self._mark = (folder / name for name in ("exported", "cwd", "command"))
        self._output = folder / "output"
        self._read_up_to = 0
        self._partial = b""
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._source.mkdir(parents=True, exist_ok=True)
        self._output.touch()
        # Keeps the process group's number taken for as long as the build lives, and ends by itself with the emulator.
        self._holder = subprocess.Popen(
            ["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, process_group=0, env={}
        )

    def run(self, commands: tuple[str, ...], variables: dict[str, str]) -> CommandFailure | None:
        """Run commands until one fails; the failure, if there was one. Raises BuildEndedError."""
        if not commands:
            return None
        with self._lock:
            if self._ended.is_set():
                raise BuildEndedError
            process = self._start(self._script(commands, variables))
        while True:
            try:
                exit_status = process.wait(timeout=_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                self._pass_on()
        self._pass_on(to_the_end=True)
        if self._ended.is_set():
            raise BuildEndedError
        if exit_status == 0:
            return None
        number = int(self._mark.read_text())
        return CommandFailure(commands[number], exit_status)

    def exported(self, names: tuple[str, ...]) -> dict[str, str]:
        """The values that exported variables have now."""
        script = [f". {shlex.quote(str(self._state))}", *(f'printf "%s\\0" "${name}"' for name in names)]
        if not names or not self._state.exists():
            return {}
        answer = subprocess.run(
            [f"/bin/{self._shell}", "-c", "\n".join(script)], env={}, capture_output=True, text=True, check=False
        )
        return dict(zip(names, answer.stdout.split("\0"), strict=False))

    def end(self) -> None:
        """Kill whatever of the build still runs, also what it left in the background."""
        with self._lock:
            if self._ended.is_set():
                return
            self._ended.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._holder.pid, signal.SIGKILL)
            self._holder.wait()

    def _start(self, script: str) -> subprocess.Popen:
        with self._output.open("ab") as output:
            return subprocess.Popen(
                [f"/bin/{self._shell}", "-c", script],
                cwd=self._source,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=self._holder.pid,
            )

    def _script(self, commands: tuple[str, ...], variables: dict[str, str]) -> str:
        state, folder_now, mark = (shlex.quote(str(path)) for path in (self._state, self._folder_now, self._mark))
        lines = [
            f"echo 0 > {mark}",
            f"trap 'set -- $?; export -p > {state}; pwd > {folder_now}; exit $1' EXIT",
            f'if [ -e {state} ]; then . {state}; cd "$(cat {folder_now})" || exit 1; fi',
            *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
        ]
        for number, command in enumerate(commands):
            lines.append(f"echo {number} > {mark}")
            lines.append(f"printf '%s\\n' {shlex.quote('[Container] Running command ' + command)}")
            lines.append(f"eval {shlex.quote(command)} || exit $?")
        return "\n".join(lines)

    def _pass_on(self, *, to_the_end: bool = False) -> None:
        """Hand on the lines that the commands wrote since the last time."""
        with self._output.open("rb") as output:
            output.seek(self._read_up_to)
            written = output.read()
        self._read_up_to += len(written)
        *lines, self._partial = (self._partial + written).split(b"\n")
        if to_the_end and self._partial:
            lines, self._partial = [*lines, self._partial], b""
        for line in lines:
            self._emit(line.decode("utf-8", errors="replace"))
