"""RDS: where the records of DB instances are, what can be read off them, and how replica and source name each other."""

from __future__ import annotations

import time

from ministack.services import rds


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


def set_status(record: dict, status: str, *, after: str) -> None:
    """Change the status of an instance, unless something else has changed it meanwhile."""
    if record["DBInstanceStatus"] == after:
        record["DBInstanceStatus"] = status


def parameter_group_exists(name: str) -> bool:
    """Whether the caller's Region has this DB parameter group; every engine's default one is there."""
    return name.startswith("default.") or name in rds._param_groups


def source_of(replica: dict) -> dict | None:
    """The record of the instance that a replica follows, or None."""
    reference = replica.get("ReadReplicaSourceDBInstanceIdentifier")
    return find_instance(_arn_of(reference, replica)) if reference else None


def replicas_of(source: dict) -> list[dict]:
    """The records of an instance's replicas, in whichever Region."""
    found = (find_instance(_arn_of(name, source)) for name in source.get("ReadReplicaDBInstanceIdentifiers", []))
    return [replica for replica in found if replica is not None]


def source_reference(source: dict, region: str) -> str:
    """What a replica of a Region names as its source: AWS takes the identifier there, and the ARN elsewhere."""
    return source["DBInstanceIdentifier"] if region_of(source) == region else source["DBInstanceArn"]


def link(source: dict, replica: dict) -> None:
    """Enter a replica in its source's `ReadReplicaDBInstanceIdentifiers`."""
    local = region_of(source) == region_of(replica)
    name = replica["DBInstanceIdentifier"] if local else replica["DBInstanceArn"]
    source["ReadReplicaDBInstanceIdentifiers"] = [*source.get("ReadReplicaDBInstanceIdentifiers", []), name]


def unlink(replica: dict) -> None:
    """Take a replica out of its source's `ReadReplicaDBInstanceIdentifiers`."""
    source = source_of(replica)
    if source is not None:
        names = (replica["DBInstanceArn"], replica["DBInstanceIdentifier"])
        kept = [name for name in source.get("ReadReplicaDBInstanceIdentifiers", []) if name not in names]
        source["ReadReplicaDBInstanceIdentifiers"] = kept


def record_event(record: dict, message: str, category: str) -> None:
    """Let DescribeEvents tell something of an instance; needs a request scope of its account and Region."""
    with rds._shared_container_lock:
        rds._events[rds.new_uuid()] = {
            "SourceIdentifier": record["DBInstanceIdentifier"],
            "SourceType": "db-instance",
            "SourceArn": record["DBInstanceArn"],
            "Message": message,
            "Date": time.time(),
            "EventCategories": [category],
        }


def _arn_of(reference: str, sibling: dict) -> str:
    return (
        reference if reference.startswith("arn:") else ":".join([*sibling["DBInstanceArn"].split(":")[:6], reference])
    )
