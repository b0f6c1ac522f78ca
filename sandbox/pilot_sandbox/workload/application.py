"""The workload's application: one process per Auto Scaling instance, a small order book over PostgreSQL.

`python -m pilot_sandbox.workload.application --region R --instance I --port P --database-port D`, with the database's
password in the environment variable ORDERS_DATABASE_PASSWORD.
"""

import argparse
import json
import os

import psycopg
from aiohttp import web

from ..database import Database, DatabaseUnreachable

PASSWORD_VARIABLE = "ORDERS_DATABASE_PASSWORD"
# One page of GET /orders: a year of the sandbox's client is far beyond it only in theory, so callers page by `after`.
ORDERS_PER_PAGE_MAX = 50_000

_INSERT = """
INSERT INTO orders (number, region) VALUES (%s, %s)
ON CONFLICT (number) DO UPDATE SET number = excluded.number
RETURNING id, region
"""


class Application:
    """Handlers of one instance."""

    def __init__(self, region: str, instance_id: str, database: Database) -> None:
        self._region = region
        self._instance_id = instance_id
        self._database = database

    def routes(self) -> web.Application:
        """The HTTP application, every answer marked with Region and instance."""
        application = web.Application(middlewares=[self._mark])
        application.router.add_get("/health", self.health)
        application.router.add_get("/live", self.live)
        application.router.add_post("/orders", self.create_order)
        application.router.add_get("/orders", self.list_orders)
        application.on_cleanup.append(lambda _: self._database.close())
        return application

    @web.middleware
    async def _mark(self, request: web.Request, handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            response = web.json_response({"error": error.reason}, status=error.status)
        response.headers["X-Region"] = self._region
        response.headers["X-Instance"] = self._instance_id
        return response

    async def health(self, _: web.Request) -> web.Response:
        """Deep health: 200 only if the database answers."""
        try:
            [(in_recovery, read_only)] = await self._database.query(
                "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'"
            )
        except (DatabaseUnreachable, psycopg.Error) as error:
            return self._answer(503, {"status": "failing", "error": f"the database does not answer: {error}"})
        return self._answer(
            200,
            {
                "status": "ok",
                "role": "standby" if in_recovery else "primary",
                "writable": not (in_recovery or read_only),
            },
        )

    async def live(self, _: web.Request) -> web.Response:
        """Shallow health: this process runs."""
        return self._answer(200, {"status": "ok"})

    async def create_order(self, request: web.Request) -> web.Response:
        """Store an order under its caller's number; storing the same number again answers the same."""
        try:
            number = (await request.json())["number"]
        except (ValueError, KeyError, TypeError):
            number = None
        if not isinstance(number, int) or isinstance(number, bool):
            return self._answer(400, {"error": 'the body must be JSON such as {"number": 7}'})
        try:
            [(order_id, region)] = await self._database.query(_INSERT, (number, self._region))
        except psycopg.errors.ReadOnlySqlTransaction:
            return self._answer(503, {"error": "the database is a standby and takes no orders"})
        except (DatabaseUnreachable, psycopg.Error) as error:
            return self._answer(503, {"error": f"the order may or may not have been stored: {error}"})
        return self._answer(201, {"number": number, "id": order_id, "region": region})

    async def list_orders(self, request: web.Request) -> web.Response:
        """Numbers of the orders above `after`, ascending."""
        try:
            after = int(request.query.get("after", "0"))
        except ValueError:
            return self._answer(400, {"error": "`after` must be a whole number"})
        try:
            rows = await self._database.query(
                "SELECT number FROM orders WHERE number > %s ORDER BY number LIMIT %s", (after, ORDERS_PER_PAGE_MAX)
            )
        except (DatabaseUnreachable, psycopg.Error) as error:
            return self._answer(503, {"error": f"the orders cannot be read: {error}"})
        return self._answer(200, {"numbers": [number for (number,) in rows]})

    def _answer(self, status: int, body: dict) -> web.Response:
        # Compact, as most servers write JSON: a plan's `expectBody` looks for a text, not for a value.
        answer = json.dumps({**body, "region": body.get("region", self._region)}, separators=(",", ":"))
        return web.json_response(text=answer, status=status)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--region", required=True)
    parser.add_argument("--instance", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database-port", type=int, required=True)
    arguments = parser.parse_args()
    database = Database(arguments.database_port, os.environ[PASSWORD_VARIABLE])
    application = Application(arguments.region, arguments.instance, database)
    web.run_app(
        application.routes(), host="127.0.0.1", port=arguments.port, print=None, access_log=None, shutdown_timeout=1.0
    )


if __name__ == "__main__":
    main()
