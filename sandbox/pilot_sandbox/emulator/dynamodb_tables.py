"""DynamoDB: tables that come from a backup or a point in time.

A restored table is `CREATING` until its items are there, and refuses to be read or written so long. It has the keys,
indexes and capacity of the original. Tags, point-in-time recovery, time to live, streams, deletion protection are off
(DynamoDB Developer Guide, "Restoring a DynamoDB table").
"""

from __future__ import annotations

import copy
import threading
import time
from collections import defaultdict

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, request_scope
from ministack.services import dynamodb

from .world_hooks import World

_DESCRIBED = (
    "TableName",
    "TableArn",
    "TableId",
    "KeySchema",
    "AttributeDefinitions",
    "BillingModeSummary",
    "ProvisionedThroughput",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
)
_DATA_CALLS = ("get_item", "put_item", "update_item", "delete_item", "query", "scan")


def install() -> None:
    """Refuse to read and write a table that is still being restored, and say what a table was restored from."""
    for name in _DATA_CALLS:
        setattr(dynamodb, f"_{name}", _unless_creating(getattr(dynamodb, f"_{name}")))
    describe = dynamodb._table_description

    def describe_with_restore(name: str) -> dict:
        summary = dynamodb._tables[name].get("RestoreSummary")
        return {**describe(name), **({"RestoreSummary": summary} if summary else {})}

    dynamodb._table_description = describe_with_restore


def find_here(arn: str) -> dict | None:
    """The table behind an ARN, in whichever Region of this account; None for anything else than a table's ARN."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[2] != "dynamodb" or not parts[5].startswith("table/"):
        return None
    return dynamodb._tables.get_scoped(parts[4], parts[3], parts[5].removeprefix("table/"))


def definition_of(table: dict) -> dict:
    """What a table that is restored from this one has of it, besides items."""
    return copy.deepcopy({name: table.get(name) for name in _DESCRIBED})


def items_of(table: dict) -> dict[str, dict]:
    """A copy of a table's items, by partition key and sort key."""
    # Items are replaced, never changed in place; what is iterated over must not grow meanwhile.
    return {partition: copy.deepcopy(dict(items)) for partition, items in list(table["items"].items())}


def new_table(definition: dict, name: str, overrides: dict) -> tuple:
    """CreateTable, `CREATING`, by the definition of another; `overrides` as of RestoreTableToPointInTime."""
    if name in dynamodb._tables:
        return error_response_json("TableAlreadyExistsException", f"Table already exists: {name}", 400)
    mode = (definition.get("BillingModeSummary") or {}).get("BillingMode", "PROVISIONED")
    request = dynamodb._restore_create_request(
        name,
        definition["KeySchema"],
        definition["AttributeDefinitions"],
        overrides.get("BillingModeOverride") or mode,
        definition.get("ProvisionedThroughput"),
        overrides,
        definition.get("GlobalSecondaryIndexes"),
        definition.get("LocalSecondaryIndexes"),
        [],
    )
    response = dynamodb._create_table(request)
    if response[0] != 200:
        return response
    table = dynamodb._tables[name]
    table["TableStatus"] = "CREATING"
    table["RestoreSummary"] = {
        "SourceTableArn": definition["TableArn"],
        "RestoreDateTime": overrides.get("RestoreDateTime", time.time()),
        "RestoreInProgress": True,
    }
    return json_response({"TableDescription": dynamodb._table_description(name)})


def finish_table(world: World, table: dict, items: dict[str, dict]) -> None:
    """Put the items into a restored table and make it `ACTIVE`; blocks as long as a restore takes."""
    world.pass_time("restoreSeconds")
    table["items"] = defaultdict(dict, items)
    dynamodb._items_replaced(table)
    table["RestoreSummary"] = {**table["RestoreSummary"], "RestoreInProgress": False}
    table["TableStatus"] = "ACTIVE"


def finish_in_background(world: World, table: dict, items: dict[str, dict]) -> None:
    """`finish_table`, beside the request."""
    account_id, region = get_account_id(), get_region()

    def finish() -> None:
        with request_scope(account_id, region):
            finish_table(world, table, items)

    threading.Thread(target=finish, daemon=True).start()


def _unless_creating(handler):
    def handle(data: dict) -> tuple:
        table = dynamodb._tables.get(dynamodb._normalize_table_name(data.get("TableName") or ""))
        if table is not None and table["TableStatus"] == "CREATING":
            return error_response_json("ResourceNotFoundException", "Requested resource not found", 400)
        return handler(data)

    return handle
