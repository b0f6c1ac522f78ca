"""What the resolver on a user's machine does: asks our DNS server, and caches for as long as the TTL says."""

import asyncio
import time
from dataclasses import dataclass

from dnslib import QTYPE, RCODE, DNSError, DNSRecord

_TIMEOUT_SECONDS = 2.0


class ResolutionFailed(Exception):
    """A name could not be resolved to an address and a port."""


@dataclass(frozen=True)
class Target:
    """Where a name leads at the moment."""

    name: str
    address: str
    port: int


class _OneAnswer(asyncio.DatagramProtocol):
    def __init__(self, received: asyncio.Future[bytes]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: tuple) -> None:
        if not self._received.done():
            self._received.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._received.done():
            self._received.set_exception(exc)


class Resolver:
    """Resolves names to address (A, through CNAMEs) and port (SRV `_http._tcp` of the final name)."""

    def __init__(self, dns_port: int) -> None:
        self._dns_port = dns_port
        self._cache: dict[str, tuple[float, Target]] = {}

    async def resolve(self, name: str) -> Target:
        """Resolve `name`, from the cache while its TTL lasts; raises ResolutionFailed."""
        expires_at, target = self._cache.get(name, (0.0, None))
        if target is not None and time.monotonic() < expires_at:
            return target
        address_reply = await self._ask(name, "A")
        final, address, address_ttl_seconds = _address(name, address_reply)
        port_reply = await self._ask(f"_http._tcp.{final}", "SRV")
        services = [record for record in port_reply.rr if record.rtype == QTYPE.SRV]
        if not services:
            raise ResolutionFailed(f"{final} has no SRV record _http._tcp")
        target = Target(final, address, services[0].rdata.port)
        ttl_seconds = min(address_ttl_seconds, services[0].ttl)
        self._cache[name] = (time.monotonic() + ttl_seconds, target)
        return target

    async def _ask(self, name: str, record_type: str) -> DNSRecord:
        query = DNSRecord.question(name, record_type)
        loop = asyncio.get_running_loop()
        received: asyncio.Future[bytes] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _OneAnswer(received), remote_addr=("127.0.0.1", self._dns_port)
        )
        try:
            transport.sendto(query.pack())
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                reply = DNSRecord.parse(await received)
        except (TimeoutError, OSError, DNSError) as error:
            raise ResolutionFailed(f"no answer for {name} {record_type}: {error or 'time-out'}") from error
        finally:
            transport.close()
        if reply.header.id != query.header.id or reply.header.rcode != RCODE.NOERROR:
            raise ResolutionFailed(f"{name} {record_type}: {RCODE.get(reply.header.rcode, 'wrong answer')}")
        return reply


def _address(name: str, reply: DNSRecord) -> tuple[str, str, int]:
    current = name
    ttls = []
    for _ in range(len(reply.rr) + 1):
        for record in reply.rr:
            if str(record.rname).lower() == current.lower() and record.rtype in (QTYPE.A, QTYPE.CNAME):
                ttls.append(record.ttl)
                if record.rtype == QTYPE.A:
                    return current, str(record.rdata), min(ttls)
                current = str(record.rdata.label)
                break
        else:
            break
    raise ResolutionFailed(f"{name} leads to {current}, which has no address")
