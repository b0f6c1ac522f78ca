"""sandbox.json: written whole when the sandbox is ready, read by every client, removed at the end."""

import json
import os
from dataclasses import dataclass

import psutil

from .paths import SandboxPaths


def write(paths: SandboxPaths, content: dict) -> None:
    """Replace the description in one step, so that nobody ever reads half of it."""
    paths.description.parent.mkdir(parents=True, exist_ok=True)
    draft = paths.description.with_suffix(".draft")
    process = psutil.Process()
    draft.write_text(json.dumps({**content, "startedAt": process.create_time()}, indent=2) + "\n")
    draft.replace(paths.description)


def remove(paths: SandboxPaths) -> None:
    """Remove the description, if it is still this process's own."""
    found = read(paths)
    if found is not None and found.get("pid") == os.getpid():
        paths.description.unlink(missing_ok=True)


def read(paths: SandboxPaths) -> dict | None:
    """The description, or None when there is none (or not one of ours)."""
    try:
        content = json.loads(paths.description.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


@dataclass(frozen=True)
class Running:
    """A sandbox that runs: its description, and the process that holds it."""

    content: dict
    process: psutil.Process


def running(paths: SandboxPaths) -> Running | None:
    """The running sandbox of this name; None when it does not run, even if an old description is left."""
    content = read(paths)
    if content is None:
        return None
    try:
        process = psutil.Process(content["pid"])
        # The pid may have been given to another process since: only the same start time makes it the same process.
        ours = abs(process.create_time() - content["startedAt"]) < 1.0 and "pilot_sandbox" in " ".join(
            process.cmdline()
        )
    except (psutil.Error, KeyError, TypeError):
        return None
    return Running(content, process) if ours and process.status() != psutil.STATUS_ZOMBIE else None
