"""RDS: where the records of Aurora clusters and global databases are, and what can be read off them.

A global database is one record that every Region sees; its clusters and their instances are records of their Regions.
Nothing here changes a record but `record_event` and `set_instances`.
"""

from __future__ import annotations

import time

from ministack.core.responses import get_account_id
from ministack.services import rds

from .world_hooks import World

#: Refused by AWS while the cluster or the global database is in no state for the operation.
CLUSTER_STATE = "InvalidDBClusterStateFault"
GLOBAL_STATE = "InvalidGlobalClusterStateFault"


def find_global(identifier: str) -> dict | None:
    """The global database of this account; the identifier is not case-sensitive."""
    return rds._resolve_global_cluster(identifier.lower())


def find_cluster(arn: str) -> dict | None:
    """The cluster behind an ARN of this account, in whichever Region; None for anything else than a cluster's ARN."""
    parts = arn.split(":")
    if len(parts) != 7 or parts[2] != "rds" or parts[5] != "cluster" or parts[4] != get_account_id():
        return None
    return rds._clusters.get_scoped(parts[4], parts[3], parts[6])


def find_cluster_here(identifier_or_arn: str) -> dict | None:
    """The cluster of the request's Region."""
    return rds._resolve_cluster_in_request_region(identifier_or_arn)


def region_of(cluster: dict) -> str:
    """The Region a cluster lives in."""
    return cluster["DBClusterArn"].split(":")[3]


def live_server(world: World, cluster: dict) -> dict | None:
    """The real server behind a cluster, or None where there is none. The world knows it by the cluster's identifier."""
    return world.database(region_of(cluster), cluster["DBClusterIdentifier"])


def instances_of(cluster: dict) -> list[dict]:
    """The instances in a cluster."""
    return rds._cluster_member_instances(cluster)


def in_dead_zone(instance: dict, live: dict | None) -> bool:
    """Whether the Availability Zone of a cluster's instance is dead, as the cluster's real server is told of."""
    return live is not None and instance["AvailabilityZone"] in live.get("deadZones", [])


def set_instances(cluster: dict, status: str) -> None:
    """Give every instance of a cluster the same status."""
    for instance in instances_of(cluster):
        instance["DBInstanceStatus"] = status


def global_of(cluster: dict) -> dict | None:
    """The global database that a cluster is a member of."""
    identifier = cluster.get("GlobalClusterIdentifier")
    account = cluster["DBClusterArn"].split(":")[4]
    return rds._global_clusters._data.get((account, identifier)) if identifier else None


def member_of(global_cluster: dict, arn: str) -> dict | None:
    """A cluster's entry in `GlobalClusterMembers`."""
    return next((m for m in global_cluster["GlobalClusterMembers"] if m["DBClusterArn"] == arn), None)


def writer_of(global_cluster: dict) -> dict | None:
    """The entry of the cluster that takes writes; None in a global database without members."""
    return next((m for m in global_cluster["GlobalClusterMembers"] if m["IsWriter"]), None)


def is_secondary(cluster: dict) -> bool:
    """Whether a cluster follows another Region's."""
    joined = global_of(cluster)
    member = member_of(joined, cluster["DBClusterArn"]) if joined else None
    return member is not None and not member["IsWriter"]


def is_moving(global_cluster: dict | None) -> bool:
    """Whether a switchover or failover is under way."""
    return bool(global_cluster and global_cluster.get("FailoverState"))


def record_event(cluster: dict, message: str, category: str) -> None:
    """Put an event of the cluster into DescribeEvents of its Region; call it in that Region's request scope."""
    with rds._shared_container_lock:
        rds._events[rds.new_uuid()] = {
            "SourceIdentifier": cluster["DBClusterIdentifier"],
            "SourceType": "db-cluster",
            "SourceArn": cluster["DBClusterArn"],
            "Message": message,
            "Date": time.time(),
            "EventCategories": [category],
        }
