"""The alarms of a service on ECS: replication lag, unhealthy targets, too few tasks; and the metrics that they watch.

Each alarm is in the Region that has its metric: the lag of a global database is published in the secondary's alone.
"""

from dataclasses import dataclass

from ..aws_clients import AwsClients
from ..gauges import Gauge, running, unhealthy
from ..naming import Names
from .context import SeedContext
from .doors import PrimaryDoors
from .targets import remove_targets, seed_targets, target_dimensions

_CONTAINER_INSIGHTS, _LOAD_BALANCING = "ECS/ContainerInsights", "AWS/ApplicationELB"


@dataclass(frozen=True)
class ServiceAlarms:
    """Makes the alarms, and the target group that one of them watches; see `Part`."""

    #: Tasks below which a Region has too few.
    tasks_min_primary: int
    tasks_min_recovery: int
    lag_seconds_max: float

    def seed(self, clients: AwsClients, context: SeedContext, doors: PrimaryDoors) -> None:
        """Create target group and alarms."""
        names, (primary, recovery) = context.names, context.regions
        seed_targets(clients, names, doors.load_balancer_arn)
        self._alarm(
            clients,
            context,
            recovery,
            AlarmName=names.alarm("replication-lag"),
            AlarmDescription="The recovery Region's cluster is further behind than the objective allows.",
            Namespace="AWS/RDS",
            # The one that goes on growing while nothing arrives: an alarm that must ring when the primary is gone.
            MetricName="AuroraGlobalDBProgressLag",
            Dimensions=[{"Name": "DBClusterIdentifier", "Value": names.cluster(recovery)}],
            Threshold=self.lag_seconds_max * 1000,
            ComparisonOperator="GreaterThanThreshold",
        )
        self._alarm(
            clients,
            context,
            primary,
            AlarmName=names.alarm("unhealthy-targets"),
            AlarmDescription="Targets of the load balancer fail their health checks.",
            Namespace=_LOAD_BALANCING,
            MetricName="UnHealthyHostCount",
            Dimensions=target_dimensions(clients, names),
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )
        for region, tasks_min in ((primary, self.tasks_min_primary), (recovery, self.tasks_min_recovery)):
            self._alarm(
                clients,
                context,
                region,
                AlarmName=names.alarm("too-few-tasks"),
                AlarmDescription="Fewer tasks run than have to.",
                Namespace=_CONTAINER_INSIGHTS,
                MetricName="RunningTaskCount",
                Dimensions=_service_dimensions(names),
                Threshold=tasks_min,
                ComparisonOperator="LessThanThreshold",
            )

    @staticmethod
    def _alarm(clients: AwsClients, context: SeedContext, region: str, **definition: object) -> None:
        # The stack's topic is in the recovery Region, and an alarm can only notify a topic of its own.
        topic = context.outputs.get("NotificationsTopicArn") if region == context.regions.recovery else None
        clients.client("cloudwatch", region).put_metric_alarm(
            Statistic="Maximum",
            Period=10,
            EvaluationPeriods=2,
            TreatMissingData="missing",
            AlarmActions=[topic] if topic else [],
            **definition,
        )

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: an alarm is there at once."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete alarms and target group."""
        names = context.names
        alarms = [names.alarm(of) for of in ("replication-lag", "unhealthy-targets", "too-few-tasks")]
        for region in context.regions:
            clients.client("cloudwatch", region).delete_alarms(AlarmNames=alarms)
        remove_targets(clients, names)


def service_gauges(clients: AwsClients, names: Names) -> list[Gauge]:
    """What AWS measures for these alarms, besides the replication lag."""
    primary, service = names.regions.primary, _service_dimensions(names)
    return [
        Gauge(primary, _LOAD_BALANCING, "UnHealthyHostCount", target_dimensions(clients, names), unhealthy),
        *(Gauge(region, _CONTAINER_INSIGHTS, "RunningTaskCount", service, running) for region in names.regions),
    ]


def _service_dimensions(names: Names) -> list[dict]:
    return [{"Name": "ClusterName", "Value": names.ecs_cluster}, {"Name": "ServiceName", "Value": names.service}]
