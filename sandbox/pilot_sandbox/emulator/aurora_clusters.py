"""RDS: what the description of an Aurora cluster and of its instances tells, and how clusters are changed and deleted.

Status. The writer tells the truth of the real server: while that is down, the writer reads `failed`, and so does every
instance of a secondary. Readers beside a writer stay as they are, for on AWS they run in other Availability Zones, and
one of them is what FailoverDBCluster moves the writer to; where a whole zone is dead, its instances read `failed`. The
cluster itself goes on reading `available`; on AWS, too, a cluster that merely reads `available` proves nothing. Roles
change in a global database without either status saying so: `GlobalClusterMembers` and `FailoverState` do.

In a secondary of a global database every instance is a reader, so no member has `IsClusterWriter`.
"""

from __future__ import annotations

import re
import threading

from ministack.services import rds

from . import parameter_groups, security_groups
from .aurora_records import (
    CLUSTER_STATE,
    find_cluster,
    find_cluster_here,
    in_dead_zone,
    is_secondary,
    live_server,
    region_of,
)
from .aurora_snapshots import add_final_snapshot, delete_automated_snapshots
from .rds_modify import replace_groups
from .rds_records import shown_status
from .restored_databases import start_with_instance, was_restored
from .world_hooks import World

_CREATING_SECONDS = 0.5
# Aurora User Guide, "Backups": automated backups cannot be disabled.
_RETENTION_DAYS = range(1, 36)
_GROUPS = "VpcSecurityGroupIds"
# AWS leaves an unset member out of its answer.
_EMPTY_LEAF = re.compile(r"<(KmsKeyId)></\1>")


