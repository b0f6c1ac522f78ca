"""Backups of real PostgreSQL servers, and real servers made from them: what was written before is there, no more."""

from __future__ import annotations

import time

import pytest
from pilot_sandbox.naming import PRIMARY_REGION, RECOVERY_REGION
from pilot_sandbox.postgres import PostgresFailed
from pilot_sandbox.postgres_pair import PostgresPair

_INSERT = "INSERT INTO orders (number, region) VALUES (%s, 'test')"
_NUMBERS = "SELECT number FROM orders ORDER BY number"


async def _numbers(pair: PostgresPair, region: str, identifier: str) -> list[int]:
    return [number for (number,) in await pair.server(region, identifier).database.query(_NUMBERS)]


async def test_a_restored_server_has_what_the_recovery_point_has(pair: PostgresPair) -> None:
    backups, primary = pair.backups, pair.identifiers[PRIMARY_REGION]
    await pair.primary.database.query(_INSERT, (1,))
    await backups.take(PRIMARY_REGION, primary, "point")
    await pair.primary.database.query(_INSERT, (2,))
    with pytest.raises(PostgresFailed, match="already"):
        await backups.take(PRIMARY_REGION, primary, "point")
    await backups.restore("point", RECOVERY_REGION, "restored")
    # It has no instance yet that would start it.
    assert not pair.server(RECOVERY_REGION, "restored").running
    with pytest.raises(PostgresFailed, match="already"):
        await backups.restore("point", RECOVERY_REGION, "restored")
    await pair.start(RECOVERY_REGION, "restored")
    assert await _numbers(pair, RECOVERY_REGION, "restored") == [1]
    await pair.server(RECOVERY_REGION, "restored").database.query(_INSERT, (3,))
    assert await _numbers(pair, PRIMARY_REGION, primary) == [1, 2]


async def test_a_standby_and_a_dead_server_can_be_backed_up(pair: PostgresPair) -> None:
    await pair.primary.database.query(_INSERT, (1,))
    await pair.backups.take(RECOVERY_REGION, pair.identifiers[RECOVERY_REGION], "of-a-standby")
    await pair.stop(PRIMARY_REGION, immediate=True)
    await pair.backups.take(PRIMARY_REGION, pair.identifiers[PRIMARY_REGION], "of-a-dead-one")
    for name in ("of-a-standby", "of-a-dead-one"):
        await pair.backups.restore(name, RECOVERY_REGION, name)
        await pair.start(RECOVERY_REGION, name)
        assert await _numbers(pair, RECOVERY_REGION, name) == [1]
        assert (await pair.server(RECOVERY_REGION, name).observe()).role == "primary"


async def test_a_point_in_time_divides_what_was_written(pair: PostgresPair) -> None:
    backups, primary = pair.backups, pair.identifiers[PRIMARY_REGION]
    assert backups.restorable(pair.primary) is None
    with pytest.raises(PostgresFailed, match="no continuous backup"):
        await backups.restore_to_time(PRIMARY_REGION, primary, PRIMARY_REGION, "early", time.time())
    await backups.keep_continuously(PRIMARY_REGION, primary)
    for number in range(1, 400):
        await pair.primary.database.query(_INSERT, (number,))
    divide = time.time()
    # Several segments of the log later.
    await pair.primary.database.query(
        "INSERT INTO orders (number, region) SELECT generate_series(400, 20000), repeat('x', 300)"
    )
    earliest, latest = backups.restorable(pair.primary) or (0.0, 0.0)
    assert earliest < divide < latest

    await backups.restore_to_time(PRIMARY_REGION, primary, PRIMARY_REGION, "early", divide)
    assert not pair.server(PRIMARY_REGION, "early").running
    await pair.start(PRIMARY_REGION, "early")
    assert await _numbers(pair, PRIMARY_REGION, "early") == list(range(1, 400))
    await pair.server(PRIMARY_REGION, "early").database.query(_INSERT, (400,))


async def test_everything_up_to_the_death_of_a_server_can_be_restored(pair: PostgresPair) -> None:
    backups, primary = pair.backups, pair.identifiers[PRIMARY_REGION]
    await backups.keep_continuously(PRIMARY_REGION, primary)
    await pair.primary.database.query(_INSERT, (1,))
    await pair.stop(PRIMARY_REGION, immediate=True)
    _, latest = backups.restorable(pair.primary) or (0.0, 0.0)
    assert latest == pair.primary.stopped_at
    # Nothing was committed after it, so there is no later commit at which the replay could stop.
    await backups.restore_to_time(PRIMARY_REGION, primary, PRIMARY_REGION, "latest", latest)
    await pair.start(PRIMARY_REGION, "latest")
    assert await _numbers(pair, PRIMARY_REGION, "latest") == [1]
    # A restored server can be backed up and restored like any other.
    await backups.keep_continuously(PRIMARY_REGION, "latest")
    await pair.server(PRIMARY_REGION, "latest").database.query(_INSERT, (2,))
    _, latest = backups.restorable(pair.server(PRIMARY_REGION, "latest")) or (0.0, 0.0)
    await backups.restore_to_time(PRIMARY_REGION, "latest", PRIMARY_REGION, "again", latest)
    await pair.start(PRIMARY_REGION, "again")
    assert await _numbers(pair, PRIMARY_REGION, "again") == [1, 2]
