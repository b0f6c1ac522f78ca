"""AWS Backup: restore jobs.

StartRestoreJob checks what it can see at once: the point, its state, the role, that the metadata names the new
resource. What the service behind the restore refuses - an identifier that is taken, a group that does not exist - ends
the job as FAILED, with that service's words in `StatusMessage`. The same idempotency token gives the same job.

PENDING, RUNNING, then COMPLETED with `CreatedResourceArn`; each is announced, as `status`, but CREATED, as `state`.
"""

from __future__ import annotations

import threading
import time

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid, request_scope
from ministack.services import backup

from . import backup_contents, backup_events, backup_points
from .world_hooks import World

_PENDING_SECONDS = 0.3
_FILTERS = (("status", "Status"), ("resourceType", "ResourceType"), ("accountId", "AccountId"))


class RestoreJobs:
    """Runs restore jobs, and answers for them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._jobs: AccountRegionScopedDict = AccountRegionScopedDict()
        #: Ids of jobs by the idempotency token they were started with.
        self._tokens: AccountRegionScopedDict = AccountRegionScopedDict()
        self._metadata: AccountRegionScopedDict = AccountRegionScopedDict()

    def start(self, body: dict) -> tuple:
        """StartRestoreJob."""
        token = body.get("IdempotencyToken")
        if token and token in self._tokens:
            return backup._ok({"RestoreJobId": self._tokens[token]})
        arn, metadata = body.get("RecoveryPointArn", ""), body.get("Metadata") or {}
        point = backup_points.find(arn)
        if point is None:
            return backup._err("ResourceNotFoundException", f"Cannot find recovery point {arn}.", 400)
        if refusal := _refused(point, body, metadata):
            return refusal
        job = _new_job(point, body["IamRoleArn"])
        self._jobs[job["RestoreJobId"]] = job
        self._metadata[job["RestoreJobId"]] = metadata
        if token:
            self._tokens[token] = job["RestoreJobId"]
        scope = (get_account_id(), get_region())
        threading.Thread(target=self._run, args=(job, point, metadata, *scope), daemon=True).start()
        return backup._ok({"RestoreJobId": job["RestoreJobId"]})

    def describe(self, job_id: str) -> tuple:
        """DescribeRestoreJob."""
        job = self._jobs.get(job_id)
        if job is None:
            return backup._err("ResourceNotFoundException", f"Cannot find restore job {job_id}.", 400)
        return backup._ok(dict(job))

    def metadata(self, job_id: str) -> tuple:
        """GetRestoreJobMetadata."""
        if job_id not in self._jobs:
            return backup._err("ResourceNotFoundException", f"Cannot find restore job {job_id}.", 400)
        return backup._ok({"RestoreJobId": job_id, "Metadata": self._metadata[job_id]})

    def list(self, query: dict, resource_arn: str | None = None) -> tuple:
        """ListRestoreJobs, or ListRestoreJobsByProtectedResource."""
        jobs = sorted(self._jobs.values(), key=lambda job: job["CreationDate"], reverse=True)
        if resource_arn is not None:
            jobs = [job for job in jobs if job["SourceResourceArn"] == resource_arn]
        for parameter, member in _FILTERS:
            if query.get(parameter):
                jobs = [job for job in jobs if job[member] == query[parameter]]
        return backup._paginate([dict(job) for job in jobs], query, "RestoreJobs")

    def _run(self, job: dict, point: dict, metadata: dict, account_id: str, region: str) -> None:
        with request_scope(account_id, region):
            backup_events.restore_created(job)
            time.sleep(_PENDING_SECONDS)
            _advance(job, Status="RUNNING", PercentDone="5.00%")
            content = backup_points.content_of(point)
            try:
                if content is None:
                    raise backup_contents.NotRestored(f"{point['ResourceArn']} did not exist when it was backed up.")
                created = content.restore(self._world, metadata)
            except backup_contents.NotRestored as error:
                _advance(job, Status="FAILED", StatusMessage=str(error), CompletionDate=time.time())
                return
            done = {"CreatedResourceArn": created, "PercentDone": "100.00%", "CompletionDate": time.time()}
            _advance(job, Status="COMPLETED", **done)


def _refused(point: dict, body: dict, metadata: dict) -> tuple | None:
    if point["Status"] != "COMPLETED":
        message = f"Recovery point {point['RecoveryPointArn']} is {point['Status']}; only a COMPLETED one is restored."
        return backup._err("InvalidRequestException", message, 400)
    if not body.get("IamRoleArn"):
        return backup._err("MissingParameterValueException", "IamRoleArn is required to restore this resource.", 400)
    kind = body.get("ResourceType")
    if kind and kind != point["ResourceType"]:
        message = f"Resource type {kind} does not match the recovery point's, which is {point['ResourceType']}."
        return backup._err("InvalidParameterValueException", message, 400)
    content = backup_points.content_of(point)
    key = content.identifier_key if content is not None else None
    if key is not None and not backup_contents.get(metadata, key):
        message = f"Invalid restore metadata. The metadata must contain {key}."
        return backup._err("InvalidParameterValueException", message, 400)
    return None


def _new_job(point: dict, role_arn: str) -> dict:
    return {
        "AccountId": get_account_id(),
        "RestoreJobId": new_uuid().upper(),
        "RecoveryPointArn": point["RecoveryPointArn"],
        "SourceResourceArn": point["ResourceArn"],
        "BackupVaultArn": point["BackupVaultArn"],
        "RecoveryPointCreationDate": point["CreationDate"],
        "ResourceType": point["ResourceType"],
        "BackupSizeInBytes": point["BackupSizeInBytes"],
        "IamRoleArn": role_arn,
        "CreationDate": time.time(),
        "Status": "PENDING",
        "PercentDone": "0.00%",
        "ExpectedCompletionTimeMinutes": 1,
        "IsParent": False,
    }


def _advance(job: dict, **changes: object) -> None:
    job.update(changes)
    backup_events.restore_changed(job)
