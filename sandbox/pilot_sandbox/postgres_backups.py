"""Backups of the PostgreSQL servers of a pair, and new servers made from them.

A recovery point is a base backup, taken when the backup job runs. Continuous backup is a base backup and, from then on,
all of the server's write-ahead log: a replication slot that nobody reads keeps it in the server's own folder, which
outlives the server's process as an Aurora volume outlives its instances.

A new server is left stopped: a restored Aurora cluster has no instance, and what starts a server is an instance.
"""

import asyncio
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .postgres import PostgresFailed, PostgresServer
from .postgres_binaries import PostgresBinaries

if TYPE_CHECKING:
    from .postgres_pair import PostgresPair

_SLOT = "continuous_backup"
_RESERVE_LOG = (
    f"SELECT pg_create_physical_replication_slot('{_SLOT}', true) "
    f"WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{_SLOT}')"
)
# Nothing was committed after the wanted time: then all that there is was committed at that time or before.
_NOTHING_LATER = "recovery ended before configured recovery target was reached"


@dataclass(frozen=True)
class _Continuous:
    """The base from which a server can be restored to any later time."""

    folder: Path
    #: Seconds since the epoch at which the base backup was complete.
    since: float


class PostgresBackups:
    """Takes backups of the servers of one pair, and makes new servers of the pair from them."""

    def __init__(self, pair: "PostgresPair", folder: Path, binaries: PostgresBinaries) -> None:
        self._pair = pair
        self._folder = folder
        self._binaries = binaries
        self._points: dict[str, Path] = {}
        self._continuous: dict[PostgresServer, _Continuous] = {}

    def has(self, name: str) -> bool:
        """Whether there is a recovery point of this name."""
        return name in self._points

    async def take(self, region: str, identifier: str, name: str) -> None:
        """Keep what a server has now as the recovery point `name`; of a standby, what its source has.

        A server that is down is taken from its volume, as Aurora's is. Raises PostgresFailed.
        """
        if name in self._points:
            raise PostgresFailed(f"there is a recovery point {name} already: nothing was kept")
        server = self._pair.server(region, identifier)
        target = await self._new_folder(name)
        await (server.source or server).keep(target)
        self._points[name] = target

    async def restore(self, name: str, region: str, identifier: str) -> None:
        """Make a new server, stopped, from the recovery point `name`; raises PostgresFailed."""
        point = self._points[name]
        await self._pair.add_server(region, identifier, lambda server: server.fill(point))

    async def keep_continuously(self, region: str, identifier: str) -> None:
        """Begin the continuous backup of a running primary; one that has one already keeps it."""
        server = self._pair.server(region, identifier)
        if server in self._continuous:
            return
        await server.database.query(_RESERVE_LOG)
        target = await self._new_folder(f"continuous-{len(self._continuous) + 1}")
        await server.base_backup(server.port, target)
        self._continuous[server] = _Continuous(target, time.time())

    def restorable(self, server: PostgresServer) -> tuple[float, float] | None:
        """The earliest and the latest time, in seconds since the epoch, that a server can be restored to; or None."""
        kept = self._continuous.get(server)
        if kept is None:
            return None
        return kept.since, max(kept.since, server.stopped_at or time.time())

    async def restore_to_time(
        self, source_region: str, source: str, region: str, identifier: str, at_seconds: float
    ) -> None:
        """Make a new server, stopped, with what another had at a time; raises PostgresFailed."""
        server = self._pair.server(source_region, source)
        kept = self._continuous.get(server)
        if kept is None:
            raise PostgresFailed(f"{source} has no continuous backup: nothing was made")
        log = server.data / "pg_wal"

        async def recover(made: PostgresServer) -> None:
            await made.fill(kept.folder)
            try:
                await made.replay(log, at_seconds)
            except PostgresFailed as error:
                if _NOTHING_LATER not in str(error):
                    raise
                await made.fill(kept.folder)
                await made.replay(log, None)

        await self._pair.add_server(region, identifier, recover)

    async def _new_folder(self, name: str) -> Path:
        if not self._folder.exists():
            self._folder.mkdir()
            self._binaries.own(self._folder)
        target = self._folder / name
        # What an attempt that failed has left behind.
        await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
        return target
