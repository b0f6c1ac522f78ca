"""A TCP relay between two loopback ports that can delay what it carries, or be cut.

Between the two databases it plays the long line between the Regions: bytes under way when the primary dies are lost,
so the delay is a true replication lag. With no delay it is a plain pass-through: the probes' own network, and the door
of a database, behind which the server goes on for those who are in.
"""

import asyncio
import contextlib
import time

_CHUNK_BYTES = 65_536
# A bound on what may be under way in one direction (256 MiB): the sender is held back beyond it.
_CHUNKS_MAX = 4_096
_CONNECT_TIMEOUT_SECONDS = 4.0

_Chunk = tuple[float, bytes]


class Relay:
    """Listens on one port of 127.0.0.1 and carries each connection to another."""

    def __init__(self, listen_port: int, target_port: int) -> None:
        self.listen_port = listen_port
        self.target_port = target_port
        #: Seconds that bytes from the target to the client take; the other direction is never delayed.
        self.delay_seconds = 0.0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task] = set()

    @property
    def is_open(self) -> bool:
        """Whether connections are accepted."""
        return self._server is not None

    async def open(self) -> None:
        """Accept connections (again)."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.listen_port)

    def shut(self) -> None:
        """Refuse new connections; those that exist go on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def cut(self) -> None:
        """Refuse connections and drop those that exist, with the bytes under way."""
        self.shut()
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _accept(self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        target_writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_SECONDS):
                target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
            await self._carry(client_reader, client_writer, target_reader, target_writer)
        except (OSError, TimeoutError):
            pass  # the target refused or the connection broke: the client sees its own connection break
        except asyncio.CancelledError:
            pass  # cut: ending quietly keeps asyncio from logging a cancelled handler as an error
        finally:
            self._connections.discard(task)
            for writer in (client_writer, target_writer):
                if writer is not None:
                    writer.transport.abort() if self.delay_seconds else writer.close()

    async def _carry(
        self,
        client_reader: asyncio.StreamReader,
        client_writer: asyncio.StreamWriter,
        target_reader: asyncio.StreamReader,
        target_writer: asyncio.StreamWriter,
    ) -> None:
        upstream = asyncio.create_task(_copy(client_reader, target_writer))
        downstream = asyncio.create_task(self._copy_delayed(target_reader, client_writer))
        try:
            await asyncio.wait({upstream, downstream}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in (upstream, downstream):
                direction.cancel()
            await asyncio.gather(upstream, downstream, return_exceptions=True)

    async def _copy_delayed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way: asyncio.Queue[_Chunk | None] = asyncio.Queue(_CHUNKS_MAX)
        delivery = asyncio.create_task(self._deliver(under_way, writer))
        try:
            while chunk := await reader.read(_CHUNK_BYTES):
                await under_way.put((time.monotonic(), chunk))
                if delivery.done():
                    return
            if self.delay_seconds == 0:
                await under_way.put(None)
                await delivery
            # With a delay the line is long: what has not arrived when the far end dies never will.
        finally:
            delivery.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await delivery

    async def _deliver(self, under_way: "asyncio.Queue[_Chunk | None]", writer: asyncio.StreamWriter) -> None:
        while (entry := await under_way.get()) is not None:
            sent_at, chunk = entry
            await self._until_due(sent_at)
            writer.write(chunk)
            await writer.drain()

    async def _until_due(self, sent_at: float) -> None:
        # Looked at again and again, so that a delay that is shortened counts for what is already under way.
        while True:
            remaining_seconds = sent_at + self.delay_seconds - time.monotonic()
            if remaining_seconds <= 0:
                return
            await asyncio.sleep(min(remaining_seconds, 0.2))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
