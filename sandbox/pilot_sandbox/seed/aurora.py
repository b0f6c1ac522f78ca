"""An Aurora PostgreSQL global database: a cluster in the primary Region, and a secondary in the recovery Region.

What each call takes and the order in which members join and leave: Aurora User Guide, "Getting started with Amazon
Aurora global databases" and "Deleting an Aurora global database".
"""

from botocore.exceptions import ClientError

from ..aurora_metrics import lag_metrics
from ..aws_clients import AwsClients
from ..naming import Names
from ..postgres import Observation
from .context import SeedContext, unless, wait
from .doors import PrimaryDoors

_ENGINE, _ENGINE_VERSION = "aurora-postgresql", "17.5"
_INSTANCE_CLASS = "db.r6g.large"
_GONE = ("DBClusterNotFoundFault", "GlobalClusterNotFoundFault", "DBInstanceNotFound", "DBInstanceNotFoundFault")


class AuroraGlobal:
    """Makes the global database; see `Databases`."""

    standby = True

    def seed(self, clients: AwsClients, context: SeedContext, doors: PrimaryDoors) -> None:
        """Create it, and its clusters with an instance each; returns when the secondary is connected."""
        names, regions = context.names, context.regions
        primary, recovery = clients.client("rds", regions.primary), clients.client("rds", regions.recovery)
        with unless("GlobalClusterAlreadyExistsFault"):
            primary.create_global_cluster(
                GlobalClusterIdentifier=names.global_cluster, Engine=_ENGINE, EngineVersion=_ENGINE_VERSION
            )
        _create_cluster(
            primary,
            names,
            regions.primary,
            MasterUsername="postgres",
            # RDS demands one; nobody logs in with it, the real server has a password of its own.
            MasterUserPassword="not-the-real-one",
            BackupRetentionPeriod=7,
            VpcSecurityGroupIds=[doors.open_database_group],
        )
        # A secondary has the primary's user and password, and takes none of its own.
        _create_cluster(recovery, names, regions.recovery, BackupRetentionPeriod=7)
        wait(lambda: _not_connected(recovery, names))

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: seeding has waited."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Take the clusters out of the global database, the writer last, and delete everything."""
        names = context.names
        for region in _secondaries_first(clients, context):
            rds = clients.client("rds", region)
            # Before it is taken out, which makes it promote itself and take no change for a while.
            wait(lambda rds=rds, region=region: _still_protected(rds, names.cluster(region)))
            with unless(*_GONE):
                rds.remove_from_global_cluster(
                    GlobalClusterIdentifier=names.global_cluster, DbClusterIdentifier=names.cluster_arn(region)
                )
            with unless(*_GONE):
                rds.delete_db_instance(DBInstanceIdentifier=names.cluster_instance(region))
            wait(lambda rds=rds, region=region: _instances_left(rds, names.cluster(region)))
            with unless(*_GONE):
                rds.delete_db_cluster(DBClusterIdentifier=names.cluster(region), SkipFinalSnapshot=True)
        with unless(*_GONE):
            clients.client("rds", context.regions.recovery).delete_global_cluster(
                GlobalClusterIdentifier=names.global_cluster
            )

    def server(self, names: Names, region: str) -> str:
        """The cluster."""
        return names.cluster(region)

    def protected_arn(self, names: Names) -> str:
        """The recovery Region's cluster."""
        return names.cluster_arn(names.regions.recovery)

    def lag_metrics(self, identifier: str, observed: Observation) -> list[dict]:
        """`AuroraGlobalDBRPOLag` and its like."""
        return lag_metrics(identifier, observed)


def _create_cluster(rds, names: Names, region: str, **more: object) -> None:
    with unless("DBClusterAlreadyExistsFault"):
        rds.create_db_cluster(
            DBClusterIdentifier=names.cluster(region),
            GlobalClusterIdentifier=names.global_cluster,
            Engine=_ENGINE,
            EngineVersion=_ENGINE_VERSION,
            **more,
        )
    with unless("DBInstanceAlreadyExists"):
        rds.create_db_instance(
            DBInstanceIdentifier=names.cluster_instance(region),
            DBClusterIdentifier=names.cluster(region),
            Engine=_ENGINE,
            DBInstanceClass=_INSTANCE_CLASS,
        )

    def unavailable() -> str | None:
        cluster = rds.describe_db_clusters(DBClusterIdentifier=names.cluster(region))["DBClusters"][0]
        instance = rds.describe_db_instances(DBInstanceIdentifier=names.cluster_instance(region))["DBInstances"][0]
        statuses = cluster["Status"], instance["DBInstanceStatus"]
        return (
            None if set(statuses) == {"available"} else f"cluster {names.cluster(region)} and its instance: {statuses}"
        )

    wait(unavailable)


def _members(rds, names: Names) -> list[dict]:
    found = rds.describe_global_clusters(GlobalClusterIdentifier=names.global_cluster)
    return found["GlobalClusters"][0]["GlobalClusterMembers"]


def _not_connected(rds, names: Names) -> str | None:
    members = {member["DBClusterArn"]: member for member in _members(rds, names)}
    secondary = members.get(names.cluster_arn(names.regions.recovery), {})
    if secondary.get("SynchronizationStatus") == "connected" and not secondary["IsWriter"]:
        return None
    return (
        f"{names.cluster(names.regions.recovery)} is not a connected secondary of {names.global_cluster}: {secondary}"
    )


def _secondaries_first(clients: AwsClients, context: SeedContext) -> list[str]:
    names, regions = context.names, list(context.regions)
    writers: set[str] = set()
    with unless(*_GONE):
        members = _members(clients.client("rds", context.regions.recovery), names)
        writers = {member["DBClusterArn"] for member in members if member["IsWriter"]}
    return sorted(regions, key=lambda region: names.cluster_arn(region) in writers)


def _instances_left(rds, cluster: str) -> str | None:
    instances = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [cluster]}])["DBInstances"]
    return f"cluster {cluster} still has {len(instances)} instances" if instances else None


def _still_protected(rds, cluster: str) -> str | None:
    """Lift a cluster's deletion protection, which a promotion by the plan gave it; `None` once it has none."""
    try:
        found = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]
        if not found["DeletionProtection"]:
            return None
        rds.modify_db_cluster(DBClusterIdentifier=cluster, DeletionProtection=False, ApplyImmediately=True)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return None if code in _GONE else f"{cluster}: {code}"
    return f"{cluster} is protected"
