"""AWS Backup: what a recovery point holds, and how it becomes a resource again.

Of a database, a base backup of its real server, kept by the world under a name, and its description; of a DynamoDB
table, its items and definition. Where no real server stands behind a database, only the description is kept.

Restore metadata: AWS Backup Developer Guide, "Restoring an Amazon Aurora cluster", "Restoring an RDS database",
"Restore a DynamoDB table". Keys are not case-sensitive, every value is a text, a list is one in JSON.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, replace
from typing import Protocol

from ministack.core.responses import get_region
from ministack.services import dynamodb

from . import dynamodb_tables, restored_databases
from .aurora_records import find_cluster
from .rds_records import find_instance
from .world_hooks import Outcome, World


class NotRestored(Exception):
    """A restore job came to nothing; the text is its status message."""


class NotBackedUp(Exception):
    """A backup job came to nothing; the text is its status message."""


class Content(Protocol):
    """What a recovery point holds."""

    #: The metadata that says what the restored resource is to be called.
    identifier_key: str

    def metadata(self) -> dict[str, str]:
        """What GetRecoveryPointRestoreMetadata answers."""

    def restore(self, world: World, metadata: dict[str, str]) -> str:
        """Make the resource in the request's Region; blocks until it is there. Returns its ARN, or NotRestored."""


@dataclass(frozen=True)
class _Data:
    """A base backup that the world keeps under a name, unless no real server stood behind the database."""

    name: str
    real: bool

    def restore(self, world: World, region: str, identifier: str) -> Outcome:
        """Let the world make a server of it."""
        if not self.real:
            return Outcome(ok=True, message="nothing real was backed up", missing=True)
        outcome = world.restore_database(self.name, region, identifier)
        # It was there: a database without its data is no success.
        return replace(outcome, missing=False)


@dataclass(frozen=True)
class ClusterContent:
    """Of an Aurora cluster."""

    source: dict
    data: _Data
    identifier_key = "DBClusterIdentifier"

    def metadata(self) -> dict[str, str]:
        """See `Content`."""
        source = self.source
        return {
            "Engine": source["Engine"],
            "EngineVersion": source["EngineVersion"],
            "EngineMode": source["EngineMode"],
            "Port": str(source["Port"]),
            "DatabaseName": source.get("DatabaseName") or "",
            "AvailabilityZones": json.dumps(source["AvailabilityZones"]),
            "DBSubnetGroupName": source["DBSubnetGroup"],
            "DBClusterParameterGroupName": source["DBClusterParameterGroup"],
            "VpcSecurityGroupIds": json.dumps([m["VpcSecurityGroupId"] for m in source["VpcSecurityGroups"]]),
        }

    def restore(self, world: World, metadata: dict[str, str]) -> str:
        """See `Content`: a cluster without instances."""
        identifier = get(metadata, self.identifier_key).lower()
        made, answer = restored_databases.new_cluster(self.source, identifier, _parameters(metadata))
        if made is None:
            raise NotRestored(_said_by("AmazonRDS", answer))
        region = get_region()
        failure = restored_databases.finish_cluster(world, made, lambda: self.data.restore(world, region, identifier))
        if failure is not None:
            raise NotRestored(failure)
        return made["DBClusterArn"]


@dataclass(frozen=True)
class InstanceContent:
    """Of an RDS instance."""

    source: dict
    data: _Data
    identifier_key = "DBInstanceIdentifier"

    def metadata(self) -> dict[str, str]:
        """See `Content`."""
        source = self.source
        return {
            "Engine": source["Engine"],
            "DBInstanceClass": source["DBInstanceClass"],
            "DBName": source.get("DBName") or "",
            "MultiAZ": str(source["MultiAZ"]).lower(),
            "StorageType": source["StorageType"],
            "LicenseModel": source["LicenseModel"],
            "PubliclyAccessible": str(source["PubliclyAccessible"]).lower(),
            "AvailabilityZone": source["AvailabilityZone"],
            "DBSubnetGroupName": source["DBSubnetGroup"]["DBSubnetGroupName"],
            "VpcSecurityGroupIds": json.dumps([m["VpcSecurityGroupId"] for m in source["VpcSecurityGroups"]]),
        }

    def restore(self, world: World, metadata: dict[str, str]) -> str:
        """See `Content`: an instance that serves."""
        identifier = get(metadata, self.identifier_key).lower()
        made, answer = restored_databases.new_instance(self.source, identifier, _parameters(metadata))
        if made is None:
            raise NotRestored(_said_by("AmazonRDS", answer))
        region = get_region()
        failure = restored_databases.finish_instance(world, made, lambda: self.data.restore(world, region, identifier))
        if failure is not None:
            raise NotRestored(failure)
        return made["DBInstanceArn"]


