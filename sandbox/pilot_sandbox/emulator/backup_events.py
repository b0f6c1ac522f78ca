"""AWS Backup's own events.

*Backup Job State Change* and *Copy Job State Change* say `state`, *Restore Job State Change* and *Recovery Point State
Change* say `status`, except that a restore job's CREATED is a `state` (AWS Backup Developer Guide, "Monitoring AWS
Backup events using Amazon EventBridge").
"""

from __future__ import annotations

from datetime import UTC, datetime

from . import events


def job_changed(job: dict) -> None:
    """Announce a backup job's state; the ARN of a completed backup's recovery point stands in `resources`."""
    completed = job["State"] == "COMPLETED"
    detail = {
        "backupJobId": job["BackupJobId"],
        # A string here, while a copy job's event carries a number: that is how AWS sends them.
        "backupSizeInBytes": str(job["BackupSizeInBytes"]),
        "backupVaultArn": job["BackupVaultArn"],
        "backupVaultName": job["BackupVaultName"],
        "bytesTransferred": str(job["BytesTransferred"]),
        "creationDate": _timestamp(job["CreationDate"]),
        "iamRoleArn": job["IamRoleArn"],
        "resourceArn": job["ResourceArn"],
        "resourceType": job["ResourceType"],
        "state": job["State"],
        "startBy": _timestamp(job["StartBy"]),
        "percentDone": float(job["PercentDone"]),
    }
    if completed:
        detail["completionDate"] = _timestamp(job["CompletionDate"])
    if job.get("StatusMessage"):
        detail["statusMessage"] = job["StatusMessage"]
    events.send("aws.backup", "Backup Job State Change", [job["RecoveryPointArn"]] if completed else [], detail)


def point_changed(point: dict) -> None:
    """Announce a new recovery point, as AWS Backup describes it."""
    detail = {
        "backupVaultName": point["BackupVaultName"],
        "backupVaultArn": point["BackupVaultArn"],
        "creationDate": _timestamp(point["CreationDate"]),
        "completionDate": _timestamp(point["CompletionDate"]),
        "iamRoleArn": point["IamRoleArn"],
        "resourceType": point["ResourceType"],
        "resourceArn": point["ResourceArn"],
        "status": point["Status"],
        "isEncrypted": str(point["IsEncrypted"]).lower(),
        "backupSizeInBytes": str(point["BackupSizeInBytes"]),
        "storageClass": point["StorageClass"],
        "createdBy": {},
        "lifecycle": {},
    }
    events.send("aws.backup", "Recovery Point State Change", [point["RecoveryPointArn"]], detail)


def copy_changed(job: dict) -> None:
    """Announce a copy job's state. Sizes are numbers here, and there is no destination point until COMPLETED."""
    detail = {
        "copyJobId": job["CopyJobId"],
        "backupSizeInBytes": job["BackupSizeInBytes"],
        "creationDate": _timestamp(job["CreationDate"]),
        "iamRoleArn": job["IamRoleArn"],
        "resourceArn": job["ResourceArn"],
        "resourceType": job["ResourceType"],
        "sourceBackupVaultArn": job["SourceBackupVaultArn"],
        "destinationBackupVaultArn": job["DestinationBackupVaultArn"],
        "destinationRecoveryPointArn": job.get("DestinationRecoveryPointArn", {}),
        "state": job["State"],
    }
    if "CompletionDate" in job:
        detail["completionDate"] = _timestamp(job["CompletionDate"])
    events.send("aws.backup", "Copy Job State Change", [job["SourceRecoveryPointArn"]], detail)


def restore_created(job: dict) -> None:
    """Announce that a restore job exists; its body is sparse."""
    detail = {"restoreJobId": job["RestoreJobId"], "state": "CREATED"}
    events.send("aws.backup", "Restore Job State Change", [], detail)


def restore_changed(job: dict) -> None:
    """Announce a restore job's status."""
    detail = {
        "restoreJobId": job["RestoreJobId"],
        "backupSizeInBytes": str(job["BackupSizeInBytes"]),
        "creationDate": _timestamp(job["CreationDate"]),
        "iamRoleArn": job["IamRoleArn"],
        "percentDone": float(job["PercentDone"].rstrip("%")),
        "resourceType": job["ResourceType"],
        "status": job["Status"],
    }
    if "CompletionDate" in job:
        detail["completionDate"] = _timestamp(job["CompletionDate"])
    for member, name in (("CreatedResourceArn", "createdResourceArn"), ("StatusMessage", "statusMessage")):
        if job.get(member):
            detail[name] = job[member]
    events.send("aws.backup", "Restore Job State Change", [job["RecoveryPointArn"]], detail)


def epoch_of(text: str) -> float:
    """Seconds since the epoch of a timestamp in a query string, which is ISO 8601 or already a number."""
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()


def _timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
