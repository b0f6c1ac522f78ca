"""The PostgreSQL servers of one workload in its pair of Regions: who follows whom, and how that is turned round."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from .children import Child
from .line import Line
from .naming import PILOT_LIGHT_REGIONS, Names, Regions
from .postgres import PostgresFailed, PostgresServer
from .postgres_backups import PostgresBackups
from .postgres_binaries import PostgresBinaries
from .relay import Relay

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id bigserial PRIMARY KEY,
    number bigint NOT NULL UNIQUE,
    region text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
)
"""


class PostgresPair:
    """A primary and its standby at first; later whatever has been made of them.

    Without a standby there is the primary alone: the recovery Region has no database yet, or is the same Region.

    A server is known by Region and identifier. *The* server of a Region is the one that has the identifier of the
    workload's plan; a Region may have others, such as an old primary that was renamed, or none at all for a while.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        binaries: PostgresBinaries,
        log_folder: Path,
        register: Callable[[Child], None],
        regions: Regions = PILOT_LIGHT_REGIONS,
        identifiers: Mapping[str, str] | None = None,
        *,
        standby: bool = True,
    ) -> None:
        self.regions = regions
        #: The identifier that the workload's plan has for each Region's database.
        self.identifiers = identifiers or {region: Names(name, regions).database(region) for region in regions}
        #: Needed by the applications; made anew for every pair and never logged.
        self.password = secrets.token_urlsafe(24)
        #: Between the Regions; every standby of the other Region's server has a relay of its own over it.
        self.line = Line()
        self._name = name
        self._folder = folder
        self._binaries = binaries
        self._log_folder = log_folder
        self._register = register
        self._made = 0
        folder.mkdir(parents=True)
        binaries.own(folder)
        roles = ((regions.primary, "primary"), (regions.recovery, "recovery"))
        self._servers = {
            (region, self.identifiers[region]): self._new_server(role)
            for region, role in (roles if standby else roles[:1])
        }
        self._standby = standby
        self._relays: dict[PostgresServer, Relay] = {}
        self._changing = asyncio.Lock()
        self.backups = PostgresBackups(self, folder / "backups", binaries)

    @property
    def servers(self) -> dict[str, PostgresServer]:
        """The server of each Region that has one."""
        found = {region: self.find(region, self.identifiers[region]) for region in self.regions}
        return {region: server for region, server in found.items() if server is not None}

    @property
    def primary(self) -> PostgresServer:
        """The server of the primary Region, whatever its role is now."""
        return self.server(self.regions.primary)

    @property
    def recovery(self) -> PostgresServer:
        """The server of the recovery Region, whatever its role is now."""
        return self.server(self.regions.recovery)

    def find(self, region: str, identifier: str) -> PostgresServer | None:
        """The server that has this identifier now, or None."""
        return self._servers.get((region, identifier))

    def in_region(self, region: str) -> dict[str, PostgresServer]:
        """All servers of one Region, by identifier."""
        return {identifier: server for (where, identifier), server in self._servers.items() if where == region}

    def server(self, region: str, identifier: str | None = None) -> PostgresServer:
        """The server of a Region, or the one of that identifier; raises PostgresFailed where there is none."""
        identifier = identifier or self.identifiers[region]
        server = self.find(region, identifier)
        if server is None:
            raise PostgresFailed(f"no server is called {identifier} in {region}")
        return server

    async def create(self) -> None:
        """Initialise and start both servers; returns when the standby streams."""
        await self.primary.initialise()
        await self.primary.start()
        await self.primary.database.query(_SCHEMA)
        if self._standby:
            async with self._changing:
                await self._follow(self.recovery, self.primary, over_the_line=True)

    async def promote(self, region: str, identifier: str | None = None) -> None:
        """Promote a standby; raises PostgresFailed when it is none or not running."""
        async with self._changing:
            server = self.server(region, identifier)
            observed = await server.observe()
            if not observed.running:
                raise PostgresFailed(f"{server.name} is not running: nothing was promoted; start it first")
            if observed.role != "standby":
                raise PostgresFailed(f"{server.name} is already a primary: nothing was promoted")
            await server.promote()
            await self._forget_relay(server)

    async def take_over(self, region: str, identifier: str | None = None) -> None:
        """Stop a standby's source in good order and promote the standby, which has everything by then.

        The source stays stopped. Raises PostgresFailed; when the standby does not have everything, the source is
        started again and nothing was promoted.
        """
        async with self._changing:
            server = self.server(region, identifier)
            source, observed = server.source, await server.observe()
            if source is None or observed.replication != "replicating" or not source.running:
                raise PostgresFailed(
                    f"{server.name} is {observed.role}, its replication {observed.replication}: nothing was changed; "
                    "only a standby that follows a running source can take over from it"
                )
            await source.stop()
            try:
                await server.wait_until_replayed(await source.shutdown_position())
            except PostgresFailed as error:
                await source.start()
                raise PostgresFailed(f"{source.name} goes on as before: {error}") from error
            await server.promote()
            await self._forget_relay(server)

    async def follow(self, region: str, identifier: str | None = None) -> None:
        """Let a server throw its data away and follow the other Region's server; returns when it streams.

        Raises PostgresFailed: when the source does not run or nothing passes the line, the server is as it was.
        """
        [other] = [each for each in self.regions if each != region]
        async with self._changing:
            server, source = self.server(region, identifier), self.server(other)
            self._check_source(source, server, over_the_line=True)
            await self._follow(server, source, over_the_line=True)

    async def add_replica(self, region: str, identifier: str, source_region: str, source_identifier: str) -> None:
        """Make a new server that follows another; returns when it streams. One that does so already is left alone."""
        async with self._changing:
            source = self.server(source_region, source_identifier)
            existing = self.find(region, identifier)
            if existing is not None and existing.source is source:
                return
            if existing is not None:
                raise PostgresFailed(f"there is a server called {identifier} in {region} already: nothing was made")
            over_the_line = region != source_region
            self._check_source(source, None, over_the_line=over_the_line)
            server = self._another_server(region)
            try:
                await self._follow(server, source, over_the_line=over_the_line)
            except BaseException:
                await self._remove(server)
                raise
            self._servers[region, identifier] = server

    async def add_server(self, region: str, identifier: str, fill: Callable[[PostgresServer], Awaitable[None]]) -> None:
        """Make a new server whose data `fill` provides; raises PostgresFailed, and then there is none."""
        async with self._changing:
            if self.find(region, identifier) is not None:
                raise PostgresFailed(f"there is a server called {identifier} in {region} already: nothing was made")
            server = self._another_server(region)
            try:
                await fill(server)
            except BaseException:
                await self._remove(server)
                raise
            self._servers[region, identifier] = server

    async def rename(self, region: str, identifier: str, new: str) -> None:
        """Give a server another identifier and restart it, as RDS does; its clients lose their connections."""
        async with self._changing:
            server = self.server(region, identifier)
            if self.find(region, new) is not None:
                raise PostgresFailed(f"there is a server called {new} in {region} already: nothing was renamed")
            await server.stop()
            self._servers[region, new] = self._servers.pop((region, identifier))
            await server.start()

    async def remove(self, region: str, identifier: str) -> None:
        """End a server for good; its data is gone. Who follows it is a standby without a source from now on."""
        async with self._changing:
            server = self.server(region, identifier)
            del self._servers[region, identifier]
            await self._remove(server)

    async def stop(self, region: str, identifier: str | None = None, *, immediate: bool = False) -> None:
        """Stop a server: in good order, so that its standbys have everything, or at once as if its machine had died."""
        await self.server(region, identifier).stop(immediate=immediate)

    async def start(self, region: str, identifier: str | None = None) -> None:
        """Start a server in the role that it had."""
        await self.server(region, identifier).start()

    async def move(self, region: str, identifier: str, zone: str) -> None:
        """Stop a server and start it on a machine of another Availability Zone; nothing is lost, for its data stays.

        Standbys over the line connect again by themselves. Raises PostgresFailed when it does not start there.
        """
        async with self._changing:
            server = self.server(region, identifier)
            await server.move(zone)
            for follower, relay in self._relays.items():
                if follower.source is server:
                    relay.target_port = server.port

    async def keep(self, region: str, identifier: str, name: str) -> Path:
        """Keep what a primary has now, up or down, as a snapshot's content; returns the folder, or PostgresFailed."""
        async with self._changing:
            server = self.server(region, identifier)
            target = self._folder / "snapshots" / region / name
            if target.exists():
                raise PostgresFailed(f"there is a snapshot {name} in {region} already: nothing was kept")
            for folder in reversed((target.parent, target.parent.parent)):
                folder.mkdir(exist_ok=True)
                self._binaries.own(folder)
            await server.keep(target)
            return target

    async def close(self) -> None:
        """End all servers and the line."""
        await self.line.cut()
        # Nothing in here is needed again: no time for a shutdown checkpoint.
        await asyncio.gather(*(server.stop(immediate=True) for server in self._servers.values()))

    def _another_server(self, region: str) -> PostgresServer:
        self._made += 1
        role = "primary" if region == self.regions.primary else "recovery"
        return self._new_server(f"{role}-{self._made + 1}")

    def _new_server(self, role: str) -> PostgresServer:
        return PostgresServer(
            f"{self._name}-{role}",
            self._folder / role,
            self._binaries,
            self.password,
            self._log_folder / f"{self._name}-postgres-{role}.log",
            self._register,
        )

    def _check_source(self, source: PostgresServer, follower: PostgresServer | None, *, over_the_line: bool) -> None:
        if over_the_line and self.line.is_cut:
            raise PostgresFailed(f"nothing passes between the Regions: nothing follows {source.name}; mend it first")
        if not source.running:
            raise PostgresFailed(f"{source.name} is not running: nothing can follow it; start it first")
        if follower is not None and source.source is follower:
            raise PostgresFailed(f"{source.name} follows {follower.name} itself: promote it first")

    async def _follow(self, server: PostgresServer, source: PostgresServer, *, over_the_line: bool) -> None:
        relay = await self.line.lead_to(source.port) if over_the_line else None
        try:
            await server.copy_from(source, source.port if relay is None else relay.listen_port)
        except BaseException:
            if relay is not None:
                await self.line.remove(relay)
            raise
        await self._forget_relay(server)
        if relay is not None:
            self._relays[server] = relay
        await server.start()
        await server.wait_until_streaming()

    async def _remove(self, server: PostgresServer) -> None:
        await self._forget_relay(server)
        await server.remove()
        for other in self._servers.values():
            if other.source is server:
                other.source = None
                await self._forget_relay(other)

    async def _forget_relay(self, server: PostgresServer) -> None:
        relay = self._relays.pop(server, None)
        if relay is not None:
            await self.line.remove(relay)
