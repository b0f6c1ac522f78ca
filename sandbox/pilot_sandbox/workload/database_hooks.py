"""The control server's hooks for databases: what the emulated RDS asks the real servers to do."""

import json
import re
from collections.abc import Callable, Iterable

from aiohttp import web

from ..postgres import PostgresServer
from .databases import Databases
from .running import RunningWorkload

_SNAPSHOT_NAME = re.compile(r"[a-z][a-z0-9-]{0,254}")


class DatabaseHooks:
    """Answers `/hooks/rds/...`; a server is addressed by Region and identifier."""

    def __init__(self, workloads: Callable[[], Iterable[RunningWorkload]]) -> None:
        self._workloads = workloads

    def routes(self) -> list[web.RouteDef]:
        """What the control server serves."""
        at = "/hooks/rds/{region}/{identifier}"
        return [
            web.get(at, self._observe),
            web.post(f"{at}/promote", self._promote),
            web.post(f"{at}/take-over", self._take_over),
            web.post(f"{at}/follow", self._follow),
            web.post(f"{at}/stop", self._stop),
            web.post(f"{at}/start", self._start),
            web.post(f"{at}/place", self._place),
            web.post(f"{at}/move", self._move),
            web.post(f"{at}/snapshot", self._keep),
            web.post(f"{at}/rename", self._rename),
            web.post(f"{at}/replica", self._add_replica),
            web.post(f"{at}/delete", self._delete),
            web.post(f"{at}/backup", self._back_up),
            web.post(f"{at}/continuous-backup", self._keep_continuously),
            web.post(f"{at}/restore", self._restore_to_time),
            web.post("/hooks/backups/{name}/restore", self._restore),
            web.post("/hooks/doors/rds/{region}/{identifier}", self._set_door),
        ]

    async def _observe(self, request: web.Request) -> web.Response:
        databases, region, identifier = self._addressed(request)
        return await self._shown(databases, region, identifier, databases.pair.server(region, identifier))

    async def _promote(self, request: web.Request) -> web.Response:
        databases, region, identifier = self._addressed(request)
        return await self._shown(databases, region, identifier, await databases.promote(region, identifier))

    async def _take_over(self, request: web.Request) -> web.Response:
        databases, region, identifier = self._addressed(request)
        return await self._shown(databases, region, identifier, await databases.take_over(region, identifier))

    async def _follow(self, request: web.Request) -> web.Response:
        databases, region, identifier = self._addressed(request)
        return await self._shown(databases, region, identifier, await databases.follow(region, identifier))

    async def _stop(self, request: web.Request) -> web.Response:
        databases, region, identifier = self._addressed(request)
        immediate = (await _body(request)).get("immediate") is True
        server = await databases.stop(region, identifier, immediate=immediate)
        return await self._shown(databases, region, identifier, server)

    async def _start(self, request: web.Request) -> web.Response:
        databases, region, identifier = self._addressed(request)
        return await self._shown(databases, region, identifier, await databases.restart(region, identifier))

    async def _place(self, request: web.Request) -> web.Response:
        databases, region, identifier = self._addressed(request)
        zone = _text(await _body(request), "zone")
        return await self._shown(databases, region, identifier, databases.place(region, identifier, zone))

    async def _move(self, request: web.Request) -> web.Response:
        databases, region, identifier = self._addressed(request)
        zone = _text(await _body(request), "zone")
        return await self._shown(databases, region, identifier, await databases.move(region, identifier, zone))

    async def _keep(self, request: web.Request) -> web.Response:
        databases, region, identifier = self._addressed(request)
        name = _folder_name(await _body(request))
        return await self._shown(databases, region, identifier, await databases.keep(region, identifier, name))

    async def _rename(self, request: web.Request) -> web.Response:
        databases, region, identifier = self._addressed(request)
        new = _text(await _body(request), "newIdentifier")
        return await self._shown(databases, region, new, await databases.rename(region, identifier, new))

    async def _add_replica(self, request: web.Request) -> web.Response:
        # Addressed is the source: a replica belongs to the workload that it is of, whatever it is called.
        databases, source_region, source = self._addressed(request)
        body = await _body(request)
        region, identifier = _text(body, "region"), _text(body, "identifier")
        server = await databases.add_replica(region, identifier, source_region, source)
        return await self._shown(databases, region, identifier, server)

    async def _delete(self, request: web.Request) -> web.Response:
        databases, region, identifier = self._addressed(request)
        await databases.remove(region, identifier)
        return web.json_response({"deleted": identifier})

    async def _back_up(self, request: web.Request) -> web.Response:
        databases, region, identifier = self._addressed(request)
        name = _folder_name(await _body(request))
        return await self._shown(databases, region, identifier, await databases.back_up(region, identifier, name))

    async def _keep_continuously(self, request: web.Request) -> web.Response:
        databases, region, identifier = self._addressed(request)
        return await self._shown(databases, region, identifier, await databases.keep_continuously(region, identifier))

    async def _restore(self, request: web.Request) -> web.Response:
        name, body = request.match_info["name"], await _body(request)
        region, identifier = _text(body, "region"), _text(body, "identifier")
        for workload in self._workloads():
            if workload.pair.backups.has(name):
                databases = workload.databases
                return await self._shown(
                    databases, region, identifier, await databases.restore(name, region, identifier)
                )
        raise _refusal(web.HTTPNotFound, f"nothing real was kept as recovery point {name}")

    async def _restore_to_time(self, request: web.Request) -> web.Response:
        # Addressed is the source, as of a replica.
        databases, source_region, source = self._addressed(request)
        body = await _body(request)
        region, identifier, at_seconds = _text(body, "region"), _text(body, "identifier"), body.get("atSeconds")
        if not isinstance(at_seconds, int | float):
            raise _refusal(web.HTTPBadRequest, "the body must have atSeconds, a number of seconds since the epoch")
        server = await databases.restore_to_time(source_region, source, region, identifier, float(at_seconds))
        return await self._shown(databases, region, identifier, server)

    async def _set_door(self, request: web.Request) -> web.Response:
        region, identifier = request.match_info["region"], request.match_info["identifier"]
        opened = (await _body(request)).get("open")
        if not isinstance(opened, bool):
            raise _refusal(web.HTTPBadRequest, 'the body must be {"open": true} or {"open": false}')
        for workload in self._workloads():
            if workload.pair.find(region, identifier) is not None:
                await workload.databases.set_door(region, identifier, opened=opened)
        # One that somebody made over the API has no listener here: its door is as it should be.
        return web.json_response({"open": opened})

    async def _shown(self, databases: Databases, region: str, identifier: str, server: PostgresServer) -> web.Response:
        # The endpoint that RDS names is the door, not the server behind it.
        port = databases.door_port(region, identifier)
        observed = (await server.observe()).as_hook()
        restorable = databases.pair.backups.restorable(server)
        around = {
            "inReach": databases.in_reach(region),
            "zone": server.zone,
            "deadZones": sorted(databases.dead_zones),
            # Seconds since the epoch: from when to when the server can be restored to a point in time.
            "restorable": list(restorable) if restorable else None,
        }
        return web.json_response({**observed, **around, "port": port})

    def _addressed(self, request: web.Request) -> tuple[Databases, str, str]:
        region, identifier = request.match_info["region"], request.match_info["identifier"]
        for workload in self._workloads():
            if workload.pair.find(region, identifier) is not None:
                return workload.databases, region, identifier
        raise _refusal(web.HTTPNotFound, f"no database server stands behind {identifier} in {region}")


async def _body(request: web.Request) -> dict:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _refusal(web.HTTPBadRequest, "the body must be a JSON object")
    return body


def _folder_name(body: dict) -> str:
    name = _text(body, "name")
    if not _SNAPSHOT_NAME.fullmatch(name):
        raise _refusal(web.HTTPBadRequest, f"{name!r} cannot be the name of a folder")
    return name


def _text(body: dict, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise _refusal(web.HTTPBadRequest, f"the body must have {key}, a text")
    return value


def _refusal(error: type[web.HTTPException], message: str) -> web.HTTPException:
    return error(text=json.dumps({"message": message}), content_type="application/json")
