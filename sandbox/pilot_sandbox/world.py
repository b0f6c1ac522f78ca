"""The supervisor: starts, holds and ends every part of one sandbox."""

import asyncio
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from .aws_clients import AwsClients
from .children import Child, ChildFailed, start_child
from .control import ControlServer
from .dns import DnsServer
from .fault_proxy import name_workload, set_region_reachable, start_fault_proxy
from .free_ports import free_port
from .health_checkers import HealthCheckers
from .janitor import FOLDER_PREFIX, Janitor
from .metrics import publish_metrics
from .naming import STACK_NAME, Names
from .paths import PACKAGE_FOLDER, SandboxPaths
from .postgres_binaries import locate
from .resolver import ResolutionFailed, Resolver
from .route53_watch import watch_route53
from .seed.context import SeedContext
from .seed.workload import remove_workload, seed_workload
from .topologies import Topology
from .workload.running import RunningWorkload, Surroundings

_READY_TIMEOUT_SECONDS = 60.0
# How long one minute of a `rate()` schedule lasts: two probes then fall into each 10 s period of the alarm they feed.
_SCHEDULE_MINUTE_SECONDS = 5
_LAG_POINTS_MIN = 2
_THREADS_MAX = 64

_log = logging.getLogger(__name__)


@dataclass
class Delays:
    """How long the emulated control plane takes; changed at any time through the control server."""

    promotionSeconds: float = 8.0
    launchSeconds: float = 6.0
    recordsInsyncSeconds: float = 2.0
    # The health check's 10 s are shortened like the schedules' minute; 10 is what Route 53 takes.
    healthCheckIntervalSeconds: float = 2.0
    # Application Auto Scaling waits fifteen quiet minutes before it scales in; here the minute lasts a second.
    scaleInSeconds: float = 15.0
    # Of a backup or a point in time, besides the real work; minutes to hours on AWS.
    restoreSeconds: float = 4.0
    # After how long Aurora moves the writer of a dead instance by itself; 0 is never.
    automaticFailoverSeconds: float = 0.0
    # Of an old Aurora primary, from when its Region is back; minutes to hours on AWS.
    rejoinSeconds: float = 3.0
    # Of Lambda's provisioned concurrency, until all of it is allocated; a minute or two on AWS.
    provisionedConcurrencySeconds: float = 2.0
    # Of every change of an ElastiCache replication group or global datastore; minutes on AWS.
    cacheSeconds: float = 3.0


