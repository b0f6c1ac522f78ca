"""An Aurora PostgreSQL cluster of one Region, an instance in each of its zones; and what is restored from it.

Nothing follows it anywhere: when it is lost, its backups are all there is.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..aws_clients import AwsClients
from ..naming import Names
from ..postgres import Observation
from .context import SeedContext, unless, wait
from .doors import PrimaryDoors, remove_database_group, seed_database_group

_ENGINE, _ENGINE_VERSION = "aurora-postgresql", "17.5"
_INSTANCE_CLASS = "db.r6g.large"
_GONE = ("DBClusterNotFoundFault", "DBInstanceNotFound", "DBInstanceNotFoundFault")


@dataclass(frozen=True)
class Cluster:
    """Makes the cluster in the primary Region; see `Databases`."""

    #: One instance in each, the writer in the first.
    zones: tuple[str, ...]
    #: Region and identifier of the cluster that a run restores, which is removed with the workload.
    restored: Callable[[Names], tuple[str, str]]
    #: Nothing has a replication lag.
    standby = False

    def seed(self, clients: AwsClients, context: SeedContext, doors: PrimaryDoors) -> None:
        """Create the cluster and its instances; returns when all are available."""
        names, region = context.names, context.regions.primary
        rds, identifier = clients.client("rds", region), names.cluster(region)
        with unless("DBClusterAlreadyExistsFault"):
            rds.create_db_cluster(
                DBClusterIdentifier=identifier,
                Engine=_ENGINE,
                EngineVersion=_ENGINE_VERSION,
                MasterUsername="postgres",
                # RDS demands one; nobody logs in with it, the real server has a password of its own.
                MasterUserPassword="not-the-real-one",
                BackupRetentionPeriod=7,
                VpcSecurityGroupIds=[doors.open_database_group],
            )
        for number, zone in enumerate(self.zones, 1):
            with unless("DBInstanceAlreadyExists"):
                rds.create_db_instance(
                    DBInstanceIdentifier=names.cluster_instance(region, number),
                    DBClusterIdentifier=identifier,
                    Engine=_ENGINE,
                    DBInstanceClass=_INSTANCE_CLASS,
                    AvailabilityZone=f"{region}{zone}",
                )
        wait(lambda: _unavailable(rds, identifier, len(self.zones)))
        if context.regions.recovery != region:
            seed_database_group(clients, names, context.regions.recovery)

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: seeding has waited."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete the cluster that was restored, and the cluster."""
        names, primary = context.names, context.regions.primary
        for region, identifier in (self.restored(names), (primary, names.cluster(primary))):
            _remove(clients.client("rds", region), identifier)
        if context.regions.recovery != primary:
            remove_database_group(clients, names, context.regions.recovery)

    def server(self, names: Names, region: str) -> str:
        """The cluster."""
        return names.cluster(region)

    def protected_arn(self, names: Names) -> str:
        """The primary Region's cluster: it is the only one."""
        return names.cluster_arn(names.regions.primary)

    def lag_metrics(self, identifier: str, observed: Observation) -> list[dict]:
        """None: nothing follows."""
        return []


def _unavailable(rds, identifier: str, instances: int) -> str | None:
    cluster = rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]
    statuses = [cluster["Status"], *(instance["DBInstanceStatus"] for instance in _instances(rds, identifier))]
    whole = len(statuses) == instances + 1 and set(statuses) == {"available"}
    return None if whole else f"cluster {identifier} and its instances: {statuses}"


def _remove(rds, identifier: str) -> None:
    with unless(*_GONE, "InvalidDBClusterStateFault"):
        rds.modify_db_cluster(DBClusterIdentifier=identifier, DeletionProtection=False, ApplyImmediately=True)
    for instance in _instances(rds, identifier):
        with unless(*_GONE, "InvalidDBInstanceState"):
            rds.delete_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], SkipFinalSnapshot=True)
    wait(lambda: f"cluster {identifier} still has instances" if _instances(rds, identifier) else None)
    with unless(*_GONE):
        rds.delete_db_cluster(DBClusterIdentifier=identifier, SkipFinalSnapshot=True)


def _instances(rds, identifier: str) -> list[dict]:
    filters = [{"Name": "db-cluster-id", "Values": [identifier]}]
    return rds.describe_db_instances(Filters=filters)["DBInstances"]
