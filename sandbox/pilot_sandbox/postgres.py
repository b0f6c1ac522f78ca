"""One real PostgreSQL server: it can be filled from another and follow it, be promoted, stopped and started."""

import asyncio
import contextlib
import shlex
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from .children import Child, start_child
from .database import Database, DatabaseUnreachable
from .free_ports import free_port
from .postgres_binaries import PostgresBinaries

_START_TIMEOUT_SECONDS = 30.0
_PROMOTE_TIMEOUT_SECONDS = 30.0
_TOOL_TIMEOUT_SECONDS = 120.0
_STREAM_TIMEOUT_SECONDS = 20.0
# For what a standby has already received; a shutdown in good order waits until it has received everything.
_REPLAY_TIMEOUT_SECONDS = 10.0
# Of all that another server wrote since a base backup.
_REPLAY_LOG_TIMEOUT_SECONDS = 60.0
# A shutdown in good order waits until the standbys have everything, over however long a line.
_SHUTDOWN_PATIENCE_SECONDS = 30.0

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

_POSITION = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text"

_OBSERVE = """
SELECT pg_is_in_recovery(),
       (SELECT status FROM pg_stat_wal_receiver),
       pg_last_wal_replay_lsn() >= %s::pg_lsn,
       extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8
"""

_STREAMS = "SELECT coalesce((SELECT status = 'streaming' FROM pg_stat_wal_receiver), false)"


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
    #: How old is what a standby has, whether anything arrives or not; None of a primary, and while nobody knows.
    behind_seconds: float | None = None

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
    """One server: a data folder, a port that changes only when it moves, and at times a process."""

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
        #: The server that this one follows, while it is a standby.
        self.source: PostgresServer | None = None
        #: The Availability Zone whose machine it runs on; None while nobody has said.
        self.zone: str | None = None
        #: Seconds since the epoch at which it was stopped; None until then, and while it runs.
        self.stopped_at: float | None = None
        #: Of the monotonic clock: when this standby last was known to have everything that its source had.
        self._caught_up_at: float | None = None
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

    async def copy_from(self, source: "PostgresServer", port: int) -> None:
        """Replace the data by a base backup of `source`, and follow it over `port` from the next start on.

        The server ends up stopped. When the backup fails, everything is as it was.
        """
        fresh = self._folder / "data-fresh"
        await asyncio.to_thread(shutil.rmtree, fresh, ignore_errors=True)
        # Straight from the source: RDS seeds by a snapshot, which does not come over the line that replicates.
        await self.base_backup(source.port, fresh)
        await self.stop(immediate=True)
        await asyncio.to_thread(shutil.rmtree, self.data, ignore_errors=True)
        fresh.rename(self.data)
        standby_signal = self.data / "standby.signal"
        standby_signal.touch(0o600)
        self._binaries.own(standby_signal)
        self.source, self._caught_up_at = source, None
        self._upstream = (
            f"host=127.0.0.1 port={port} user=postgres passfile={self._pgpass} "
            f"application_name={self.name} connect_timeout=2"
        )

    async def keep(self, target: Path) -> None:
        """Copy the data of a primary, up or down, into the new folder `target`, from which a server can be started.

        Raises PostgresFailed for a running standby: without full-page writes no backup can be taken from one.
        """
        if self.running:
            await self.base_backup(self.port, target)
        else:
            # The files of a server that died are a whole volume too: it recovers from them when it starts.
            await asyncio.to_thread(self._copy_data, self.data, target)

    async def fill(self, folder: Path) -> None:
        """Replace the data by a copy of a kept folder; the server ends up stopped, and a primary once it starts."""
        await self.stop(immediate=True)
        await asyncio.to_thread(shutil.rmtree, self.data, ignore_errors=True)
        await asyncio.to_thread(self._copy_data, folder, self.data)
        self.source = self._upstream = None

    async def replay(self, log_folder: Path, until_seconds: float | None) -> None:
        """Replay another server's write-ahead log over the base backup that this one was filled with, then stop.

        Up to the last commit at `until_seconds` since the epoch or before, or all of it. Raises PostgresFailed, also
        when no commit is later than that time.
        """
        signal_file = self.data / "recovery.signal"
        signal_file.touch(0o600)
        self._binaries.own(signal_file)
        settings = {
            "restore_command": f"cp {shlex.quote(str(log_folder))}/%f %p 2>/dev/null",
            "recovery_target_action": "promote",
        }
        if until_seconds is not None:
            settings["recovery_target_time"] = datetime.fromtimestamp(until_seconds, UTC).isoformat()
        await self.start(settings)
        await self._wait_until("SELECT NOT pg_is_in_recovery()", _REPLAY_LOG_TIMEOUT_SECONDS, "end its recovery")
        await self.stop()

    def _copy_data(self, source: Path, target: Path) -> None:
        shutil.copytree(source, target)
        for path in (target, *target.rglob("*")):
            self._binaries.own(path)

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

    async def start(self, more_settings: Mapping[str, str] | None = None) -> None:
        """Start the server and wait until it answers queries."""
        if self.running:
            return
        own = {"port": str(self.port), "unix_socket_directories": str(self._folder)}
        settings = {**_SETTINGS, **own, **(more_settings or {})}
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
        self.stopped_at = None

    async def stop(self, *, immediate: bool = False) -> None:
        """Stop the server: in good order, or at once as if its machine had died."""
        if self.running:
            self.stopped_at = time.time()
        if self._child is not None and immediate:
            await self._child.stop(signal.SIGQUIT)
        elif self._child is not None:
            await self._child.stop(signal.SIGINT, _SHUTDOWN_PATIENCE_SECONDS)
        await self.database.close()

    async def move(self, zone: str | None) -> None:
        """Start on a machine of another Availability Zone, over the same data folder and behind another port.

        What an Aurora failover does: the volume stays, and the server of another instance opens it.
        """
        await self.stop()
        self.zone, self.port = zone, free_port()
        self.database = Database(self.port, self._password)
        await self.start()

    async def shutdown_position(self) -> str:
        """Where the write-ahead log of a server that was stopped in good order ends: its last checkpoint record."""
        process = await asyncio.create_subprocess_exec(
            self._binaries.program("pg_controldata"),
            str(self.data),
            stdout=asyncio.subprocess.PIPE,
            env={"LC_ALL": "C"},
            user=self._binaries.user_id,
            group=self._binaries.group_id,
        )
        output, _ = await asyncio.wait_for(process.communicate(), _TOOL_TIMEOUT_SECONDS)
        pairs = (line.split(":", 1) for line in output.decode().splitlines() if ":" in line)
        told = {key.strip(): value.strip() for key, value in pairs}
        if self.running or told.get("Database cluster state") != "shut down":
            state = told.get("Database cluster state", "unknown")
            raise PostgresFailed(f"{self.name} was not stopped in good order (its state is {state!r})")
        return told["Latest checkpoint location"]

    async def wait_until_replayed(self, position: str) -> None:
        """Wait until this standby has replayed the record at `position`; raises PostgresFailed."""
        statement = f"SELECT coalesce(pg_last_wal_replay_lsn() > '{position}'::pg_lsn, false)"
        await self._wait_until(statement, _REPLAY_TIMEOUT_SECONDS, f"replay all of its source's log, up to {position},")

    async def wait_until_streaming(self) -> None:
        """Wait until this standby streams from its source; raises PostgresFailed."""
        await self._wait_until(_STREAMS, _STREAM_TIMEOUT_SECONDS, "stream from its source")

    async def remove(self) -> None:
        """Stop the server and delete its folder; it cannot be used again."""
        await self.stop(immediate=True)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def promote(self) -> None:
        """Make a standby accept writes; returns when one has been accepted."""
        await self.database.query("SELECT pg_promote(false)")
        await self._wait_until(
            "SELECT NOT pg_is_in_recovery()", _PROMOTE_TIMEOUT_SECONDS, "leave recovery after its promotion"
        )
        self._upstream = self.source = None
        # A standby that has left recovery can still refuse: only a write proves it.
        await self.database.query("CREATE TABLE IF NOT EXISTS promotions (at timestamptz NOT NULL)")
        await self.database.query("INSERT INTO promotions VALUES (now())")

    async def observe(self) -> Observation:
        """Ask the server for its role and replication; never raises."""
        role = "standby" if (self.data / "standby.signal").exists() else "primary"
        if not self.running:
            return Observation(False, role, "stopped" if role == "standby" else None, None, self.port)
        asked_at = time.monotonic()
        # First the source, then the standby: what the source had then, the standby must have now.
        position = await self.source.position() if self.source is not None else None
        try:
            [(in_recovery, receiver, caught_up, replay_age_seconds)] = await self.database.query(_OBSERVE, (position,))
        except (DatabaseUnreachable, psycopg.Error):
            return Observation(False, role, "error" if role == "standby" else None, None, self.port)
        if not in_recovery:
            return Observation(True, "primary", None, None, self.port)
        if receiver != "streaming":
            # Whoever receives nothing cannot know that there is nothing to receive.
            behind_seconds = self._lag_seconds(asked_at, None, replay_age_seconds)
            return Observation(True, "standby", "error", None, self.port, behind_seconds)
        lag_seconds = self._lag_seconds(asked_at, caught_up, replay_age_seconds)
        return Observation(True, "standby", "replicating", lag_seconds, self.port, lag_seconds)

    async def position(self) -> str | None:
        """How far this server is in its write-ahead log; None while it does not answer."""
        if not self.running:
            return None
        try:
            [(position,)] = await self.database.query(_POSITION)
        except (DatabaseUnreachable, psycopg.Error):
            return None
        return position

    def _lag_seconds(self, asked_at: float, caught_up: bool | None, replay_age_seconds: float | None) -> float | None:
        # Like MySQL's Seconds_Behind_Master, 0 when there is nothing that the standby does not have, however long ago
        # the last write was. The age of the last replayed transaction alone would grow on an idle source.
        if caught_up:
            self._caught_up_at = asked_at
            return 0.0
        ages = [replay_age_seconds, None if self._caught_up_at is None else asked_at - self._caught_up_at]
        return min((age for age in ages if age is not None), default=None)

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
