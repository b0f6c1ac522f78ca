"""`clientUrl`: does for curl what a browser does by itself - resolve the shop's name at our DNS, then call there."""

import aiohttp
from aiohttp import web

from .resolver import ResolutionFailed, Resolver

_TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=2)
_HEADERS = ("Content-Type", "X-Region", "X-Instance")


class ClientGateway:
    """Forwards every request to where the name leads at that moment."""

    def __init__(self, name: str, port: int, resolver: Resolver, http: aiohttp.ClientSession) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._name = name
        self._resolver = resolver
        self._http = http
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on 127.0.0.1."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._forward)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def stop(self) -> None:
        """Close the listener."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _forward(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            target = await self._resolver.resolve(self._name)
            async with self._http.request(
                request.method,
                f"http://{target.address}:{target.port}{request.path_qs}",
                data=body,
                timeout=_TIMEOUT,
                headers={"Content-Type": request.headers.get("Content-Type", "application/octet-stream")},
            ) as answer:
                headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
                headers["X-Resolved-To"] = f"{target.name}:{target.port}"
                return web.Response(status=answer.status, body=await answer.read(), headers=headers)
        except ResolutionFailed as error:
            return web.json_response({"error": f"DNS: {error}"}, status=502)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=502)