@dataclass(frozen=True)
class TableContent:
    """Of a DynamoDB table."""

    definition: dict
    items: dict[str, dict]
    identifier_key = "targetTableName"

    def metadata(self) -> dict[str, str]:
        """See `Content`."""
        return {"originalTableName": self.definition["TableName"], "encryptionType": "Default"}

    def restore(self, world: World, metadata: dict[str, str]) -> str:
        """See `Content`."""
        name = get(metadata, self.identifier_key)
        answer = dynamodb_tables.new_table(self.definition, name, {})
        if answer[0] != 200:
            raise NotRestored(_said_by("AmazonDynamoDBv2", answer))
        table = dynamodb._tables[name]
        dynamodb_tables.finish_table(world, table, copy.deepcopy(self.items))
        return table["TableArn"]


def take(world: World, resource_arn: str, backup_name: str) -> Content | None:
    """Keep what a resource has now under a name; blocks. None for a resource that is not emulated, or NotBackedUp."""
    table = dynamodb_tables.find_here(resource_arn)
    if table is not None:
        return TableContent(dynamodb_tables.definition_of(table), dynamodb_tables.items_of(table))
    cluster, instance = find_cluster(resource_arn), None
    if cluster is None and ":db:" in resource_arn:
        instance = find_instance(resource_arn)
    source = cluster or instance
    if source is None:
        return None
    region, identifier = resource_arn.split(":")[3], resource_arn.rsplit(":", 1)[1]
    outcome = world.back_up_database(region, identifier, backup_name)
    if not outcome.done:
        raise NotBackedUp(f"{resource_arn} was not backed up: {outcome.message}")
    kind = ClusterContent if cluster is not None else InstanceContent
    return kind(copy.deepcopy(source), _Data(backup_name, real=outcome.ok))


def get(metadata: dict[str, str], key: str) -> str:
    """The value of a key of restore metadata, or an empty text."""
    return next((value for name, value in metadata.items() if name.lower() == key.lower()), "")


_LISTS = {"vpcsecuritygroupids": "VpcSecurityGroupIds"}
_TEXTS = (
    "DBSubnetGroupName",
    "DBClusterParameterGroupName",
    "DBParameterGroupName",
    "DBInstanceClass",
    "DeletionProtection",
    "MultiAZ",
    "AvailabilityZone",
    "PubliclyAccessible",
    "Port",
    "KmsKeyId",
    "CopyTagsToSnapshot",
)


def _parameters(metadata: dict[str, str]) -> dict[str, list[str]]:
    """Restore metadata as the parameters of a call to RDS."""
    known = {name.lower(): name for name in _TEXTS}
    parameters: dict[str, list[str]] = {}
    for key, value in metadata.items():
        if key.lower() in _LISTS:
            for number, member in enumerate(json.loads(value or "[]"), 1):
                parameters[f"{_LISTS[key.lower()]}.member.{number}"] = [member]
        elif key.lower() in known and value not in ("", "0"):
            parameters[known[key.lower()]] = [value]
    return parameters


def _said_by(service: str, answer: tuple) -> str:
    # As AWS Backup passes on what the service behind a restore said.
    status, _, body = answer
    text = body.decode() if isinstance(body, bytes) else str(body)
    if text.lstrip().startswith("{"):
        told = json.loads(text)
        code, message = str(told.get("__type", "")).rsplit("#", 1)[-1], told.get("message") or told.get("Message")
    else:
        code, message = _between(text, "Code"), _between(text, "Message")
    return f"{message} (Service: {service}; Status Code: {status}; Error Code: {code})"


def _between(xml: str, tag: str) -> str:
    return xml.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
