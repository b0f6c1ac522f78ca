"""One PostgreSQL connection that gives up quickly and comes back by itself."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

#: From the call to the answer, connecting included: below the 2 s after which a health checker gives up.
QUERY_TIMEOUT_SECONDS = 1.5


class DatabaseUnreachable(Exception):
    """No answer from the database in time; whether a write was applied is unknown."""


class Database:
    """Queries one server, one after the other, over a connection that is opened when needed."""

    def __init__(self, port: int, password: str, timeout_seconds: float = QUERY_TIMEOUT_SECONDS) -> None:
        self._conninfo = make_conninfo(
            host="127.0.0.1",
            port=port,
            user="postgres",
            password=password,
            dbname="postgres",
            connect_timeout=2,
            options=f"-c statement_timeout={int(timeout_seconds * 1000)}",
        )
        self._timeout_seconds = timeout_seconds
        self._connection: psycopg.AsyncConnection | None = None
        self._turn = asyncio.Lock()

    async def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple]:
        """Run one statement in autocommit and return its rows.

        The statement must be safe to repeat: over a connection that turns out dead it is sent again, once.
        Raises DatabaseUnreachable when there is no answer in time, psycopg.Error when the database refuses the
        statement itself (a standby refusing a write, for example).
        """
        try:
            async with asyncio.timeout(self._timeout_seconds), self._turn:
                return await self._run_on_a_live_connection(statement, parameters)
        except (TimeoutError, OSError, psycopg.OperationalError) as error:
            await self.close()
            raise DatabaseUnreachable(str(error).strip() or type(error).__name__) from error

    async def _run_on_a_live_connection(self, statement: str, parameters: Sequence[Any]) -> list[tuple]:
        reused = self._connection is not None
        try:
            return await self._run(statement, parameters)
        except psycopg.OperationalError:
            if not reused or self._connection is None or not self._connection.closed:
                raise
            # Kept from before the server was restarted. Whether the statement was applied is unknown, so it must be
            # safe to repeat: the workload's only write is, by its number.
            await self.close()
            return await self._run(statement, parameters)

    async def _run(self, statement: str, parameters: Sequence[Any]) -> list[tuple]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
        async with self._connection.cursor() as cursor:
            await cursor.execute(statement, parameters)
            return await cursor.fetchall() if cursor.description else []

    async def close(self) -> None:
        """Drop the connection; the next query opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()
