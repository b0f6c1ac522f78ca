"""DNS as Route 53 would answer it, over real sockets; the failover pair moves by an inverted check on an endpoint."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from dnslib import QTYPE, RCODE, DNSRecord
from pilot_sandbox.dns import DnsServer
from pilot_sandbox.dns_answers import RecordSet, Zones, choose
from pilot_sandbox.free_ports import free_port
from pilot_sandbox.health_checkers import HealthCheckers
from pilot_sandbox.resolver import ResolutionFailed, Resolver

_ZONE = "shop.test."


def _record(name: str, kind: str, *values: str, ttl: int = 5, **more: object) -> RecordSet:
    return RecordSet.from_api(
        {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": value} for value in values], **more}
    )


def _zones(ttl: int = 1) -> Zones:
    pair = [
        _record(
            f"www.{_ZONE}",
            "CNAME",
            f"{role}.{_ZONE}",
            ttl=ttl,
            SetIdentifier=role,
            Failover=failover,
            HealthCheckId=role,
        )
        for role, failover in (("first", "PRIMARY"), ("second", "SECONDARY"))
    ]
    targets = [
        record
        for role, port in (("first", 1001), ("second", 1002))
        for record in (
            _record(f"{role}.{_ZONE}", "A", "127.0.0.1", ttl=ttl),
            _record(f"_http._tcp.{role}.{_ZONE}", "SRV", f"1 1 {port} {role}.{_ZONE}", ttl=ttl),
        )
    ]
    soa = _record(_ZONE, "SOA", "ns.test. admin.test. 1 7200 900 1209600 86400", ttl=900)
    text = _record(f"text.{_ZONE}", "TXT", '"hello"')
    latency = _record(f"latency.{_ZONE}", "A", "127.0.0.1", SetIdentifier="a", Region="us-east-1")
    return Zones({_ZONE: [soa, text, latency, *pair, *targets]})


@pytest.fixture
async def unhealthy() -> set[str]:
    """Ids of the checks that are unhealthy."""
    return set()


@pytest.fixture
async def server(unhealthy: set[str]) -> DnsServer:
    """A DNS server with the zone above, not yet started."""
    made = DnsServer(lambda check_id: check_id not in unhealthy)
    made.zones = _zones()
    return made


@pytest.fixture
async def dns_port(server: DnsServer) -> AsyncIterator[int]:
    port = free_port()
    await server.start(port)
    yield port
    await server.stop()


async def _ask(port: int, name: str, kind: str = "A", *, tcp: bool = False) -> DNSRecord:
    query = DNSRecord.question(name, kind).pack()
    return DNSRecord.parse(await asyncio.to_thread(_exchange, port, query, tcp))


def _exchange(port: int, query: bytes, tcp: bool) -> bytes:
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as connection:
        connection.settimeout(60)
        connection.connect(("127.0.0.1", port))
        if not tcp:
            connection.send(query)
            return connection.recv(4096)
        connection.sendall(struct.pack("!H", len(query)) + query)
        (length,) = struct.unpack("!H", connection.recv(2))
        return connection.recv(length)


def _shown(reply: DNSRecord) -> list[tuple[str, str, str, int]]:
    return [(str(record.rname), QTYPE[record.rtype], str(record.rdata), record.ttl) for record in reply.rr]


_FIRST = [(f"www.{_ZONE}", "CNAME", f"first.{_ZONE}", 1), (f"first.{_ZONE}", "A", "127.0.0.1", 1)]
_SECOND = [(f"www.{_ZONE}", "CNAME", f"second.{_ZONE}", 1), (f"second.{_ZONE}", "A", "127.0.0.1", 1)]


@pytest.mark.parametrize(
    ("down", "expected"),
    [
        (set(), _FIRST),
        ({"first"}, _SECOND),
        ({"second"}, _FIRST),
        # With nothing healthy to offer, Route 53 answers with the primary.
        ({"first", "second"}, _FIRST),
    ],
)
async def test_failover_pair(dns_port: int, unhealthy: set[str], down: set[str], expected: list) -> None:
    unhealthy |= down
    for tcp in (False, True):
        reply = await _ask(dns_port, f"www.{_ZONE}", tcp=tcp)
        assert (reply.header.rcode, reply.header.aa, _shown(reply)) == (RCODE.NOERROR, 1, expected)


@pytest.mark.parametrize(
    ("weights", "down", "expected"),
    [
        # How often each is answered, over every draw there is: its share of the weights.
        ({"a": 3, "b": 1}, "", {"a": 3, "b": 1}),
        ({"a": 0, "b": 2}, "", {"b": 2}),
        ({"a": 0, "b": 0}, "", {"a": 1, "b": 1}),
        ({"a": 3, "b": 1}, "a", {"b": 1}),
        # Weight 0 is the last resort: answered when none with more is healthy.
        ({"a": 0, "b": 5}, "b", {"a": 1}),
        # With nothing healthy to offer, Route 53 answers as if everything were.
        ({"a": 3, "b": 1}, "ab", {"a": 3, "b": 1}),
        ({"a": 7}, "", {"a": 7}),
    ],
)
def test_weighted_records_share_the_answers(weights: dict[str, int], down: str, expected: dict[str, int]) -> None:
    records = [
        _record(f"shared.{_ZONE}", "CNAME", f"{name}.{_ZONE}", SetIdentifier=name, Weight=weight, HealthCheckId=name)
        for name, weight in weights.items()
    ]
    answered: Counter[str] = Counter()
    for number in range(sum(expected.values())):
        chosen = choose(records, lambda check: check not in down, lambda below, drawn=number: _drawn(below, drawn))
        answered[chosen.values[0].split(".")[0]] += 1
    assert answered == expected


def _drawn(below: int, drawn: int) -> int:
    assert drawn < below, "more was asked for than there is to draw from"
    return drawn


async def test_weights_decide_where_the_resolver_goes(dns_port: int, server: DnsServer) -> None:
    """Over the socket: of two records one has all the weight, and then the other one."""
    for weights, expected in (((0, 9), "second"), ((9, 0), "first")):
        pair = [
            _record(f"shared.{_ZONE}", "CNAME", f"{name}.{_ZONE}", SetIdentifier=name, Weight=weight)
            for name, weight in zip(("first", "second"), weights, strict=True)
        ]
        server.zones = Zones({_ZONE: [*_zones().records[_ZONE], *pair]})
        for _ in range(20):
            assert _shown(await _ask(dns_port, f"shared.{_ZONE}"))[0][2] == f"{expected}.{_ZONE}"


async def test_cname_itself_can_be_asked_for(dns_port: int) -> None:
    assert _shown(await _ask(dns_port, f"WWW.{_ZONE}", "CNAME")) == _FIRST[:1]


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        (f"missing.{_ZONE}", "A", RCODE.NXDOMAIN),
        (f"text.{_ZONE}", "A", RCODE.NOERROR),  # the name exists, the type does not
        (f"_tcp.first.{_ZONE}", "A", RCODE.NOERROR),  # only something below it exists
    ],
)
async def test_no_data_comes_with_the_zone_s_soa(dns_port: int, name: str, kind: str, code: int) -> None:
    reply = await _ask(dns_port, name, kind)
    assert reply.header.rcode == code
    assert reply.rr == []
    assert [QTYPE[record.rtype] for record in reply.auth] == ["SOA"]


async def test_other_zones_are_refused_and_other_kinds_fail_loudly(dns_port: int) -> None:
    assert (await _ask(dns_port, "example.com")).header.rcode == RCODE.REFUSED
    assert (await _ask(dns_port, f"latency.{_ZONE}")).header.rcode == RCODE.SERVFAIL


async def test_garbage_gets_no_answer_and_does_no_harm(dns_port: int) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(_exchange_quickly, dns_port, b"\x00\x01garbage")
    assert _shown(await _ask(dns_port, f"www.{_ZONE}")) == _FIRST


def _exchange_quickly(port: int, query: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(0.3)
        connection.connect(("127.0.0.1", port))
        connection.send(query)
        return connection.recv(4096)


async def test_resolver_keeps_an_answer_for_its_ttl_and_no_longer(dns_port: int, unhealthy: set[str]) -> None:
    resolver = Resolver(dns_port)
    assert (await resolver.resolve(f"www.{_ZONE}")).port == 1001
    unhealthy.add("first")
    assert (await resolver.resolve(f"www.{_ZONE}")).port == 1001
    await asyncio.sleep(1.1)
    assert (await resolver.resolve(f"www.{_ZONE}")).port == 1002
    with pytest.raises(ResolutionFailed):
        await resolver.resolve(f"missing.{_ZONE}")


async def test_the_stop_object_moves_traffic_through_an_inverted_check() -> None:
    present = False

    async def stop_object(_: web.Request) -> web.Response:
        return web.Response(status=200 if present else 404)

    application = web.Application()
    application.router.add_get("/bucket/stop", stop_object)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    checkers = HealthCheckers()
    server = DnsServer(checkers.is_healthy)
    server.zones = _zones(ttl=0)
    dns_port = free_port()
    await server.start(dns_port)
    check = {"Type": "HTTP", "IPAddress": "127.0.0.1", "Port": port, "ResourcePath": "/bucket/stop"}
    checkers.update({"first": check | {"Inverted": True, "RequestInterval": 2, "FailureThreshold": 1}})
    try:
        await _wait_for(dns_port, 1001)
        present = True
        # Three of sixteen checkers are enough to see it, so it takes well under one interval.
        assert await _wait_for(dns_port, 1002) < 1.5
        await asyncio.sleep(2.5)  # until every checker has seen it
        present = False
        # On the way back nearly all of them must have seen that it is gone.
        assert await _wait_for(dns_port, 1001) > 1.0
    finally:
        await checkers.stop()
        await server.stop()
        await runner.cleanup()


async def _wait_for(dns_port: int, port: int) -> float:
    started = time.monotonic()
    async with asyncio.timeout(60):
        while True:
            if (await Resolver(dns_port).resolve(f"www.{_ZONE}")).port == port:
                return time.monotonic() - started
            await asyncio.sleep(0.05)