@dataclass
class World:
    """One sandbox. Use `start`, then `add_workload`; `stop` ends everything in every case."""

    paths: SandboxPaths
    topology: Topology
    delays: Delays = field(default_factory=Delays)
    workloads: dict[str, RunningWorkload] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    #: Regions whose endpoint of a routing control cluster is out of order.
    recovery_endpoints_down: set[str] = field(default_factory=set)
    #: Called after workloads have come or gone.
    on_change: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.control = ControlServer(self, free_port())
        self.checkers = HealthCheckers(ten_seconds_last=lambda: self.delays.healthCheckIntervalSeconds)
        self.dns = DnsServer(self.checkers.is_healthy)
        self.dns_port = free_port()
        self.endpoint_url = f"http://127.0.0.1:{free_port()}"
        self.fault_url = f"http://127.0.0.1:{free_port()}"
        self.clients = AwsClients(self.endpoint_url)
        #: Set when a part that nobody broke on purpose has ended; the sandbox then ends as a whole.
        self.failure: asyncio.Future[str] | None = None
        self._servers: list[Child] = []
        self._tasks: list[asyncio.Task] = []
        self._forgetting: set[asyncio.Task] = set()
        self._first_workload = asyncio.Lock()
        self._seeding_first = False

    async def start(self) -> None:
        """Start everything but the workloads."""
        loop = asyncio.get_running_loop()
        # Seeding a workload holds a thread while it waits for a backup, and taking the backup needs threads too: with
        # as few as asyncio has by itself, workloads that are made side by side would wait for each other.
        loop.set_default_executor(ThreadPoolExecutor(_THREADS_MAX, thread_name_prefix="world"))
        self.failure = loop.create_future()
        self.paths.logs.mkdir(parents=True, exist_ok=True)
        environment = self._environment()
        self._janitor = await Janitor.start(environment)
        self.data_folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
        self._janitor.tell("folder", self.data_folder)
        # The databases' user must be able to pass through, not to look around.
        self.data_folder.chmod(0o711)
        self.http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=10), connector=aiohttp.TCPConnector(limit=200), trust_env=False
        )
        await self.dns.start(self.dns_port)
        await self.control.start()
        await self._start_server(
            "emulator", self._start_emulator(environment), f"{self.endpoint_url}/_ministack/health"
        )
        await self._start_server(
            "fault proxy",
            start_fault_proxy(
                int(self.fault_url.rsplit(":", 1)[1]), self.endpoint_url, self._log("fault-proxy"), environment
            ),
            f"{self.fault_url}/_microburst/health",
        )
        self._run(watch_route53(self.clients, self.dns, self.checkers), "route 53 watch")
        self._run(publish_metrics(self), "metrics")
        self._run(self._watch_servers(), "server watch")
        self._surroundings = Surroundings(
            self.topology,
            self.data_folder / "databases",
            self.paths.logs,
            locate(self.data_folder),
            self.dns_port,
            self.http,
            self.register,
            self.clients,
        )
        self._surroundings.data_folder.mkdir(mode=0o711)

    async def stop(self) -> None:
        """End everything; safe after a start that failed halfway."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.checkers.stop()
        for workload in self.workloads.values():
            with suppress(Exception):  # one that cannot end in good order is ended by the janitor
                await workload.stop()
        await asyncio.gather(*(server.stop() for server in self._servers), return_exceptions=True)
        await self.control.stop()
        await self.dns.stop()
        if hasattr(self, "http"):
            await self.http.close()
        if hasattr(self, "_janitor"):
            await self._janitor.finish()

    def current_delays(self) -> Delays:
        """What the emulator is told: nothing is slow while the first workload is made, for nobody is looking yet."""
        return Delays(0.0, 0.0, 0.0, self.delays.healthCheckIntervalSeconds) if self._seeding_first else self.delays

    async def add_workload(self, name: str) -> RunningWorkload:
        """Create a workload in both Regions and let its client begin; returns when traffic is served by the primary.

        The first one is made alone, for nothing is slow then (`current_delays`); later ones side by side.
        """
        async with self._first_workload:
            if name in self.workloads:
                return self.workloads[name]
            workload = RunningWorkload(name, self._surroundings)
            # Known before it is seeded: seeding makes Auto Scaling launch instances through our hooks.
            self.workloads[name] = workload
            self._seeding_first = len(self.workloads) == 1
            if self._seeding_first:
                return await self._make(workload)
        return await self._make(workload)

    async def _make(self, workload: RunningWorkload) -> RunningWorkload:
        name = workload.names.workload
        try:
            await name_workload(self.fault_url, self.http, name, there=True)
            await workload.start()
            await asyncio.to_thread(seed_workload, self.clients, self.seed_context(workload), self.topology)
            workload.gauges = await asyncio.to_thread(self.topology.gauges, self.clients, workload.names)
            await self._wait_until_served(workload)
        except BaseException:
            self.workloads.pop(name, None)
            with suppress(Exception):  # the error that led here says more than one on the way back
                await workload.stop()
            raise
        finally:
            self._seeding_first = False
        workload.start_client()
        if self.topology.databases.standby:
            await self._wait_until_measured(workload)
        self.on_change()
        return workload

    async def remove_workload(self, name: str) -> None:
        """End a workload and remove its resources."""
        workload = self.workloads.pop(name)
        await name_workload(self.fault_url, self.http, name, there=False)
        await asyncio.to_thread(remove_workload, self.clients, self.seed_context(workload), self.topology)
        await workload.stop()
        # Two databases of a workload are a hundred megabytes, and there may come a workload of the same name.
        await asyncio.to_thread(shutil.rmtree, self._surroundings.data_folder / name, ignore_errors=True)
        await self.apply_region_network()
        self.on_change()

    def seed_context(self, workload: RunningWorkload) -> SeedContext:
        """What seeding needs to know of this sandbox."""
        return SeedContext(
            names=workload.names,
            outputs=self.outputs,
            emulator_port=int(self.endpoint_url.rsplit(":", 1)[1]),
            load_balancer_ports={region: balancer.port for region, balancer in workload.load_balancers.items()},
            database_ports={region: server.port for region, server in workload.pair.servers.items()},
            probe_urls={region: workload.probe_url(region) for region in workload.probes},
            dns_address=f"127.0.0.1:{self.dns_port}",
        )

    async def apply_region_network(self) -> None:
        """Let AWS API calls for the primary Region pass only while no workload has cut it off."""
        cut_off = any(workload.control_plane_down for workload in self.workloads.values())
        await set_region_reachable(self.fault_url, self.http, self.topology.regions.primary, reachable=not cut_off)

    def describe(self) -> dict:
        """The content of sandbox.json."""
        first = next(iter(self.workloads.values()), None)
        return {
            "endpointUrl": self.endpoint_url,
            "faultUrl": self.fault_url,
            "topology": self.topology.name,
            "primaryRegion": self.topology.regions.primary,
            "recoveryRegion": self.topology.regions.recovery,
            "stackName": STACK_NAME,
            "outputs": self.outputs,
            "clientUrl": first.gateway.url if first else None,
            "controlUrl": self.control.url,
            "dns": f"127.0.0.1:{self.dns_port}",
            "pid": os.getpid(),
            "name": self.paths.name,
            "dataFolder": str(self.data_folder),
            "logs": str(self.paths.logs),
            "workloads": {name: workload.describe() for name, workload in self.workloads.items()},
        }

    async def _wait_until_measured(self, workload: RunningWorkload) -> None:
        # A Region that dies before anybody has measured its replication lag has lost nobody knows how much: a run would
        # rightly refuse. What has been running for a while has its lag on record; a workload is ready only then.
        deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
        while workload.lag_points < _LAG_POINTS_MIN:
            if time.monotonic() > deadline:
                raise ChildFailed(
                    f"the replication lag of {workload.names.workload} was never measured; see {self.paths.logs}"
                )
            await asyncio.sleep(0.2)

    async def _wait_until_served(self, workload: RunningWorkload) -> None:
        names: Names = workload.names
        deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
        seen = "nothing yet"
        while time.monotonic() < deadline:
            try:
                target = await Resolver(self.dns_port).resolve(names.shop)
                url = f"http://{target.address}:{target.port}/health"
                async with self.http.get(url) as response:
                    seen = f"{target.name} answers {response.status}"
                    if target.name == names.load_balancer(names.regions.primary) and response.status == 200:
                        return
            except (ResolutionFailed, aiohttp.ClientError, TimeoutError) as error:
                seen = str(error)
            await asyncio.sleep(0.2)
        raise ChildFailed(
            f"workload {names.workload} is seeded but its primary does not serve after {_READY_TIMEOUT_SECONDS:.0f} s; "
            f"last seen: {seen}. The logs are in {self.paths.logs}"
        )

    def _environment(self) -> dict[str, str]:
        # No AWS settings of this machine reach a child: nothing in the sandbox may ever use them.
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        search_path = [str(PACKAGE_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {**kept, "PYTHONPATH": os.pathsep.join(search_path), "PYTHONUNBUFFERED": "1"}

    async def _start_emulator(self, environment: dict[str, str]) -> Child:
        # It unpacks every function into its temporary folder, and one that is killed leaves them there.
        unpacked = self.data_folder / "emulator"
        unpacked.mkdir(mode=0o700)
        settings = {
            "TMPDIR": str(unpacked),
            "GATEWAY_PORT": self.endpoint_url.rsplit(":", 1)[1],
            "BIND_HOST": "127.0.0.1",
            "PILOT_WORLD_URL": self.control.url,
            "PILOT_FUNCTION_ENDPOINT_URL": self.fault_url,
            "PILOT_SCHEDULE_MINUTE_SECONDS": str(_SCHEDULE_MINUTE_SECONDS),
        }
        command = [sys.executable, "-m", "pilot_sandbox.emulator"]
        return await start_child("emulator", command, self._log("emulator"), environment={**environment, **settings})

    async def _start_server(self, name: str, starting: Awaitable[Child], health_url: str) -> None:
        child = await starting
        self.register(child)
        self._servers.append(child)
        deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
        while child.running and time.monotonic() < deadline:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self.http.get(health_url) as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.1)
        raise ChildFailed(f"{name} did not become ready; its log {child.log_path} ends:\n{child.last_lines()}")

    async def _watch_servers(self) -> None:
        ended, _ = await asyncio.wait(
            {asyncio.create_task(server.process.wait(), name=server.name) for server in self._servers},
            return_when=asyncio.FIRST_COMPLETED,
        )
        name = ended.pop().get_name()
        server = next(server for server in self._servers if server.name == name)
        if self.failure is not None and not self.failure.done():
            self.failure.set_result(
                f"the {name} ended with code {server.process.returncode}; its log {server.log_path} ends:\n"
                f"{server.last_lines()}"
            )

    def register(self, child: Child) -> None:
        """Let the janitor know of a child, so that it ends even if this process is killed."""
        self._janitor.tell("group", child.pid)

        async def forget() -> None:
            await child.process.wait()
            self._janitor.tell("forget", child.pid)

        task = asyncio.create_task(forget(), name=f"end of {child.name}")
        self._forgetting.add(task)
        task.add_done_callback(self._forgetting.discard)

    def _run(self, work, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._task_ended)
        self._tasks.append(task)

    def _task_ended(self, task: asyncio.Task) -> None:
        if task.cancelled() or task.exception() is None:
            return
        _log.error("%s stopped", task.get_name(), exc_info=task.exception())
        if self.failure is not None and not self.failure.done():
            self.failure.set_result(f"{task.get_name()} stopped: {task.exception()}")

    def _log(self, name: str) -> Path:
        return self.paths.logs / f"{name}.log"
