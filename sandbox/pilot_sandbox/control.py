"""The control server: breaks and mends the primary for people and tests, and answers the emulator's hooks."""

import asyncio
import dataclasses
import json
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from .control_help import describe_endpoints
from .naming import InvalidName
from .postgres import PostgresFailed
from .workload.database_hooks import DatabaseHooks
from .workload.instances import LaunchFailed
from .workload.running import PARTS, RunningWorkload
from .workload.spoiling import spoil_data

if TYPE_CHECKING:
    from .world import World

_LAG_SECONDS_MAX = 3600.0

_log = logging.getLogger(__name__)


class ControlServer:
    """One HTTP server on 127.0.0.1 for both."""

    def __init__(self, world: "World", port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._world = world
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen."""
        application = web.Application(middlewares=[_errors_as_json])
        application.add_routes(
            [
                web.get("/", self._help),
                web.get("/state", self._state),
                web.post("/primary/{change:down|up}", self._change_all),
                web.post("/primary/{part:app|database|network}/{change:down|up}", self._change_part),
                web.post("/zone/{zone}/database/{change:down|up}", self._change_zone),
                web.post("/data/spoil", self._spoil),
                web.post("/backup/take", self._take_backup),
                web.post("/probe/network/{change:down|up}", self._change_probe_network),
                web.get("/delays", self._get_delays),
                web.post("/delays", self._set_delays),
                web.post("/replication/lag", self._set_lag),
                web.get("/workloads", self._list_workloads),
                web.post("/workloads", self._add_workload),
                web.delete("/workloads/{name}", self._remove_workload),
                web.get("/client", self._client),
                web.post("/recovery-endpoints/{region}/{change:down|up}", self._change_recovery_endpoint),
                web.get("/hooks/recovery-endpoints", self._recovery_endpoints),
                web.get("/hooks/delays", self._hook_delays),
                web.post("/hooks/{kind:autoscaling|ecs}/{region}/{group}/launch", self._launch),
                web.post("/hooks/{kind:autoscaling|ecs}/{region}/{group}/terminate", self._terminate),
                web.get("/hooks/ecs/{region}/{group}/ended", self._ended),
                web.get("/hooks/healthchecks/{id}", self._health_check),
                web.post("/hooks/doors/loadbalancer/{region}/{name}", self._load_balancer_door),
                *DatabaseHooks(self._world.workloads.values).routes(),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def stop(self) -> None:
        """Close the listener."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _help(self, _: web.Request) -> web.Response:
        return _pretty(describe_endpoints(self._world.control.url, list(self._world.workloads)))

    async def _state(self, _: web.Request) -> web.Response:
        return _pretty([workload.condition() for workload in self._world.workloads.values()])

    async def _change_all(self, request: web.Request) -> web.Response:
        # A dead workload does not take the Region's AWS API with it: what is left of it can still be fenced.
        if request.match_info["change"] == "up":
            self._workload(request).control_plane_down = False
        return await self._change(request, PARTS)

    async def _change_part(self, request: web.Request) -> web.Response:
        part = request.match_info["part"]
        if part == "network":
            self._workload(request).control_plane_down = request.match_info["change"] == "down"
        return await self._change(request, (part,))

    async def _change(self, request: web.Request, parts: tuple[str, ...]) -> web.Response:
        workload, up = self._workload(request), request.match_info["change"] == "up"
        # The network goes first and comes last, as when a Region dies: nobody watches the rest fall one by one.
        for part in sorted(parts, key=("network", "database", "app").index, reverse=up):
            await workload.set_part(part, up=up)
        if "network" in parts:
            await self._world.apply_region_network()
        return _pretty(workload.condition())

    async def _change_zone(self, request: web.Request) -> web.Response:
        workload = self._workload(request)
        await workload.databases.set_zone(request.match_info["zone"], up=request.match_info["change"] == "up")
        return _pretty(workload.condition())

    async def _spoil(self, request: web.Request) -> web.Response:
        workload = self._workload(request)
        await spoil_data(workload, self._world.topology, self._world.clients)
        return _pretty(workload.condition())

    async def _take_backup(self, request: web.Request) -> web.Response:
        names, backups = self._workload(request).names, self._world.topology.backups
        if backups is None:
            raise _refusal(409, f"topology {self._world.topology.name} has no backup plan: nothing was backed up")
        await asyncio.to_thread(backups.take, self._world.clients, names)
        return _pretty({"taken": backups.resources(names)})

    async def _change_probe_network(self, request: web.Request) -> web.Response:
        workload = self._workload(request)
        await workload.set_probe_network(up=request.match_info["change"] == "up")
        return _pretty(workload.condition())

    async def _get_delays(self, _: web.Request) -> web.Response:
        return web.json_response(dataclasses.asdict(self._world.delays))

    async def _hook_delays(self, _: web.Request) -> web.Response:
        return web.json_response(dataclasses.asdict(self._world.current_delays()))

    async def _set_delays(self, request: web.Request) -> web.Response:
        known = dataclasses.asdict(self._world.delays)
        for name, value in (await _body(request)).items():
            if name not in known:
                raise _refusal(400, f"no delay is called {name!r}; there are {', '.join(known)}")
            setattr(self._world.delays, name, _seconds(name, value))
        return await self._get_delays(request)

    async def _change_recovery_endpoint(self, request: web.Request) -> web.Response:
        region = request.match_info["region"]
        if request.match_info["change"] == "down":
            self._world.recovery_endpoints_down.add(region)
        else:
            self._world.recovery_endpoints_down.discard(region)
        return await self._recovery_endpoints(request)

    async def _recovery_endpoints(self, _: web.Request) -> web.Response:
        return _pretty({"down": sorted(self._world.recovery_endpoints_down)})

    async def _set_lag(self, request: web.Request) -> web.Response:
        workload = self._workload(request)
        workload.pair.line.delay_seconds = _seconds("seconds", (await _body(request)).get("seconds"))
        return _pretty(workload.condition())

    async def _list_workloads(self, _: web.Request) -> web.Response:
        return _pretty({name: workload.describe() for name, workload in self._world.workloads.items()})

    async def _add_workload(self, request: web.Request) -> web.Response:
        name = (await _body(request)).get("name")
        if not isinstance(name, str):
            raise _refusal(400, 'the body must be JSON such as {"name": "pl-two"}')
        if name in self._world.workloads:
            raise _refusal(409, f"workload {name} exists already")
        workload = await self._world.add_workload(name)
        return web.json_response({"name": name, **workload.describe()}, status=201)

    async def _remove_workload(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self._named(name)
        await self._world.remove_workload(name)
        return web.json_response({"removed": name})

    async def _client(self, request: web.Request) -> web.Response:
        return _pretty(await self._workload(request).client.report())

    async def _launch(self, request: web.Request) -> web.Response:
        instance_id = (await _body(request)).get("instanceId")
        await self._instances(request).launch(str(instance_id))
        return web.json_response({"instanceId": instance_id, "state": "running"})

    async def _terminate(self, request: web.Request) -> web.Response:
        instance_id = (await _body(request)).get("instanceId")
        await self._instances(request).terminate(str(instance_id))
        return web.json_response({"instanceId": instance_id, "state": "terminated"})

    async def _ended(self, request: web.Request) -> web.Response:
        return web.json_response({"ended": self._instances(request).ended()})

    async def _health_check(self, request: web.Request) -> web.Response:
        check_id = request.match_info["id"]
        observations = self._world.checkers.observations(check_id)
        if observations is None:
            raise _refusal(404, f"no checker watches health check {check_id}")
        return web.json_response({"observations": observations, "healthy": self._world.checkers.is_healthy(check_id)})

    async def _load_balancer_door(self, request: web.Request) -> web.Response:
        region, name = request.match_info["region"], request.match_info["name"]
        opened = await _opened(request)
        for workload in self._world.workloads.values():
            if region == workload.names.regions.primary and workload.names.load_balancer_name == name:
                await workload.set_load_balancer_door(region, opened=opened)
        # One that somebody made over the API has no listener here: its door is as it should be.
        return web.json_response({"open": opened})

    def _workload(self, request: web.Request) -> RunningWorkload:
        first = next(iter(self._world.workloads), None)
        name = request.query.get("workload", first)
        if name is None:
            raise _refusal(404, "this sandbox has no workload yet")
        return self._named(name)

    def _named(self, name: str) -> RunningWorkload:
        if name not in self._world.workloads:
            raise _refusal(404, f"no workload {name}; there are: {', '.join(self._world.workloads) or 'none'}")
        return self._world.workloads[name]

    def _instances(self, request: web.Request):
        # Either kind runs the same processes; a workload has one of them in a Region, and calls it by one name.
        region, group = request.match_info["region"], request.match_info["group"]
        kind = request.match_info.get("kind", "ecs")
        for workload in self._world.workloads.values():
            name = workload.names.group if kind == "autoscaling" else workload.names.service
            if name == group and region in workload.instances:
                return workload.instances[region]
        what = "group" if kind == "autoscaling" else "service"
        raise _refusal(404, f"no application stands behind {what} {group} in {region}")


def _refusal(status: int, message: str) -> web.HTTPException:
    error = {400: web.HTTPBadRequest, 404: web.HTTPNotFound, 409: web.HTTPConflict}[status]
    return error(text=json.dumps({"message": message}), content_type="application/json")


@web.middleware
async def _errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except InvalidName as error:
        return web.json_response({"message": str(error)}, status=400)
    except (PostgresFailed, LaunchFailed) as error:
        return web.json_response({"message": str(error)}, status=409)
    except web.HTTPException as error:
        if error.content_type == "application/json":
            raise
        return web.json_response({"message": f"{error.reason}; GET / lists what there is"}, status=error.status)
    except Exception as error:
        _log.exception("%s %s failed", request.method, request.path)
        return web.json_response({"message": f"{type(error).__name__}: {error}"}, status=500)


async def _body(request: web.Request) -> dict:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _refusal(400, "the body must be a JSON object")
    return body


async def _opened(request: web.Request) -> bool:
    opened = (await _body(request)).get("open")
    if not isinstance(opened, bool):
        raise _refusal(400, 'the body must be {"open": true} or {"open": false}')
    return opened


def _seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAG_SECONDS_MAX:
        raise _refusal(400, f"{name} must be a number of seconds from 0 to {_LAG_SECONDS_MAX:.0f}")
    return float(value)


def _pretty(body: object) -> web.Response:
    return web.Response(text=json.dumps(body, indent=2) + "\n", content_type="application/json")
