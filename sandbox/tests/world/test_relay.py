"""The relay: pass-through, delay, loss of what is under way, shutting and cutting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from pilot_sandbox.free_ports import free_port
from pilot_sandbox.relay import Relay


class _Far:
    """A server that echoes lines, until it hears `die`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.heard.append(line)
            if line == b"die\n":
                break
            writer.write(line)
        writer.close()


@pytest.fixture
async def far() -> AsyncIterator[_Far]:
    far = _Far(free_port())
    server = await asyncio.start_server(far.serve, "127.0.0.1", far.port, limit=2**20)
    yield far
    server.close()


@pytest.fixture
async def relay(far: _Far) -> AsyncIterator[Relay]:
    relay = Relay(free_port(), far.port)
    await relay.open()
    yield relay
    await relay.cut()


async def _connect(relay: Relay) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", relay.listen_port)


async def test_passes_through_without_delay(relay: Relay) -> None:
    reader, writer = await _connect(relay)
    payload = b"x" * 300_000 + b"\n"
    writer.write(payload)
    async with asyncio.timeout(60):
        echoed = await reader.readexactly(len(payload))
    assert echoed == payload
    writer.close()


async def test_shut_refuses_whoever_comes_and_lets_those_who_are_in_go_on(relay: Relay) -> None:
    reader, writer = await _connect(relay)
    writer.write(b"before\n")
    async with asyncio.timeout(60):
        assert await reader.readline() == b"before\n"
        relay.shut()
        with pytest.raises(ConnectionRefusedError):
            await _connect(relay)
        writer.write(b"after\n")
        assert await reader.readline() == b"after\n"
        await relay.open()
        _, another = await _connect(relay)
    another.close()
    writer.close()


async def test_delays_only_what_comes_back(relay: Relay, far: _Far) -> None:
    relay.delay_seconds = 0.6
    reader, writer = await _connect(relay)
    started = time.monotonic()
    writer.write(b"one\n")
    await asyncio.sleep(0.2)
    assert far.heard == [b"one\n"]
    assert await reader.readline() == b"one\n"
    assert time.monotonic() - started > 0.55
    writer.close()


async def test_what_is_under_way_is_lost_when_the_far_end_dies(relay: Relay) -> None:
    relay.delay_seconds = 0.5
    reader, writer = await _connect(relay)
    writer.write(b"arrives\n")
    assert await reader.readline() == b"arrives\n"
    writer.write(b"lost\ndie\n")
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        async with asyncio.timeout(60):
            await reader.readexactly(1)
    writer.close()


async def test_cut_drops_connections_and_refuses_new_ones_until_opened_again(relay: Relay) -> None:
    reader, writer = await _connect(relay)
    writer.write(b"before\n")
    assert await reader.readline() == b"before\n"
    await relay.cut()
    async with asyncio.timeout(60):
        assert await reader.read() == b""
    with pytest.raises(ConnectionRefusedError):
        await _connect(relay)

    await relay.open()

    reader, writer = await _connect(relay)
    writer.write(b"after\n")
    assert await reader.readline() == b"after\n"
    writer.close()


async def test_a_shortened_delay_counts_for_what_is_already_under_way(relay: Relay) -> None:
    relay.delay_seconds = 60.0
    reader, writer = await _connect(relay)
    writer.write(b"soon\n")
    await asyncio.sleep(0.1)
    relay.delay_seconds = 0.0
    async with asyncio.timeout(60):
        assert await reader.readline() == b"soon\n"
    writer.close()
