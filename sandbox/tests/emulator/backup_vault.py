"""A backup vault for the tests of AWS Backup, and how they wait for its jobs."""

from __future__ import annotations

import json
from dataclasses import dataclass

from emulator_process import ACCOUNT, RECOVERY, Emulator, eventually

ROLE = f"arn:aws:iam::{ACCOUNT}:role/backup"


@dataclass
class Vault:
    """A vault of one Region; `name` is new to the emulator."""

    emulator: Emulator
    name: str
    region: str = RECOVERY

    def __post_init__(self) -> None:
        self.client = self.emulator.client("backup", self.region)
        self.arn = self.client.create_backup_vault(BackupVaultName=self.name)["BackupVaultArn"]

    def back_up(self, resource_arn: str) -> str:
        """Back a resource up; returns the ARN of the COMPLETED recovery point."""
        job = self.client.start_backup_job(BackupVaultName=self.name, ResourceArn=resource_arn, IamRoleArn=ROLE)
        job_id = job["BackupJobId"]
        eventually(lambda: self.client.describe_backup_job(BackupJobId=job_id)["State"] == "COMPLETED")
        return job["RecoveryPointArn"]

    def point(self, arn: str) -> dict:
        """A recovery point."""
        return self.client.describe_recovery_point(BackupVaultName=self.name, RecoveryPointArn=arn)

    def start_restore(self, point_arn: str, metadata: dict[str, str], **more: object) -> str:
        """Start to restore a point; returns the job's id."""
        more = {"IamRoleArn": ROLE, **more}
        return self.client.start_restore_job(RecoveryPointArn=point_arn, Metadata=metadata, **more)["RestoreJobId"]

    def job(self, job_id: str) -> dict:
        """A restore job."""
        return self.client.describe_restore_job(RestoreJobId=job_id)

    def restore(self, point_arn: str, metadata: dict[str, str], **more: object) -> dict:
        """Restore a point; returns the job once it has ended."""
        job_id = self.start_restore(point_arn, metadata, **more)
        return eventually(lambda: (j := self.job(job_id))["Status"] in ("COMPLETED", "FAILED") and j)

    def events(self) -> list[dict]:
        """Begin to keep the events of AWS Backup in this Region; what comes next is appended by `receive`."""
        sqs, events = self.emulator.client("sqs", self.region), self.emulator.client("events", self.region)
        self._queue = sqs.create_queue(QueueName=self.name)["QueueUrl"]
        events.put_rule(Name=self.name, EventPattern=json.dumps({"source": ["aws.backup"]}))
        target = f"arn:aws:sqs:{self.region}:{ACCOUNT}:{self.name}"
        events.put_targets(Rule=self.name, Targets=[{"Id": "1", "Arn": target}])
        self._seen: list[dict] = []
        return self._seen

    def receive(self) -> list[dict]:
        """All events so far."""
        sqs = self.emulator.client("sqs", self.region)
        messages = sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
        self._seen.extend(json.loads(message["Body"]) for message in messages)
        return self._seen
