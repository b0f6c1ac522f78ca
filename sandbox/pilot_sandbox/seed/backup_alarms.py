"""The alarms of a system that lives by its backups: a job failed, or no recovery point is as young as the plan demands.

They watch what the stack's backup monitor publishes, in the stack's Region. The jobs' own events there tell of its own
vaults; that backups stopped coming from the other Region is told by the age of what has arrived.
"""

from dataclasses import dataclass

from ..aws_clients import AwsClients
from .context import SeedContext
from .doors import PrimaryDoors

_NAMESPACE = "PilotLight"
#: How each alarm's name ends, and the metric that it watches; a count of what went wrong.
FAILURES = {
    "backup-failed": "BackupJobFailed",
    "copy-failed": "CopyJobFailed",
    "restore-failed": "RestoreJobFailed",
}
OLD = "recovery-point-too-old"


@dataclass(frozen=True)
class BackupAlarms:
    """Makes the alarms; see `Part`."""

    #: The plan's name for what is backed up.
    target: str

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create the alarms."""
        for ending, metric in FAILURES.items():
            self._alarm(
                clients,
                context,
                AlarmName=context.names.alarm(ending),
                AlarmDescription="A job of AWS Backup in this Region did not end well.",
                MetricName=metric,
                Statistic="Sum",
                Threshold=1,
                ComparisonOperator="GreaterThanOrEqualToThreshold",
                # Nothing is published while nothing fails.
                TreatMissingData="notBreaching",
            )
        self._alarm(
            clients,
            context,
            AlarmName=context.names.alarm(OLD),
            AlarmDescription="The newest complete recovery point in this Region is older than the plan allows.",
            MetricName="RecoveryPointWithinObjective",
            Dimensions=[
                {"Name": "Workload", "Value": context.names.workload},
                {"Name": "Target", "Value": self.target},
            ],
            Statistic="Minimum",
            Threshold=1,
            ComparisonOperator="LessThanThreshold",
            TreatMissingData="ignore",
        )

    @staticmethod
    def _alarm(clients: AwsClients, context: SeedContext, **definition: object) -> None:
        topic = context.outputs.get("NotificationsTopicArn")
        clients.client("cloudwatch", context.regions.recovery).put_metric_alarm(
            Namespace=_NAMESPACE,
            Period=10,
            EvaluationPeriods=1,
            AlarmActions=[topic] if topic else [],
            **definition,
        )

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: an alarm is there at once."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete the alarms."""
        alarms = [context.names.alarm(ending) for ending in (*FAILURES, OLD)]
        clients.client("cloudwatch", context.regions.recovery).delete_alarms(AlarmNames=alarms)
