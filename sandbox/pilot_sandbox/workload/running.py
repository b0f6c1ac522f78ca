"""One workload, running: databases, instances, load balancers, probe listeners, client and gateway."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from ..aws_clients import AwsClients
from ..children import Child
from ..client import OutsideClient
from ..client_gateway import ClientGateway
from ..free_ports import free_port
from ..gauges import Gauge
from ..postgres import Observation
from ..postgres_binaries import PostgresBinaries
from ..postgres_pair import PostgresPair
from ..relay import Relay
from ..resolver import Resolver
from ..topologies import Topology
from .databases import Databases
from .environments import Environments
from .instances import Instances
from .load_balancer import LoadBalancer

#: The parts of the primary Region that can be broken and mended separately.
PARTS = ("app", "database", "network")


@dataclass(frozen=True)
class Surroundings:
    """What a workload needs of the world around it."""

    topology: Topology
    data_folder: Path
    log_folder: Path
    binaries: PostgresBinaries
    dns_port: int
    http: aiohttp.ClientSession
    register: Callable[[Child], None]
    clients: AwsClients


class RunningWorkload:
    """Starts, breaks, mends and ends everything of one workload that is real."""

    def __init__(self, name: str, around: Surroundings) -> None:
        self._topology = around.topology
        self.names = around.topology.names(name)
        regions = self.names.regions
        #: Parts of the primary that are down now.
        self.down: set[str] = set()
        self.probe_network_down = False
        #: Whether the primary Region's AWS API is out of reach too: only when its network alone was cut by name.
        self.control_plane_down = False
        #: Load balancers whose security groups admit nobody.
        self.shut_load_balancers: set[str] = set()
        self.pair = PostgresPair(
            name,
            around.data_folder / name,
            around.binaries,
            around.log_folder,
            around.register,
            regions,
            {region: self.database_name(region) for region in regions},
            standby=around.topology.databases.standby,
        )
        #: Clients go through its doors; replication and the sandbox itself go to the servers directly.
        self.databases = Databases(self.pair)
        self.instances = {
            region: Instances(
                name,
                region,
                self.databases.door_port(region),
                self.pair.password,
                around.log_folder,
                around.http,
                around.register,
            )
            for region in regions
        }
        self.load_balancers = {
            region: LoadBalancer(region, free_port(), self.instances[region], around.http) for region in regions
        }
        self.probes = {region: Relay(free_port(), self.load_balancers[region].port) for region in regions}
        # A cache of its own for each: the gateway is another user than the client.
        self.client = OutsideClient(self.names.shop, Resolver(around.dns_port), around.http)
        self.gateway = ClientGateway(self.names.shop, free_port(), Resolver(around.dns_port), around.http)
        self._client_task: asyncio.Task | None = None
        self._environments = (
            Environments(self.names, self.instances[regions.primary], self.databases, around.clients)
            if around.topology.function is not None
            else None
        )
        self._environments_task: asyncio.Task | None = None
        #: Metrics of tasks and targets; known once the workload is seeded.
        self.gauges: list[Gauge] = []
        #: Points of the lag metric published since the client began to order.
        self.lag_points = 0
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Start databases, load balancers, probe listeners and gateway; Auto Scaling launches the instances."""
        await self.databases.start()
        await self._apply_listeners()
        await self.gateway.start()
        if self._environments is not None:
            following = f"function of {self.names.workload}"
            self._environments_task = asyncio.create_task(self._environments.keep(), name=following)

    def start_client(self) -> None:
        """Let the outside client begin to order."""
        if self._client_task is None:
            self._client_task = asyncio.create_task(self.client.run(), name=f"client of {self.names.workload}")

    @property
    def client_running(self) -> bool:
        """Whether the outside client orders."""
        return self._client_task is not None

    async def stop(self) -> None:
        """End everything of this workload."""
        for task in (self._client_task, self._environments_task):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self.gateway.stop()
        for region in self.names.regions:
            await self.probes[region].cut()
            await self.load_balancers[region].close()
            await self.instances[region].stop()
        await self.databases.close()

    async def set_part(self, part: str, *, up: bool) -> None:
        """Break or mend one part of the primary Region; nothing happens when it is so already."""
        async with self._changing:
            if up == (part not in self.down):
                return
            # Noted first: a part that broke halfway must not look whole.
            self.down.discard(part) if up else self.down.add(part)
            match part:
                case "app":
                    instances = self.instances[self.names.regions.primary]
                    await (instances.restore_processes() if up else instances.kill_processes())
                case "database":
                    await self.databases.set_machines(self.names.regions.primary, up=up)
                case "network":
                    await (self.pair.line.mend() if up else self.pair.line.cut())
                    await self._apply_listeners()

    async def set_probe_network(self, *, up: bool) -> None:
        """Break or mend the observer's own network: only the functions' HTTP probes use these listeners."""
        async with self._changing:
            self.probe_network_down = not up
            await self._apply_listeners()

    async def set_load_balancer_door(self, region: str, *, opened: bool) -> None:
        """Let everybody in or nobody, as the load balancer's security groups say.

        Who is in is thrown out: a group that admits the whole internet does not track its connections, and AWS ends
        such a connection together with the rule that let it in.
        """
        async with self._changing:
            self.shut_load_balancers.discard(region) if opened else self.shut_load_balancers.add(region)
            await self._apply_listeners()

    async def _apply_listeners(self) -> None:
        for region in self.names.regions:
            cut_off = self.is_cut_off(region) or region in self.shut_load_balancers
            load_balancer, probe = self.load_balancers[region], self.probes[region]
            await (load_balancer.close() if cut_off else load_balancer.open())
            await (probe.cut() if cut_off or self.probe_network_down else probe.open())

    def database_name(self, region: str) -> str:
        """Identifier of what one Region's server stands behind: an instance, or a cluster."""
        return self._topology.databases.server(self.names, region)

    def lag_metrics(self, identifier: str, observed: Observation) -> list[dict]:
        """A standby's replication lag as RDS publishes it in its Region."""
        return self._topology.databases.lag_metrics(identifier, observed)

    def is_cut_off(self, region: str) -> bool:
        """Whether the Region's network is down: nobody outside hears of it."""
        return region == self.names.regions.primary and "network" in self.down

    def probe_url(self, region: str) -> str:
        """Base URL over which the functions probe one Region."""
        return f"http://127.0.0.1:{self.probes[region].listen_port}"

    def describe(self) -> dict:
        """Addresses, for sandbox.json and the control server."""
        primary, recovery = self.names.regions
        return {
            "clientUrl": self.gateway.url,
            "probePrimaryUrl": self.probe_url(primary),
            "probeRecoveryUrl": self.probe_url(recovery),
            "primaryLoadBalancerUrl": f"http://127.0.0.1:{self.load_balancers[primary].port}",
            "recoveryLoadBalancerUrl": f"http://127.0.0.1:{self.load_balancers[recovery].port}",
            "shop": self.names.shop.rstrip("."),
            "api": self.names.api.rstrip("."),
        }

    def condition(self) -> dict:
        """Which parts are up, and what is broken on purpose."""
        return {
            "workload": self.names.workload,
            "primary": {part: "down" if part in self.down else "up" for part in PARTS},
            "probeNetwork": "down" if self.probe_network_down else "up",
            "deadZones": sorted(self.databases.dead_zones),
            "doors": {
                region: {
                    "loadBalancer": "shut" if region in self.shut_load_balancers else "open",
                    "database": "open" if self.databases.door_is_open(region) else "shut",
                }
                for region in self.names.regions
            },
            "replicationLagSeconds": self.pair.line.delay_seconds,
            "instances": {region: sorted(self.instances[region].launched) for region in self.names.regions},
        }
