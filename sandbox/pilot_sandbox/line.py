"""The line between a workload's two Regions, as far as its databases replicate over it."""

import asyncio

from .free_ports import free_port
from .relay import Relay


class Line:
    """All that replicates over the line, in whichever direction, is delayed alike and cut together."""

    def __init__(self) -> None:
        self._relays: set[Relay] = set()
        self._delay_seconds = 0.0
        self._is_cut = False

    @property
    def is_cut(self) -> bool:
        """Whether nothing passes."""
        return self._is_cut

    @property
    def delay_seconds(self) -> float:
        """How long what a source sends is under way to its standby; the other way nothing is delayed."""
        return self._delay_seconds

    @delay_seconds.setter
    def delay_seconds(self, seconds: float) -> None:
        self._delay_seconds = seconds
        for relay in self._relays:
            relay.delay_seconds = seconds

    async def lead_to(self, port: int) -> Relay:
        """Make a relay over the line to the server behind `port`; closed while the line is cut."""
        relay = Relay(free_port(), port)
        relay.delay_seconds = self._delay_seconds
        self._relays.add(relay)
        if not self._is_cut:
            await relay.open()
        return relay

    async def remove(self, relay: Relay) -> None:
        """End a relay for good, with its connections."""
        self._relays.discard(relay)
        await relay.cut()

    async def cut(self) -> None:
        """Let nothing pass any more; what is under way is lost."""
        self._is_cut = True
        await asyncio.gather(*(relay.cut() for relay in self._relays))

    async def mend(self) -> None:
        """Let everything pass again; standbys connect by themselves."""
        self._is_cut = False
        for relay in self._relays:
            await relay.open()
