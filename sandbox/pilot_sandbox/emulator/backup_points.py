"""AWS Backup: recovery points, and how they are listed and described.

A point is in one vault of one Region. It is listed as `CREATING` while its job runs, and only a `COMPLETED` one can be
restored or copied.
"""

from __future__ import annotations

from urllib.parse import unquote

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import backup

from . import backup_events
from .backup_contents import Content

#: By ARN, in the Region of the vault.
_points: AccountRegionScopedDict = AccountRegionScopedDict()
#: What a point really holds, by the same key; a point without an entry holds nothing yet.
_contents: AccountRegionScopedDict = AccountRegionScopedDict()

_SHOWN = (
    "RecoveryPointArn",
    "BackupVaultName",
    "BackupVaultArn",
    "SourceBackupVaultArn",
    "ResourceArn",
    "ResourceType",
    "ResourceName",
    "IamRoleArn",
    "Status",
    "StatusMessage",
    "CreationDate",
    "CompletionDate",
    "BackupSizeInBytes",
    "IsParent",
    "Lifecycle",
    "CalculatedLifecycle",
)
_DAY_SECONDS = 24 * 3600


def add(point: dict) -> None:
    """Record a point in the request's Region, in the vault that it names."""
    _points[point["RecoveryPointArn"]] = point
    vault = backup._vaults.get(point["BackupVaultName"])
    if vault is not None:
        vault["NumberOfRecoveryPoints"] += 1


def keep_for(point: dict, lifecycle: dict) -> None:
    """Say how long a point is kept; days do not pass in a sandbox, so nothing is deleted."""
    point["Lifecycle"] = lifecycle
    if "DeleteAfterDays" in lifecycle:
        point["CalculatedLifecycle"] = {"DeleteAt": point["CreationDate"] + lifecycle["DeleteAfterDays"] * _DAY_SECONDS}


def remove(point: dict) -> None:
    """Forget a point whose job came to nothing."""
    _points.pop(point["RecoveryPointArn"], None)
    vault = backup._vaults.get(point["BackupVaultName"])
    if vault is not None:
        vault["NumberOfRecoveryPoints"] -= 1


def fill(point: dict, content: Content) -> None:
    """Give a point of the request's Region what it holds."""
    _contents[point["RecoveryPointArn"]] = content


def find(arn: str) -> dict | None:
    """The point of the request's Region by its ARN."""
    return _points.get(arn)


def content_of(point: dict) -> Content | None:
    """What a point of the request's Region holds."""
    return _contents.get(point["RecoveryPointArn"])


def shown(point: dict) -> dict:
    """A point as AWS Backup describes it."""
    key_arn = backup._vaults.get(point["BackupVaultName"], {}).get("EncryptionKeyArn", "")
    members = {name: point[name] for name in _SHOWN if point.get(name) is not None}
    encryption = {"EncryptionKeyArn": key_arn} if key_arn else {}
    return {**members, **encryption, "IsEncrypted": bool(key_arn), "StorageClass": "WARM"}


def list_by_vault(vault_name: str, query: dict) -> tuple:
    """ListRecoveryPointsByBackupVault, with its filters on resource, type and creation."""
    if vault_name not in backup._vaults:
        return backup._err("ResourceNotFoundException", f"Backup vault {vault_name} does not exist.", 400)
    points = [shown(point) for point in _newest_first() if point["BackupVaultName"] == vault_name]
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
        {
            **{name: point[name] for name in members if name in point},
            "BackupSizeBytes": point["BackupSizeInBytes"],
        }
        for point in (shown(found) for found in _newest_first() if found["ResourceArn"] == resource_arn)
    ]
    return backup._paginate(points, query, "RecoveryPoints")


def describe(vault_name: str, recovery_point_arn: str) -> tuple:
    """DescribeRecoveryPoint."""
    point = in_vault(vault_name, recovery_point_arn)
    return _not_found(recovery_point_arn) if point is None else backup._ok(shown(point))


def restore_metadata(vault_name: str, recovery_point_arn: str) -> tuple:
    """GetRecoveryPointRestoreMetadata: what the resource was like at the time of the backup."""
    point = in_vault(vault_name, recovery_point_arn)
    content = content_of(point) if point is not None else None
    if point is None or content is None:
        return _not_found(recovery_point_arn)
    members = {name: point[name] for name in ("BackupVaultArn", "RecoveryPointArn", "ResourceType")}
    return backup._ok({**members, "RestoreMetadata": content.metadata()})


def in_vault(vault_name: str, recovery_point_arn: str) -> dict | None:
    """The point of a vault of the request's Region, by its ARN as it stands in a path."""
    point = find(unquote(recovery_point_arn))
    return point if point is not None and point["BackupVaultName"] == vault_name else None


def _not_found(arn: str) -> tuple:
    return backup._err("ResourceNotFoundException", f"Cannot find recovery point {unquote(arn)}.", 400)


def _newest_first() -> list[dict]:
    return sorted(_points.values(), key=lambda point: point["CreationDate"], reverse=True)
