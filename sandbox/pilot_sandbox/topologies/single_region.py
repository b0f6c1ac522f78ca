"""`single-region`: an Aurora cluster over two Availability Zones, a DynamoDB table, a Lambda function, in one Region.

Two plans: an Availability Zone dies, and the writer moves to the other; or the data is spoilt, and cluster and table
are restored beside the originals to a moment before.
"""

from ..naming import Names, Regions
from ..seed.backup_alarms import BackupAlarms
from ..seed.bucket import Bucket
from ..seed.build_project import BuildProject
from ..seed.canary import Canary
from ..seed.cluster import Cluster
from ..seed.function import Function
from ..seed.hourly_backups import HourlyBackups
from ..seed.simple_records import SimpleRecords
from ..seed.table import Table
from .topology import Topology

_REGION = "us-east-1"
_ACCOUNT = "111122223333"
_DATABASES = Cluster(zones=("a", "b"), restored=lambda names: (names.regions.primary, names.restored_cluster))
_BACKUPS = HourlyBackups(lambda names: (names.cluster_arn(_REGION), names.table_arn))
_FUNCTION, _TABLE = Function(reserved_concurrency=50), Table()


def _identifiers(names: Names) -> dict[str, str]:
    return {
        "orders-db": names.cluster(_REGION),
        "orders-db-a": names.cluster_instance(_REGION, 1),
        "orders-db-b": names.cluster_instance(_REGION, 2),
        f"arn:aws:rds:{_REGION}:{_ACCOUNT}:cluster:orders-db": names.cluster_arn(_REGION),
        "orders-db-restored": names.restored_cluster,
        "orders-db-restored-a": names.restored_instance(1),
        "orders-db-restored-b": names.restored_instance(2),
        f"arn:aws:dynamodb:{_REGION}:{_ACCOUNT}:table/orders-carts": names.table_arn,
        "orders-carts-restored": names.restored_table,
        "orders-api": names.function,
        "orders-lead-over": names.build_project("lead-over"),
    }


def _parameters(names: Names) -> dict[str, str]:
    return {
        "ClusterIdentifier": names.cluster(_REGION),
        "ClusterInstanceIdentifier": f"{names.cluster(_REGION)}-*",
        "ConcurrencyFunctionName": names.function,
        "CodeBuildProjectName": names.build_project("lead-over"),
    }


def _lead_over(names: Names) -> dict[str, str]:
    return {"FUNCTION": names.function, "CLUSTER": names.restored_cluster, "TABLE": names.restored_table}


SINGLE_REGION = Topology(
    name="single-region",
    regions=Regions(primary=_REGION, recovery=_REGION),
    databases=_DATABASES,
    others=(
        _TABLE,
        Bucket(),
        _FUNCTION,
        BuildProject("lead-over", "lead_over", _lead_over),
        Canary(),
        BackupAlarms("orders-db"),
        SimpleRecords(),
        _BACKUPS,
    ),
    example="orders",
    identifiers=_identifiers,
    parameters=_parameters,
    more_plans=("restore",),
    function=_FUNCTION,
    table=_TABLE,
    backups=_BACKUPS,
    doomed_zone=f"{_REGION}a",
)
