"""RDS: clusters and instances that come from a recovery point or a point in time.

They are new resources: of the original they have engine, user, password, port and data. Subnet group, security groups,
parameter group, retention, deletion protection and tags are the defaults unless the request names them (RDS API
Reference, RestoreDBClusterFromSnapshot, RestoreDBInstanceFromDBSnapshot).

A restored cluster has no instance, and so no server: CreateDBInstance into it starts the real server, over the data
that the restore has put there. An instance of its own is started by the restore.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import rds

from . import security_groups
from .aurora_records import global_of, instances_of, record_event, region_of
from .rds_records import parameter_group_exists
from .world_hooks import Outcome, World

logger = logging.getLogger("pilot.restore")

#: What a request may say of a restored cluster; the rest is the original's or a default.
_CLUSTER_PARAMETERS = (
    "DBSubnetGroupName",
    "VpcSecurityGroupIds",
    "DBClusterParameterGroupName",
    "DeletionProtection",
    "EnableIAMDatabaseAuthentication",
    "CopyTagsToSnapshot",
    "BackupRetentionPeriod",
    "KmsKeyId",
    "Port",
    "Tags",
)
_WAITS_FOR_INSTANCE = "_WaitsForInstance"
_RESTORED = "_Restored"


def new_cluster(source: dict, identifier: str, params: dict) -> tuple[dict | None, tuple]:
    """Record a cluster, `creating`, made of the description of another.

    `params` are those of the request, as RDS gets them. Returns the cluster, or None, and the answer that made or
    refused it; `finish_cluster` makes it `available`.
    """
    refusal = _refused_groups(params, identifier)
    if refusal is not None:
        return None, refusal
    kept = {name: value for name, value in params.items() if name.split(".")[0] in _CLUSTER_PARAMETERS}
    major = source["EngineVersion"].split(".")[0]
    own = {
        "DBClusterIdentifier": [identifier],
        "Engine": [source["Engine"]],
        "EngineVersion": [source["EngineVersion"]],
        "MasterUsername": [source["MasterUsername"]],
        "MasterUserPassword": [source["_MasterUserPassword"]],
        "DBClusterParameterGroupName": [f"default.{source['Engine']}{major}"],
        "Port": [str(source["Port"])],
        "StorageEncrypted": [str(source["StorageEncrypted"] or bool(rds._p(params, "KmsKeyId"))).lower()],
    }
    if source.get("DatabaseName"):
        own["DatabaseName"] = [source["DatabaseName"]]
    if source.get("KmsKeyId") and region_of(source) == get_region():
        own["KmsKeyId"] = [source["KmsKeyId"]]
    response = rds._create_db_cluster({**own, **kept})
    if response[0] != 200:
        return None, response
    cluster = rds._clusters[identifier]
    cluster.update({"Status": "creating", _WAITS_FOR_INSTANCE: True, _RESTORED: True})
    return cluster, response


def finish_cluster(world: World, cluster: dict, restore: Callable[[], Outcome]) -> str | None:
    """Let the world restore the data, and make the cluster `available`; returns what went wrong, if anything.

    Blocks as long as a restore takes; call it in the cluster's Region's request scope.
    """
    outcome = restore()
    world.wait("restoreSeconds")
    if not outcome.done:
        # RDS documents this status of instances, and none of a cluster whose restore failed; it can only be deleted.
        cluster["Status"] = "restore-error"
        record_event(cluster, f"The DB cluster was not restored: {outcome.message}", "failure")
        return outcome.message
    cluster["Status"] = "available"
    for instance in instances_of(cluster):
        start_with_instance(world, cluster, instance)
    return None


def start_with_instance(world: World, cluster: dict, instance: dict) -> None:
    """Make an instance that was created into an available cluster `available`.

    The first one of a restored cluster starts its real server.
    """
    if cluster.get(_WAITS_FOR_INSTANCE):
        region, identifier = region_of(cluster), cluster["DBClusterIdentifier"]
        outcome = world.start_database(region, identifier)
        if not outcome.done:
            logger.error("%s does not start: %s", instance["DBInstanceIdentifier"], outcome.message)
            instance["DBInstanceStatus"] = "failed"
            return
        cluster[_WAITS_FOR_INSTANCE] = False
        keep_continuously(world, cluster)
    if instance["DBInstanceStatus"] == "creating":
        instance["DBInstanceStatus"] = "available"


def keep_continuously(world: World, cluster: dict) -> None:
    """Begin the continuous backup of a cluster's server, without which it cannot be restored to a point in time.

    Of every cluster that stands alone. Members of a global database have one on AWS too; here nobody restores them, and
    each would be another base backup for every workload that a test makes.
    """
    if global_of(cluster) is not None:
        return
    outcome = world.keep_continuously(region_of(cluster), cluster["DBClusterIdentifier"])
    if not outcome.done:
        logger.error("%s has no continuous backup: %s", cluster["DBClusterIdentifier"], outcome.message)


def was_restored(cluster: dict) -> bool:
    """Whether a cluster's server was made by a restore, and goes with the cluster when that is deleted."""
    return bool(cluster.get(_RESTORED))


