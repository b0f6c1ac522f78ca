"""DynamoDB: point-in-time recovery over a log of every write.

UpdateContinuousBackups begins the log with a copy of the items, and that moment is `EarliestRestorableDateTime`;
switched off and on again, it begins anew. `LatestRestorableDateTime` is about five minutes ago on AWS, here
one second. (DynamoDB Developer Guide, "Point-in-time recovery: how it works"; API Reference,
RestoreTableToPointInTime.)
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import dynamodb

from . import dynamodb_tables
from .world_hooks import World

_LAG_SECONDS = 1.0


@dataclass
class _Log:
    """All that happened to a table's items since point-in-time recovery was switched on."""

    table_id: str
    since_seconds: float
    items: dict[str, dict]
    #: Seconds since the epoch, partition key, sort key, and the item, or None where one was deleted.
    writes: list[tuple[float, str, str, dict | None]] = field(default_factory=list)

    def items_at(self, at_seconds: float) -> dict[str, dict]:
        """The items as they were at a time."""
        items = {partition: dict(sorted_items) for partition, sorted_items in self.items.items()}
        for written_at, partition, sort, item in self.writes:
            if written_at > at_seconds:
                break
            if item is None:
                items.get(partition, {}).pop(sort, None)
            else:
                items.setdefault(partition, {})[sort] = item
        return copy.deepcopy({partition: kept for partition, kept in items.items() if kept})


class TablePointInTimeShim:
    """Replaces UpdateContinuousBackups, DescribeContinuousBackups and RestoreTableToPointInTime."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._logs: dict[tuple[str, str, str], _Log] = {}

    def install(self) -> None:
        """Put the shim in place."""
        self._emit = dynamodb._emit_stream_event
        dynamodb._emit_stream_event = self._record
        dynamodb._update_continuous_backups = self.update
        dynamodb._describe_continuous_backups = self.describe
        dynamodb._restore_table_to_point_in_time = self.restore

    def update(self, data: dict) -> tuple:
        """UpdateContinuousBackups."""
        table = _table(data.get("TableName"))
        if table is None:
            return error_response_json("TableNotFoundException", f"Table not found: {data.get('TableName')}", 400)
        if table["TableStatus"] == "CREATING":
            message = f"Backups are being enabled for the table: {table['TableName']}. Please retry later"
            return error_response_json("ContinuousBackupsUnavailableException", message, 400)
        enabled = data["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        if not enabled:
            self._logs.pop(_key(table["TableName"]), None)
        elif self._log_of(table) is None:
            self._begin(table)
        dynamodb._pitr_settings[table["TableName"]] = enabled
        return self._answer(table)

    def describe(self, data: dict) -> tuple:
        """DescribeContinuousBackups."""
        table = _table(data.get("TableName"))
        if table is None:
            return error_response_json("TableNotFoundException", f"Table not found: {data.get('TableName')}", 400)
        return self._answer(table)

    def restore(self, data: dict) -> tuple:
        """RestoreTableToPointInTime, within one Region."""
        source_name, target = data.get("SourceTableName") or data.get("SourceTableArn"), data.get("TargetTableName")
        table = _table(source_name)
        if table is None:
            return error_response_json("TableNotFoundException", f"Source table not found: {source_name}", 400)
        log = self._log_of(table)
        if log is None:
            message = f"Point in time recovery is not enabled for table '{table['TableName']}'"
            return error_response_json("PointInTimeRecoveryUnavailableException", message, 400)
        latest_wanted, at = data.get("UseLatestRestorableTime") is True, data.get("RestoreDateTime")
        if latest_wanted == (at is not None):
            message = "Exactly one of UseLatestRestorableTime and RestoreDateTime must be specified"
            return error_response_json("ValidationException", message, 400)
        earliest, latest = self._window(log)
        at_seconds = latest if latest_wanted else float(at)
        if not earliest <= at_seconds <= latest:
            message = f"Restore time {at_seconds:.3f} is not between {earliest:.3f} and {latest:.3f}"
            return error_response_json("InvalidRestoreTimeException", message, 400)
        definition = dynamodb_tables.definition_of(table)
        response = dynamodb_tables.new_table(definition, target, {**data, "RestoreDateTime": at_seconds})
        if response[0] == 200:
            dynamodb_tables.finish_in_background(self._world, dynamodb._tables[target], log.items_at(at_seconds))
        return response

    def _record(self, table_name: str, event_name: str, old: dict | None, new: dict | None, *more, **named) -> None:
        self._emit(table_name, event_name, old, new, *more, **named)
        table = dynamodb._tables.get(table_name)
        log = self._log_of(table) if table else None
        if log is not None:
            item = new if new is not None else old
            partition = dynamodb._extract_key_val(item.get(table["pk_name"]))
            # The sort key under which ministack files the items of a table without one.
            sort = dynamodb._extract_key_val(item.get(table["sk_name"])) if table["sk_name"] else "__no_sort__"
            log.writes.append((time.time(), partition, sort, copy.deepcopy(new)))

    def _log_of(self, table: dict) -> _Log | None:
        name = table["TableName"]
        log = self._logs.get(_key(name))
        # A table that was deleted and made anew begins with nothing.
        if log is not None and log.table_id == table["TableId"]:
            return log
        # CloudFormation switches it on without a call.
        return self._begin(table) if dynamodb._pitr_settings.get(name) else None

    def _begin(self, table: dict) -> _Log:
        log = _Log(table["TableId"], time.time(), dynamodb_tables.items_of(table))
        self._logs[_key(table["TableName"])] = log
        return log

    def _window(self, log: _Log) -> tuple[float, float]:
        return log.since_seconds, max(log.since_seconds, time.time() - _LAG_SECONDS)

    def _answer(self, table: dict) -> tuple:
        log = self._log_of(table)
        shown: dict = {"PointInTimeRecoveryStatus": "DISABLED" if log is None else "ENABLED"}
        if log is not None:
            earliest, latest = self._window(log)
            shown.update(RecoveryPeriodInDays=35, EarliestRestorableDateTime=earliest, LatestRestorableDateTime=latest)
        described = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": shown}
        return json_response({"ContinuousBackupsDescription": described})


def _table(name_or_arn: str | None) -> dict | None:
    return dynamodb._tables.get(dynamodb._normalize_table_name(name_or_arn or ""))


def _key(name: str) -> tuple[str, str, str]:
    return get_account_id(), get_region(), name
