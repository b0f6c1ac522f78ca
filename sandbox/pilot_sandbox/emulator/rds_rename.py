"""RDS: ModifyDBInstance with a new identifier.

ministack keeps the old one. On AWS the instance is `renaming`, is restarted, and goes on under the new identifier with
another ARN and another endpoint; tags, security groups and replicas stay with it, and the old identifier is free (RDS
User Guide, "Renaming a DB instance").
"""

from __future__ import annotations

import logging
import re
import threading
import time

from ministack.core.responses import get_account_id, request_scope
from ministack.services import rds

from .rds_records import find_instance, link, record_event, region_of, replicas_of, source_of, source_reference, unlink
from .world_hooks import World

logger = logging.getLogger("pilot.rds")

# Long enough for a caller to see `renaming`; the restart of the real server comes on top.
_RENAMING_SECONDS = 0.5
_PARAMETER = "NewDBInstanceIdentifier"
_IDENTIFIER = re.compile(r"[a-z](?:-?[a-z0-9]){0,62}")


class RenameShim:
    """Replaces ModifyDBInstance for whoever gives a new identifier."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        #: Account, Region and identifier of what is being renamed to.
        self._reserved: set[tuple[str, str, str]] = set()

    def install(self) -> None:
        """Put the shim in place, around what is there already."""
        self._modify = rds._ACTION_MAP["ModifyDBInstance"]
        rds._ACTION_MAP["ModifyDBInstance"] = self.modify

    def modify(self, params: dict) -> tuple:
        """ModifyDBInstance. Without ApplyImmediately a new identifier waits for a maintenance window, days away."""
        new = rds._p(params, _PARAMETER).lower()
        record = find_instance(rds._p(params, "DBInstanceIdentifier"))
        if not new or record is None:
            return self._modify(params)
        if len(new) > 63 or not _IDENTIFIER.fullmatch(new):
            message = f"The parameter {_PARAMETER} is not a valid identifier: {new}"
            return rds._error("InvalidParameterValue", message, 400)
        target = (get_account_id(), region_of(record), new)
        with self._lock:
            if new in rds._instances or target in self._reserved:
                return rds._error("DBInstanceAlreadyExists", f"DBInstance {new} already exists.", 400)
            response = self._modify({name: value for name, value in params.items() if name != _PARAMETER})
            if response[0] != 200:
                return response  # in no state to be modified, for example
            record["PendingModifiedValues"] = {**record["PendingModifiedValues"], "DBInstanceIdentifier": new}
            at_once = rds._p(params, "ApplyImmediately") == "true"
            if at_once:
                self._reserved.add(target)
                record["DBInstanceStatus"] = "renaming"
        response = rds._single_instance_response("ModifyDBInstanceResponse", "ModifyDBInstanceResult", record)
        if at_once:
            threading.Thread(target=self._carry_out, args=(record, target), daemon=True).start()
        return response

    def _carry_out(self, record: dict, target: tuple[str, str, str]) -> None:
        account_id, region, new = target
        try:
            # The stores are those of the instance's own account and Region.
            with request_scope(account_id, region):
                time.sleep(_RENAMING_SECONDS)
                self._rename(record, new)
        finally:
            pending = record["PendingModifiedValues"]
            record["PendingModifiedValues"] = {k: v for k, v in pending.items() if k != "DBInstanceIdentifier"}
            record["DBInstanceStatus"] = "available"
            self._reserved.discard(target)

    def _rename(self, record: dict, new: str) -> None:
        region, old = region_of(record), record["DBInstanceIdentifier"]
        if self._world.database(region, old) is not None:
            outcome = self._world.rename_database(region, old, new)
            if not outcome.ok:
                logger.error("%s keeps its identifier: %s", old, outcome.message)
                record_event(record, f"The DB instance was not renamed to {new}: {outcome.message}", "failure")
                return
        _move(record, new)
        record_event(record, f"Renamed DB instance from {old} to {new}", "configuration change")


def _move(record: dict, new: str) -> None:
    source, replicas = source_of(record), replicas_of(record)
    old, old_arn = record["DBInstanceIdentifier"], record["DBInstanceArn"]
    unlink(record)
    record.update(DBInstanceIdentifier=new, DBInstanceArn=":".join([*old_arn.split(":")[:6], new]))
    del rds._instances[old]
    rds._instances[new] = record
    tags = rds._tags.pop(old_arn, None)
    if tags is not None:
        rds._tags[record["DBInstanceArn"]] = tags
    if source is not None:
        link(source, record)
    for replica in replicas:
        replica["ReadReplicaSourceDBInstanceIdentifier"] = source_reference(record, region_of(replica))
    # It was restarted.
    record["DBParameterGroups"] = [
        {**group, "ParameterApplyStatus": "in-sync"} for group in record.get("DBParameterGroups", [])
    ]
