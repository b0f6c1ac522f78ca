"""The outside client: a user of the workload who keeps ordering, and remembers what was confirmed."""

import asyncio
import itertools
import time
from collections import deque
from dataclasses import dataclass

import aiohttp

from .resolver import ResolutionFailed, Resolver

_PERIOD_SECONDS = 0.2
_TIMEOUT = aiohttp.ClientTimeout(total=2.0)
_READ_TIMEOUT = aiohttp.ClientTimeout(total=5.0)
_RECENT_MAX = 10
# Listing more lost numbers than this in one answer helps nobody; the count is always whole.
_LOST_SHOWN_MAX = 200


class RequestFailed(Exception):
    """The workload gave no usable answer."""


@dataclass(frozen=True)
class Confirmed:
    """An order that the workload confirmed."""

    number: int
    at: float
    region: str


def losses(confirmed: list[Confirmed], readable: set[int]) -> list[dict]:
    """Each unbroken stretch of confirmed orders that cannot be read, oldest first.

    `orders` says how many they are, `seconds` how long from the last order before them to the last of them.
    """
    found: list[dict] = []
    stretches = itertools.groupby(confirmed, key=lambda order: order.number in readable)
    before: Confirmed | None = None
    for survived, stretch in stretches:
        orders = list(stretch)
        if not survived:
            start = before or orders[0]
            found.append({"orders": len(orders), "seconds": orders[-1].at - start.at})
        before = orders[-1]
    return found


def longest_gap_seconds(confirmed: list[Confirmed]) -> float | None:
    """The longest time between two confirmed orders, one after the other; None before there are two."""
    return max((after.at - before.at for before, after in itertools.pairwise(confirmed)), default=None)


class OutsideClient:
    """Posts about five numbered orders a second to the address that DNS gives, its TTL honoured."""

    def __init__(self, name: str, resolver: Resolver, http: aiohttp.ClientSession) -> None:
        self._name = name
        self._resolver = resolver
        self._http = http
        self._confirmed: list[Confirmed] = []
        self._attempted = 0
        self._failed = 0
        self._consecutive_failures = 0
        self._failed_since_asked = 0
        self._attempted_since_asked = 0
        self._last_error: str | None = None
        self._recent: deque[dict] = deque(maxlen=_RECENT_MAX)

    async def run(self) -> None:
        """Order until cancelled."""
        while True:
            started = time.monotonic()
            await self._order(self._attempted + 1)
            await asyncio.sleep(max(0.0, started + _PERIOD_SECONDS - time.monotonic()))

    async def _order(self, number: int) -> None:
        self._attempted += 1
        self._attempted_since_asked += 1
        region: str | None = None
        try:
            region = await self._post(number)
        except RequestFailed as error:
            self._failed += 1
            self._failed_since_asked += 1
            self._consecutive_failures += 1
            self._last_error = str(error)
        else:
            self._consecutive_failures = 0
            self._confirmed.append(Confirmed(number, time.time(), region))
        self._recent.append({"number": number, "confirmed": region is not None, "region": region})

    async def _post(self, number: int) -> str:
        try:
            target = await self._resolver.resolve(self._name)
            url = f"http://{target.address}:{target.port}/orders"
            async with self._http.post(url, json={"number": number}, timeout=_TIMEOUT) as response:
                region = response.headers.get("X-Region", "unknown")
                if response.status == 201:
                    return region
                raise RequestFailed(f"HTTP status {response.status} from {region}")
        except (aiohttp.ClientError, TimeoutError, OSError, ResolutionFailed) as error:
            raise RequestFailed(f"{type(error).__name__}: {error}") from error

    def take_failures(self) -> int:
        """Failed requests since the last call of this; a client that got no request out at all counts as one."""
        failures = self._failed_since_asked
        if self._attempted_since_asked == 0:
            failures = 1
        self._failed_since_asked = self._attempted_since_asked = 0
        return failures

    async def report(self) -> dict:
        """Counts, and which confirmed orders cannot be read now (`lost` is null while nothing can be read)."""
        confirmed = list(self._confirmed)
        last = confirmed[-1] if confirmed else None
        report = {
            "name": self._name.rstrip("."),
            "attempted": self._attempted,
            "acked": len(confirmed),
            "failed": self._failed,
            "consecutiveFailures": self._consecutive_failures,
            "lastError": self._last_error,
            "lastRegions": [entry["region"] for entry in self._recent],
            "recent": list(self._recent),
            "lastAcked": None if last is None else {"number": last.number, "at": last.at, "region": last.region},
            "longestGapSeconds": longest_gap_seconds(confirmed),
            "ackedByRegion": {},
            "firstAckedByRegion": {},
            "lost": None,
        }
        for order in confirmed:
            report["firstAckedByRegion"].setdefault(order.region, order.at)
            report["ackedByRegion"][order.region] = report["ackedByRegion"].get(order.region, 0) + 1
        try:
            readable, region = await self._read_all()
        except RequestFailed as error:
            return report | {"readError": str(error)}
        lost = [order for order in confirmed if order.number not in readable]
        return report | {
            "readRegion": region,
            "lost": len(lost),
            "lostNumbers": [order.number for order in lost[:_LOST_SHOWN_MAX]],
            "lostFrom": lost[0].at if lost else None,
            "lostTo": lost[-1].at if lost else None,
            # From the last order that survived to the last one that did not: the data loss in seconds.
            "lossSeconds": self._loss_seconds(confirmed, lost),
            # One entry for each time that the workload lost orders, oldest first.
            "losses": losses(confirmed, readable),
        }

    @staticmethod
    def _loss_seconds(confirmed: list[Confirmed], lost: list[Confirmed]) -> float:
        if not lost:
            return 0.0
        before = [order.at for order in confirmed if order.number < lost[0].number]
        return lost[-1].at - (before[-1] if before else lost[0].at)

    async def _read_all(self) -> tuple[set[int], str]:
        numbers: set[int] = set()
        after = 0
        while True:
            page, region = await self._read_page(after)
            numbers.update(page)
            if not page:
                return numbers, region
            after = page[-1]

    async def _read_page(self, after: int) -> tuple[list[int], str]:
        try:
            target = await self._resolver.resolve(self._name)
            url = f"http://{target.address}:{target.port}/orders?after={after}"
            async with self._http.get(url, timeout=_READ_TIMEOUT) as response:
                if response.status != 200:
                    raise RequestFailed(f"HTTP status {response.status}")
                return (await response.json())["numbers"], response.headers.get("X-Region", "unknown")
        except (aiohttp.ClientError, TimeoutError, OSError, ResolutionFailed) as error:
            raise RequestFailed(f"{type(error).__name__}: {error}") from error
