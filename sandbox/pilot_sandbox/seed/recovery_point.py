"""A backup vault in the recovery Region with one complete recovery point of the workload's database."""

from dataclasses import dataclass

from ..aws_clients import AwsClients
from ..naming import ACCOUNT_ID
from .context import SeedContext, SeedFailed, unless, wait
from .doors import PrimaryDoors
from .part import Databases


@dataclass(frozen=True)
class RecoveryPoint:
    """Makes vault and recovery point; see `Part`."""

    of: Databases

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create the vault and back up once; returns when the backup is complete."""
        names, backup = context.names, clients.client("backup", context.regions.recovery)
        with unless("AlreadyExistsException"):
            backup.create_backup_vault(BackupVaultName=names.vault)
        resource = self.of.protected_arn(names)
        job = backup.start_backup_job(
            BackupVaultName=names.vault,
            ResourceArn=resource,
            IamRoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/backup",
            IdempotencyToken=f"{names.workload}-first",
        )["BackupJobId"]

        def completed() -> str | None:
            state = backup.describe_backup_job(BackupJobId=job)["State"]
            if state in ("ABORTED", "FAILED", "EXPIRED"):
                raise SeedFailed(f"backup job {job} of {resource} ended as {state}")
            return None if state == "COMPLETED" else f"backup job {job} is {state}"

        wait(completed)

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: seeding has waited."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: recovery points outlive what they are of, as a vault is there for."""
