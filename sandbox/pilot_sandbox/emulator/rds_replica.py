"""RDS: cross-Region read replicas, and an instance description that tells what the real server does.

ministack knows a replica only within one Region and never says how replication is doing. Nor does it start any server
here: the world owns the PostgreSQL servers, and this module reads their state through its hooks.
"""

from __future__ import annotations

import logging
import re
import threading
import time

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import rds

from .rds_records import (
    find_instance,
    link,
    parameter_group_exists,
    record_event,
    region_of,
    set_status,
    shown_status,
    source_of,
    source_reference,
)
from .world_hooks import World

logger = logging.getLogger("pilot.rds")

# Long enough for a waiter to see `creating`, short enough that seeding a workload does not drag; the time in which the
# real server is filled comes on top.
_CREATING_SECONDS = 0.5
# Their cross-Region replicas cannot be sources of others.
_NO_CHAIN_ENGINES = ("postgres",)
# Their cross-Region replicas can be given a parameter group when they are made; those of others get it afterwards.
_OWN_GROUP_ENGINES = ("mysql", "oracle-ee", "oracle-se2", "db2-se", "db2-ae")

# Optional single values; an empty list is an empty element on AWS too and must stay.
_EMPTY_LEAF = re.compile(
    r"<(ReadReplicaSourceDBInstanceIdentifier|ReplicaMode|DBClusterIdentifier|DBName|KmsKeyId|MonitoringRoleArn"
    r"|EnhancedMonitoringResourceArn)></\1>"
)


class ReplicaShim:
    """Replaces CreateDBInstanceReadReplica and the rendering of an instance."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._render = rds._instance_xml
        self._lock = threading.Lock()

    def install(self) -> None:
        """Put the shim in place."""
        # The world owns the servers: ministack must find no Docker to start one with.
        rds._get_docker = lambda: None
        rds._instance_xml = self.render
        rds._ACTION_MAP["CreateDBInstanceReadReplica"] = self.create_replica

    def render(self, record: dict) -> str:
        """The instance as XML, with the live server's endpoint, state and replication in place of the stored ones."""
        live = self._world.database(region_of(record), record["DBInstanceIdentifier"])
        shown = dict(record)
        shown["DBInstanceStatus"] = shown_status(record, live)
        if live is not None:
            shown["Endpoint"] = {**record.get("Endpoint", {}), "Address": live["address"], "Port": live["port"]}
        # AWS leaves an unset member out; an empty one reads as "replica of nothing" to a client.
        xml = _EMPTY_LEAF.sub("", self._render(shown))
        return xml.replace("<StatusInfos/>", _status_infos_xml(record, live))

    def create_replica(self, params: dict) -> tuple:
        """CreateDBInstanceReadReplica, with the source in this Region by name or in another by ARN."""
        source_ref = rds._p(params, "SourceDBInstanceIdentifier")
        source = find_instance(source_ref)
        replica_id = rds._p(params, "DBInstanceIdentifier").lower()
        if source is None:
            return rds._error("DBInstanceNotFound", f"DBInstance {source_ref} not found.", 404)
        with self._lock:
            refusal = self._refusal(params, source, replica_id)
            if refusal is not None:
                return refusal
            replica = _replica_record(params, source, replica_id)
            rds._instances[replica_id] = replica
            link(source, replica)
            # While RDS makes it a replication source and copies it (RDS User Guide, "Creating a read replica in a
            # different AWS Region").
            source["DBInstanceStatus"] = "modifying"
        response = rds._single_instance_response(
            "CreateDBInstanceReadReplicaResponse", "CreateDBInstanceReadReplicaResult", replica
        )
        threading.Thread(target=self._carry_out, args=(source, replica, get_account_id()), daemon=True).start()
        return response

    def _refusal(self, params: dict, source: dict, replica_id: str) -> tuple | None:
        source_id = source["DBInstanceIdentifier"]
        if int(source.get("BackupRetentionPeriod") or 0) == 0:
            message = f"Automated backups are not enabled for this database instance: {source_id}"
            return rds._error("InvalidDBInstanceState", message, 400)
        status = shown_status(source, self._world.database(region_of(source), source_id))
        if status != "available":
            message = f"The source {source_id} is not in available state; its status is {status}."
            return rds._error("InvalidDBInstanceState", message, 400)
        if replica_id in rds._instances:
            return rds._error("DBInstanceAlreadyExists", f"DBInstance {replica_id} already exists.", 400)
        crosses = region_of(source) != get_region()
        if crosses and source.get("ReadReplicaSourceDBInstanceIdentifier") and source["Engine"] in _NO_CHAIN_ENGINES:
            message = f"{source_id} is a read replica itself: {source['Engine']} has none of it in another Region."
            return rds._error("InvalidDBInstanceState", message, 400)
        group = rds._p(params, "DBParameterGroupName")
        if group and not (crosses and source["Engine"] in _OWN_GROUP_ENGINES):
            message = (
                "A parameter group can't be specified during Read Replica creation for the following DB engine: "
                + source["Engine"]
            )
            return rds._error("InvalidParameterCombination", message, 400)
        if group and not parameter_group_exists(group):
            return rds._error("DBParameterGroupNotFound", f"DBParameterGroup {group} not found.", 404)
        return None

    def _carry_out(self, source: dict, replica: dict, account_id: str) -> None:
        region, identifier = region_of(replica), replica["DBInstanceIdentifier"]
        source_region, source_id = region_of(source), source["DBInstanceIdentifier"]
        outcome = None
        if self._world.database(source_region, source_id) is not None:
            outcome = self._world.add_replica(source_region, source_id, region, identifier)
        set_status(source, "available", after="modifying")
        time.sleep(_CREATING_SECONDS)
        if outcome is None or outcome.ok:
            set_status(replica, "available", after="creating")
            return
        logger.error("%s follows nothing: %s", identifier, outcome.message)
        set_status(replica, "failed", after="creating")
        with request_scope(account_id, region):
            record_event(replica, f"The read replica was not created: {outcome.message}", "failure")


