"""RDS: RestoreDBClusterToPointInTime, and the window in which it can restore.

The window is that of the real server's continuous backup (`EarliestRestorableTime` to `LatestRestorableTime` in
DescribeDBClusters); AWS's is at most five minutes behind the present, here it is one second. What was
committed up to the wanted time is in the new cluster, and nothing later. Like every restored cluster it comes without
instances. (RDS API Reference, RestoreDBClusterToPointInTime; Aurora User Guide, "Restoring a DB cluster to a specified
time".)
"""

from __future__ import annotations

from datetime import datetime

from ministack.core.responses import get_account_id
from ministack.services import rds

from .aurora_records import CLUSTER_STATE, find_cluster_here, live_server, region_of
from .restored_databases import finish_cluster, in_background, new_cluster
from .world_hooks import World

_LAG_SECONDS = 1.0
_RESTORE_TYPES = ("", "full-copy", "copy-on-write")


class PointInTimeShim:
    """Adds RestoreDBClusterToPointInTime, which ministack lacks."""

    def __init__(self, world: World) -> None:
        self._world = world

    def install(self) -> None:
        """Put the shim in place, around the rendering of clusters that is there already."""
        self._render = rds._cluster_xml
        rds._cluster_xml = self.render
        rds._ACTION_MAP["RestoreDBClusterToPointInTime"] = self.restore

    def render(self, record: dict) -> str:
        """The cluster as XML, with the times that its real server can be restored to."""
        window = self._window(record)
        if window is None:
            return self._render(record)
        earliest, latest = (rds._format_time(seconds) for seconds in window)
        return self._render({**record, "EarliestRestorableTime": earliest, "LatestRestorableTime": latest})

    def restore(self, params: dict) -> tuple:
        """RestoreDBClusterToPointInTime: `creating` first; refused outside of the window."""
        source_id = rds._p(params, "SourceDBClusterIdentifier")
        source = _find_source(source_id, rds._p(params, "SourceDbClusterResourceId"))
        if source is None:
            return rds._error("DBClusterNotFoundFault", f"DBCluster {source_id} not found.", 404)
        latest_wanted = rds._p(params, "UseLatestRestorableTime").lower() == "true"
        if refusal := _refused_combination(params, latest_wanted=latest_wanted):
            return refusal
        identifier = rds._p(params, "DBClusterIdentifier").lower()
        if identifier in rds._clusters:
            return rds._error("DBClusterAlreadyExistsFault", f"DB cluster {identifier} already exists.", 400)
        if source["Status"] != "available":
            message = f"DBCluster {source['DBClusterIdentifier']} is {source['Status']}, not available."
            return rds._error(CLUSTER_STATE, message, 400)
        window = self._window(source)
        if window is None:
            message = f"DBCluster {source['DBClusterIdentifier']} has no backup that it can be restored from."
            return rds._error("InvalidRestoreFault", message, 400)
        at_seconds = window[1] if latest_wanted else datetime.fromisoformat(rds._p(params, "RestoreToTime")).timestamp()
        if not window[0] <= at_seconds <= window[1]:
            earliest, latest = (rds._format_time(seconds) for seconds in window)
            message = (
                f"The specified time is not restorable: {source['DBClusterIdentifier']} can be restored "
                f"from {earliest} to {latest}."
            )
            return rds._error("InvalidRestoreFault", message, 400)
        return self._start(source, identifier, params, at_seconds)

    def _start(self, source: dict, identifier: str, params: dict, at_seconds: float) -> tuple:
        cluster, response = new_cluster(source, identifier, params)
        if cluster is None:
            return response
        region, source_id = region_of(source), source["DBClusterIdentifier"]

        def restore():
            return self._world.restore_database_to_time(region, source_id, region, identifier, at_seconds)

        in_background(get_account_id(), region, lambda: finish_cluster(self._world, cluster, restore))
        action, xml = "RestoreDBClusterToPointInTime", rds._cluster_xml(cluster)
        return rds._xml(200, f"{action}Response", f"<{action}Result><DBCluster>{xml}</DBCluster></{action}Result>")

    def _window(self, cluster: dict) -> tuple[float, float] | None:
        live = live_server(self._world, cluster)
        if live is None or not live.get("restorable"):
            return None
        earliest, latest = live["restorable"]
        return earliest, max(earliest, latest - (_LAG_SECONDS if live["running"] else 0.0))


def _find_source(identifier: str, resource_id: str) -> dict | None:
    if identifier:
        return find_cluster_here(identifier)
    return next((c for c in rds._clusters.values() if c["DbClusterResourceId"] == resource_id), None)


def _refused_combination(params: dict, *, latest_wanted: bool) -> tuple | None:
    at = rds._p(params, "RestoreToTime")
    kind = rds._p(params, "RestoreType")
    if kind not in _RESTORE_TYPES:
        return rds._error("InvalidParameterValue", f"Invalid restore type: {kind}.", 400)
    if latest_wanted == bool(at):
        message = "Exactly one of RestoreToTime and UseLatestRestorableTime must be specified."
        return rds._error("InvalidParameterCombination", message, 400)
    if at and kind == "copy-on-write":
        message = "RestoreToTime can't be specified together with the restore type copy-on-write."
        return rds._error("InvalidParameterCombination", message, 400)
    return None
