"""The tap in the fault proxy: every call gets a name that microburst's rules can match, is recorded, and can be cut.

microburst throttles, fails, delays and resets. Two things it cannot do are done here: losing an answer that has no
body, and ending the process that made the call, right after the call took effect.
"""

import asyncio
import os
import signal
import time
from collections import Counter, deque
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, fields

import aiohttp
from aiohttp import web
from microburst.core import pipeline
from microburst.core.context import RequestContext
from multidict import CIMultiDict

from .naming import CALL_HEADER, CallSite, site_of, workload_of
from .process import peer_pid

_CONTROL = "/_wire/"
_RECORDS_MAX = 400_000


@dataclass
class Record:
    """One call that crossed the wire."""

    at: float
    workload: str | None
    function: str
    operation: str
    item: str
    nth: int
    region: str | None
    status: int = 0
    #: What befell it: a `rule` of microburst, `lose`, `kill`.
    cut: str | None = None
    #: What microburst knows of it while it lasts; afterwards let go, with the body it holds.
    context: RequestContext | None = None

    def told(self) -> dict:
        """The record as it is told. A rule counts from when it is decided on: what it does may take longer than the run
        whose call it befell, as a delay does beyond which nobody waits.
        """
        self.note_rule()
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "context"}

    def note_rule(self) -> None:
        """Note whether a rule befell the call."""
        if self.context is not None and self.context.decision is not None:
            self.cut = "rule"


@dataclass
class Cut:
    """What is done to a call once it took effect, one time."""

    call: str
    how: str  # "lose" the answer, or "kill" the process
    delaySeconds: float = 0.0


_record: ContextVar[Record | None] = ContextVar("record", default=None)


class Tap:
    """All of the tap's state."""

    def __init__(self, proxy: pipeline.Microburst, port: int) -> None:
        self._port = port
        self._upstream = proxy.upstream
        self._workloads: set[str] = set()
        self._records: deque[Record] = deque(maxlen=_RECORDS_MAX)
        self._counts: Counter[tuple[str | None, CallSite]] = Counter()
        self._cuts: list[Cut] = []
        self._detect = pipeline.detect
        self._relay = proxy.upstream.relay
        pipeline.detect = self._named
        # A call can only be named by what is in it.
        pipeline.should_buffer = lambda *_: True
        proxy.upstream.relay = self._relayed

    async def watch_answers(self, _: web.Application) -> None:
        """Hear what AWS answers once the proxy runs: a call whose caller gave up waiting takes effect all the same."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(_answered)
        trace.freeze()
        self._upstream.session.trace_configs.append(trace)

    @web.middleware
    async def middleware(self, request: web.Request, handler) -> web.StreamResponse:
        """Around every request."""
        if request.path.startswith(_CONTROL):
            return await self._control(request)
        _record.set(None)
        try:
            response = await handler(request)
        finally:
            # Also when the caller gave up waiting and there is nobody to answer.
            if record := _record.get():
                record.note_rule()
                record.context = None
        if record := _record.get():
            record.status = record.status or response.status
        return response

    def _named(self, headers, method, path, query, body) -> RequestContext:
        """Stands in for microburst's own reading of a request, which happens twice: first without the body."""
        context = self._detect(headers, method, path, query, body)
        if path.startswith("/_") or (body is None and not _no_body(headers)):
            return context
        record = _record.get()
        if record is None:
            record = self._new_record(context, (body or b"").decode("latin-1"))
            _record.set(record)
        named = CIMultiDict(headers)
        named[CALL_HEADER] = _call(record)
        context.headers = named
        record.context = context
        return context

    def _new_record(self, context: RequestContext, body: str) -> Record:
        workload = workload_of(context, body, self._workloads)
        site = site_of(context, body)
        self._counts[workload, site] += 1
        nth = self._counts[workload, site]
        record = Record(time.time(), workload, site.function, site.operation, site.item, nth, context.region)
        self._records.append(record)
        return record

    async def _relayed(self, request: web.Request, body, **options) -> web.StreamResponse:
        record = _record.get()
        cut = next((cut for cut in self._cuts if record and cut.call in _call(record)), None)
        if cut is None:
            return await self._relay(request, body, **options)
        self._cuts.remove(cut)
        record.cut = cut.how
        return await self._cut(request, body, cut, record)

    async def _cut(self, request: web.Request, body: bytes | None, cut: Cut, record: Record) -> web.StreamResponse:
        """Let the call take effect; its answer never arrives."""
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        headers["Host"] = request.headers.get("Host", "")
        url = self._upstream.base_url + request.rel_url.raw_path_qs
        async with self._upstream.session.request(
            request.method, url, headers=headers, data=body, allow_redirects=False
        ) as answer:
            await answer.read()
        if cut.delaySeconds:
            await asyncio.sleep(cut.delaySeconds)
        if cut.how == "kill":
            self._kill(request)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=200)

    def _kill(self, request: web.Request) -> None:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        pid = peer_pid(peer[1], self._port) if peer else None
        # Nothing but a function may ever be ended here: functions are called `bootstrap`.
        if pid and b"bootstrap" in _command(pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def _control(self, request: web.Request) -> web.Response:
        match request.method, request.path.removeprefix(_CONTROL):
            case "POST", "workloads":
                self._workloads.add((await request.json())["name"])
            case "DELETE", "workloads":
                self._workloads.discard((await request.json())["name"])
            case "POST", "forget":
                self._forget((await request.json())["name"])
            case "POST", "cuts":
                self._cuts.append(Cut(**await request.json()))
            case "DELETE", "cuts":
                call = (await request.json())["call"]
                self._cuts = [cut for cut in self._cuts if call not in cut.call]
            case "GET", "calls":
                wanted = request.query.get("workload")
                found = [record.told() for record in self._records if wanted in (None, record.workload)]
                return web.json_response(found)
            case _:
                return web.json_response({"error": "unknown"}, status=404)
        return web.json_response({})

    def _forget(self, workload: str) -> None:
        """Of this workload nothing was recorded, and its next calls are the first of their names."""
        self._records = deque((each for each in self._records if each.workload != workload), maxlen=_RECORDS_MAX)
        for counted in [counted for counted in self._counts if counted[0] == workload]:
            del self._counts[counted]


async def _answered(_session: object, _context: object, answered: aiohttp.TraceRequestEndParams) -> None:
    if record := _record.get():
        record.status = answered.response.status


def _call(record: Record) -> str:
    site = CallSite(record.function, record.operation, record.item)
    return f"|{record.workload or ''}|{site}|{record.nth}|"


def _no_body(headers) -> bool:
    return headers.get("Content-Length", "0") == "0" and "Transfer-Encoding" not in headers


def _command(pid: int) -> bytes:
    with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()
    return b""
