"""RDS: cross-Region read replicas, and an instance description that tells what the real server does.

ministack knows a replica only within one Region and never says how replication is doing. Nor does it start any server
here: the world owns the PostgreSQL servers, and this module reads their state through its hooks.
"""

from __future__ import annotations

import logging
import re
import threading
import time

from ministack.core.responses import get_account_id, get_region
from ministack.services import rds

from .world_hooks import World

logger = logging.getLogger("pilot.rds")

# Long enough for a waiter to see `creating`, short enough that seeding a workload does not drag.
_CREATING_SECONDS = 0.5

# Optional single values; an empty list is an empty element on AWS too and must stay.
_EMPTY_LEAF = re.compile(
    r"<(ReadReplicaSourceDBInstanceIdentifier|ReplicaMode|DBClusterIdentifier|DBName|KmsKeyId|MonitoringRoleArn"
    r"|EnhancedMonitoringResourceArn)></\1>"
)


class ReplicaShim:
    """Replaces CreateDBInstanceReadReplica, DeleteDBInstance, CreateDBSnapshot and the rendering of an instance."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._render = rds._instance_xml
        self._create_in_region = rds._create_read_replica
        self._delete = rds._delete_db_instance
        self._snapshot = rds._create_db_snapshot

    def install(self) -> None:
        """Put the shim in place."""
        # The world owns the servers: ministack must find no Docker to start one with.
        rds._get_docker = lambda: None
        rds._instance_xml = self.render
        rds._ACTION_MAP.update(
            CreateDBInstanceReadReplica=self.create_replica,
            DeleteDBInstance=self.delete_instance,
            CreateDBSnapshot=self.create_snapshot,
        )

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
        replica_id = rds._p(params, "DBInstanceIdentifier")
        if source is None:
            return rds._error("DBInstanceNotFound", f"DBInstance {source_ref} not found.", 404)
        if int(source.get("BackupRetentionPeriod") or 0) == 0:
            message = f"Automated backups are not enabled for this database instance: {source_ref}"
            return rds._error("InvalidDBInstanceState", message, 400)
        if replica_id in rds._instances:
            return rds._error("DBInstanceAlreadyExists", f"DBInstance {replica_id} already exists.", 400)
        replica = self._replica_record(params, source, replica_id)
        rds._instances[replica_id] = replica
        _link(source, replica)
        response = rds._single_instance_response(
            "CreateDBInstanceReadReplicaResponse", "CreateDBInstanceReadReplicaResult", replica
        )
        threading.Timer(_CREATING_SECONDS, lambda: replica.update(DBInstanceStatus="available")).start()
        return response

    def _replica_record(self, params: dict, source: dict, replica_id: str) -> dict:
        local = region_of(source) == get_region()
        tags = rds._parse_tags(params)
        arn = f"arn:aws:rds:{get_region()}:{get_account_id()}:db:{replica_id}"
        if tags:
            rds._tags[arn] = tags
        return {
            **source,
            "DBInstanceIdentifier": replica_id,
            "DBInstanceArn": arn,
            "DBInstanceClass": rds._p(params, "DBInstanceClass") or source["DBInstanceClass"],
            # AWS names a source of the same Region by identifier and one of another Region by ARN.
            "ReadReplicaSourceDBInstanceIdentifier": (
                source["DBInstanceIdentifier"] if local else source["DBInstanceArn"]
            ),
            "DBInstanceStatus": "creating",
            "AvailabilityZone": rds._p(params, "AvailabilityZone") or f"{get_region()}a",
            "DbiResourceId": f"db-{rds.new_uuid().replace('-', '')[:26].upper()}",
            "InstanceCreateTime": rds._format_time(time.time()),
            "ReadReplicaDBInstanceIdentifiers": [],
            "BackupRetentionPeriod": int(rds._p(params, "BackupRetentionPeriod") or 0),
            "PendingModifiedValues": {},
            # The source's groups belong to the source's Region.
            "VpcSecurityGroups": [
                {"VpcSecurityGroupId": group, "Status": "active"}
                for group in rds._parse_member_list(params, "VpcSecurityGroupIds")
            ],
            "TagList": tags,
            "_docker_container_id": None,
        }

    def delete_instance(self, params: dict) -> tuple:
        """DeleteDBInstance, taking the instance out of its source's list of replicas."""
        record = find_instance(rds._p(params, "DBInstanceIdentifier"))
        response = self._delete(params)
        if record is not None and response[0] == 200:
            unlink(record)
        return response

    def create_snapshot(self, params: dict) -> tuple:
        """CreateDBSnapshot: the instance is `backing-up` meanwhile, and AWS refuses to promote it in that state."""
        record = find_instance(rds._p(params, "DBInstanceIdentifier"))
        response = self._snapshot(params)
        if record is None or response[0] != 200:
            return response
        record["DBInstanceStatus"] = "backing-up"

        def done() -> None:
            if record["DBInstanceStatus"] == "backing-up":
                record["DBInstanceStatus"] = "available"

        threading.Timer(self._world.delay_seconds("snapshotSeconds"), done).start()
        return response


def find_instance(identifier_or_arn: str) -> dict | None:
    """The record of an instance of this Region by identifier, or of any Region by ARN."""
    parts = identifier_or_arn.split(":")
    if len(parts) == 7 and parts[5] == "db":
        return rds._instances.get_scoped(parts[4], parts[3], parts[6])
    return rds._instances.get(identifier_or_arn)


def region_of(record: dict) -> str:
    """The Region an instance lives in."""
    return record["DBInstanceArn"].split(":")[3]


def shown_status(record: dict, live: dict | None) -> str:
    """The instance's status: `failed` where the record says available but the real server is down."""
    stored = record["DBInstanceStatus"]
    return "failed" if stored == "available" and live is not None and not live["running"] else stored


def unlink(replica: dict) -> None:
    """Take a replica out of its source's `ReadReplicaDBInstanceIdentifiers`."""
    source_ref = replica.get("ReadReplicaSourceDBInstanceIdentifier")
    if not source_ref:
        return
    source_ref = source_ref if source_ref.startswith("arn:") else _sibling_arn(replica, source_ref)
    source = find_instance(source_ref)
    if source is not None:
        names = (replica["DBInstanceArn"], replica["DBInstanceIdentifier"])
        kept = [name for name in source.get("ReadReplicaDBInstanceIdentifiers", []) if name not in names]
        source["ReadReplicaDBInstanceIdentifiers"] = kept


def _link(source: dict, replica: dict) -> None:
    local = region_of(source) == region_of(replica)
    name = replica["DBInstanceIdentifier"] if local else replica["DBInstanceArn"]
    source["ReadReplicaDBInstanceIdentifiers"] = [*source.get("ReadReplicaDBInstanceIdentifiers", []), name]


def _sibling_arn(record: dict, identifier: str) -> str:
    return ":".join([*record["DBInstanceArn"].split(":")[:6], identifier])


def _status_infos_xml(record: dict, live: dict | None) -> str:
    """`StatusInfos`, which AWS fills for a read replica only."""
    state = (live or {}).get("replication")
    if not record.get("ReadReplicaSourceDBInstanceIdentifier") or not state:
        return "<StatusInfos/>"
    normal = state == "replicating"
    message = "" if normal else "<Message>Replication from the source is interrupted.</Message>"
    return (
        "<StatusInfos><DBInstanceStatusInfo><StatusType>read replication</StatusType>"
        f"<Normal>{str(normal).lower()}</Normal><Status>{state}</Status>{message}"
        "</DBInstanceStatusInfo></StatusInfos>"
    )
