"""An RDS instance in the primary Region and its cross-Region read replica."""

from ..aws_clients import AwsClients
from ..naming import Names
from ..postgres import Observation
from .context import SeedContext, unless, wait
from .doors import PrimaryDoors

_INSTANCE_CLASS = "db.t4g.medium"
_GONE = ("DBInstanceNotFound", "DBInstanceNotFoundFault")


class ReadReplica:
    """Makes the pair; see `Databases`."""

    standby = True

    def seed(self, clients: AwsClients, context: SeedContext, doors: PrimaryDoors) -> None:
        """Create the primary, then its replica; returns when both are available."""
        names, regions = context.names, context.regions
        primary, recovery = clients.client("rds", regions.primary), clients.client("rds", regions.recovery)
        with unless("DBInstanceAlreadyExists"):
            primary.create_db_instance(
                DBInstanceIdentifier=names.database(regions.primary),
                Engine="postgres",
                EngineVersion="18.1",
                DBInstanceClass=_INSTANCE_CLASS,
                AllocatedStorage=20,
                MasterUsername="postgres",
                # RDS demands one; nobody logs in with it, the real server has a password of its own.
                MasterUserPassword="not-the-real-one",
                BackupRetentionPeriod=7,
                StorageEncrypted=False,
                VpcSecurityGroupIds=[doors.open_database_group],
            )
        _wait_for_database(primary, names.database(regions.primary))
        with unless("DBInstanceAlreadyExists"):
            recovery.create_db_instance_read_replica(
                DBInstanceIdentifier=names.database(regions.recovery),
                DBInstanceClass=_INSTANCE_CLASS,
                SourceDBInstanceIdentifier=names.database_arn(regions.primary),
                SourceRegion=regions.primary,
            )
        _wait_for_database(recovery, names.database(regions.recovery))

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: seeding has waited."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete the replica, then the primary; returns when both are gone, for another may get their identifiers."""
        for region in (context.regions.recovery, context.regions.primary):
            rds, identifier = clients.client("rds", region), context.names.database(region)
            with unless(*_GONE, "InvalidDBInstanceState"):
                rds.modify_db_instance(DBInstanceIdentifier=identifier, DeletionProtection=False)
            with unless(*_GONE):
                rds.delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)
        for region in context.regions:
            _wait_until_gone(clients.client("rds", region), context.names.database(region))

    def server(self, names: Names, region: str) -> str:
        """The instance."""
        return names.database(region)

    def protected_arn(self, names: Names) -> str:
        """The replica."""
        return names.database_arn(names.regions.recovery)

    def lag_metrics(self, identifier: str, observed: Observation) -> list[dict]:
        """`ReplicaLag`, which is -1 when the replica is not replicating."""
        return [
            {
                "MetricName": "ReplicaLag",
                "Value": -1.0 if observed.lag_seconds is None else observed.lag_seconds,
                "Unit": "Seconds",
                "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": identifier}],
            }
        ]


def _wait_for_database(rds, identifier: str) -> None:
    def available() -> str | None:
        status = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]["DBInstanceStatus"]
        return None if status == "available" else f"database {identifier} is {status}"

    wait(available)


def _wait_until_gone(rds, identifier: str) -> None:
    def there() -> str | None:
        with unless(*_GONE):
            rds.describe_db_instances(DBInstanceIdentifier=identifier)
            return f"database {identifier} is still there"
        return None

    wait(there)
