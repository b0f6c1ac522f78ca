"""The execution environments of a workload's Lambda function: processes, as many and such as it is configured.

Lambda starts environments as requests come in, spreads them over the Availability Zones of the function's subnets, and
makes new ones when the configuration changes. Here a few are kept all the time, one zone after the other; none while
the reserved concurrency is 0, for then Lambda throttles every request.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from ..aws_clients import AwsClients
from ..naming import Names
from ..seed.function import Configuration, configuration
from .databases import Databases
from .instances import Instances, LaunchFailed

_TICK_SECONDS = 0.5
# However many executions at once are reserved: each is a process of this machine.
_ENVIRONMENTS_MAX = 2
_ZONES = ("a", "b", "c")

_log = logging.getLogger(__name__)


class Environments:
    """Launches and ends the environments of one function."""

    def __init__(self, names: Names, instances: Instances, databases: Databases, clients: AwsClients) -> None:
        self._names = names
        self._region = names.regions.primary
        self._instances = instances
        self._databases = databases
        self._clients = clients
        self._numbers = itertools.count(1)
        #: By environment: its zone, and the cluster that it was configured for.
        self._made: dict[str, tuple[str, str]] = {}

    async def keep(self) -> None:
        """Follow the function's configuration until cancelled."""
        while True:
            try:
                found = await asyncio.to_thread(configuration, self._clients, self._names)
                await self.follow(found)
            except (BotoCoreError, ClientError, LaunchFailed, OSError) as error:
                _log.warning("the environments of %s stay as they are: %s", self._names.function, error)
            await asyncio.sleep(_TICK_SECONDS)

    async def follow(self, wanted: Configuration | None) -> None:
        """End the environments that are dead, of a dead zone, of another cluster or too many, and make what lacks."""
        count = environments_for(wanted)
        cluster = "" if wanted is None else wanted.cluster
        ended = self._instances.ended()
        for environment, (zone, of) in list(self._made.items()):
            if environment in ended or zone in self._databases.dead_zones or of != cluster:
                await self._end(environment)
        for environment in list(self._made)[count:]:
            await self._end(environment)
        for _ in range(count - len(self._made)):
            await self._make(cluster)

    async def _make(self, cluster: str) -> None:
        zone = next_zone(
            self._region, [zone for zone, _ in self._made.values()], self._databases.dead_zones.__contains__
        )
        if zone is None:
            return
        environment = f"env-{next(self._numbers)}-{zone}"
        self._made[environment] = (zone, cluster)
        try:
            await self._instances.launch(environment, self._databases.endpoint_port(self._region, cluster))
        except LaunchFailed:
            self._made.pop(environment, None)
            raise

    async def _end(self, environment: str) -> None:
        self._made.pop(environment, None)
        await self._instances.terminate(environment)


def environments_for(wanted: Configuration | None) -> int:
    """How many environments a function of this configuration gets here."""
    if wanted is None or not wanted.cluster:
        return 0
    if wanted.reserved_concurrency is None:
        return _ENVIRONMENTS_MAX
    return min(_ENVIRONMENTS_MAX, wanted.reserved_concurrency)


def next_zone(region: str, taken: list[str], is_dead: Callable[[str], bool]) -> str | None:
    """The living zone of a Region with the fewest environments; None while all are dead."""
    zones = [zone for zone in (region + letter for letter in _ZONES) if not is_dead(zone)]
    return min(zones, key=taken.count, default=None)
