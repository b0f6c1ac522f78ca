"""RDS: FailoverGlobalCluster and SwitchoverGlobalCluster - what is refused, and what a caller sees meanwhile.

Which parameters and Regions: Aurora User Guide, "Using switchover or failover in Amazon Aurora Global Database", and
the API Reference. AWS names the faults but not which one stands for which reason; a caller should treat
`InvalidGlobalClusterStateFault` and `InvalidDBClusterStateFault` alike. The moves themselves: `aurora_moves.py`.
"""

from __future__ import annotations

import threading

from ministack.core.responses import get_account_id, get_region
from ministack.services import rds

from .aurora_moves import Move, Mover
from .aurora_records import (
    CLUSTER_STATE,
    GLOBAL_STATE,
    find_cluster,
    find_global,
    instances_of,
    is_moving,
    live_server,
    member_of,
    region_of,
    writer_of,
)
from .world_hooks import World

_CONNECTED = "connected"


class _Refused(Exception):
    """The operation is refused; nothing was changed."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.answer = rds._error(code, message, status)


class FailoverShim:
    """Replaces FailoverGlobalCluster and SwitchoverGlobalCluster."""

    def __init__(self, world: World, mover: Mover) -> None:
        self._world = world
        self._mover = mover
        # Two requests at once must not both find the global database at rest.
        self._lock = threading.Lock()

    def install(self) -> None:
        """Put the shim in place."""
        rds._ACTION_MAP.update(FailoverGlobalCluster=self.failover, SwitchoverGlobalCluster=self.switchover)

    def failover(self, params: dict) -> tuple:
        """FailoverGlobalCluster: a failover with AllowDataLoss, in the target's Region; without it a switchover.

        A failover works while the primary and its Region are gone; a switchover then fails.
        """
        allow, switch = (rds._p(params, name).lower() for name in ("AllowDataLoss", "Switchover"))
        if allow and switch:
            message = "AllowDataLoss and Switchover can't be specified together."
            return rds._error("InvalidParameterCombination", message, 400)
        return self._begin("FailoverGlobalCluster", params, data_loss_allowed=allow == "true")

    def switchover(self, params: dict) -> tuple:
        """SwitchoverGlobalCluster: in the primary's Region, of a healthy global database."""
        return self._begin("SwitchoverGlobalCluster", params, data_loss_allowed=False)

    def _begin(self, action: str, params: dict, *, data_loss_allowed: bool) -> tuple:
        try:
            with self._lock:
                move = _requested(params, data_loss_allowed)
                self._refuse_bad_target(move.new)
                if not data_loss_allowed:
                    self._refuse_unhealthy(move)
                _refuse_wrong_region(move)
                move.announce("pending")
        except _Refused as refused:
            return refused.answer
        xml = f"<{action}Result><GlobalCluster>{rds._global_cluster_xml(move.record)}</GlobalCluster></{action}Result>"
        self._mover.start(move)
        return rds._xml(200, f"{action}Response", xml)

    def _refuse_bad_target(self, target: dict) -> None:
        identifier = target["DBClusterIdentifier"]
        if target["Status"] != "available":
            raise _Refused(CLUSTER_STATE, f"DB cluster {identifier} is {target['Status']}, not available.")
        if not instances_of(target):
            message = f"DB cluster {identifier} has no DB instance; add one before it can become the primary."
            raise _Refused(CLUSTER_STATE, message)
        live = live_server(self._world, target)
        up = live is None or live["running"]
        if not up or not any(instance["DBInstanceStatus"] == "available" for instance in instances_of(target)):
            raise _Refused(CLUSTER_STATE, f"DB cluster {identifier} has no available DB instance.")

    def _refuse_unhealthy(self, move: Move) -> None:
        for member in move.record["GlobalClusterMembers"]:
            cluster = find_cluster(member["DBClusterArn"])
            live = live_server(self._world, cluster)
            healthy = member["SynchronizationStatus"] == _CONNECTED and cluster["Status"] == "available"
            if live is not None:
                healthy = healthy and live["running"] and (member["IsWriter"] or live["replication"] == "replicating")
            if not healthy:
                message = (
                    f"Global cluster {move.record['GlobalClusterIdentifier']} can't be switched over: member "
                    f"{member['DBClusterArn']} is not healthy. A failover needs AllowDataLoss."
                )
                raise _Refused(GLOBAL_STATE, message)


def _requested(params: dict, data_loss_allowed: bool) -> Move:
    identifier, target = rds._p(params, "GlobalClusterIdentifier"), rds._p(params, "TargetDbClusterIdentifier")
    record = find_global(identifier)
    if record is None:
        raise _Refused("GlobalClusterNotFoundFault", f"Global cluster {identifier} not found.", 404)
    if not target.startswith("arn:"):
        message = f"Invalid database cluster identifier:  {target}. Use the ARN of the cluster to promote."
        raise _Refused("InvalidParameterValue", message)
    new = find_cluster(target)
    if new is None:
        raise _Refused("DBClusterNotFoundFault", f"DBCluster {target} not found.", 404)
    member = member_of(record, target)
    if member is None:
        raise _Refused(GLOBAL_STATE, f"DB cluster {target} is not a member of global cluster {identifier}.")
    if is_moving(record):
        message = f"Global cluster {identifier} is already {record['FailoverState']['Status']}."
        raise _Refused(GLOBAL_STATE, message)
    if member["IsWriter"]:
        raise _Refused(CLUSTER_STATE, f"DB cluster {target} is the primary of global cluster {identifier} already.")
    if member["SynchronizationStatus"] != _CONNECTED:
        raise _Refused(CLUSTER_STATE, f"DB cluster {target} is {member['SynchronizationStatus']}.")
    old = find_cluster(writer_of(record)["DBClusterArn"])
    if _minor(old) != _minor(new):
        message = (
            f"Engine versions differ: {old['DBClusterArn']} has {old['EngineVersion']}, {target} has "
            f"{new['EngineVersion']}. Upgrade one, or detach the secondary to promote it."
        )
        raise _Refused(CLUSTER_STATE, message)
    return Move(record, old, new, data_loss_allowed, get_account_id())


def _minor(cluster: dict) -> list[str]:
    # Major and minor version must be the same; patch levels may differ. `17.5` and `8.0.mysql_aurora.3.10.1`.
    series, _, patched = cluster["EngineVersion"].rpartition("mysql_aurora.")
    return [cluster["Engine"], series, *patched.split(".")[:2]]


def _refuse_wrong_region(move: Move) -> None:
    place, cluster = ("target", move.new) if move.data_loss_allowed else ("primary", move.old)
    if get_region() != region_of(cluster):
        message = (
            f"Invalid database cluster identifier:  {move.new['DBClusterArn']}. Call this operation in the Region of "
            f"the {place} cluster, {region_of(cluster)}."
        )
        raise _Refused("InvalidParameterValue", message)
