"""AWS Backup: copy jobs, which bring a recovery point into a vault of this or another Region.

The copy is a recovery point of its own, with an ARN of the other Region. It keeps the creation date of the original,
for that is how old its data is (AWS Backup Developer Guide, "Creating backup copies across AWS Regions": the creation
date refers to when the source was created).
"""

from __future__ import annotations

import threading
import time

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid, request_scope
from ministack.services import backup

from . import backup_events, backup_points

_CREATED_SECONDS = 0.2
_RUNNING_SECONDS = 0.5
_jobs: AccountRegionScopedDict = AccountRegionScopedDict()


def start(body: dict) -> tuple:
    """StartCopyJob, of a COMPLETED point of a vault of this Region."""
    vault_name, arn = body.get("SourceBackupVaultName", ""), body.get("RecoveryPointArn", "")
    if vault_name not in backup._vaults:
        return backup._err("ResourceNotFoundException", f"Backup vault {vault_name} does not exist.", 400)
    point = backup_points.in_vault(vault_name, arn)
    if point is None:
        return backup._err("ResourceNotFoundException", f"Cannot find recovery point {arn}.", 400)
    target = body.get("DestinationBackupVaultArn", "")
    if _vault(target) is None:
        return backup._err("ResourceNotFoundException", f"Backup vault {target} does not exist.", 400)
    if point["Status"] != "COMPLETED":
        message = f"Recovery point {arn} is {point['Status']}; only a COMPLETED one is copied."
        return backup._err("InvalidRequestException", message, 400)
    job = {
        "AccountId": get_account_id(),
        "CopyJobId": new_uuid().upper(),
        "SourceBackupVaultArn": point["BackupVaultArn"],
        "SourceRecoveryPointArn": arn,
        "DestinationBackupVaultArn": target,
        "ResourceArn": point["ResourceArn"],
        "ResourceType": point["ResourceType"],
        "ResourceName": point["ResourceName"],
        "CreationDate": time.time(),
        "State": "CREATED",
        "BackupSizeInBytes": 0,
        "IamRoleArn": body.get("IamRoleArn", ""),
        "IsParent": False,
    }
    _jobs[job["CopyJobId"]] = job
    lifecycle = body.get("Lifecycle")
    threading.Thread(target=_run, args=(job, point, lifecycle, get_account_id(), get_region()), daemon=True).start()
    return backup._ok({"CopyJobId": job["CopyJobId"], "CreationDate": job["CreationDate"], "IsParent": False})


def describe(job_id: str) -> tuple:
    """DescribeCopyJob."""
    job = _jobs.get(job_id)
    if job is None:
        return backup._err("ResourceNotFoundException", f"Cannot find copy job {job_id}.", 400)
    return backup._ok({"CopyJob": dict(job)})


def list_jobs(query: dict) -> tuple:
    """ListCopyJobs."""
    jobs = sorted(_jobs.values(), key=lambda job: job["CreationDate"], reverse=True)
    members = (("state", "State"), ("resourceArn", "ResourceArn"), ("destinationVaultArn", "DestinationBackupVaultArn"))
    for parameter, member in members:
        if query.get(parameter):
            jobs = [job for job in jobs if job[member] == query[parameter]]
    return backup._paginate([dict(job) for job in jobs], query, "CopyJobs")


def _vault(arn: str) -> dict | None:
    parts = arn.split(":", 6)
    if len(parts) < 7 or parts[2] != "backup" or parts[5] != "backup-vault":
        return None
    return backup._vaults.get_scoped(parts[4], parts[3], parts[6])


def _run(job: dict, point: dict, lifecycle: dict | None, account_id: str, region: str) -> None:
    with request_scope(account_id, region):
        backup_events.copy_changed(job)
        time.sleep(_CREATED_SECONDS)
        job["State"] = "RUNNING"
        backup_events.copy_changed(job)
        time.sleep(_RUNNING_SECONDS)
        content = backup_points.content_of(point)
    target = job["DestinationBackupVaultArn"].split(":")[3]
    copied = _copy_of(point, job, target)
    if lifecycle:
        backup_points.keep_for(copied, lifecycle)
    with request_scope(account_id, target):
        backup_points.add(copied)
        if content is not None:
            backup_points.fill(copied, content)
        backup_events.point_changed(backup_points.shown(copied))
    job.update(
        State="COMPLETED",
        CompletionDate=copied["CompletionDate"],
        BackupSizeInBytes=copied["BackupSizeInBytes"],
        DestinationRecoveryPointArn=copied["RecoveryPointArn"],
    )
    with request_scope(account_id, region):
        backup_events.copy_changed(job)


def _copy_of(point: dict, job: dict, region: str) -> dict:
    parts = point["RecoveryPointArn"].split(":")
    head, name = ":".join([*parts[:3], region, *parts[4:6]]), job["CopyJobId"].lower()
    managed_by_backup = parts[2] == "backup"
    vault_arn = job["DestinationBackupVaultArn"]
    return {
        **point,
        "RecoveryPointArn": f"{head}:{name}" if managed_by_backup else f"{head}:awsbackup:copyjob-{name}",
        "BackupVaultArn": vault_arn,
        "BackupVaultName": vault_arn.rsplit(":", 1)[1],
        "SourceBackupVaultArn": point["BackupVaultArn"],
        "CompletionDate": time.time(),
    }
