"""RDS: snapshots of DB clusters - taken, found by more than their name, copied, and not deleted when they are AWS's.

An automated snapshot (its name begins with `rds:`) belongs to the service: it cannot be deleted by hand, and goes with
its cluster or when its retention ends. A copy of it is manual, and stays. (Aurora User Guide, "DB cluster snapshot
copying"; API Reference, CopyDBClusterSnapshot and DeleteDBClusterSnapshot.)
"""

from __future__ import annotations

import re
import threading
import time

from ministack.core.responses import get_account_id, get_region
from ministack.services import rds

from .aurora_records import CLUSTER_STATE, find_cluster_here
from .world_hooks import World

_ALREADY_EXISTS = "DBClusterSnapshotAlreadyExistsFault"
_NOT_FOUND = "DBClusterSnapshotNotFoundFault"
_SNAPSHOT_STATE = "InvalidDBClusterSnapshotStateFault"

# API Reference: letters, numbers and hyphens, a letter first, no hyphen last, no two hyphens together.
_NAME = re.compile(r"(?!.*--)[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_EMPTY_LEAF = re.compile(r"<(KmsKeyId)></\1>")


class SnapshotShim:
    """Replaces the calls on cluster snapshots, and adds CopyDBClusterSnapshot, which ministack lacks."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._create = rds._create_db_cluster_snapshot
        self._describe = rds._describe_db_cluster_snapshots
        self._delete = rds._delete_db_cluster_snapshot
        self._render = rds._cluster_snapshot_xml

    def install(self) -> None:
        """Put the shim in place."""
        rds._cluster_snapshot_xml = self.render
        rds._ACTION_MAP.update(
            CreateDBClusterSnapshot=self.create,
            DescribeDBClusterSnapshots=self.describe,
            CopyDBClusterSnapshot=self.copy,
            DeleteDBClusterSnapshot=self.delete,
        )

    def render(self, record: dict) -> str:
        """The snapshot as XML, with where it was copied from."""
        xml = _EMPTY_LEAF.sub("", self._render(record))
        source = record.get("SourceDBClusterSnapshotArn")
        return f"{xml}<SourceDBClusterSnapshotArn>{source}</SourceDBClusterSnapshotArn>" if source else xml

    def create(self, params: dict) -> tuple:
        """CreateDBClusterSnapshot: `creating` first."""
        identifier = rds._p(params, "DBClusterSnapshotIdentifier").lower()
        if refusal := _unusable_name(identifier):
            return refusal
        cluster = find_cluster_here(rds._p(params, "DBClusterIdentifier"))
        if cluster is not None and cluster["Status"] != "available":
            message = f"DBCluster {cluster['DBClusterIdentifier']} is {cluster['Status']}, not available."
            return rds._error(CLUSTER_STATE, message, 400)
        response = self._create({**params, "DBClusterSnapshotIdentifier": [identifier]})
        if response[0] != 200:
            return response
        snapshot = rds._db_cluster_snapshots[identifier]
        self._take(snapshot, "creating")
        return self._answer("CreateDBClusterSnapshot", snapshot)

    def describe(self, params: dict) -> tuple:
        """DescribeDBClusterSnapshots, with identifiers as ARNs and all filters of the API."""
        identifier = rds._p(params, "DBClusterSnapshotIdentifier")
        if identifier:
            snapshot = _find(identifier)
            if snapshot is None:
                return rds._error(_NOT_FOUND, f"DBClusterSnapshot {identifier} not found.", 404)
            found = [snapshot]
        else:
            found = [snapshot for snapshot in rds._db_cluster_snapshots.values() if _wanted(snapshot, params)]
        xml = "".join(f"<DBClusterSnapshot>{self.render(snapshot)}</DBClusterSnapshot>" for snapshot in found)
        result = f"<DBClusterSnapshots>{xml}</DBClusterSnapshots>"
        return rds._xml(
            200,
            "DescribeDBClusterSnapshotsResponse",
            f"<DescribeDBClusterSnapshotsResult>{result}</DescribeDBClusterSnapshotsResult>",
        )

    def copy(self, params: dict) -> tuple:
        """CopyDBClusterSnapshot: a manual copy in this Region of a snapshot by name, or of another Region by ARN."""
        source_id = rds._p(params, "SourceDBClusterSnapshotIdentifier")
        target_id = rds._p(params, "TargetDBClusterSnapshotIdentifier").lower()
        source = _find(source_id, anywhere=True)
        if source is None:
            return rds._error(_NOT_FOUND, f"DBClusterSnapshot {source_id} not found.", 404)
        if refusal := _unusable_name(target_id):
            return refusal
        if source["Status"] != "available":
            message = f"DBClusterSnapshot {source_id} is {source['Status']}; only an available one can be copied."
            return rds._error(_SNAPSHOT_STATE, message, 400)
        copied = _copy_of(source, target_id, params)
        rds._db_cluster_snapshots[target_id] = copied
        if copied["TagList"]:
            rds._tags[copied["DBClusterSnapshotArn"]] = copied["TagList"]
        self._take(copied, "copying")
        return self._answer("CopyDBClusterSnapshot", copied)

    def delete(self, params: dict) -> tuple:
        """DeleteDBClusterSnapshot, of a manual one; one that is being copied or created is deleted with that."""
        identifier = rds._p(params, "DBClusterSnapshotIdentifier")
        snapshot = _find(identifier)
        if snapshot is None:
            return rds._error(_NOT_FOUND, f"DBClusterSnapshot {identifier} not found.", 404)
        if snapshot["SnapshotType"] != "manual":
            message = f"Only manual snapshots may be deleted; {identifier} is {snapshot['SnapshotType']}."
            return rds._error(_SNAPSHOT_STATE, message, 400)
        if snapshot["Status"] not in ("available", "copying"):
            message = f"DBClusterSnapshot {identifier} is {snapshot['Status']}, not available."
            return rds._error(_SNAPSHOT_STATE, message, 400)
        return self._delete({"DBClusterSnapshotIdentifier": [snapshot["DBClusterSnapshotIdentifier"]]})

    def _take(self, snapshot: dict, meanwhile: str) -> None:
        snapshot.update(Status=meanwhile, PercentProgress=0)

        def done() -> None:
            if snapshot["Status"] == meanwhile:
                snapshot.update(Status="available", PercentProgress=100)

        threading.Timer(self._world.delay_seconds("snapshotSeconds"), done).start()

    def _answer(self, action: str, snapshot: dict) -> tuple:
        xml = f"<{action}Result><DBClusterSnapshot>{self.render(snapshot)}</DBClusterSnapshot></{action}Result>"
        return rds._xml(200, f"{action}Response", xml)


def add_automated_snapshot(cluster: dict, identifier: str) -> dict:
    """Record an automated snapshot of a cluster, available at once; call it in the cluster's Region's request scope."""
    snapshot = rds._create_cluster_snapshot_internal(identifier, cluster)
    snapshot["SnapshotType"] = "automated"
    return snapshot


def add_final_snapshot(cluster: dict, identifier: str) -> dict:
    """Record the manual snapshot that a deleted cluster leaves behind."""
    return rds._create_cluster_snapshot_internal(identifier, cluster)


def delete_automated_snapshots(cluster: dict) -> None:
    """Remove a cluster's automated snapshots, as AWS does when the cluster is deleted; manual ones stay."""
    for identifier, snapshot in list(rds._db_cluster_snapshots.items()):
        same = snapshot["DbClusterResourceId"] == cluster["DbClusterResourceId"]
        if same and snapshot["SnapshotType"] == "automated":
            del rds._db_cluster_snapshots[identifier]


def _unusable_name(identifier: str) -> tuple | None:
    if not _NAME.fullmatch(identifier):
        message = (
            f"Invalid snapshot identifier: {identifier}. It must begin with a letter; must contain only ASCII letters, "
            "digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
        )
        return rds._error("InvalidParameterValue", message, 400)
    if identifier in rds._db_cluster_snapshots:
        message = f"Cannot create the snapshot because one with the identifier {identifier} already exists."
        return rds._error(_ALREADY_EXISTS, message, 400)
    return None


def _find(identifier_or_arn: str, *, anywhere: bool = False) -> dict | None:
    # The identifier may hold colons of its own: arn:aws:rds:<region>:<account>:cluster-snapshot:rds:<name>.
    parts = identifier_or_arn.split(":", 6)
    if parts[0] == "arn":
        here = (get_account_id(), get_region())
        if len(parts) < 7 or parts[5] != "cluster-snapshot" or parts[4] != here[0]:
            return None
        if not anywhere and parts[3] != here[1]:
            return None
        return rds._db_cluster_snapshots.get_scoped(parts[4], parts[3], parts[6])
    return rds._db_cluster_snapshots.get(identifier_or_arn.lower())


def _wanted(snapshot: dict, params: dict) -> bool:
    # Neither shared with others nor public: there is one account.
    filters = rds._parse_filters(params)
    members = {
        "db-cluster-id": ("DBClusterIdentifier",),
        "db-cluster-snapshot-id": ("DBClusterSnapshotIdentifier", "DBClusterSnapshotArn"),
        "snapshot-type": ("SnapshotType",),
        "engine": ("Engine",),
    }
    for name, values in filters.items():
        if not any(snapshot[member] in values for member in members.get(name, ())):
            return False
    cluster = rds._p(params, "DBClusterIdentifier").rsplit(":", 1)[-1].lower()
    resource, kind = rds._p(params, "DbClusterResourceId"), rds._p(params, "SnapshotType")
    return (
        cluster in ("", snapshot["DBClusterIdentifier"])
        and resource in ("", snapshot["DbClusterResourceId"])
        and kind in ("", snapshot["SnapshotType"])
    )


def _copy_of(source: dict, target_id: str, params: dict) -> dict:
    tags = rds._parse_tags(params)
    if not tags and rds._p(params, "CopyTags").lower() == "true":
        tags = list(source["TagList"])
    return {
        **source,
        "DBClusterSnapshotIdentifier": target_id,
        "DBClusterSnapshotArn": f"arn:aws:rds:{get_region()}:{get_account_id()}:cluster-snapshot:{target_id}",
        "SourceDBClusterSnapshotArn": source["DBClusterSnapshotArn"],
        "SnapshotCreateTime": rds._format_time(time.time()),
        "SnapshotType": "manual",
        "KmsKeyId": rds._p(params, "KmsKeyId") or source["KmsKeyId"],
        "TagList": tags,
    }
