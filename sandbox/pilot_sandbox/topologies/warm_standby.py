"""`warm-standby`: ShopSmart, an Aurora global database and an Auto Scaling group with one instance standing by."""

from ..naming import Names, Regions
from ..seed.aurora import AuroraGlobal
from ..seed.canary import Canary
from ..seed.failover_records import FailoverRecords
from ..seed.groups import Groups
from ..seed.recovery_point import RecoveryPoint
from .aurora_names import cluster_identifiers, cluster_parameters
from .topology import Topology

_DATABASES = AuroraGlobal()
_EXAMPLE = "shopsmart"


def _identifiers(names: Names) -> dict[str, str]:
    return {**cluster_identifiers(_EXAMPLE, names), "shopsmart-web": names.group}


def _parameters(names: Names) -> dict[str, str]:
    return {
        **cluster_parameters(names),
        "AutoScalingGroupName": names.group,
        "PrimaryAutoScalingGroupName": names.group,
    }


WARM_STANDBY = Topology(
    name="warm-standby",
    regions=Regions(primary="us-east-1", recovery="us-west-2"),
    databases=_DATABASES,
    others=(
        Groups(primary=(2, 4, 2), recovery=(1, 4, 1)),
        Canary(),
        FailoverRecords(),
        RecoveryPoint(_DATABASES),
    ),
    example=_EXAMPLE,
    identifiers=_identifiers,
    parameters=_parameters,
    demo_goes_home=True,
)
