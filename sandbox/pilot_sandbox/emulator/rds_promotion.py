"""RDS: PromoteReadReplica as AWS does it - refused in the wrong state, slow, and misleading at first.

Right after the call the status still reads `available` with the source in place; then `modifying`, `rebooting`, and
only at the very end is the source gone. A caller that trusts the first `available` has promoted nothing.
"""

from __future__ import annotations

import logging
import threading
import time

from ministack.core.responses import get_account_id, request_scope
from ministack.services import rds

from .rds_records import find_instance, record_event, region_of, shown_status, unlink
from .world_hooks import World

logger = logging.getLogger("pilot.rds")

# How long the status goes on reading `available` after PromoteReadReplica was accepted.
_MISLEADING_SECONDS = 0.5
# Share of the remaining time spent in `modifying`; the rest is `rebooting`.
_MODIFYING_SHARE = 0.5


class PromotionShim:
    """Replaces PromoteReadReplica."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._under_way: set[str] = set()

    def install(self) -> None:
        """Put the shim in place; ModifyDBInstance is refused during a promotion, as on AWS."""
        modify = rds._ACTION_MAP["ModifyDBInstance"]

        def modify_unless_promoting(params: dict) -> tuple:
            record = find_instance(rds._p(params, "DBInstanceIdentifier"))
            if record is not None and record["DBInstanceArn"] in self._under_way:
                return _refused(record, record["DBInstanceStatus"], "is being promoted")
            return modify(params)

        rds._ACTION_MAP.update(PromoteReadReplica=self.promote, ModifyDBInstance=modify_unless_promoting)

    def promote(self, params: dict) -> tuple:
        """PromoteReadReplica."""
        identifier = rds._p(params, "DBInstanceIdentifier")
        record = find_instance(identifier)
        if record is None:
            return rds._error("DBInstanceNotFound", f"DBInstance {identifier} not found.", 404)
        arn = record["DBInstanceArn"]
        status = shown_status(record, self._world.database(region_of(record), record["DBInstanceIdentifier"]))
        with self._lock:
            if not record.get("ReadReplicaSourceDBInstanceIdentifier"):
                return _refused(record, status, "is not a read replica")
            if status != "available" or arn in self._under_way:
                return _refused(record, status, "is not in available state")
            self._under_way.add(arn)
        response = rds._single_instance_response("PromoteReadReplicaResponse", "PromoteReadReplicaResult", record)
        retention_days = rds._p(params, "BackupRetentionPeriod")
        work = threading.Thread(target=self._carry_out, args=(record, retention_days, get_account_id()), daemon=True)
        work.start()
        return response

    def _carry_out(self, record: dict, retention_days: str, account_id: str) -> None:
        try:
            # Recording an RDS event needs the instance's own account and Region.
            with request_scope(account_id, region_of(record)):
                self._pass_time(record)
                self._finish(record, retention_days)
        finally:
            if record["DBInstanceStatus"] != "deleting":
                record["DBInstanceStatus"] = "available"
            self._under_way.discard(record["DBInstanceArn"])

    def _pass_time(self, record: dict) -> None:
        rest_seconds = max(0.0, self._world.delay_seconds("promotionSeconds") - _MISLEADING_SECONDS)
        time.sleep(_MISLEADING_SECONDS)
        record["DBInstanceStatus"] = "modifying"
        time.sleep(rest_seconds * _MODIFYING_SHARE)
        record["DBInstanceStatus"] = "rebooting"
        time.sleep(rest_seconds * (1 - _MODIFYING_SHARE))

    def _finish(self, record: dict, retention_days: str) -> None:
        identifier = record["DBInstanceIdentifier"]
        outcome = self._world.promote_database(region_of(record), identifier)
        if not outcome.ok:
            logger.error("promotion of %s failed: %s; it stays a read replica", identifier, outcome.message)
            record_event(record, f"Promotion of the read replica failed: {outcome.message}", "failure")
            return
        unlink(record)
        record.pop("ReadReplicaSourceDBInstanceIdentifier", None)
        if retention_days:
            record["BackupRetentionPeriod"] = int(retention_days)
        logger.info("%s is promoted and takes writes", identifier)
        record_event(record, "Promoted read replica to a standalone DB instance.", "read replica")


def _refused(record: dict, status: str, reason: str) -> tuple:
    message = f"DB instance {record['DBInstanceIdentifier']} {reason}; its status is {status}."
    return rds._error("InvalidDBInstanceState", message, 400)
