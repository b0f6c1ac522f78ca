"""RDS: FailoverDBCluster, which moves the writer of a cluster to another instance within its Region.

One real server stands behind all instances of a cluster, for in Aurora they share one volume. So the failover moves
that server: it stops, or is dead already, and starts over the same data folder on a machine of the target's
Availability Zone. Connections break, nothing is lost, the cluster's endpoint leads to it, and then another instance is
the writer.

A zone dies by `POST /zone/<zone>/database/down` of the sandbox's control server; the emulator tells the world an
instance's zone when it is created (CreateDBInstance's `AvailabilityZone`).
"""

from __future__ import annotations

import logging
import threading
import time

from ministack.core.responses import get_account_id, request_scope
from ministack.services import rds

from .aurora_records import (
    CLUSTER_STATE,
    find_cluster_here,
    global_of,
    in_dead_zone,
    instances_of,
    is_moving,
    is_secondary,
    live_server,
    record_event,
    region_of,
)
from .world_hooks import World

logger = logging.getLogger("pilot.aurora")

_INSTANCE_STATE = "InvalidDBInstanceState"


class WriterShim:
    """Replaces FailoverDBCluster."""

    def __init__(self, world: World) -> None:
        self._world = world
        # Two requests at once must not both find the cluster available.
        self._lock = threading.Lock()

    def install(self) -> None:
        """Put the shim in place."""
        rds._ACTION_MAP["FailoverDBCluster"] = self.failover

    def failover(self, params: dict) -> tuple:
        """FailoverDBCluster: `failing-over` first; done when `IsClusterWriter` has moved and the cluster is available.

        Without a target AWS takes the available reader of the lowest promotion tier.
        """
        identifier, target = rds._p(params, "DBClusterIdentifier"), rds._p(params, "TargetDBInstanceIdentifier")
        cluster = find_cluster_here(identifier)
        if cluster is None:
            return rds._error("DBClusterNotFoundFault", f"DBCluster {identifier} not found.", 404)
        with self._lock:
            if refusal := _refused_by_state(cluster):
                return refusal
            if target and (refusal := self._refused_by_target(cluster, target)):
                return refusal
            chosen = target or next(iter(self._candidates(cluster)), None)
            if chosen is None:
                message = f"Cannot failover cluster {identifier}: it has no available reader instance."
                return rds._error(CLUSTER_STATE, message, 400)
            cluster["Status"] = "failing-over"
        threading.Thread(target=self._carry_out, args=(cluster, chosen, get_account_id()), daemon=True).start()
        xml = f"<FailoverDBClusterResult><DBCluster>{rds._cluster_xml(cluster)}</DBCluster></FailoverDBClusterResult>"
        return rds._xml(200, "FailoverDBClusterResponse", xml)

    def _carry_out(self, cluster: dict, chosen: str, account_id: str) -> None:
        region, identifier = region_of(cluster), cluster["DBClusterIdentifier"]
        with request_scope(account_id, region):
            record_event(cluster, f"Started cross AZ failover to DB instance: {chosen}", "failover")
            time.sleep(self._world.delay_seconds("promotionSeconds"))
            failure = self._move(cluster, chosen)
            if failure is None:
                for member in cluster["DBClusterMembers"]:
                    member["IsClusterWriter"] = member["DBInstanceIdentifier"] == chosen
                record_event(cluster, f"Completed failover to DB instance: {chosen}", "failover")
            else:
                logger.error("the writer of %s stays where it is: %s", identifier, failure)
                record_event(cluster, f"Failover failed: {failure}", "failover")
            cluster["Status"] = "available"

    def _move(self, cluster: dict, chosen: str) -> str | None:
        zone = rds._instances[chosen]["AvailabilityZone"]
        outcome = self._world.move_database(region_of(cluster), cluster["DBClusterIdentifier"], zone)
        return None if outcome.done else outcome.message

    def _refused_by_target(self, cluster: dict, target: str) -> tuple | None:
        members = {member["DBInstanceIdentifier"]: member for member in cluster["DBClusterMembers"]}
        if target not in members:
            if target not in rds._instances:
                return rds._error("DBInstanceNotFound", f"DBInstance {target} not found.", 404)
            message = f"DBInstance {target} is not a member of DB cluster {cluster['DBClusterIdentifier']}."
            return rds._error(_INSTANCE_STATE, message, 400)
        if members[target]["IsClusterWriter"]:
            return rds._error(_INSTANCE_STATE, f"DBInstance {target} is already the writer of its DB cluster.", 400)
        if target not in self._candidates(cluster):
            return rds._error(_INSTANCE_STATE, f"DBInstance {target} is not in available state.", 400)
        return None

    def _candidates(self, cluster: dict) -> list[str]:
        live = live_server(self._world, cluster)
        available = {
            instance["DBInstanceIdentifier"]
            for instance in instances_of(cluster)
            if instance["DBInstanceStatus"] == "available" and not in_dead_zone(instance, live)
        }
        readers = [member for member in cluster["DBClusterMembers"] if not member["IsClusterWriter"]]
        readers.sort(key=lambda member: member["PromotionTier"])
        return [name for name in (member["DBInstanceIdentifier"] for member in readers) if name in available]


def _refused_by_state(cluster: dict) -> tuple | None:
    identifier = cluster["DBClusterIdentifier"]
    if cluster["Status"] != "available":
        message = f"DbCluster {identifier} is in {cluster['Status']} state but expected it to be one of available."
        return rds._error(CLUSTER_STATE, message, 400)
    if is_secondary(cluster) or is_moving(global_of(cluster)):
        message = f"DbCluster {identifier} is no primary of its global database at rest, and has no writer to move."
        return rds._error(CLUSTER_STATE, message, 400)
    return None
