"""What makes one topology different from another: Regions, resources, and how its published plan names them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..aws_clients import AwsClients
from ..gauges import Gauge
from ..naming import Names, Regions
from ..paths import REPOSITORY
from ..seed.function import Function
from ..seed.hourly_backups import HourlyBackups
from ..seed.part import Databases, Part
from ..seed.table import Table


@dataclass(frozen=True)
class Capacities:
    """What one compute component gets here, where the real capacity is too much for one machine: min, max, desired."""

    #: In the recovery Region, while it serves.
    serving: Mapping[str, int]
    #: In the recovery Region, once the workload is home again.
    resting: Mapping[str, int]
    #: In the primary Region.
    home: Mapping[str, int]


@dataclass(frozen=True)
class Topology:
    """One of the systems that the suite recovers. A sandbox is of one topology, whatever workloads it has."""

    #: Of the plan in `examples/plans/`, of the first workload, and what `--topology` takes.
    name: str
    regions: Regions
    databases: Databases
    #: Everything else, in the order in which it is created.
    others: tuple[Part, ...]
    #: How the published plan calls the system: its names begin so, and its users call `<example>.example.com`.
    example: str
    #: The published plan's own identifiers of databases and compute, and the sandbox's in their place.
    identifiers: Callable[[Names], dict[str, str]]
    #: The stack's parameters that name databases and compute.
    parameters: Callable[[Names], dict[str, str]]
    #: How the names of more plans of the same system end, and of their files: after the topology's own name.
    more_plans: tuple[str, ...] = ()
    #: What AWS itself has named, looked up once all is seeded: the published plan's value, the sandbox's in its place.
    looked_up: Callable[[AwsClients, Names], dict[str, str]] = lambda _clients, _names: {}
    #: By the name of the plan's compute component, which is the same in both Regions.
    capacities: Mapping[str, Capacities] = field(default_factory=dict)

    #: Metrics of tasks and targets that AWS takes of this system, for the alarms that watch them.
    gauges: Callable[[AwsClients, Names], list[Gauge]] = lambda _clients, _names: []

    #: The Lambda function that is the application, where one is: it runs as it is configured.
    function: Function | None = None
    #: The DynamoDB table, where there is one.
    table: Table | None = None
    #: What AWS Backup takes every hour, where that is what a run restores from.
    backups: HourlyBackups | None = None
    #: The Availability Zone whose death this system survives within its Region. None: the primary Region dies whole.
    doomed_zone: str | None = None

    #: Whether the demo goes the way home too, once the recovery Region serves.
    demo_goes_home: bool = False

    @property
    def disaster(self) -> str:
        """What the control server is asked for so that this system needs to be recovered."""
        return f"/zone/{self.doomed_zone}/database/down" if self.doomed_zone else "/primary/down"

    @property
    def restored_from_backup(self) -> bool:
        """Whether the disaster leaves nothing but backups."""
        return self.backups is not None and self.doomed_zone is None

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything that is seeded, in order."""
        return (self.databases, *self.others)

    @property
    def plan(self) -> Path:
        """The published plan."""
        return REPOSITORY / "examples" / "plans" / f"{self.name}.yaml"

    def other_plan(self, ending: str) -> Path:
        """Another published plan of the same system."""
        return self.plan.with_stem(f"{self.name}-{ending}")

    def names(self, workload: str) -> Names:
        """The names of a workload of this topology."""
        return Names(workload, self.regions)
