"""The DNS server on 127.0.0.1, over UDP and TCP, answering from the emulated hosted zones."""

import asyncio
import contextlib
import struct

from dnslib import RCODE, DNSError, DNSHeader, DNSRecord

from .dns_answers import IsHealthy, Zones, answer

# What fits a UDP answer without EDNS; longer ones are cut short and asked for again over TCP.
_UDP_BYTES_MAX = 512


class DnsServer(asyncio.DatagramProtocol):
    """Answers from `zones`, which whoever polls Route 53 replaces."""

    def __init__(self, is_healthy: IsHealthy) -> None:
        self.zones = Zones()
        self._is_healthy = is_healthy
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None

    async def start(self, port: int) -> None:
        """Listen on `port` of 127.0.0.1, UDP and TCP."""
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", port))
        self._tcp = await asyncio.start_server(self._serve_tcp, "127.0.0.1", port)

    async def stop(self) -> None:
        """Close both listeners."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()

    def respond(self, question: bytes) -> DNSRecord | None:
        """Answer one message; None for what is no DNS query at all."""
        try:
            query = DNSRecord.parse(question)
        except (DNSError, ValueError):
            return None
        if query.header.qr or not query.questions:
            return None
        if query.header.opcode:
            return DNSRecord(DNSHeader(id=query.header.id, qr=1, rcode=RCODE.NOTIMP), q=query.q)
        return answer(query, self.zones, self._is_healthy)

    def datagram_received(self, data: bytes, addr: tuple) -> None:
        """Answer a query that came by UDP."""
        reply = self.respond(data)
        if reply is None or self._udp is None:
            return
        packed = reply.pack()
        self._udp.sendto(packed if len(packed) <= _UDP_BYTES_MAX else reply.truncate().pack(), addr)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, TimeoutError):
            while True:
                async with asyncio.timeout(10):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    reply = self.respond(await reader.readexactly(length))
                if reply is None:
                    break
                packed = reply.pack()
                writer.write(struct.pack("!H", len(packed)) + packed)
                await writer.drain()
        writer.close()
