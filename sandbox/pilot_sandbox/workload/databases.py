"""The databases of one workload: the servers, the doors in front of them, and what turns them round."""

from ..free_ports import free_port
from ..postgres import PostgresFailed, PostgresServer
from ..postgres_pair import PostgresPair
from ..relay import Relay


class Databases:
    """Keeps every door leading to the server that has the door's identifier, as an RDS endpoint does.

    The identifiers of the workload's plan have doors whose ports never change, for the applications know no others;
    a server that gets another identifier gets a door of its own with it.
    """

    def __init__(self, pair: PostgresPair) -> None:
        self.pair = pair
        #: Regions whose database machines are dead: nothing starts there until they are mended.
        self.dead_regions: set[str] = set()
        #: Availability Zones whose database machines are dead: nothing starts there until they are mended.
        self.dead_zones: set[str] = set()
        self._doors: dict[tuple[str, str], Relay] = {}
        self._shut: set[tuple[str, str]] = set()
        #: Doors that are there whether a server stands behind them or not.
        self._lasting: set[tuple[str, str]] = set()
        for region, identifier in pair.identifiers.items():
            self._expect(region, identifier)

    def _expect(self, region: str, identifier: str) -> None:
        door = (region, identifier)
        if door not in self._doors:
            self._doors[door] = Relay(free_port(), 0)
        self._lasting.add(door)

    def endpoint_port(self, region: str, identifier: str) -> int:
        """The port at which clients will find whatever is called so, which need not exist yet."""
        self._expect(region, identifier)
        return self._doors[region, identifier].listen_port

    async def start(self) -> None:
        """Create the servers and open their doors."""
        await self.pair.create()
        await self._apply_doors()

    async def close(self) -> None:
        """End everything."""
        for door in self._doors.values():
            await door.cut()
        await self.pair.close()

    def door_port(self, region: str, identifier: str | None = None) -> int:
        """The port that clients of a Region's database, or of the one of that identifier, connect to."""
        return self._doors[region, identifier or self.pair.identifiers[region]].listen_port

    def door_is_open(self, region: str) -> bool:
        """Whether clients of a Region's database are let in."""
        return self._doors[region, self.pair.identifiers[region]].is_open

    def in_reach(self, region: str) -> bool:
        """Whether the other Region reaches a Region's databases: their machines live, and the line is not cut."""
        return region not in self.dead_regions and not self.pair.line.is_cut

    async def set_door(self, region: str, identifier: str, *, opened: bool) -> None:
        """Let new clients in or none, as the instance's security groups say.

        Who is in stays: the group of a database admits only its own applications, and such connections are tracked.
        """
        door = (region, identifier)
        self._shut.discard(door) if opened else self._shut.add(door)
        await self._apply_doors()

    async def set_machines(self, region: str, *, up: bool) -> None:
        """Break all database machines of a Region at once, or mend them."""
        servers = self.pair.in_region(region).values()
        if not up:
            self.dead_regions.add(region)
        for server in servers:
            if server.zone not in self.dead_zones:
                await (server.start() if up else server.stop(immediate=True))
        if up:
            self.dead_regions.discard(region)

    async def set_zone(self, zone: str, *, up: bool) -> None:
        """Break the database machines of one Availability Zone, or mend them: its servers start again, where they are.

        A server that has moved to another zone meanwhile is none of them.
        """
        self.dead_zones.discard(zone) if up else self.dead_zones.add(zone)
        for region in set(self.pair.regions):
            for server in self.pair.in_region(region).values():
                if server.zone == zone and region not in self.dead_regions:
                    await (server.start() if up else server.stop(immediate=True))

    def place(self, region: str, identifier: str, zone: str) -> PostgresServer:
        """Say on a machine of which Availability Zone a server runs; returns it."""
        server = self.pair.server(region, identifier)
        server.zone = zone
        return server

    async def move(self, region: str, identifier: str, zone: str) -> PostgresServer:
        """Move a server with its data to a machine of an Availability Zone; its door follows. Returns it, answering."""
        self._check_alive(region, zone)
        try:
            await self.pair.move(region, identifier, zone)
        finally:
            await self._apply_doors()
        return self.pair.server(region, identifier)

    async def promote(self, region: str, identifier: str) -> PostgresServer:
        """Promote a standby; returns it. Raises PostgresFailed like everything below."""
        await self.pair.promote(region, identifier)
        return self.pair.server(region, identifier)

    async def take_over(self, region: str, identifier: str) -> PostgresServer:
        """Stop a standby's source in good order and promote the standby, with every row; returns it."""
        await self.pair.take_over(region, identifier)
        return self.pair.server(region, identifier)

    async def follow(self, region: str, identifier: str) -> PostgresServer:
        """Throw a server's data away and let it follow the other Region's server; returns it, streaming."""
        self._check_alive(region)
        await self.pair.follow(region, identifier)
        return self.pair.server(region, identifier)

    async def stop(self, region: str, identifier: str, *, immediate: bool) -> PostgresServer:
        """Stop a server in good order, or at once; returns it."""
        await self.pair.stop(region, identifier, immediate=immediate)
        return self.pair.server(region, identifier)

    async def restart(self, region: str, identifier: str) -> PostgresServer:
        """Start a server that was stopped; returns it."""
        self._check_alive(region, self.pair.server(region, identifier).zone)
        await self.pair.start(region, identifier)
        return self.pair.server(region, identifier)

    async def keep(self, region: str, identifier: str, name: str) -> PostgresServer:
        """Keep what a server has now as the content of a snapshot of that name; returns the server."""
        self._check_alive(region)
        await self.pair.keep(region, identifier, name)
        return self.pair.server(region, identifier)

    async def add_replica(
        self, region: str, identifier: str, source_region: str, source_identifier: str
    ) -> PostgresServer:
        """Make a new server that follows another one; returns it, streaming."""
        self._check_alive(region)
        await self.pair.add_replica(region, identifier, source_region, source_identifier)
        await self._apply_doors()
        return self.pair.server(region, identifier)

    async def back_up(self, region: str, identifier: str, name: str) -> PostgresServer:
        """Keep what a server has now as the recovery point `name`; returns the server."""
        await self.pair.backups.take(region, identifier, name)
        return self.pair.server(region, identifier)

    async def keep_continuously(self, region: str, identifier: str) -> PostgresServer:
        """Begin the continuous backup of a server; returns the server."""
        await self.pair.backups.keep_continuously(region, identifier)
        return self.pair.server(region, identifier)

    async def restore(self, name: str, region: str, identifier: str) -> PostgresServer:
        """Make a new server, stopped, from the recovery point `name`; returns it."""
        self._check_alive(region)
        await self.pair.backups.restore(name, region, identifier)
        await self._apply_doors()
        return self.pair.server(region, identifier)

    async def restore_to_time(
        self, source_region: str, source: str, region: str, identifier: str, at_seconds: float
    ) -> PostgresServer:
        """Make a new server, stopped, with what another had at a time, in seconds since the epoch; returns it."""
        self._check_alive(region)
        await self.pair.backups.restore_to_time(source_region, source, region, identifier, at_seconds)
        await self._apply_doors()
        return self.pair.server(region, identifier)

    async def rename(self, region: str, identifier: str, new: str) -> PostgresServer:
        """Give a server another identifier; its door stays behind and leads nowhere. Returns the server."""
        self._check_alive(region)
        await self.pair.rename(region, identifier, new)
        # The security groups move with the instance; who takes its old name comes with groups of his own.
        if (region, identifier) in self._shut:
            self._shut.remove((region, identifier))
            self._shut.add((region, new))
        await self._apply_doors()
        return self.pair.server(region, new)

    async def remove(self, region: str, identifier: str) -> None:
        """End a server for good."""
        await self.pair.remove(region, identifier)
        self._shut.discard((region, identifier))
        await self._apply_doors()

    def _check_alive(self, region: str, zone: str | None = None) -> None:
        dead = region if region in self.dead_regions else zone if zone in self.dead_zones else None
        if dead is not None:
            raise PostgresFailed(
                f"the database machines of {dead} are dead: nothing starts there until they are mended"
            )

    async def _apply_doors(self) -> None:
        for region in self.pair.regions:
            for identifier in self.pair.in_region(region):
                if (region, identifier) not in self._doors:
                    self._doors[region, identifier] = Relay(free_port(), 0)
        for (region, identifier), door in list(self._doors.items()):
            server = self.pair.find(region, identifier)
            if server is None:
                await door.cut()
                if (region, identifier) not in self._lasting:
                    del self._doors[region, identifier]
                continue
            if door.target_port != server.port:
                await door.cut()  # whoever is in is in at another server
                door.target_port = server.port
            if (region, identifier) in self._shut:
                door.shut()
            else:
                await door.open()