def new_instance(source: dict, identifier: str, params: dict) -> tuple[dict | None, tuple]:
    """Record an instance, `creating`, made of the description of another; see `new_cluster`."""
    refusal = _refused_groups(params, identifier)
    if refusal is not None:
        return None, refusal
    if identifier in rds._instances:
        return None, rds._error("DBInstanceAlreadyExists", f"DBInstance {identifier} already exists.", 400)
    group = (
        rds._p(params, "DBParameterGroupName") or f"default.{source['Engine']}{source['EngineVersion'].split('.')[0]}"
    )
    record = {
        **source,
        "DBInstanceIdentifier": identifier,
        "DBInstanceArn": f"arn:aws:rds:{get_region()}:{get_account_id()}:db:{identifier}",
        "DBInstanceClass": rds._p(params, "DBInstanceClass") or source["DBInstanceClass"],
        "DBInstanceStatus": "creating",
        "AvailabilityZone": rds._p(params, "AvailabilityZone") or f"{get_region()}a",
        "DbiResourceId": f"db-{rds.new_uuid().replace('-', '')[:26].upper()}",
        "InstanceCreateTime": rds._format_time(time.time()),
        "BackupRetentionPeriod": int(rds._p(params, "BackupRetentionPeriod") or "1"),
        "DeletionProtection": rds._p(params, "DeletionProtection") == "true",
        "MultiAZ": rds._p(params, "MultiAZ") == "true",
        "PubliclyAccessible": rds._p(params, "PubliclyAccessible") == "true",
        "DBParameterGroups": [{"DBParameterGroupName": group, "ParameterApplyStatus": "in-sync"}],
        "DBSubnetGroup": _subnet_group(rds._p(params, "DBSubnetGroupName") or "default"),
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": group_id, "Status": "active"}
            for group_id in rds._parse_member_list(params, "VpcSecurityGroupIds")
        ],
        "ReadReplicaSourceDBInstanceIdentifier": "",
        "ReadReplicaDBInstanceIdentifiers": [],
        "PendingModifiedValues": {},
        "TagList": rds._parse_tags(params),
        "_docker_container_id": None,
    }
    if record["TagList"]:
        rds._tags[record["DBInstanceArn"]] = record["TagList"]
    rds._instances[identifier] = record
    shown = rds._single_instance_response(
        "RestoreDBInstanceFromDBSnapshotResponse", "RestoreDBInstanceFromDBSnapshotResult", record
    )
    return record, shown


def finish_instance(world: World, record: dict, restore: Callable[[], Outcome]) -> str | None:
    """Let the world restore the data and start the server, and make the instance `available`; see `finish_cluster`."""
    region, identifier = record["DBInstanceArn"].split(":")[3], record["DBInstanceIdentifier"]
    outcome = restore()
    if outcome.done:
        outcome = world.start_database(region, identifier)
    world.wait("restoreSeconds")
    if not outcome.done:
        record["DBInstanceStatus"] = "restore-error"
        return outcome.message
    record["DBInstanceStatus"] = "available"
    return None


def in_background(account_id: str, region: str, work: Callable[[], object]) -> None:
    """Run something in the request scope of an account and Region, beside the request."""

    def in_scope() -> None:
        with request_scope(account_id, region):
            work()

    threading.Thread(target=in_scope, daemon=True).start()


def _refused_groups(params: dict, identifier: str) -> tuple | None:
    subnets = rds._p(params, "DBSubnetGroupName")
    if subnets and subnets != "default" and subnets not in rds._subnet_groups:
        return rds._error("DBSubnetGroupNotFoundFault", f"DB subnet group {subnets} does not exist.", 404)
    for group_id in rds._parse_member_list(params, "VpcSecurityGroupIds"):
        if not security_groups.exists(group_id):
            message = f"Invalid security group , groupId= {group_id}, groupName=."
            return rds._error("InvalidParameterValue", message, 400)
    group = rds._p(params, "DBParameterGroupName")
    if group and not parameter_group_exists(group):
        return rds._error("DBParameterGroupNotFound", f"DBParameterGroup {group} not found.", 404)
    if not identifier:
        return rds._error("MissingParameter", "The request must contain the identifier of what is restored.", 400)
    return None


def _subnet_group(name: str) -> dict:
    default = {
        "DBSubnetGroupName": name,
        "DBSubnetGroupDescription": name,
        "SubnetGroupStatus": "Complete",
        "Subnets": [],
        "VpcId": "vpc-00000000",
        "DBSubnetGroupArn": f"arn:aws:rds:{get_region()}:{get_account_id()}:subgrp:{name}",
    }
    return rds._subnet_groups.get(name, default)
