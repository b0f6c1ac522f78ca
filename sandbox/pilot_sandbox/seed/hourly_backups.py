"""AWS Backup: a backup plan that takes what a workload cannot lose every hour, copies it, and keeps it for 7 days.

Hours do not pass in a sandbox: `take` is what the plan does once an hour.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..aws_clients import AwsClients
from ..naming import ACCOUNT_ID, Names
from .context import SeedContext, SeedFailed, unless, wait
from .doors import PrimaryDoors

_KEPT_DAYS = 7
_ENDED_BADLY = ("ABORTED", "FAILED", "EXPIRED", "PARTIAL")


@dataclass(frozen=True)
class HourlyBackups:
    """Makes the vaults, the plan, and the first recovery point of each resource; see `Part`."""

    #: ARNs of what is backed up.
    resources: Callable[[Names], tuple[str, ...]]

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create vaults and plan, and take the first backups; returns when they are where a run needs them."""
        names, (primary, recovery) = context.names, context.regions
        for region in dict.fromkeys((primary, recovery)):
            with unless("AlreadyExistsException"):
                clients.client("backup", region).create_backup_vault(BackupVaultName=names.vault)
        self._plan(clients, context)
        self.take(clients, names)

    def _plan(self, clients: AwsClients, context: SeedContext) -> None:
        names, (primary, recovery) = context.names, context.regions
        kept = {"DeleteAfterDays": _KEPT_DAYS}
        rule = {
            "RuleName": "hourly",
            "TargetBackupVaultName": names.vault,
            "ScheduleExpression": "cron(0 * * * ? *)",
            "StartWindowMinutes": 60,
            "Lifecycle": kept,
        }
        if recovery != primary:
            rule["CopyActions"] = [{"DestinationBackupVaultArn": _vault_arn(names), "Lifecycle": kept}]
        backup = clients.client("backup", primary)
        with unless("AlreadyExistsException"):
            plan = backup.create_backup_plan(BackupPlan={"BackupPlanName": names.workload, "Rules": [rule]})
            backup.create_backup_selection(
                BackupPlanId=plan["BackupPlanId"],
                BackupSelection={
                    "SelectionName": names.workload,
                    "IamRoleArn": names.role_arn("backup"),
                    "Resources": list(self.resources(names)),
                },
            )

    def take(self, clients: AwsClients, names: Names) -> None:
        """Back up every resource and copy the points to where a run restores from; returns when that is complete."""
        backup, (primary, recovery) = clients.client("backup", names.regions.primary), names.regions
        role, kept = names.role_arn("backup"), {"DeleteAfterDays": _KEPT_DAYS}
        started = [
            backup.start_backup_job(BackupVaultName=names.vault, ResourceArn=resource, IamRoleArn=role, Lifecycle=kept)
            for resource in self.resources(names)
        ]
        for job in started:
            wait(lambda job=job: _incomplete(backup.describe_backup_job(BackupJobId=job["BackupJobId"]), "backup"))
        if recovery == primary:
            return
        copies = [
            backup.start_copy_job(
                RecoveryPointArn=job["RecoveryPointArn"],
                SourceBackupVaultName=names.vault,
                DestinationBackupVaultArn=_vault_arn(names),
                IamRoleArn=role,
                Lifecycle=kept,
            )["CopyJobId"]
            for job in started
        ]
        for copy in copies:
            wait(lambda copy=copy: _incomplete(backup.describe_copy_job(CopyJobId=copy)["CopyJob"], "copy"))

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: seeding has waited."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete the plan; recovery points outlive what they are of, as a vault is there for."""
        backup = clients.client("backup", context.regions.primary)
        for plan in backup.list_backup_plans()["BackupPlansList"]:
            if plan["BackupPlanName"] != context.names.workload:
                continue
            for selection in backup.list_backup_selections(BackupPlanId=plan["BackupPlanId"])["BackupSelectionsList"]:
                backup.delete_backup_selection(BackupPlanId=plan["BackupPlanId"], SelectionId=selection["SelectionId"])
            backup.delete_backup_plan(BackupPlanId=plan["BackupPlanId"])


def _vault_arn(names: Names) -> str:
    """The recovery Region's vault, which the copies go to."""
    return f"arn:aws:backup:{names.regions.recovery}:{ACCOUNT_ID}:backup-vault:{names.vault}"


def _incomplete(job: dict, what: str) -> str | None:
    if job["State"] in _ENDED_BADLY:
        why = job.get("StatusMessage", "no reason given")
        raise SeedFailed(f"{what} job of {job['ResourceArn']} ended as {job['State']}: {why}")
    return None if job["State"] == "COMPLETED" else f"{what} job of {job['ResourceArn']} is {job['State']}"
