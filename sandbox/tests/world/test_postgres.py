"""Real PostgreSQL pairs: replication, promotion, and what is lost when the primary dies."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from pilot_sandbox.database import Database, DatabaseUnreachable
from pilot_sandbox.postgres import PostgresFailed
from pilot_sandbox.postgres_pair import PostgresPair

_INSERT = "INSERT INTO orders (number, region) VALUES (%s, 'test')"
_NUMBERS = "SELECT number FROM orders ORDER BY number"


async def _eventually(pair: PostgresPair, rows: list[tuple]) -> None:
    async with asyncio.timeout(60):
        while True:
            if await pair.recovery.database.query(_NUMBERS) == rows:
                return
            await asyncio.sleep(0.05)


async def test_standby_replicates_and_refuses_writes(pair: PostgresPair) -> None:
    await pair.primary.database.query(_INSERT, (1,))
    await _eventually(pair, [(1,)])
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await pair.recovery.database.query(_INSERT, (2,))
    seen = (await pair.recovery.observe()).as_hook()
    assert (seen["running"], seen["role"], seen["replication"]) == (True, "standby", "replicating")
    assert 0 <= seen["lagSeconds"] < 10


async def test_promotion_after_the_primary_died_keeps_what_had_arrived(pair: PostgresPair) -> None:
    await pair.primary.database.query(_INSERT, (1,))
    await _eventually(pair, [(1,)])
    pair.line.delay_seconds = 300.0
    await pair.primary.database.query(_INSERT, (2,))
    await pair.primary.stop(immediate=True)
    async with asyncio.timeout(60):
        while (broken := await pair.recovery.observe()).replication == "replicating":
            await pair.recovery.database.query("SELECT pg_sleep(0.05)")
    assert (broken.role, broken.replication, broken.lag_seconds) == ("standby", "error", None)
    assert not (await pair.primary.observe()).running

    await pair.promote(pair.regions.recovery)

    assert (await pair.recovery.observe()).role == "primary"
    await pair.recovery.database.query(_INSERT, (3,))
    # Order 2 was confirmed by the primary and on its way when it died: that is the data loss.
    assert await pair.recovery.database.query(_NUMBERS) == [(1,), (3,)]


async def test_lag_is_how_far_the_standby_is_behind(pair: PostgresPair) -> None:
    pair.line.delay_seconds = 2.0
    for number in range(1, 41):
        await pair.primary.database.query(_INSERT, (number,))
        await asyncio.sleep(0.1)
    lag_seconds = (await pair.recovery.observe()).lag_seconds
    assert lag_seconds is not None
    assert 1.5 < lag_seconds < 3.5


async def test_second_promotion_is_refused(pair: PostgresPair) -> None:
    await pair.promote(pair.regions.recovery)
    with pytest.raises(PostgresFailed, match="already a primary"):
        await pair.promote(pair.regions.recovery)


async def test_stopped_standby_cannot_be_promoted(pair: PostgresPair) -> None:
    await pair.recovery.stop(immediate=True)
    with pytest.raises(PostgresFailed, match="not running: nothing was promoted"):
        await pair.promote(pair.regions.recovery)


async def test_confirmed_rows_survive_an_immediate_stop_and_replication_resumes(pair: PostgresPair) -> None:
    await pair.primary.database.query(_INSERT, (1,))
    await pair.primary.stop(immediate=True)
    await pair.primary.start()
    assert await pair.primary.database.query(_NUMBERS) == [(1,)]
    await pair.primary.database.query(_INSERT, (2,))
    await _eventually(pair, [(1,), (2,)])


async def test_every_kept_connection_works_at_once_after_a_restart(pair: PostgresPair) -> None:
    kept = [Database(pair.primary.port, pair.password) for _ in range(3)]
    for database in kept:
        await database.query("SELECT 1")
    await pair.primary.stop(immediate=True)
    with pytest.raises(DatabaseUnreachable):
        await kept[0].query("SELECT 1")
    await pair.primary.start()
    for database in kept:
        assert await database.query("SELECT 1") == [(1,)]
        await database.close()


async def test_wrong_password_is_refused(pair: PostgresPair) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        await psycopg.AsyncConnection.connect(
            host="127.0.0.1", port=pair.primary.port, user="postgres", password="guess", dbname="postgres"
        )