class ClusterShim:
    """Replaces the rendering of clusters and their instances, ModifyDBCluster, DeleteDBCluster and CreateDBInstance."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._render = rds._cluster_xml
        self._modify = rds._modify_db_cluster
        self._delete = rds._delete_db_cluster

    def install(self) -> None:
        """Put the shim in place, around what is there already."""
        self._render_instance = rds._instance_xml
        self._create_instance = rds._ACTION_MAP["CreateDBInstance"]
        self._modify_instance = rds._ACTION_MAP["ModifyDBInstance"]
        rds._cluster_xml = self.render
        rds._instance_xml = self.render_instance
        rds._ACTION_MAP.update(
            CreateDBInstance=self.create_instance,
            ModifyDBInstance=self.modify_instance,
            ModifyDBCluster=self.modify,
            DeleteDBCluster=self.delete,
        )

    def render(self, record: dict) -> str:
        """The cluster as XML, with the live server's endpoint."""
        shown = dict(record)
        live = live_server(self._world, record)
        if live is not None:
            shown.update(Endpoint=live["address"], ReaderEndpoint=live["address"], Port=live["port"])
        if is_secondary(record):
            shown["DBClusterMembers"] = [{**member, "IsClusterWriter": False} for member in record["DBClusterMembers"]]
        return _EMPTY_LEAF.sub("", self._render(shown))

    def render_instance(self, record: dict) -> str:
        """The instance as XML; one of a cluster has the cluster's server and security groups."""
        cluster = _cluster_of(record)
        if cluster is None:
            return self._render_instance(record)
        live = live_server(self._world, cluster)
        shown = {**record, "VpcSecurityGroups": cluster["VpcSecurityGroups"]}
        if is_secondary(cluster) or record["DBInstanceIdentifier"] in _writers(cluster):
            shown["DBInstanceStatus"] = shown_status(record, live)
        elif in_dead_zone(record, live):
            shown["DBInstanceStatus"] = "failed"
        if live is not None:
            shown["Endpoint"] = {**record["Endpoint"], "Address": live["address"], "Port": live["port"]}
        return self._render_instance(shown)

    def create_instance(self, params: dict) -> tuple:
        """CreateDBInstance: in a cluster, `creating` until the cluster is available too."""
        response = self._create_instance(params)
        record = rds._instances.get(rds._p(params, "DBInstanceIdentifier"))
        cluster = _cluster_of(record) if record else None
        if response[0] != 200 or cluster is None:
            return response
        record["DBInstanceStatus"] = "creating"

        def done() -> None:
            # Whoever makes the cluster available makes its instances so.
            if record["DBInstanceIdentifier"] in _writers(cluster):
                self._world.place_database(
                    region_of(cluster), cluster["DBClusterIdentifier"], record["AvailabilityZone"]
                )
            if record["DBInstanceStatus"] == "creating" and cluster["Status"] != "creating":
                start_with_instance(self._world, cluster, record)

        threading.Timer(_CREATING_SECONDS, done).start()
        return rds._single_instance_response("CreateDBInstanceResponse", "CreateDBInstanceResult", record)

    def modify_instance(self, params: dict) -> tuple:
        """ModifyDBInstance: what belongs to the cluster is changed at the cluster."""
        record = rds._instances.get(rds._p(params, "DBInstanceIdentifier"))
        if record is not None and _cluster_of(record) is not None and rds._parse_member_list(params, _GROUPS):
            message = "The DB instance is a member of a DB cluster. Set VPC security groups for the DB cluster."
            return rds._error("InvalidParameterCombination", message, 400)
        return self._modify_instance(params)

    def modify(self, params: dict) -> tuple:
        """ModifyDBCluster. Security groups change soon after, as those of an instance do."""
        cluster = find_cluster_here(rds._p(params, "DBClusterIdentifier"))
        if cluster is None:
            return self._modify(params)  # knows how to say that there is none
        if cluster["Status"] != "available":
            message = f"DB cluster {cluster['DBClusterIdentifier']} is {cluster['Status']}, not available."
            return rds._error(CLUSTER_STATE, message, 400)
        retention_days = rds._p(params, "BackupRetentionPeriod")
        if retention_days and int(retention_days) not in _RETENTION_DAYS:
            message = f"Invalid backup retention period: {retention_days}. It must be between 1 and 35."
            return rds._error("InvalidParameterValue", message, 400)
        wanted = rds._parse_member_list(params, _GROUPS)
        for group_id in wanted:
            if not security_groups.exists(group_id):
                message = f"Invalid security group , groupId= {group_id}, groupName=."
                return rds._error("InvalidParameterValue", message, 400)
        refusal = parameter_groups.cluster_refusal(params, cluster)
        if refusal is not None:
            return refusal
        group_before = cluster["DBClusterParameterGroup"]
        response = self._modify({name: value for name, value in params.items() if not name.startswith(_GROUPS)})
        if response[0] != 200:
            return response
        parameter_groups.wait_for_reboot(cluster, group_before)
        if wanted:
            replace_groups(cluster, wanted)
        return _answer("ModifyDBCluster", cluster)

    def delete(self, params: dict) -> tuple:
        """DeleteDBCluster, with its final snapshot. The automated snapshots go with the cluster, the real server stops.

        AWS refuses to delete a cluster that holds instances or is a member of a global database.
        """
        cluster = find_cluster_here(rds._p(params, "DBClusterIdentifier"))
        final = rds._p(params, "FinalDBSnapshotIdentifier").lower()
        skip = rds._p(params, "SkipFinalSnapshot").lower() == "true"
        if cluster is not None and skip == bool(final):
            message = (
                "FinalDBSnapshotIdentifier can't be specified together with SkipFinalSnapshot."
                if skip
                else "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
            )
            return rds._error("InvalidParameterCombination", message, 400)
        if final and final in rds._db_cluster_snapshots:
            message = f"DBClusterSnapshot {final} already exists."
            return rds._error("DBClusterSnapshotAlreadyExistsFault", message, 400)
        response = self._delete(params)
        if cluster is None or response[0] != 200:
            return response
        if final:
            add_final_snapshot(cluster, final)
        delete_automated_snapshots(cluster)
        end = self._world.delete_database if was_restored(cluster) else self._world.stop_database
        end(region_of(cluster), cluster["DBClusterIdentifier"])
        return response


def _cluster_of(instance: dict) -> dict | None:
    identifier = instance.get("DBClusterIdentifier")
    if not identifier:
        return None
    return find_cluster(":".join([*instance["DBInstanceArn"].split(":")[:5], "cluster", identifier]))


def _writers(cluster: dict) -> list[str]:
    return [member["DBInstanceIdentifier"] for member in cluster["DBClusterMembers"] if member["IsClusterWriter"]]


def _answer(action: str, cluster: dict) -> tuple:
    xml = f"<{action}Result><DBCluster>{rds._cluster_xml(cluster)}</DBCluster></{action}Result>"
    return rds._xml(200, f"{action}Response", xml)
