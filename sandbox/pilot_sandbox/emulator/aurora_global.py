"""RDS: Aurora global databases - how clusters join and leave them.

Seeding one takes five calls: CreateGlobalCluster (in any Region), CreateDBCluster with its `GlobalClusterIdentifier` in
the primary Region and CreateDBInstance with `DBClusterIdentifier` into it, then the same two in the other Region. The
first cluster that joins is the writer, each later one a secondary. A cluster reads `creating` first, and its instance
may be created meanwhile. A secondary is `available` only when its real server follows the writer's: if the server
behind the new secondary is a primary (one that was detached, or deleted and made anew), it is made to follow first.

ministack keeps the global database as one record of the account, so every Region sees the same.
"""

from __future__ import annotations

import logging
import re
import threading
import time

from ministack.core.responses import get_account_id, request_scope
from ministack.services import rds

from .aurora_records import (
    CLUSTER_STATE,
    GLOBAL_STATE,
    find_cluster,
    find_cluster_here,
    find_global,
    is_moving,
    is_secondary,
    live_server,
    record_event,
    region_of,
    set_instances,
    writer_of,
)
from .restored_databases import keep_continuously
from .world_hooks import World

logger = logging.getLogger("pilot.aurora")

# Long enough for a waiter to see `creating`, short enough that seeding a workload does not drag.
_CREATING_SECONDS = 0.5
_RETRY_SECONDS = 1.0
# AWS leaves an unset member out of its answer.
_EMPTY_LEAF = re.compile(r"<(DatabaseName)></\1>")


class GlobalShim:
    """Replaces CreateGlobalCluster, CreateDBCluster and RemoveFromGlobalCluster; ministack's records stay."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._create = rds._create_global_cluster
        self._create_cluster = rds._create_db_cluster
        self._remove = rds._remove_from_global_cluster
        self._render = rds._global_cluster_xml

    def install(self) -> None:
        """Put the shim in place."""
        rds._global_cluster_xml = lambda record: _EMPTY_LEAF.sub("", self._render(record))
        # It would call a cluster available as soon as an instance joins. Here nothing converges but by these shims.
        rds._refresh_cluster_status = lambda _: None
        rds._ACTION_MAP.update(
            CreateGlobalCluster=self.create,
            CreateDBCluster=self.create_cluster,
            RemoveFromGlobalCluster=self.remove,
        )

    def create(self, params: dict) -> tuple:
        """CreateGlobalCluster: empty, or around a cluster that stands alone, whose settings it then takes."""
        if rds._p(params, "SourceDBClusterIdentifier"):
            for name in ("Engine", "EngineVersion", "DatabaseName", "StorageEncrypted"):
                if rds._p(params, name):
                    message = f"{name} can't be specified together with SourceDBClusterIdentifier."
                    return _refused("InvalidParameterCombination", message)
        identifier = rds._p(params, "GlobalClusterIdentifier").lower()
        return self._create({**params, "GlobalClusterIdentifier": [identifier]})

    def create_cluster(self, params: dict) -> tuple:
        """CreateDBCluster; `available` once its server is as it should be."""
        identifier = rds._p(params, "GlobalClusterIdentifier")
        joined = find_global(identifier) if identifier else None
        if is_moving(joined):
            return _refused(GLOBAL_STATE, f"Global cluster {identifier} is being switched over or failed over.")
        if joined is not None and (writer := writer_of(joined)) is not None:
            status = (find_cluster(writer["DBClusterArn"]) or {}).get("Status", "deleted")
            if status != "available":
                message = f"The primary cluster {writer['DBClusterArn']} is {status}; a secondary needs it available."
                return _refused(CLUSTER_STATE, message)
        response = self._create_cluster(params)
        if response[0] != 200:
            return response
        cluster = find_cluster_here(rds._p(params, "DBClusterIdentifier"))
        cluster["Status"] = "creating"
        self._start(self._finish_creation, cluster)
        return rds._xml(
            200,
            "CreateDBClusterResponse",
            f"<CreateDBClusterResult><DBCluster>{rds._cluster_xml(cluster)}</DBCluster></CreateDBClusterResult>",
        )

    def remove(self, params: dict) -> tuple:
        """RemoveFromGlobalCluster: a secondary stops replicating and takes writes on its own ("detach and promote").

        Works from any Region, and while the primary is gone; that is AWS's manual failover.
        """
        global_cluster = find_global(rds._p(params, "GlobalClusterIdentifier"))
        arn = rds._p(params, "DbClusterIdentifier")
        if global_cluster is not None and is_moving(global_cluster):
            return _refused(GLOBAL_STATE, "A switchover or failover of the global cluster is under way.")
        cluster = find_cluster(arn)
        detached = cluster is not None and is_secondary(cluster)
        response = self._remove(params)
        if response[0] == 200 and detached:
            cluster["Status"] = "promoting"
            self._start(self._finish_detachment, cluster)
        return response

    def _start(self, work, cluster: dict) -> None:
        # Whatever happens in the background, happens in the cluster's own account and Region.
        account_id = get_account_id()

        def in_scope() -> None:
            with request_scope(account_id, region_of(cluster)):
                work(cluster)

        threading.Thread(target=in_scope, daemon=True).start()

    def _finish_creation(self, cluster: dict) -> None:
        time.sleep(_CREATING_SECONDS)
        while find_cluster(cluster["DBClusterArn"]) is cluster:
            if not is_secondary(cluster) or self._follows(cluster):
                keep_continuously(self._world, cluster)
                cluster["Status"] = "available"
                set_instances(cluster, "available")
                return
            time.sleep(_RETRY_SECONDS)

    def _follows(self, cluster: dict) -> bool:
        live = live_server(self._world, cluster)
        if live is not None and live["running"] and live["role"] == "standby":
            return True
        outcome = self._world.follow_database(region_of(cluster), cluster["DBClusterIdentifier"])
        if not outcome.done:
            logger.warning("%s does not follow yet: %s", cluster["DBClusterIdentifier"], outcome.message)
        return outcome.done

    def _finish_detachment(self, cluster: dict) -> None:
        live = live_server(self._world, cluster)
        if live is None or live["role"] == "standby":
            time.sleep(self._world.delay_seconds("promotionSeconds"))
            if find_cluster(cluster["DBClusterArn"]) is not cluster:
                return  # deleted meanwhile
            outcome = self._world.promote_database(region_of(cluster), cluster["DBClusterIdentifier"])
            if not outcome.done:
                logger.error("%s stays read-only: %s", cluster["DBClusterIdentifier"], outcome.message)
                record_event(cluster, f"Promotion to a standalone cluster failed: {outcome.message}", "failure")
        if cluster["Status"] == "promoting":
            cluster["Status"] = "available"
        record_event(cluster, "The DB cluster was removed from its global database.", "global-failover")


def _refused(code: str, message: str) -> tuple:
    return rds._error(code, message, 400)
