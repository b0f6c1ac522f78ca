"""`backup-restore`: a recovery Region that is empty but for copied recovery points, and code that deploys into it."""

from ..aws_clients import AwsClients
from ..naming import Names, Regions
from ..seed.backup_alarms import BackupAlarms
from ..seed.bucket import Bucket
from ..seed.build_project import BuildProject
from ..seed.cache import Cache
from ..seed.canary import Canary
from ..seed.cluster import Cluster
from ..seed.doors import database_group
from ..seed.groups import Groups
from ..seed.hourly_backups import HourlyBackups
from ..seed.simple_records import SimpleRecords, hosted_zone
from .topology import Topology

_PRIMARY, _RECOVERY = "us-east-1", "us-west-2"
_ACCOUNT = "111122223333"
_INSTANCES = 2
_BACKUPS = HourlyBackups(lambda names: (names.cluster_arn(_PRIMARY),))
_DATABASES = Cluster(zones=("a",), restored=lambda names: (_RECOVERY, names.cluster(_RECOVERY)))


def _identifiers(names: Names) -> dict[str, str]:
    return {
        "bookings-db": names.cluster(_PRIMARY),
        f"arn:aws:rds:{_PRIMARY}:{_ACCOUNT}:cluster:bookings-db": names.cluster_arn(_PRIMARY),
        "bookings-db-recovery": names.cluster(_RECOVERY),
        "bookings-db-recovery-1": names.cluster_instance(_RECOVERY),
        f"arn:aws:iam::{_ACCOUNT}:role/bookings-restore": names.role_arn("restore"),
        "bookings-cache": names.cache,
        "bookings-web": names.group,
        "bookings-deploy": names.build_project("deploy"),
    }


def _parameters(names: Names) -> dict[str, str]:
    return {
        "PrimaryClusterIdentifier": names.cluster(_PRIMARY),
        "PrimaryDbIdentifier": names.cluster_instance(_PRIMARY),
        "PrimaryAutoScalingGroupName": names.group,
        "RestoredIdentifier": names.cluster(_RECOVERY),
        "RestoreRoleArn": names.role_arn("restore"),
        "CodeBuildProjectName": names.build_project("deploy"),
    }


def _looked_up(clients: AwsClients, names: Names) -> dict[str, str]:
    return {
        "Z0123456789EXAMPLE": hosted_zone(clients, names),
        "sg-0a1b2c3d4e5f60005": database_group(clients, names, _RECOVERY),
    }


def _deploy(names: Names) -> dict[str, str]:
    return {
        "NAME": names.group,
        "CLUSTER": names.cluster(_RECOVERY),
        "CACHE": names.cache,
        "INSTANCES": str(_INSTANCES),
    }


BACKUP_RESTORE = Topology(
    name="backup-restore",
    regions=Regions(primary=_PRIMARY, recovery=_RECOVERY),
    databases=_DATABASES,
    others=(
        Cache(),
        Bucket(replicated=True),
        Groups(primary=(_INSTANCES, 4, _INSTANCES), recovery=None),
        BuildProject("deploy", "deploy", _deploy),
        Canary(),
        BackupAlarms("bookings-db"),
        SimpleRecords(),
        _BACKUPS,
    ),
    example="bookings",
    identifiers=_identifiers,
    parameters=_parameters,
    looked_up=_looked_up,
    backups=_BACKUPS,
)
