"""The janitor: waits for the sandbox to end, in whatever way, then removes what it left.

`python -m pilot_sandbox.janitor` reads lines from its standard input: `group <id>` names a process group to end,
`forget <id>` one that has ended in good order, `folder <path>` a folder to remove. End of input means that the sandbox
is gone (orderly or killed): the kernel closes the pipe in both cases.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

FOLDER_PREFIX = "pilot-sandbox-"


def _end_group(group_id: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group_id, signal.SIGKILL)


def _remove(folder: Path) -> None:
    # A process that is just dying may still write a file: try for a moment.
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
    print(f"janitor: {folder} could not be removed whole", file=sys.stderr)


def main() -> None:
    """Collect names until the pipe closes, then clean up."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: set[int] = set()
    folders: list[Path] = []
    for line in sys.stdin:
        word, _, value = line.strip().partition(" ")
        if word == "group":
            groups.add(int(value))
        elif word == "forget":
            groups.discard(int(value))
        elif word == "folder" and Path(value).name.startswith(FOLDER_PREFIX):
            folders.append(Path(value))
    for group_id in groups:
        _end_group(group_id)
    for folder in folders:
        _remove(folder)


class Janitor:
    """The sandbox's side of the pipe."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, environment: dict[str, str]) -> "Janitor":
        """Start the janitor in its own session, so that a terminal's interrupt does not reach it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "pilot_sandbox.janitor",
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=environment,
        )
        return cls(process)

    def tell(self, word: str, value: object) -> None:
        """Send one line; written straight to the pipe, so it arrives even if we die the next moment."""
        if self._process.stdin is not None:
            self._process.stdin.write(f"{word} {value}\n".encode())

    async def finish(self) -> None:
        """Close the pipe and wait until everything is removed."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()


if __name__ == "__main__":
    main()
