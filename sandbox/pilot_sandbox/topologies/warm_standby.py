"""`warm-standby`: ShopSmart, an Aurora global database, a global datastore and a group with one instance on standby."""

from ..aws_clients import AwsClients
from ..naming import Names, Regions
from ..seed.aurora import AuroraGlobal
from ..seed.canary import Canary
from ..seed.failover_records import FailoverRecords
from ..seed.global_cache import GlobalCache, datastore_id
from ..seed.groups import Groups
from ..seed.recovery_point import RecoveryPoint
from .aurora_names import cluster_identifiers, cluster_parameters
from .topology import Topology

_DATABASES = AuroraGlobal()
_EXAMPLE = "shopsmart"
_REGIONS = Regions(primary="us-east-1", recovery="us-west-2")


def _identifiers(names: Names) -> dict[str, str]:
    return {
        **cluster_identifiers(_EXAMPLE, names),
        "shopsmart-web": names.group,
        "shopsmart-sessions": names.cache_member(_REGIONS.primary),
        "shopsmart-sessions-dr": names.cache_member(_REGIONS.recovery),
    }


def _parameters(names: Names) -> dict[str, str]:
    return {
        **cluster_parameters(names),
        "AutoScalingGroupName": names.group,
        "PrimaryAutoScalingGroupName": names.group,
        "PrimaryReplicationGroupId": names.cache_member(_REGIONS.primary),
        "RecoveryReplicationGroupId": names.cache_member(_REGIONS.recovery),
        # The prefix is ElastiCache's own.
        "GlobalReplicationGroupId": f"*-{names.global_cache_suffix}",
    }


def _looked_up(clients: AwsClients, names: Names) -> dict[str, str]:
    return {"ldgnf-shopsmart-sessions": datastore_id(clients.client("elasticache", _REGIONS.primary), names)}


WARM_STANDBY = Topology(
    name="warm-standby",
    regions=_REGIONS,
    databases=_DATABASES,
    others=(
        GlobalCache(),
        Groups(primary=(2, 4, 2), recovery=(1, 4, 1)),
        Canary(),
        FailoverRecords(),
        RecoveryPoint(_DATABASES),
    ),
    example=_EXAMPLE,
    identifiers=_identifiers,
    parameters=_parameters,
    looked_up=_looked_up,
    demo_goes_home=True,
)
