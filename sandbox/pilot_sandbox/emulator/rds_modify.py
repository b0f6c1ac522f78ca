"""RDS: ModifyDBInstance with its refusals, and changes that take a moment.

ministack takes any group in any state, at once. On AWS the new groups are `adding` and the old ones `removing` first,
the instance stays `available` meanwhile, and only `active` says that the new ones are in force.
"""

from __future__ import annotations

import threading
import time

from ministack.services import rds

from . import parameter_groups, security_groups
from .rds_records import find_instance, region_of, set_status, shown_status
from .world_hooks import World

# Long enough for a caller that trusts the first description to be wrong.
_APPLYING_SECONDS = 0.5
_DUE_AT = "_SecurityGroupsDueAt"
_PARAMETER = "VpcSecurityGroupIds"
_RETENTION = "BackupRetentionPeriod"
_RETENTION_DAYS = range(36)
# Switching automated backups on or off: the instance is `modifying` so long.
_CHANGING_SECONDS = 0.5

# Requests and the door keeper both replace an instance's memberships.
_changing = threading.Lock()


class ModifyShim:
    """Replaces ModifyDBInstance."""

    def __init__(self, world: World) -> None:
        self._world = world

    def install(self) -> None:
        """Put the shim in place, around what is there already."""
        self._modify = rds._ACTION_MAP["ModifyDBInstance"]
        rds._ACTION_MAP["ModifyDBInstance"] = self.modify

    def modify(self, params: dict) -> tuple:
        """ModifyDBInstance. Security groups change soon after, whatever ApplyImmediately says, as on AWS."""
        record = find_instance(rds._p(params, "DBInstanceIdentifier"))
        if record is None:
            return self._modify(params)  # knows how to say that there is none
        live = self._world.database(region_of(record), record["DBInstanceIdentifier"])
        if (status := shown_status(record, live)) != "available":
            message = f"Database instance is not in available state; its status is {status}."
            return rds._error("InvalidDBInstanceState", message, 400)
        wanted = rds._parse_member_list(params, _PARAMETER)
        for group_id in wanted:
            if not security_groups.exists(group_id):
                message = f"Invalid security group , groupId= {group_id}, groupName=."
                return rds._error("InvalidParameterValue", message, 400)
        refusal = parameter_groups.instance_refusal(params, record) or _retention_refusal(params, record)
        if refusal is not None:
            return refusal
        others = {name: value for name, value in params.items() if not name.startswith((_PARAMETER, _RETENTION))}
        response = self._modify(others)
        if response[0] != 200:
            return response
        _show_group_as_pending(params, record)
        retention_follows = _change_retention(params, record)
        if wanted:
            replace_groups(record, wanted)
        if retention_follows:
            record["DBInstanceStatus"] = "modifying"
        response = rds._single_instance_response("ModifyDBInstanceResponse", "ModifyDBInstanceResult", record)
        if retention_follows:
            threading.Timer(_CHANGING_SECONDS, _finish_retention, (record,)).start()
        return response


def _show_group_as_pending(params: dict, record: dict) -> None:
    # The name changes at once, its parameters with the next reboot, whatever ApplyImmediately says.
    if rds._p(params, "DBParameterGroupName"):
        record["DBParameterGroups"][0]["ParameterApplyStatus"] = "pending-reboot"


def _retention_refusal(params: dict, record: dict) -> tuple | None:
    days = rds._p(params, _RETENTION)
    if not days:
        return None
    if int(days) not in _RETENTION_DAYS:
        message = f"Invalid backup retention period: {days}. It must be between 0 and 35."
        return rds._error("InvalidParameterValue", message, 400)
    if int(days) == 0 and record.get("ReadReplicaDBInstanceIdentifiers"):
        message = f"{record['DBInstanceIdentifier']} is a source of read replicas: its backups cannot be disabled."
        return rds._error("InvalidParameterCombination", message, 400)
    return None


def _change_retention(params: dict, record: dict) -> bool:
    """Change the retention; says whether it follows later because backups are switched on or off by it."""
    days = rds._p(params, _RETENTION)
    if not days or int(days) == int(record.get(_RETENTION) or 0):
        return False
    if int(days) and record.get(_RETENTION):
        record[_RETENTION] = int(days)
        return False
    # Switching takes a moment, or waits for a maintenance window that is days away.
    record["PendingModifiedValues"] = {**record["PendingModifiedValues"], _RETENTION: int(days)}
    return rds._p(params, "ApplyImmediately") == "true"


def _finish_retention(record: dict) -> None:
    pending = dict(record["PendingModifiedValues"])
    record[_RETENTION] = pending.pop(_RETENTION)
    record["PendingModifiedValues"] = pending
    set_status(record, "available", after="modifying")


def replace_groups(record: dict, wanted: list[str]) -> None:
    """Begin to change the security groups of an instance or a cluster; `settle_groups` ends it."""
    with _changing:
        current = groups_in_force(record)
        kept = [_membership(group, "active" if group in current else "adding") for group in wanted]
        gone = [_membership(group, "removing") for group in current if group not in wanted]
        record[_DUE_AT] = time.monotonic() + _APPLYING_SECONDS
        record["VpcSecurityGroups"] = kept + gone


def groups_in_force(record: dict) -> list[str]:
    """The groups that decide now who may connect."""
    return [m["VpcSecurityGroupId"] for m in record.get("VpcSecurityGroups", []) if m["Status"] != "adding"]


def groups_due(record: dict) -> list[str] | None:
    """The groups that are to come into force now; None where nothing changes, or not yet."""
    memberships = record.get("VpcSecurityGroups", [])
    if all(m["Status"] == "active" for m in memberships) or time.monotonic() < record.get(_DUE_AT, 0.0):
        return None
    return [m["VpcSecurityGroupId"] for m in memberships if m["Status"] != "removing"]


def settle_groups(record: dict, applied: list[str]) -> None:
    """Say that the groups are in force; nothing happens when others are wanted meanwhile."""
    with _changing:
        if groups_due(record) == applied:
            record["VpcSecurityGroups"] = [_membership(group, "active") for group in applied]


def _membership(group_id: str, status: str) -> dict:
    return {"VpcSecurityGroupId": group_id, "Status": status}
