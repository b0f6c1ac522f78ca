"""Child processes that cannot outlive the sandbox.

Three things make sure of it: an orderly stop, the kernel's parent-death signal, and the janitor (janitor.py), which
ends process groups and removes the data folder even when this process was killed outright.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec only calls that take no lock are safe.
_libc = ctypes.CDLL(None, use_errno=True)


class ChildFailed(RuntimeError):
    """A child process ended although it was needed."""


def _die_with_parent(death_signal: int, parent_pid: int) -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent_pid:  # the parent ended between fork and prctl: the signal would never come
        os._exit(1)


class Child:
    """One process, in its own process group, with its output in a log file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log_path: Path) -> None:
        self.name = name
        self.process = process
        self.log_path = log_path

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its process group."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self.process.returncode is None

    def last_lines(self, count: int = 15) -> str:
        """The end of the log, for an error message."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-count:])
        return "(no log)"

    async def stop(self, stop_signal: int = signal.SIGTERM, patience_seconds: float = 5.0) -> None:
        """Ask the process to end, then end its whole group; returns when it is gone."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(stop_signal)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.process.wait(), patience_seconds)
        # Whatever it started itself and left behind is in its group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        await self.process.wait()


async def start_child(
    name: str,
    command: Sequence[str],
    log_path: Path,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    user_id: int | None = None,
    group_id: int | None = None,
    death_signal: int = signal.SIGTERM,
) -> Child:
    """Start `command`; must be called from the main thread, since the death signal follows the forking thread."""
    parent_pid = os.getpid()
    identity: dict = {}
    if user_id is not None:
        identity = {"user": user_id, "group": group_id, "extra_groups": []}
    with log_path.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=None if environment is None else dict(environment),
            cwd=folder,
            start_new_session=True,
            # Runs after the change of user, which would otherwise clear the death signal.
            preexec_fn=lambda: _die_with_parent(death_signal, parent_pid),
            **identity,
        )
    return Child(name, process, log_path)
