"""`payments`: an Aurora global database and an ECS service on Fargate, a few tasks of which stand by."""

from ..naming import Names, Regions
from ..seed.aurora import AuroraGlobal
from ..seed.canary import Canary
from ..seed.failover_records import FailoverRecords
from ..seed.promoted_settings import PromotedSettings, recovery_database_group
from ..seed.recovery_point import RecoveryPoint
from ..seed.service_alarms import ServiceAlarms, service_gauges
from ..seed.services import Services
from .aurora_names import cluster_identifiers, cluster_parameters
from .topology import Capacities, Topology

_DATABASES = AuroraGlobal()
_EXAMPLE = "payments"


def _identifiers(names: Names) -> dict[str, str]:
    return {
        **cluster_identifiers(_EXAMPLE, names),
        "payments-cluster": names.ecs_cluster,
        "payments-api": names.service,
        "payments-parameters": names.parameter_group,
        "payments-cluster-parameters": names.cluster_parameter_group,
    }


def _parameters(names: Names) -> dict[str, str]:
    return {**cluster_parameters(names), "EcsClusterName": names.ecs_cluster, "EcsServiceName": names.service}


PAYMENTS = Topology(
    name="payments",
    regions=Regions(primary="us-east-1", recovery="us-east-2"),
    databases=_DATABASES,
    others=(
        # A task is a process of this machine: 2 stand for the 10 of the real system, 1 for the 2 that stand by.
        Services(primary=(2, 6, 2), recovery=(1, 6, 1)),
        ServiceAlarms(tasks_min_primary=2, tasks_min_recovery=1, lag_seconds_max=300),
        Canary(),
        FailoverRecords(),
        PromotedSettings("aurora-postgresql17", cluster=True),
        RecoveryPoint(_DATABASES),
    ),
    example=_EXAMPLE,
    identifiers=_identifiers,
    parameters=_parameters,
    looked_up=recovery_database_group,
    gauges=service_gauges,
    capacities={
        "api": Capacities(
            serving={"min": 3, "max": 6, "desired": 3},
            resting={"min": 1, "max": 6, "desired": 1},
            home={"min": 2, "max": 6, "desired": 2},
        )
    },
)
