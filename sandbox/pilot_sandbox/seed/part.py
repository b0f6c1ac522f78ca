"""What a topology is put together from: one kind of resource, in whichever of the workload's Regions has it."""

from typing import Protocol

from ..aws_clients import AwsClients
from ..naming import Names
from ..postgres import Observation
from .context import SeedContext
from .doors import PrimaryDoors


class Part(Protocol):
    """Makes and removes one kind of resource."""

    def seed(self, clients: AwsClients, context: SeedContext, doors: PrimaryDoors) -> None:
        """Create it; what is there already is fine. Parts are created in the topology's order."""

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Wait, after everything was created, until it is in service; raises SeedFailed."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete it; what is gone already is fine. Parts are deleted in the reverse order."""


class Databases(Part, Protocol):
    """A primary database, and what follows it in the recovery Region, if anything does."""

    #: Whether a standby follows the primary.
    standby: bool

    def server(self, names: Names, region: str) -> str:
        """Identifier of what the real server of one Region stands behind, as the emulator asks for it."""

    def protected_arn(self, names: Names) -> str:
        """ARN of what the recovery Region's backup vault has recovery points of."""

    def lag_metrics(self, identifier: str, observed: Observation) -> list[dict]:
        """A standby's replication lag as RDS publishes it in its Region."""
