"""A launched emulator: how the tests start it, talk to it and wait for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from fake_world import FakeWorld

T = TypeVar("T")

SANDBOX = Path(__file__).parents[2]
ACCOUNT = "000000000000"
PRIMARY, RECOVERY = "ap-southeast-2", "ap-southeast-1"
MINUTE_SECONDS = 2
# The shortest time limit of a build is 5 minutes, so this long a second of it.
BUILD_MINUTE_SECONDS = 1
_START_SECONDS_MAX = 120


@dataclass
class Emulator:
    """A launched emulator."""

    url: str
    world: FakeWorld
    process: subprocess.Popen
    log: Path

    def client(self, service: str, region: str = RECOVERY) -> BaseClient:
        """A boto3 client of the emulator, with dummy credentials and no retries that would hide a fault."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="dummy",
            config=Config(retries={"total_max_attempts": 1}),
        )


def start(world: FakeWorld, folder: Path) -> Emulator:
    """Start an emulator on a free port and wait until it answers."""
    log = folder / "emulator.log"
    port = free_port()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pilot_sandbox.emulator"],
            env=environment(port, world.url, folder),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    emulator = Emulator(f"http://127.0.0.1:{port}", world, process, log)
    _wait_until_ready(emulator)
    return emulator


def free_port() -> int:
    """A port of loopback that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_listening(port: int) -> bool:
    """Whether something accepts connections on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def environment(port: int, world_url: str, folder: Path) -> dict[str, str]:
    """The environment that the sandbox starts the emulator with."""
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
        "PYTHONPATH": str(SANDBOX),
        "TMPDIR": str(folder),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "PILOT_WORLD_URL": world_url,
        "PILOT_FUNCTION_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "PILOT_SCHEDULE_MINUTE_SECONDS": str(MINUTE_SECONDS),
        "PILOT_BUILD_MINUTE_SECONDS": str(BUILD_MINUTE_SECONDS),
    }


def eventually(look: Callable[[], T], within_seconds: float = 60.0) -> T:
    """The first true value of `look`, which is called again and again for a limited time."""
    until = time.monotonic() + within_seconds
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > until:
            pytest.fail(f"not so within {within_seconds} s; last seen: {value!r}")
        time.sleep(0.1)


def _wait_until_ready(emulator: Emulator) -> None:
    until = time.monotonic() + _START_SECONDS_MAX
    while time.monotonic() < until:
        if emulator.process.poll() is not None:
            pytest.fail(f"the emulator ended at start:\n{emulator.log.read_text()}")
        try:
            with urllib.request.urlopen(f"{emulator.url}/_ministack/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the emulator is not ready after {_START_SECONDS_MAX} s:\n{emulator.log.read_text()}")
