"""One Region's load balancer: a single listener that hands requests to the live instances in turn."""

import aiohttp
from aiohttp import web

from .instances import Instances

_INSTANCE_TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=1)
_FORWARDED_HEADERS = ("Content-Type", "X-Region", "X-Instance")


class LoadBalancer:
    """Listens on one port of 127.0.0.1; the port stays the same when the listener is closed and opened again."""

    def __init__(self, region: str, port: int, instances: Instances, http: aiohttp.ClientSession) -> None:
        self.port = port
        self._region = region
        self._instances = instances
        self._http = http
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Accept connections (again)."""
        if self._runner is not None:
            return
        application = web.Application()
        application.router.add_get("/lb-live", self._live)
        application.router.add_route("*", "/{path:.*}", self._forward)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        self._runner = runner

    async def close(self) -> None:
        """Refuse connections and drop those that exist."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _live(self, _: web.Request) -> web.Response:
        # Answered by the load balancer itself: says that this Region's network works, and nothing of the application.
        return self._answer(200, {"status": "ok", "region": self._region})

    async def _forward(self, request: web.Request) -> web.Response:
        body = await request.read()
        for port in self._instances.live_ports():
            try:
                async with self._http.request(
                    request.method,
                    f"http://127.0.0.1:{port}{request.path_qs}",
                    data=body,
                    timeout=_INSTANCE_TIMEOUT,
                    headers={"Content-Type": request.headers.get("Content-Type", "application/octet-stream")},
                ) as answer:
                    headers = {name: answer.headers[name] for name in _FORWARDED_HEADERS if name in answer.headers}
                    return web.Response(status=answer.status, body=await answer.read(), headers=headers)
            except aiohttp.ClientConnectorError:
                continue  # never reached that instance, so trying the next one cannot do anything twice
            except (aiohttp.ClientError, TimeoutError):
                return self._answer(502, {"error": "the instance broke off", "region": self._region})
        return self._answer(503, {"error": "no instance is in service", "region": self._region})

    def _answer(self, status: int, body: dict) -> web.Response:
        return web.json_response(body, status=status, headers={"X-Region": self._region})