def _replica_record(params: dict, source: dict, replica_id: str) -> dict:
    local = region_of(source) == get_region()
    tags = rds._parse_tags(params)
    arn = f"arn:aws:rds:{get_region()}:{get_account_id()}:db:{replica_id}"
    if tags:
        rds._tags[arn] = tags
    default_group = f"default.{source['Engine']}{source['EngineVersion'].split('.')[0]}"
    group = rds._p(params, "DBParameterGroupName") or default_group
    return {
        **source,
        "DBInstanceIdentifier": replica_id,
        "DBInstanceArn": arn,
        "DBInstanceClass": rds._p(params, "DBInstanceClass") or source["DBInstanceClass"],
        "ReadReplicaSourceDBInstanceIdentifier": source_reference(source, get_region()),
        "DBInstanceStatus": "creating",
        "AvailabilityZone": rds._p(params, "AvailabilityZone") or f"{get_region()}a",
        "DbiResourceId": f"db-{rds.new_uuid().replace('-', '')[:26].upper()}",
        "InstanceCreateTime": rds._format_time(time.time()),
        "ReadReplicaDBInstanceIdentifiers": [],
        "BackupRetentionPeriod": 0,
        "PendingModifiedValues": {},
        # None of these comes from the source: they have a default, and a group belongs to the source's own Region.
        "MultiAZ": rds._p(params, "MultiAZ") == "true",
        "DeletionProtection": rds._p(params, "DeletionProtection") == "true",
        "DBParameterGroups": (
            source.get("DBParameterGroups", [])
            if local
            else [{"DBParameterGroupName": group, "ParameterApplyStatus": "in-sync"}]
        ),
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": group, "Status": "active"}
            for group in rds._parse_member_list(params, "VpcSecurityGroupIds")
        ],
        "TagList": tags,
        "_docker_container_id": None,
    }


def _status_infos_xml(record: dict, live: dict | None) -> str:
    """`StatusInfos`, which AWS fills for a read replica only."""
    state = (live or {}).get("replication")
    if state and source_of(record) is None:
        state = "terminated"  # its source was deleted: it is promoted or deleted by hand
    if not record.get("ReadReplicaSourceDBInstanceIdentifier") or not state:
        return "<StatusInfos/>"
    normal = state == "replicating"
    message = "" if normal else "<Message>Replication from the source is interrupted.</Message>"
    return (
        "<StatusInfos><DBInstanceStatusInfo><StatusType>read replication</StatusType>"
        f"<Normal>{str(normal).lower()}</Normal><Status>{state}</Status>{message}"
        "</DBInstanceStatusInfo></StatusInfos>"
    )
