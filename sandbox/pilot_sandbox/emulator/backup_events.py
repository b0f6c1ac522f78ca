"""AWS Backup's own events: *Backup Job State Change* (`state`) and *Recovery Point State Change* (`status`)."""

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
    events.send("aws.backup", "Backup Job State Change", [job["RecoveryPointArn"]] if completed else [], detail)


def point_changed(job: dict, point: dict) -> None:
    """Announce a new recovery point."""
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
    events.send("aws.backup", "Recovery Point State Change", [job["RecoveryPointArn"]], detail)


def epoch_of(text: str) -> float:
    """Seconds since the epoch of a timestamp in a query string, which is ISO 8601 or already a number."""
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()


def _timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
