"""A whole sandbox as a process, for the tests of the world."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid

import psutil
import pytest
from pilot_sandbox import description
from pilot_sandbox.outside_proof import call
from pilot_sandbox.paths import PACKAGE_FOLDER, SandboxPaths

_READY_SECONDS = 90
_END_SECONDS = 120


class Sandbox:
    """One `up --no-deploy`, and everything it has started."""

    def __init__(self, topology: str = "pilot-light") -> None:
        self.paths = SandboxPaths(f"t-{uuid.uuid4().hex[:8]}")
        self.paths.folder.mkdir(parents=True)
        command = [sys.executable, "-m", "pilot_sandbox", "up", "--no-deploy", "--name", self.paths.name]
        command += ["--topology", topology]
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE_FOLDER)}
        with self.paths.own_log.open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.content = self._wait_until_ready()
        self.started = psutil.Process(self.process.pid).children(recursive=True)

    def _wait_until_ready(self) -> dict:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if (found := description.running(self.paths)) is not None:
                return found.content
            time.sleep(0.1)
        self.process.kill()
        pytest.fail(f"sandbox not ready:\n{self.paths.own_log.read_text()}")

    def control(self, path: str, body: dict | None = None, method: str | None = None) -> dict:
        answer = call(self.content["controlUrl"] + path, body, method)
        assert answer.status in (200, 201), answer
        return answer.body

    def ports(self) -> list[int]:
        """Every port that the sandbox names in its description."""
        text = json.dumps(self.content)
        return sorted({int(part.split('"')[0].split("/")[0]) for part in text.split("127.0.0.1:")[1:]})

    def end(self, how: int) -> None:
        self.process.send_signal(how)
        self.process.wait(_END_SECONDS)


def eventually(condition, what: str, seconds: float = 60.0) -> None:
    """Fail unless the condition becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)
