"""The tap in the fault proxy: calls are named, recorded as AWS answered them, and cut once they took effect."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from microburst.app import make_app
from microburst.core import pipeline
from microburst.core.pipeline import Microburst
from pilot_sandbox.free_ports import free_port
from pilot_sandbox.wire.naming import CALL_HEADER
from pilot_sandbox.wire.tap import Tap

_WORKLOAD = "shop-1"
_SITE = "promote-db rds.PromoteReadReplica"
_FORM = f"Action=PromoteReadReplica&DBInstanceIdentifier={_WORKLOAD}-db-replica&Version=2014-10-31"
_HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "User-Agent": "aws-sdk-rust/1.3 app/promote-db",
    "Authorization": "AWS4-HMAC-SHA256 Credential=000/20261121/ap-southeast-1/rds/aws4_request, SignedHeaders=host",
}
# A caller that is called like a function: it makes the call, and is ended before it can say how it went.
_CALLER = """
import sys, urllib.request
url, form, *headers = sys.argv[2:]
request = urllib.request.Request(url, form.encode(), dict(zip(headers[::2], headers[1::2])))
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read()
"""


@dataclass
class _Wire:
    """A tapped proxy in front of an AWS that counts what took effect."""

    url: str
    http: aiohttp.ClientSession
    effects: list[str] = field(default_factory=list)

    async def call(self, timeout_seconds: float = 60) -> int:
        """Make the promotion's call."""
        timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        async with self.http.post(self.url, data=_FORM, headers=_HEADERS, timeout=timeout) as answer:
            return answer.status

    async def control(self, method: str, path: str, body: object = None) -> object:
        """Tell or ask the proxy."""
        async with self.http.request(method, self.url + path, json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def calls(self) -> list[dict]:
        """What was recorded of the workload."""
        return await self.control("GET", f"/_wire/calls?workload={_WORKLOAD}")


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[_Wire]:
    # The tap puts itself in their place.
    for name in ("detect", "should_buffer"):
        monkeypatch.setattr(pipeline, name, getattr(pipeline, name))
    async with aiohttp.ClientSession(trust_env=False) as http:
        port = free_port()
        wire = _Wire(f"http://127.0.0.1:{port}", http)

        async def take_effect(request: web.Request) -> web.Response:
            wire.effects.append(await request.text())
            return web.Response(status=200 if len(wire.effects) == 1 else 400, text="<answer/>")

        aws, aws_port = web.Application(), free_port()
        aws.router.add_post("/", take_effect)
        proxy = Microburst(f"http://127.0.0.1:{aws_port}", resign=False)
        tap, app = Tap(proxy, port), make_app(proxy)
        app.middlewares.append(tap.middleware)
        app.on_startup.append(tap.watch_answers)
        async with _served(aws, aws_port), _served(app, port):
            await wire.control("POST", "/_wire/workloads", {"name": _WORKLOAD})
            yield wire


@asynccontextmanager
async def _served(app: web.Application, port: int) -> AsyncIterator[None]:
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()


async def _until(look: Callable[[], Awaitable[list[dict]]], holds: Callable[[list[dict]], bool]) -> list[dict]:
    async with asyncio.timeout(60):
        while not holds(found := await look()):
            await asyncio.sleep(0.02)
    return found


async def test_a_call_is_named_and_counted(wire: _Wire) -> None:
    assert [await wire.call(), await wire.call()] == [200, 400]
    seen = [(c["function"], c["operation"], c["region"], c["nth"], c["status"]) for c in await wire.calls()]
    first = ("promote-db", "rds.PromoteReadReplica", "ap-southeast-1")
    assert seen == [(*first, 1, 200), (*first, 2, 400)]


async def test_what_was_forgotten_is_not_told_and_not_counted(wire: _Wire) -> None:
    await wire.call()
    await wire.control("POST", "/_wire/forget", {"name": "another"})
    assert len(await wire.calls()) == 1
    await wire.control("POST", "/_wire/forget", {"name": _WORKLOAD})
    assert await wire.calls() == []
    await wire.control("POST", "/_wire/cuts", {"call": f"|{_WORKLOAD}|{_SITE}|1|", "how": "lose"})
    with pytest.raises(aiohttp.ClientError):
        await wire.call()
    assert [(call["nth"], call["cut"]) for call in await wire.calls()] == [(1, "lose")]


async def test_a_rule_befalls_the_numbered_call_alone(wire: _Wire) -> None:
    rule = {
        "service": "*",
        "headers": {CALL_HEADER: f"|{_WORKLOAD}|{_SITE}|2|"},
        "error": {"code": "Throttling", "status": 400, "message": "injected"},
    }
    await wire.control("PATCH", "/_microburst/rules", [rule])
    assert [await wire.call(), await wire.call()] == [200, 400]
    assert len(wire.effects) == 1, "the second never reached AWS"
    assert [call["status"] for call in await wire.calls()] == [200, 400]


async def test_a_late_call_is_recorded_as_aws_answered_it(wire: _Wire) -> None:
    rule = {"service": "*", "headers": {CALL_HEADER: f"|{_WORKLOAD}|"}, "latency": 400, "times": 1}
    await wire.control("PATCH", "/_microburst/rules", [rule])
    with pytest.raises(TimeoutError):
        await wire.call(timeout_seconds=0.1)
    found = await _until(wire.calls, lambda calls: calls[0]["status"] != 0)
    assert (found[0]["status"], len(wire.effects)) == (200, 1), "nobody heard it, and it took effect"


async def test_a_rule_is_told_of_while_what_it_does_still_lasts(wire: _Wire) -> None:
    rule = {"service": "*", "headers": {CALL_HEADER: f"|{_WORKLOAD}|"}, "latency": 2_000, "times": 1}
    await wire.control("PATCH", "/_microburst/rules", [rule])
    with pytest.raises(TimeoutError):
        await wire.call(timeout_seconds=0.1)
    found = await _until(wire.calls, lambda calls: bool(calls))
    assert (found[0]["cut"], found[0]["status"], wire.effects) == ("rule", 0, [])


async def test_a_lost_answer_took_effect_once(wire: _Wire) -> None:
    await wire.control("POST", "/_wire/cuts", {"call": f"|{_WORKLOAD}|{_SITE}|1|", "how": "lose"})
    with pytest.raises(aiohttp.ClientError):
        await wire.call()
    assert len(wire.effects) == 1
    assert [(call["status"], call["cut"]) for call in await wire.calls()] == [(200, "lose")]
    assert await wire.call() == 400, "only the one call is cut"


@pytest.mark.parametrize(("name", "killed"), [("bootstrap", True), ("somebody", False)])
async def test_only_a_function_s_process_is_ever_killed(wire: _Wire, tmp_path: Path, name: str, killed: bool) -> None:
    await wire.control("POST", "/_wire/cuts", {"call": f"|{_WORKLOAD}|{_SITE}|1|", "how": "kill"})
    headers = [part for pair in _HEADERS.items() for part in pair]
    command = [sys.executable, "-c", _CALLER, name, wire.url, _FORM, *headers]
    caller = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL, cwd=tmp_path)
    try:
        ended = await asyncio.wait_for(caller.wait(), 10)
    finally:
        with suppress(ProcessLookupError):
            caller.kill()
    assert (ended == -9) is killed
    assert len(wire.effects) == 1, "it took effect before that"
