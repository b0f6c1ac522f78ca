"""AWS Backup: jobs that pass through their states, over real data.

A backup job keeps what the resource really has (`backup_contents.py`) as a recovery point (`backup_points.py`), which
can be copied into another Region's vault (`backup_copies.py`) and restored as a new resource (`backup_restores.py`):

    point = backup.start_backup_job(BackupVaultName=..., ResourceArn=..., IamRoleArn=...)["RecoveryPointArn"]
    backup.start_copy_job(
        RecoveryPointArn=point, SourceBackupVaultName=..., DestinationBackupVaultArn=..., IamRoleArn=...)
    backup.start_restore_job(RecoveryPointArn=..., IamRoleArn=..., Metadata={"DBClusterIdentifier": "restored"})

Any resource ARN is accepted for a backup, also one of another Region: a vault of the recovery Region holds points that
were copied there, and seeding one by StartBackupJob is shorter than a copy job. AWS itself would need the copy. A point
of a resource that does not exist holds nothing, and its restore fails.
"""

from __future__ import annotations

import json
import threading
import time
from urllib.parse import unquote

from ministack.core.responses import get_account_id, get_region, new_uuid, request_scope
from ministack.services import backup

from . import backup_contents, backup_copies, backup_events, backup_points
from .backup_restores import RestoreJobs
from .world_hooks import World

_CREATED_SECONDS = 0.2
_RUNNING_SECONDS = 0.5
# No real size is known here; any plausible number will do, and this one is easy to recognise.
_SIZE_BYTES = 20 * 1024**3

_RESOURCE_TYPES = {"rds": "RDS", "dynamodb": "DynamoDB", "ec2": "EC2", "s3": "S3", "elasticfilesystem": "EFS"}


