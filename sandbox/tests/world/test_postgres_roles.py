"""Real PostgreSQL servers whose roles move: there and back, renamed, replaced, and refused halfway."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from pilot_sandbox.database import DatabaseUnreachable
from pilot_sandbox.naming import PRIMARY_REGION, RECOVERY_REGION
from pilot_sandbox.postgres import PostgresFailed, PostgresServer
from pilot_sandbox.postgres_pair import PostgresPair

_INSERT = "INSERT INTO orders (number, region) VALUES (%s, 'test')"
_NUMBERS = "SELECT number FROM orders ORDER BY number"


async def _arrives(server: PostgresServer, numbers: list[int]) -> None:
    async with asyncio.timeout(60):
        while [number for (number,) in await server.database.query(_NUMBERS)] != numbers:
            await asyncio.sleep(0.05)


async def test_roles_go_over_and_come_back_without_losing_a_row(pair: PostgresPair) -> None:
    await pair.primary.database.query(_INSERT, (1,))
    # A shutdown in good order ends only when the standby has everything.
    await pair.stop(PRIMARY_REGION)
    await pair.promote(RECOVERY_REGION)
    await pair.recovery.database.query(_INSERT, (2,))

    await pair.follow(PRIMARY_REGION)

    await _arrives(pair.primary, [1, 2])
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await pair.primary.database.query(_INSERT, (3,))
    await pair.recovery.database.query(_INSERT, (3,))
    await pair.stop(RECOVERY_REGION)
    await pair.promote(PRIMARY_REGION)
    await pair.follow(RECOVERY_REGION)
    await pair.primary.database.query(_INSERT, (4,))
    await _arrives(pair.recovery, [1, 2, 3, 4])
    # Ready for the next time.
    await pair.promote(RECOVERY_REGION)


async def test_taking_over_loses_nothing_that_a_busy_writer_was_told_is_written(pair: PostgresPair) -> None:
    written: list[int] = []

    async def write_until_refused() -> None:
        number = 0
        while True:
            number += 1
            await pair.primary.database.query(_INSERT, (number,))
            written.append(number)

    pair.line.delay_seconds = 0.5
    writer = asyncio.create_task(write_until_refused())
    async with asyncio.timeout(60):
        while len(written) < 20:
            await asyncio.sleep(0.01)
    await pair.take_over(RECOVERY_REGION)
    with pytest.raises(DatabaseUnreachable):
        await writer
    assert not pair.primary.running
    has = {number for (number,) in await pair.recovery.database.query(_NUMBERS)}
    # One more may have been written without its writer hearing of it.
    assert set(written) <= has and len(has) <= len(written) + 1


async def test_a_server_that_moves_keeps_every_row_and_its_standby(pair: PostgresPair) -> None:
    await pair.primary.database.query(_INSERT, (1,))
    before = pair.primary.port
    # Its machine dies; the volume does not.
    await pair.stop(PRIMARY_REGION, immediate=True)
    await pair.move(PRIMARY_REGION, pair.identifiers[PRIMARY_REGION], "zone-b")
    assert (pair.primary.zone, pair.primary.port == before) == ("zone-b", False)
    assert await pair.primary.database.query(_NUMBERS) == [(1,)]
    await pair.primary.database.query(_INSERT, (2,))
    await _arrives(pair.recovery, [1, 2])


async def test_a_standby_that_does_not_get_everything_takes_nothing_over(pair: PostgresPair) -> None:
    await pair.line.cut()
    async with asyncio.timeout(60):
        while (await pair.recovery.observe()).replication == "replicating":
            await asyncio.sleep(0.05)
    with pytest.raises(PostgresFailed, match="nothing was changed"):
        await pair.take_over(RECOVERY_REGION)
    await pair.primary.database.query(_INSERT, (1,))

    await pair.line.mend()
    await _arrives(pair.recovery, [1])
    # The line breaks while the source shuts down: what is under way never arrives.
    pair.line.delay_seconds = 300.0
    await pair.primary.database.query(_INSERT, (2,))
    taking_over = asyncio.create_task(pair.take_over(RECOVERY_REGION))
    async with asyncio.timeout(60):
        while await pair.primary.position() is not None:
            await asyncio.sleep(0.01)
    await pair.line.cut()
    with pytest.raises(PostgresFailed, match="goes on as before"):
        await taking_over
    assert (await pair.recovery.observe()).role == "standby"
    assert await pair.primary.database.query(_NUMBERS) == [(1,), (2,)]


async def test_what_only_the_old_primary_had_is_thrown_away_when_it_follows(pair: PostgresPair) -> None:
    pair.line.delay_seconds = 300.0
    await pair.primary.database.query(_INSERT, (1,))
    await pair.stop(PRIMARY_REGION, immediate=True)
    pair.line.delay_seconds = 0.0
    await pair.promote(RECOVERY_REGION)
    await pair.recovery.database.query(_INSERT, (2,))
    await pair.follow(PRIMARY_REGION)
    await _arrives(pair.primary, [2])


async def test_the_line_delays_and_cuts_the_way_back_too(pair: PostgresPair) -> None:
    await pair.promote(RECOVERY_REGION)
    await pair.follow(PRIMARY_REGION)
    await pair.line.cut()
    await pair.recovery.database.query(_INSERT, (1,))
    async with asyncio.timeout(60):
        while (seen := await pair.primary.observe()).replication != "error":
            await asyncio.sleep(0.05)
    assert (seen.role, seen.lag_seconds) == ("standby", None)
    await pair.line.mend()
    await _arrives(pair.primary, [1])
    pair.line.delay_seconds = 300.0
    await pair.recovery.database.query(_INSERT, (2,))
    await pair.stop(RECOVERY_REGION, immediate=True)
    await pair.promote(PRIMARY_REGION)
    assert await pair.primary.database.query(_NUMBERS) == [(1,)]


async def test_following_that_cannot_be_leaves_the_server_as_it_was(pair: PostgresPair) -> None:
    await pair.primary.database.query(_INSERT, (1,))
    with pytest.raises(PostgresFailed, match="follows pl-test-primary itself"):
        await pair.follow(PRIMARY_REGION)
    await pair.promote(RECOVERY_REGION)
    await pair.line.cut()
    with pytest.raises(PostgresFailed, match="nothing passes between the Regions"):
        await pair.follow(PRIMARY_REGION)
    await pair.line.mend()
    await pair.stop(RECOVERY_REGION, immediate=True)
    with pytest.raises(PostgresFailed, match="pl-test-recovery is not running"):
        await pair.follow(PRIMARY_REGION)
    await pair.primary.database.query(_INSERT, (2,))
    assert await pair.primary.database.query(_NUMBERS) == [(1,), (2,)]


async def test_old_primary_is_renamed_and_a_new_replica_takes_its_identifier(pair: PostgresPair) -> None:
    home = pair.identifiers[PRIMARY_REGION]
    await pair.primary.database.query(_INSERT, (1,))
    await pair.promote(RECOVERY_REGION)
    old = pair.primary
    await pair.rename(PRIMARY_REGION, home, f"{home}-old")
    assert pair.find(PRIMARY_REGION, f"{home}-old") is old and PRIMARY_REGION not in pair.servers
    with pytest.raises(PostgresFailed, match=f"no server is called {home}"):
        await pair.promote(PRIMARY_REGION)

    await pair.add_replica(PRIMARY_REGION, home, RECOVERY_REGION, pair.identifiers[RECOVERY_REGION])
    await pair.recovery.database.query(_INSERT, (2,))
    await _arrives(pair.primary, [1, 2])
    # The old one goes on with what it had, a primary that nobody writes to.
    assert await old.database.query(_NUMBERS) == [(1,)]
    with pytest.raises(PostgresFailed, match=f"called {home} in {PRIMARY_REGION} already"):
        await pair.rename(PRIMARY_REGION, f"{home}-old", home)

    await pair.promote(PRIMARY_REGION)
    await pair.primary.database.query(_INSERT, (3,))
    await pair.remove(PRIMARY_REGION, f"{home}-old")
    assert not old.running and not old.data.exists()
    with pytest.raises(DatabaseUnreachable):
        await old.database.query(_NUMBERS)


async def test_removed_source_leaves_a_standby_without_replication(pair: PostgresPair) -> None:
    await pair.remove(PRIMARY_REGION, pair.identifiers[PRIMARY_REGION])
    async with asyncio.timeout(60):
        while (seen := await pair.recovery.observe()).replication != "error":
            await asyncio.sleep(0.05)
    assert seen.role == "standby"
    await pair.promote(RECOVERY_REGION)
    await pair.recovery.database.query(_INSERT, (1,))


async def test_idle_standby_that_has_everything_has_no_lag(pair: PostgresPair) -> None:
    await pair.primary.database.query(_INSERT, (1,))
    await _arrives(pair.recovery, [1])
    aged = "SELECT now() - pg_last_xact_replay_timestamp() > interval '0.5 s'"
    async with asyncio.timeout(60):
        while await pair.recovery.database.query(aged) != [(True,)]:
            await asyncio.sleep(0.05)
    assert (await pair.recovery.observe()).lag_seconds == 0.0


async def test_lag_counts_from_when_the_standby_last_had_everything(pair: PostgresPair) -> None:
    async with asyncio.timeout(60):
        while (await pair.recovery.observe()).lag_seconds != 0.0:
            await asyncio.sleep(0.05)
    pair.line.delay_seconds = 300.0
    await pair.primary.database.query(_INSERT, (1,))
    async with asyncio.timeout(60):
        while not (seen := await pair.recovery.observe()).lag_seconds:
            await asyncio.sleep(0.05)
        grown = seen.lag_seconds + 1.0
        while (seen := await pair.recovery.observe()).lag_seconds is not None and seen.lag_seconds < grown:
            await asyncio.sleep(0.05)
    assert seen.replication == "replicating"
    pair.line.delay_seconds = 0.0
    await _arrives(pair.recovery, [1])
    assert (await pair.recovery.observe()).lag_seconds == 0.0


async def test_what_a_dead_primary_had_is_kept_before_it_follows(pair: PostgresPair) -> None:
    identifier = pair.identifiers[PRIMARY_REGION]
    await pair.primary.database.query(_INSERT, (1,))
    await _arrives(pair.recovery, [1])
    await pair.line.cut()
    await pair.primary.database.query(_INSERT, (2,))
    await pair.primary.stop(immediate=True)
    await pair.promote(RECOVERY_REGION)
    await pair.line.mend()

    dead = await pair.keep(PRIMARY_REGION, identifier, "dead")
    await pair.start(PRIMARY_REGION)
    mended = await pair.keep(PRIMARY_REGION, identifier, "mended")
    await pair.follow(PRIMARY_REGION)

    await _arrives(pair.primary, [1])
    with pytest.raises(PostgresFailed, match="already"):
        await pair.keep(PRIMARY_REGION, identifier, "dead")
    for kept in (dead, mended):
        restored = pair._new_server(f"restored-{kept.name}")
        kept.rename(restored.data)
        await restored.start()
        await _arrives(restored, [1, 2])
        await restored.stop()
