"""Pairs of real PostgreSQL servers: a primary, and a standby that streams from it over a relay."""

import asyncio
import contextlib
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from .children import Child, start_child
from .database import Database, DatabaseUnreachable
from .free_ports import free_port
from .naming import PILOT_LIGHT_REGIONS, Regions
from .postgres_binaries import PostgresBinaries
from .relay import Relay

_START_TIMEOUT_SECONDS = 30.0
_PROMOTE_TIMEOUT_SECONDS = 30.0
_TOOL_TIMEOUT_SECONDS = 120.0

# Small, and quick to start. fsync is off because a machine that loses power loses the sandbox anyway; commits are
# still written before they are acknowledged, so an immediate stop of the server loses no acknowledged row.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "max_wal_senders": "6",
    "max_worker_processes": "2",
    "io_method": "sync",
    "jit": "off",
    "wal_level": "replica",
    "wal_keep_size": "256MB",
    "max_wal_size": "64MB",
    "min_wal_size": "16MB",
    "hot_standby": "on",
    "wal_receiver_status_interval": "1s",
    "wal_receiver_timeout": "10s",
    "wal_retrieve_retry_interval": "500ms",
    "autovacuum": "off",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "warning",
}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id bigserial PRIMARY KEY,
    number bigint NOT NULL UNIQUE,
    region text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
)
"""

_OBSERVE = """
SELECT pg_is_in_recovery(),
       (SELECT status FROM pg_stat_wal_receiver),
       extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8
