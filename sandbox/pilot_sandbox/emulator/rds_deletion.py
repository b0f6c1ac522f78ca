"""RDS: DeleteDBInstance - what it refuses, its final snapshot, and the end of the real server.

ministack deletes at once, and without a word about a snapshot. On AWS the instance is `deleting` until its final
snapshot is whole, and whoever deletes must say whether there is to be one.
"""

from __future__ import annotations

import logging
import threading
import time

from ministack.core.responses import get_account_id, request_scope
from ministack.services import rds

from .rds_records import find_instance, record_event, region_of, shown_status, unlink
from .rds_snapshots import mark_available, mark_creating
from .world_hooks import World

logger = logging.getLogger("pilot.rds")

# Long enough for a caller to see `deleting`.
_DELETING_SECONDS = 0.5
# Of such an instance there can be no final snapshot.
_BROKEN = ("failed", "incompatible-restore", "incompatible-network")


class DeletionShim:
    """Replaces DeleteDBInstance. An instance of a cluster is left to ministack: its data is the cluster's."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()

    def install(self) -> None:
        """Put the shim in place, around what is there already."""
        self._delete = rds._ACTION_MAP["DeleteDBInstance"]
        rds._ACTION_MAP["DeleteDBInstance"] = self.delete

    def delete(self, params: dict) -> tuple:
        """DeleteDBInstance."""
        record = find_instance(rds._p(params, "DBInstanceIdentifier"))
        if record is None or record.get("DBClusterIdentifier"):
            return self._delete(params)
        snapshot_id = rds._p(params, "FinalDBSnapshotIdentifier").lower()
        skip = rds._p(params, "SkipFinalSnapshot") == "true"
        snapshot = None
        with self._lock:
            refusal = self._refusal(record, snapshot_id, skip=skip)
            if refusal is not None:
                return refusal
            record["DBInstanceStatus"] = "deleting"
            if snapshot_id:
                snapshot = mark_creating(rds._create_snapshot_internal(snapshot_id, record))
        response = rds._single_instance_response("DeleteDBInstanceResponse", "DeleteDBInstanceResult", record)
        threading.Thread(target=self._carry_out, args=(record, snapshot, get_account_id()), daemon=True).start()
        return response

    def _refusal(self, record: dict, snapshot_id: str, *, skip: bool) -> tuple | None:
        identifier = record["DBInstanceIdentifier"]
        status = shown_status(record, self._world.database(region_of(record), identifier))
        if status == "deleting":
            return _refused("InvalidDBInstanceState", f"Instance {identifier} is already being deleted.")
        if status == "renaming":
            return _refused("InvalidDBInstanceState", f"Instance {identifier} is being renamed; it is not deleted.")
        if record.get("DeletionProtection"):
            message = "Cannot delete protected DB Instance, please disable deletion protection and try again."
            return _refused("InvalidParameterCombination", message)
        if skip and snapshot_id:
            message = "FinalDBSnapshotIdentifier cannot be specified together with SkipFinalSnapshot."
            return _refused("InvalidParameterCombination", message)
        if not skip and not snapshot_id:
            message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
            return _refused("InvalidParameterCombination", message)
        if snapshot_id and record.get("ReadReplicaSourceDBInstanceIdentifier"):
            message = "FinalDBSnapshotIdentifier can not be specified when deleting a replica instance"
            return _refused("InvalidParameterCombination", message)
        if snapshot_id and status in _BROKEN:
            message = f"Instance {identifier} is {status}: it can only be deleted with SkipFinalSnapshot."
            return _refused("InvalidDBInstanceState", message)
        if snapshot_id in rds._snapshots:
            return _refused("DBSnapshotAlreadyExists", f"Snapshot {snapshot_id} already exists.")
        return None

    def _carry_out(self, record: dict, snapshot: dict | None, account_id: str) -> None:
        # The stores are those of the instance's own account and Region.
        with request_scope(account_id, region_of(record)):
            time.sleep(_DELETING_SECONDS)
            if snapshot is None or self._take(snapshot, record):
                self._end(record)

    def _take(self, snapshot: dict, record: dict) -> bool:
        region, identifier = region_of(record), record["DBInstanceIdentifier"]
        if self._world.database(region, identifier) is not None:
            outcome = self._world.keep_database(region, identifier, snapshot["DBSnapshotIdentifier"])
            if not outcome.ok:
                logger.error("%s is not deleted, for it has no final snapshot: %s", identifier, outcome.message)
                record_event(record, f"The final snapshot failed: {outcome.message}", "failure")
                snapshot["Status"], record["DBInstanceStatus"] = "failed", "available"
                return False
        time.sleep(self._world.delay_seconds("snapshotSeconds"))
        mark_available(snapshot)
        return True

    def _end(self, record: dict) -> None:
        region, identifier = region_of(record), record["DBInstanceIdentifier"]
        if self._world.database(region, identifier) is not None:
            outcome = self._world.delete_database(region, identifier)
            if not outcome.ok:
                logger.error("the server behind %s is still there: %s", identifier, outcome.message)
        unlink(record)
        self._delete({"DBInstanceIdentifier": [identifier], "SkipFinalSnapshot": ["true"]})
        logger.info("%s in %s is deleted", identifier, region)


def _refused(code: str, message: str) -> tuple:
    return rds._error(code, message, 400)
