"""The alarm on what users of the workload see."""

from ..aws_clients import AwsClients
from ..metrics import CANARY_METRIC, CANARY_NAMESPACE
from .context import SeedContext
from .doors import PrimaryDoors

# Users see an outage when a few requests in 10 s fail; one that broke off alone is no outage.
_FAILURES_MIN = 3


class Canary:
    """Makes the alarm in the recovery Region; see `Part`."""

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create the alarm."""
        clients.client("cloudwatch", context.regions.recovery).put_metric_alarm(
            AlarmName=context.names.canary_alarm,
            Namespace=CANARY_NAMESPACE,
            MetricName=CANARY_METRIC,
            Dimensions=[{"Name": "Workload", "Value": context.names.workload}],
            Statistic="Sum",
            Period=10,
            EvaluationPeriods=1,
            Threshold=_FAILURES_MIN,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="missing",
            AlarmDescription="What users of the workload see, measured from outside: failed requests in 10 seconds.",
        )

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: an alarm is there at once."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete the alarm."""
        cloudwatch = clients.client("cloudwatch", context.regions.recovery)
        cloudwatch.delete_alarms(AlarmNames=[context.names.canary_alarm])
