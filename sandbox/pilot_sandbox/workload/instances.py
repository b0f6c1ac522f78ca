"""What Auto Scaling or ECS runs of one workload in one Region: a process of the application per instance or task."""

import asyncio
import itertools
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp

from ..children import Child, start_child
from ..free_ports import free_port
from .application import PASSWORD_VARIABLE

_START_TIMEOUT_SECONDS = 20.0


class LaunchFailed(RuntimeError):
    """An instance did not come into service."""


class Instances:
    """Starts and ends application processes, and hands the live ones out in turn."""

    def __init__(
        self,
        workload: str,
        region: str,
        database_port: int,
        database_password: str,
        log_folder: Path,
        http: aiohttp.ClientSession,
        register: Callable[[Child], None],
    ) -> None:
        self._workload = workload
        self._region = region
        self._database_port = database_port
        #: Of those that were launched for another database than the Region's own.
        self._database_ports: dict[str, int] = {}
        self._environment = {**os.environ, PASSWORD_VARIABLE: database_password}
        self._log_folder = log_folder
        self._http = http
        self._register = register
        self._running: dict[str, tuple[Child, int]] = {}
        #: Instances and tasks that were launched and not terminated; they stay so when the application is "down".
        self.launched: set[str] = set()
        #: While the application is "down", whatever was launched runs no process, and the control plane does not know.
        self.suppressed = False
        self._turns: Iterator[int] = itertools.count()

    def live_ports(self) -> list[int]:
        """Ports of the instances whose process runs, the next one's turn first."""
        ports = [port for child, port in self._running.values() if child.running]
        turn = next(self._turns) % len(ports) if ports else 0
        return ports[turn:] + ports[:turn]

    async def launch(self, instance_id: str, database_port: int | None = None) -> None:
        """Start the instance's process and return when it answers; while the application is down, none is started.

        Its database is the Region's own, or the one behind `database_port`.
        """
        self.launched.add(instance_id)
        if database_port is not None:
            self._database_ports[instance_id] = database_port
        if self.suppressed:
            return
        running = self._running.get(instance_id)
        if running is not None and running[0].running:
            return
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "pilot_sandbox.workload.application",
            "--region",
            self._region,
            "--instance",
            instance_id,
            "--port",
            str(port),
            "--database-port",
            str(self._database_ports.get(instance_id, self._database_port)),
        ]
        child = await start_child(
            f"application {instance_id}",
            command,
            self._log_folder / f"{self._workload}-app-{self._region}.log",
            environment=self._environment,
        )
        self._register(child)
        # Terminated, or killed with the application, while the process was being made.
        if self._unwanted(instance_id):
            await child.stop(signal.SIGKILL)
            return
        self._running[instance_id] = (child, port)
        try:
            await self._wait_until_live(child, port)
        except LaunchFailed:
            if self._unwanted(instance_id):
                return  # it was ended on purpose before it could answer
            await self.terminate(instance_id)
            raise

    def _unwanted(self, instance_id: str) -> bool:
        return self.suppressed or instance_id not in self.launched

    async def _wait_until_live(self, child: Child, port: int) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while child.running and time.monotonic() < deadline:
            try:
                async with self._http.get(
                    f"http://127.0.0.1:{port}/live", timeout=aiohttp.ClientTimeout(2)
                ) as response:
                    if response.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.1)
        state = "does not answer" if child.running else f"ended with code {child.process.returncode}"
        raise LaunchFailed(f"{child.name} in {self._region} {state}; its log ends:\n{child.last_lines()}")

    async def terminate(self, instance_id: str) -> None:
        """End the instance; nothing to do when it is unknown."""
        self.launched.discard(instance_id)
        self._database_ports.pop(instance_id, None)
        child, _ = self._running.pop(instance_id, (None, 0))
        if child is not None:
            await child.stop()

    def ended(self) -> dict[str, int]:
        """Exit codes, as a container reports them, of processes that nobody ended on purpose; by instance or task.

        What `kill_processes` killed is not among them: a dead Region has no scheduler that would notice.
        """
        children = {instance_id: child.process for instance_id, (child, _) in self._running.items()}
        codes = {instance_id: process.returncode for instance_id, process in children.items()}
        # Killed by signal n reads -n here and 128 + n in a container.
        return {each: code if code >= 0 else 128 - code for each, code in codes.items() if code is not None}

    async def kill_processes(self) -> None:
        """Kill every process, leaving all launched: the application is down, the control plane does not know."""
        self.suppressed = True
        children = [child for child, _ in self._running.values()]
        self._running.clear()
        await asyncio.gather(*(child.stop(signal.SIGKILL) for child in children))

    async def restore_processes(self) -> None:
        """Start a process again for every launched instance."""
        self.suppressed = False
        await asyncio.gather(*(self.launch(instance_id) for instance_id in sorted(self.launched)))

    async def stop(self) -> None:
        """End everything."""
        await asyncio.gather(*(self.terminate(instance_id) for instance_id in list(self._running)))