"""


class PostgresFailed(RuntimeError):
    """A PostgreSQL program or server did not do what was asked."""


@dataclass(frozen=True)
class Observation:
    """What one database server says about itself."""

    running: bool
    role: str
    replication: str | None
    lag_seconds: float | None
    port: int

    def as_hook(self) -> dict:
        """The form in which the emulator reads it."""
        return {
            "running": self.running,
            "role": self.role,
            "replication": self.replication,
            "lagSeconds": self.lag_seconds,
            "address": "127.0.0.1",
            "port": self.port,
        }


class PostgresServer:
    """One server: a data folder, a port that never changes, and at times a process."""

    def __init__(
        self,
        name: str,
        folder: Path,
        binaries: PostgresBinaries,
        password: str,
        log_path: Path,
        register: Callable[[Child], None],
    ) -> None:
        self.name = name
        self.data = folder / "data"
        self.port = free_port()
        self.database = Database(self.port, password)
        self._folder = folder
        self._binaries = binaries
        self._password = password
        self._log_path = log_path
        self._register = register
        self._child: Child | None = None
        self._upstream: str | None = None
        folder.mkdir(parents=True)
        binaries.own(folder)
        self._password_file = folder / "password"
        self._pgpass = folder / "pgpass"
        for path, text in ((self._password_file, password), (self._pgpass, f"*:*:*:postgres:{password}\n")):
            path.touch(0o600)
            path.write_text(text)
            binaries.own(path)

    @property
    def running(self) -> bool:
        """Whether the server process is there."""
        return self._child is not None and self._child.running

    async def initialise(self) -> None:
        """Create an empty cluster."""
        await self._tool(
            "initdb",
            "-D",
            str(self.data),
            "-U",
            "postgres",
            "--auth=scram-sha-256",
            f"--pwfile={self._password_file}",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            "--no-instructions",
            "--wal-segsize=1",
        )
        access = "local all postgres scram-sha-256\nhost all postgres 127.0.0.1/32 scram-sha-256\n"
        (self.data / "pg_hba.conf").write_text(access + "host replication postgres 127.0.0.1/32 scram-sha-256\n")

    async def copy_from(self, port: int) -> None:
        """Fill the data folder with a base backup of the server behind `port` and follow that server from now on."""
        await self.base_backup(port, self.data)
        standby_signal = self.data / "standby.signal"
        standby_signal.touch(0o600)
        self._binaries.own(standby_signal)
        self._upstream = (
            f"host=127.0.0.1 port={port} user=postgres passfile={self._pgpass} "
            f"application_name={self.name} connect_timeout=2"
        )

    async def base_backup(self, port: int, target: Path) -> None:
        """Take a base backup of the server behind `port` into the new folder `target`."""
        await self._tool(
            "pg_basebackup",
            "-D",
            str(target),
            "-d",
            f"host=127.0.0.1 port={port} user=postgres passfile={self._pgpass}",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
            "--no-manifest",
        )

    async def start(self) -> None:
        """Start the server and wait until it answers queries."""
        if self.running:
            return
        settings = dict(_SETTINGS, port=str(self.port), unix_socket_directories=str(self._folder))
        if self._upstream is not None:
            settings["primary_conninfo"] = self._upstream
        command = [self._binaries.program("postgres"), "-D", str(self.data)]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        # The postmaster ends its children at once on SIGQUIT, so that is what it gets if the sandbox dies.
        self._child = await start_child(
            f"postgres {self.name}",
            command,
            self._log_path,
            folder=self._folder,
            death_signal=signal.SIGQUIT,
            user_id=self._binaries.user_id,
            group_id=self._binaries.group_id,
        )
        self._register(self._child)
        await self._wait_until("SELECT true", _START_TIMEOUT_SECONDS, "answer after its start")

    async def stop(self, *, immediate: bool = False) -> None:
        """Stop the server: in good order, or at once as if its machine had died."""
        if self._child is not None:
            await self._child.stop(signal.SIGQUIT if immediate else signal.SIGINT)
        await self.database.close()

    async def promote(self) -> None:
        """Make a standby accept writes; returns when one has been accepted."""
        await self.database.query("SELECT pg_promote(false)")
        await self._wait_until(
            "SELECT NOT pg_is_in_recovery()", _PROMOTE_TIMEOUT_SECONDS, "leave recovery after its promotion"
        )
        self._upstream = None
        # A standby that has left recovery can still refuse: only a write proves it.
        await self.database.query("CREATE TABLE IF NOT EXISTS promotions (at timestamptz NOT NULL)")
        await self.database.query("INSERT INTO promotions VALUES (now())")

    async def observe(self) -> Observation:
        """Ask the server for its role and replication; never raises."""
        role = "standby" if (self.data / "standby.signal").exists() else "primary"
        if not self.running:
            return Observation(False, role, "stopped" if role == "standby" else None, None, self.port)
        try:
            [(in_recovery, receiver, lag_seconds)] = await self.database.query(_OBSERVE)
        except (DatabaseUnreachable, psycopg.Error):
            return Observation(False, role, "error" if role == "standby" else None, None, self.port)
        if not in_recovery:
            return Observation(True, "primary", None, None, self.port)
        if receiver != "streaming":
            return Observation(True, "standby", "error", None, self.port)
        return Observation(True, "standby", "replicating", lag_seconds, self.port)

    async def _wait_until(self, statement: str, timeout_seconds: float, what: str) -> None:
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(DatabaseUnreachable, psycopg.Error):
                if await self.database.query(statement) == [(True,)]:
                    return
            if not self.running:
                break
            await asyncio.sleep(0.05)
        tail = self._child.last_lines() if self._child else ""
        state = "is running" if self.running else "has ended"
        raise PostgresFailed(f"PostgreSQL server {self.name} did not {what} and {state}; its log ends:\n{tail}")

    async def _tool(self, program: str, *arguments: str) -> None:
        child = await start_child(
            program,
            [self._binaries.program(program), *arguments],
            self._log_path,
            folder=self._folder,
            user_id=self._binaries.user_id,
            group_id=self._binaries.group_id,
        )
        self._register(child)
        try:
            code = await asyncio.wait_for(child.process.wait(), _TOOL_TIMEOUT_SECONDS)
        except TimeoutError:
            code = None
        finally:
            await child.stop()
        if code != 0:
            outcome = f"ended with code {code}" if code is not None else f"took over {_TOOL_TIMEOUT_SECONDS:.0f} s"
            raise PostgresFailed(f"{program} for {self.name} {outcome}; its log ends:\n{child.last_lines()}")


class PostgresPair:
    """The primary's server and the recovery Region's standby, with the relay between them."""

    def __init__(
        self,
        name: str,
        folder: Path,
        binaries: PostgresBinaries,
        log_folder: Path,
        register: Callable[[Child], None],
        regions: Regions = PILOT_LIGHT_REGIONS,
    ) -> None:
        self.regions = regions
        #: Needed by the applications; made anew for every pair and never logged.
        self.password = secrets.token_urlsafe(24)
        self._folder = folder
        folder.mkdir(parents=True)
        binaries.own(folder)
        self.servers = {
            region: PostgresServer(
                f"{name}-{role}",
                folder / role,
                binaries,
                self.password,
                log_folder / f"{name}-postgres-{role}.log",
                register,
            )
            for region, role in ((regions.primary, "primary"), (regions.recovery, "recovery"))
        }
        self.relay = Relay(free_port(), self.primary.port)
        self._promoting = asyncio.Lock()

    @property
    def primary(self) -> PostgresServer:
        """The server in the primary Region, whatever its role is now."""
        return self.servers[self.regions.primary]

    @property
    def recovery(self) -> PostgresServer:
        """The server in the recovery Region, whatever its role is now."""
        return self.servers[self.regions.recovery]

    async def create(self) -> None:
        """Initialise and start both servers; returns when the standby streams."""
        await self.primary.initialise()
        await self.primary.start()
        await self.primary.database.query(_SCHEMA)
        await self.relay.open()
        await self.recovery.copy_from(self.relay.listen_port)
        await self.recovery.start()
        await self.recovery._wait_until(
            "SELECT coalesce((SELECT status = 'streaming' FROM pg_stat_wal_receiver), false)",
            20,
            "stream from its primary",
        )

    async def promote(self) -> None:
        """Promote the recovery Region's standby; raises PostgresFailed when it is none or not running."""
        async with self._promoting:
            observed = await self.recovery.observe()
            if not observed.running:
                raise PostgresFailed(f"{self.recovery.name} is not running: nothing was promoted; start it first")
            if observed.role != "standby":
                raise PostgresFailed(f"{self.recovery.name} is already a primary: nothing was promoted")
            await self.recovery.promote()

    async def base_backup(self, name: str) -> Path:
        """Take a base backup of the primary, as the content of a recovery point."""
        target = self._folder / "primary" / f"backup-{name}"
        await self.primary.base_backup(self.primary.port, target)
        return target

    async def stop(self) -> None:
        """Stop both servers and the relay."""
        await self.relay.cut()
        # Nothing in here is needed again: no time for a shutdown checkpoint.
        await asyncio.gather(*(server.stop(immediate=True) for server in self.servers.values()))
