"""AWS Backup: jobs that pass through their states, and recovery points that stay to be listed.

Any resource ARN is accepted, also one of another Region: a vault of the recovery Region holds points that were copied
there, and seeding one by StartBackupJob is shorter than a copy job. AWS itself would need the copy.
"""

from __future__ import annotations

import threading
import time
from urllib.parse import unquote

from ministack.core.responses import get_account_id, get_region, new_uuid, request_scope
from ministack.services import backup

from . import backup_events

_CREATED_SECONDS = 0.2
_RUNNING_SECONDS = 0.5
# No real size is known here; any plausible number will do, and this one is easy to recognise.
_SIZE_BYTES = 20 * 1024**3

_RESOURCE_TYPES = {"rds": "RDS", "dynamodb": "DynamoDB", "ec2": "EC2", "s3": "S3", "elasticfilesystem": "EFS"}


def install() -> None:
    """Put the shim in place."""
    backup._start_job = start_job
    backup._list_recovery_points_by_vault = list_by_vault
    backup._list_recovery_points_by_resource = _list_by_resource_without_arn
    backup._describe_recovery_point = describe
    handle = backup.handle_request

    async def handle_with_resources(
        method: str, path: str, headers: dict, body: bytes, query: dict
    ) -> tuple[int, dict, bytes]:
        parts = unquote(path).strip("/").split("/")
        if method == "GET" and parts[0] == "resources" and parts[-1] == "recovery-points":
            return list_by_resource("/".join(parts[1:-1]), {name: _first(value) for name, value in query.items()})
        return await handle(method, path, headers, body, query)

    backup.handle_request = handle_with_resources


def start_job(body: dict) -> tuple:
    """StartBackupJob: CREATED at once, RUNNING and COMPLETED soon after, each announced on the default bus."""
    vault_name, resource_arn = body.get("BackupVaultName", ""), body.get("ResourceArn", "")
    if vault_name not in backup._vaults:
        return backup._err("ResourceNotFoundException", f"Backup vault {vault_name} does not exist.", 400)
    if not resource_arn.startswith("arn:"):
        return backup._err("InvalidParameterValueException", f"Invalid resource ARN {resource_arn!r}.", 400)
    job = _new_job(body, vault_name, resource_arn)
    backup._jobs[job["BackupJobId"]] = job
    threading.Thread(target=_run, args=(job, get_account_id(), get_region()), daemon=True).start()
    answer = {name: job[name] for name in ("BackupJobId", "RecoveryPointArn", "CreationDate", "IsParent")}
    return backup._ok(answer)


def list_by_vault(vault_name: str, query: dict) -> tuple:
    """ListRecoveryPointsByBackupVault, with its filters on resource, type and creation."""
    if vault_name not in backup._vaults:
        return backup._err("ResourceNotFoundException", f"Backup vault {vault_name} does not exist.", 400)
    points = [_point(job) for job in _jobs_with_points() if job["BackupVaultName"] == vault_name]
    for parameter, member in (("resourceArn", "ResourceArn"), ("resourceType", "ResourceType")):
        if query.get(parameter):
            points = [point for point in points if point[member] == query[parameter]]
    if query.get("createdAfter"):
        after = backup_events.epoch_of(query["createdAfter"])
        points = [point for point in points if point["CreationDate"] > after]
    if query.get("createdBefore"):
        before = backup_events.epoch_of(query["createdBefore"])
        points = [point for point in points if point["CreationDate"] < before]
    return backup._paginate(points, query, "RecoveryPoints")


def list_by_resource(resource_arn: str, query: dict) -> tuple:
    """ListRecoveryPointsByResource."""
    members = ("RecoveryPointArn", "CreationDate", "Status", "EncryptionKeyArn", "BackupVaultName", "IsParent")
    points = [
        {**{name: point[name] for name in members}, "BackupSizeBytes": point["BackupSizeInBytes"]}
        for point in (_point(job) for job in _jobs_with_points() if job["ResourceArn"] == resource_arn)
    ]
    return backup._paginate(points, query, "RecoveryPoints")


def describe(vault_name: str, recovery_point_arn: str) -> tuple:
    """DescribeRecoveryPoint."""
    wanted = unquote(recovery_point_arn)
    for job in _jobs_with_points():
        if job["BackupVaultName"] == vault_name and job["RecoveryPointArn"] == wanted:
            return backup._ok(_point(job))
    return backup._err("ResourceNotFoundException", f"Cannot find recovery point {wanted}.", 400)


def _list_by_resource_without_arn(query: dict) -> tuple:
    return list_by_resource("", query)


def _new_job(body: dict, vault_name: str, resource_arn: str) -> dict:
    job_id, now = new_uuid(), time.time()
    region, service = get_region(), resource_arn.split(":")[2]
    if service == "rds":
        point_arn = f"arn:aws:rds:{region}:{get_account_id()}:snapshot:awsbackup:job-{job_id}"
    else:
        point_arn = f"arn:aws:backup:{region}:{get_account_id()}:recovery-point:{job_id}"
    return {
        "AccountId": get_account_id(),
        "BackupJobId": job_id,
        "BackupVaultName": vault_name,
        "BackupVaultArn": backup._vault_arn(vault_name),
        "RecoveryPointArn": point_arn,
        "ResourceArn": resource_arn,
        "ResourceType": _RESOURCE_TYPES.get(service, service.upper()),
        "ResourceName": resource_arn.rsplit(":", 1)[-1],
        "IamRoleArn": body.get("IamRoleArn", ""),
        "CreationDate": now,
        "StartBy": now + 8 * 3600,
        "State": "CREATED",
        "PercentDone": "0.0",
        "BackupSizeInBytes": 0,
        "BytesTransferred": 0,
        "IsParent": False,
    }


def _run(job: dict, account_id: str, region: str) -> None:
    with request_scope(account_id, region):
        backup_events.job_changed(job)
        time.sleep(_CREATED_SECONDS)
        if not _advance(job, State="RUNNING"):
            return
        time.sleep(_RUNNING_SECONDS)
        done = {"PercentDone": "100.0", "BackupSizeInBytes": _SIZE_BYTES, "CompletionDate": time.time()}
        if _advance(job, State="COMPLETED", **done):
            vault = backup._vaults.get(job["BackupVaultName"])
            if vault is not None:
                vault["NumberOfRecoveryPoints"] += 1
            backup_events.point_changed(job, _point(job))


def _advance(job: dict, **changes: object) -> bool:
    """Move a job on, unless StopBackupJob has ended it meanwhile."""
    if job["State"] == "ABORTED":
        backup_events.job_changed(job)
        return False
    job.update(changes)
    backup_events.job_changed(job)
    return True


def _jobs_with_points() -> list[dict]:
    jobs = [job for job in backup._jobs.values() if job["State"] == "COMPLETED"]
    return sorted(jobs, key=lambda job: job["CreationDate"], reverse=True)


def _point(job: dict) -> dict:
    copied = (
        "RecoveryPointArn",
        "BackupVaultName",
        "BackupVaultArn",
        "ResourceArn",
        "ResourceType",
        "ResourceName",
        "IamRoleArn",
        "CreationDate",
        "CompletionDate",
        "BackupSizeInBytes",
        "IsParent",
    )
    key_arn = backup._vaults.get(job["BackupVaultName"], {}).get("EncryptionKeyArn", "")
    return {
        **{name: job[name] for name in copied},
        "Status": "COMPLETED",
        "EncryptionKeyArn": key_arn,
        "IsEncrypted": bool(key_arn),
        "StorageClass": "WARM",
    }


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) else value
