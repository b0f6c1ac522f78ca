"""`pilot-light`: a shop with an RDS read replica, and nothing running in the recovery Region until it is needed."""

from ..naming import PILOT_LIGHT_REGIONS, Names
from ..seed.canary import Canary
from ..seed.failover_records import FailoverRecords
from ..seed.groups import Groups
from ..seed.promoted_settings import PromotedSettings, recovery_database_group
from ..seed.read_replica import ReadReplica
from ..seed.recovery_point import RecoveryPoint
from .topology import Topology

_DATABASES = ReadReplica()


def _identifiers(names: Names) -> dict[str, str]:
    primary, recovery = names.regions
    return {
        "shop-db": names.database(primary),
        "shop-db-replica": names.database(recovery),
        f"arn:aws:rds:{recovery}:111122223333:db:shop-db-replica": names.database_arn(recovery),
        "shop-app": names.group,
        "shop-parameters": names.parameter_group,
    }


def _parameters(names: Names) -> dict[str, str]:
    primary, recovery = names.regions
    return {
        "PrimaryDbIdentifier": names.database(primary),
        "ReplicaIdentifier": names.database(recovery),
        "AutoScalingGroupName": names.group,
        "PrimaryAutoScalingGroupName": names.group,
    }


PILOT_LIGHT = Topology(
    name="pilot-light",
    regions=PILOT_LIGHT_REGIONS,
    databases=_DATABASES,
    others=(
        Groups(primary=(2, 4, 2), recovery=(0, 0, 0)),
        Canary(),
        FailoverRecords(),
        PromotedSettings("postgres18"),
        RecoveryPoint(_DATABASES),
    ),
    example="shop",
    identifiers=_identifiers,
    parameters=_parameters,
    looked_up=recovery_database_group,
)
