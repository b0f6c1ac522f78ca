"""The emulator lives exactly as long as the process that started it, and binds nothing but loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import boto3
from emulator_process import ACCOUNT, RECOVERY, SANDBOX, Emulator, environment, eventually, free_port, is_listening
from function_zip import create_function

# A parent that starts the emulator from a thread which then ends, as an event loop or a pool may do.
PARENT = """
import subprocess, sys, threading, time
started = []
def start():
    started.append(subprocess.Popen([sys.executable, "-m", "pilot_sandbox.emulator"], stdout=sys.stderr))
thread = threading.Thread(target=start)
thread.start()
thread.join()
print(started[0].pid, flush=True)
time.sleep(60)
"""

WHO = "def handle(event):\n    return os.getpid()"


def test_a_killed_parent_takes_the_emulator_and_its_functions_along(emulator: Emulator, tmp_path: Path) -> None:
    port = free_port()
    with (tmp_path / "log").open("w") as log:
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT],
            env=environment(port, emulator.world.url, tmp_path),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        emulator_pid = int(parent.stdout.readline())
        client = boto3.client(
            "lambda",
            region_name=RECOVERY,
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="dummy",
        )
        eventually(lambda: is_listening(port))
        create_function(client, "who", WHO)
        function_pid = int(client.invoke(FunctionName="who")["Payload"].read())
        assert is_alive(emulator_pid) and is_alive(function_pid)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    eventually(lambda: not is_alive(emulator_pid) and not is_alive(function_pid), within_seconds=60)
    assert not list(tmp_path.glob("ministack-*"))


def test_only_loopback_is_bound(emulator: Emulator) -> None:
    inodes = {
        os.readlink(link)[8:-1]
        for link in Path(f"/proc/{emulator.process.pid}/fd").iterdir()
        if os.path.islink(link) and os.readlink(link).startswith("socket:")
    }
    listening = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    bound = {entry[1].rsplit(":", 1)[0] for entry in listening if entry[9] in inodes}
    assert bound == {"0100007F"}


def test_another_bind_address_is_refused() -> None:
    variables = {**environment(free_port(), "http://127.0.0.1:9", SANDBOX), "BIND_HOST": "192.0.2.1"}
    ended = subprocess.run(
        [sys.executable, "-m", "pilot_sandbox.emulator"], env=variables, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 1 and "only ever binds 127.0.0.1" in ended.stderr


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
