"""Ports that stay ours: picked outside the kernel's ephemeral range.

A server that is broken and mended keeps its port number. If that number came from the ephemeral range, an outgoing
connection of any process could take it while the server is down, and mending would fail.
"""

import random
import socket

_LOWEST, _HIGHEST = 10_240, 32_000
_given: set[int] = set()


class NoFreePort(RuntimeError):
    """No port could be bound on the loopback interface."""


def free_port() -> int:
    """Return a port on 127.0.0.1 that nothing listens on and that this process has not handed out before."""
    for _ in range(500):
        port = random.randint(_LOWEST, _HIGHEST)
        if port in _given:
            continue
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram_probe,
        ):
            try:
                probe.bind(("127.0.0.1", port))
                datagram_probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise NoFreePort(f"none of 500 ports tried between {_LOWEST} and {_HIGHEST} on 127.0.0.1 was free")