class BackupShim:
    """Replaces backup, copy and restore jobs and recovery points; vaults and plans stay ministack's."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._restores = RestoreJobs(world)

    def install(self) -> None:
        """Put the shim in place."""
        backup._start_job = self.start_job
        backup._list_recovery_points_by_vault = backup_points.list_by_vault
        backup._describe_recovery_point = backup_points.describe
        backup._get_recovery_point_restore_metadata = backup_points.restore_metadata
        backup._list_copy_jobs = backup_copies.list_jobs
        backup._describe_copy_job = backup_copies.describe
        backup._list_restore_jobs = self._restores.list
        backup._describe_restore_job = self._restores.describe
        backup._get_restore_job_metadata = self._restores.metadata
        self._handle = backup.handle_request
        backup.handle_request = self.handle

    async def handle(self, method: str, path: str, headers: dict, body: bytes, query: dict) -> tuple:
        """What ministack has no route for."""
        parts = unquote(path).strip("/").split("/")
        if method == "GET" and parts[0] == "resources" and len(parts) > 2:
            first = {name: _first(value) for name, value in query.items()}
            if parts[-1] == "recovery-points":
                return backup_points.list_by_resource("/".join(parts[1:-1]), first)
            if parts[-1] == "restore-jobs":
                return self._restores.list(first, "/".join(parts[1:-1]))
        if method == "PUT" and parts == ["copy-jobs"]:
            return backup_copies.start(json.loads(body))
        if method == "PUT" and parts == ["restore-jobs"]:
            return self._restores.start(json.loads(body))
        return await self._handle(method, path, headers, body, query)

    def start_job(self, body: dict) -> tuple:
        """StartBackupJob: CREATED at once, RUNNING and COMPLETED soon after, each announced on the default bus."""
        vault_name, resource_arn = body.get("BackupVaultName", ""), body.get("ResourceArn", "")
        if vault_name not in backup._vaults:
            return backup._err("ResourceNotFoundException", f"Backup vault {vault_name} does not exist.", 400)
        if not resource_arn.startswith("arn:"):
            return backup._err("InvalidParameterValueException", f"Invalid resource ARN {resource_arn!r}.", 400)
        job = _new_job(body, vault_name, resource_arn)
        backup._jobs[job["BackupJobId"]] = job
        threading.Thread(target=self._run, args=(job, get_account_id(), get_region()), daemon=True).start()
        answer = {name: job[name] for name in ("BackupJobId", "RecoveryPointArn", "CreationDate", "IsParent")}
        return backup._ok(answer)

    def _run(self, job: dict, account_id: str, region: str) -> None:
        with request_scope(account_id, region):
            backup_events.job_changed(job)
            time.sleep(_CREATED_SECONDS)
            if not _advance(job, State="RUNNING"):
                return
            point = _point_of(job)
            backup_points.add(point)
            try:
                content = backup_contents.take(self._world, job["ResourceArn"], f"job-{job['BackupJobId']}")
            except backup_contents.NotBackedUp as error:
                backup_points.remove(point)
                _advance(job, State="FAILED", StatusMessage=str(error), CompletionDate=time.time())
                return
            time.sleep(_RUNNING_SECONDS)
            done = {"PercentDone": "100.0", "BackupSizeInBytes": _SIZE_BYTES, "CompletionDate": time.time()}
            if job["State"] == "ABORTED":
                backup_points.remove(point)
            else:
                if content is not None:
                    backup_points.fill(point, content)
                point.update(Status="COMPLETED", BackupSizeInBytes=_SIZE_BYTES, CompletionDate=done["CompletionDate"])
            if _advance(job, State="COMPLETED", **done):
                backup_events.point_changed(backup_points.shown(point))


def _new_job(body: dict, vault_name: str, resource_arn: str) -> dict:
    job_id, now = new_uuid(), time.time()
    region, service, kind = get_region(), resource_arn.split(":")[2], resource_arn.split(":")[5]
    aurora = service == "rds" and kind == "cluster"
    if service == "rds":
        snapshot = "cluster-snapshot" if aurora else "snapshot"
        point_arn = f"arn:aws:rds:{region}:{get_account_id()}:{snapshot}:awsbackup:job-{job_id}"
    else:
        point_arn = f"arn:aws:backup:{region}:{get_account_id()}:recovery-point:{job_id}"
    return {
        "AccountId": get_account_id(),
        "BackupJobId": job_id,
        "BackupVaultName": vault_name,
        "BackupVaultArn": backup._vault_arn(vault_name),
        "RecoveryPointArn": point_arn,
        "ResourceArn": resource_arn,
        "ResourceType": "Aurora" if aurora else _RESOURCE_TYPES.get(service, service.upper()),
        "ResourceName": resource_arn.rsplit(":", 1)[-1].rsplit("/", 1)[-1],
        "IamRoleArn": body.get("IamRoleArn", ""),
        "CreationDate": now,
        "StartBy": now + 8 * 3600,
        "State": "CREATED",
        "PercentDone": "0.0",
        "BackupSizeInBytes": 0,
        "BytesTransferred": 0,
        "Lifecycle": body.get("Lifecycle"),
        "IsParent": False,
    }


def _point_of(job: dict) -> dict:
    kept = (
        "RecoveryPointArn",
        "BackupVaultName",
        "BackupVaultArn",
        "ResourceArn",
        "ResourceType",
        "ResourceName",
        "IamRoleArn",
        "BackupSizeInBytes",
        "IsParent",
    )
    # As of when the data is taken; the job was created before.
    point = {**{name: job[name] for name in kept}, "Status": "CREATING", "CreationDate": time.time()}
    if job["Lifecycle"]:
        backup_points.keep_for(point, job["Lifecycle"])
    return point


def _advance(job: dict, **changes: object) -> bool:
    """Move a job on, unless StopBackupJob has ended it meanwhile."""
    if job["State"] == "ABORTED":
        backup_events.job_changed(job)
        return False
    job.update(changes)
    backup_events.job_changed(job)
    return True


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) else value
