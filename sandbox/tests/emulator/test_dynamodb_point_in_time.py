"""DynamoDB point-in-time recovery: a new table with the items of another as they were at a time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from aurora_database import refused
from emulator_process import Emulator, eventually


class Table:
    """A table with a few ways to write to it."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self.name, self.dynamodb, self.world = name, emulator.client("dynamodb"), emulator.world
        self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "N"},
            ],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            DeletionProtectionEnabled=True,
        )

    def recovery(self, name: str | None = None, *, enabled: bool | None = None) -> dict:
        """The state of point-in-time recovery, after it was switched on or off."""
        if enabled is not None:
            self.dynamodb.update_continuous_backups(
                TableName=name or self.name,
                PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled},
            )
        found = self.dynamodb.describe_continuous_backups(TableName=name or self.name)
        return found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]

    def put(self, number: int, value: str) -> None:
        self.dynamodb.put_item(TableName=self.name, Item={**_key(number), "value": {"S": value}})

    def restore(self, target: str | None = None, **more: object) -> dict:
        return self.dynamodb.restore_table_to_point_in_time(
            SourceTableName=self.name, TargetTableName=target or f"{self.name}-new", **more
        )["TableDescription"]

    def values(self, name: str) -> dict[int, str]:
        """The values by number, once the table is ACTIVE."""
        eventually(lambda: self.dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")
        items = self.dynamodb.scan(TableName=name, ConsistentRead=True)["Items"]
        return {int(item["sk"]["N"]): item["value"]["S"] for item in items}

    def until_restorable(self, at: datetime) -> None:
        """Wait until a time can be restored to."""
        eventually(lambda: self.recovery()["LatestRestorableDateTime"] >= at)


def _key(number: int) -> dict:
    return {"pk": {"S": "all"}, "sk": {"N": str(number)}}


def _next_second() -> datetime:
    """A whole second that is over: boto3 sends no fractions to DynamoDB."""
    divide = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    eventually(lambda: datetime.now(UTC) > divide)
    return divide


@pytest.fixture
def table(emulator: Emulator, name: str) -> Table:
    return Table(emulator, name)


def test_a_point_in_time_divides_the_writes(table: Table) -> None:
    for number in (1, 2, 3):
        table.put(number, "first")
    enabled = table.recovery(enabled=True)
    assert enabled["PointInTimeRecoveryStatus"] == "ENABLED"
    table.put(2, "second")
    table.dynamodb.delete_item(TableName=table.name, Key=_key(3))
    table.dynamodb.transact_write_items(
        TransactItems=[{"Put": {"TableName": table.name, "Item": {**_key(4), "value": {"S": "first"}}}}]
    )
    divide = _next_second()
    table.dynamodb.update_item(
        TableName=table.name,
        Key=_key(1),
        UpdateExpression="SET #v = :v",
        ExpressionAttributeNames={"#v": "value"},
        ExpressionAttributeValues={":v": {"S": "spoilt"}},
    )
    table.dynamodb.batch_write_item(
        RequestItems={
            table.name: [
                {"DeleteRequest": {"Key": _key(2)}},
                {"PutRequest": {"Item": {**_key(5), "value": {"S": "spoilt"}}}},
            ]
        }
    )
    table.until_restorable(divide)
    table.world.delays["restoreSeconds"] = 600.0
    answer = table.restore(RestoreDateTime=divide)
    assert (answer["TableStatus"], answer["RestoreSummary"]["RestoreInProgress"]) == ("CREATING", True)
    assert answer["RestoreSummary"]["RestoreDateTime"] == divide
    new = f"{table.name}-new"
    refused(lambda: table.recovery(new, enabled=True), "ContinuousBackupsUnavailableException")
    table.world.delays["restoreSeconds"] = 0.5
    assert table.values(new) == {1: "first", 2: "second", 4: "first"}
    assert table.values(table.name) == {1: "spoilt", 4: "first", 5: "spoilt"}
    # Neither point-in-time recovery nor deletion protection comes along.
    assert table.recovery(new)["PointInTimeRecoveryStatus"] == "DISABLED"
    assert table.dynamodb.describe_table(TableName=new)["Table"]["DeletionProtectionEnabled"] is False


def test_the_latest_time_has_everything_up_to_it(table: Table) -> None:
    table.recovery(enabled=True)
    table.put(1, "first")
    written_by = datetime.now(UTC)
    table.until_restorable(written_by)
    table.restore(UseLatestRestorableTime=True)
    assert table.values(f"{table.name}-new") == {1: "first"}


def test_what_cannot_be_restored_is_refused(table: Table) -> None:
    late = {"UseLatestRestorableTime": True}
    assert table.recovery()["PointInTimeRecoveryStatus"] == "DISABLED"
    refused(lambda: table.restore(**late), "PointInTimeRecoveryUnavailableException")
    earliest = table.recovery(enabled=True)["EarliestRestorableDateTime"]
    for at in (earliest - timedelta(seconds=2), datetime.now(UTC) + timedelta(seconds=60)):
        refused(lambda at=at: table.restore(RestoreDateTime=at), "InvalidRestoreTimeException")
    refused(lambda: table.restore(), "ValidationException")
    refused(lambda: table.restore(RestoreDateTime=earliest, **late), "ValidationException")
    refused(lambda: table.restore(table.name, **late), "TableAlreadyExistsException")
    refused(
        lambda: table.dynamodb.restore_table_to_point_in_time(
            SourceTableName="none-such", TargetTableName="new", **late
        ),
        "TableNotFoundException",
    )
    refused(lambda: table.recovery("none-such"), "TableNotFoundException")


def test_switched_on_again_it_begins_anew(table: Table) -> None:
    first = table.recovery(enabled=True)["EarliestRestorableDateTime"]
    assert table.recovery(enabled=True)["EarliestRestorableDateTime"] == first
    table.recovery(enabled=False)
    now = time.time()
    assert table.recovery(enabled=True)["EarliestRestorableDateTime"].timestamp() >= now > first.timestamp()
