"""DynamoDB as lease and journal need it: conditions that hold, transactions that fail whole and say why."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from emulator_process import Emulator


@pytest.fixture
def table(emulator: Emulator, name: str) -> str:
    """A table with one key."""
    emulator.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    return name


def item(table: str, emulator: Emulator, pk: str, sk: str) -> dict | None:
    """One item, read consistently."""
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    return emulator.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")


def take_lease(table: str, owner: str) -> dict:
    """The conditional update that takes a free lease and issues the next generation."""
    return {
        "TableName": table,
        "Key": {"pk": {"S": "workload"}, "sk": {"S": "lease"}},
        "UpdateExpression": "SET #owner = :owner, generation = if_not_exists(generation, :zero) + :one",
        "ConditionExpression": "attribute_not_exists(#owner)",
        "ExpressionAttributeNames": {"#owner": "owner"},
        "ExpressionAttributeValues": {":owner": {"S": owner}, ":zero": {"N": "0"}, ":one": {"N": "1"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def test_one_of_many_takes_the_lease_and_the_others_learn_who(emulator: Emulator, table: str) -> None:
    client = emulator.client("dynamodb")

    def attempt(owner: str) -> str | None:
        try:
            return client.update_item(**take_lease(table, owner), ReturnValues="ALL_NEW")["Attributes"]["owner"]["S"]
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ConditionalCheckFailedException"
            assert error.response["Item"]["generation"] == {"N": "1"}
            return None

    with ThreadPoolExecutor(10) as pool:
        taken = [owner for owner in pool.map(attempt, (f"run-{i}" for i in range(20))) if owner]
    assert len(taken) == 1 and item(table, emulator, "workload", "lease")["owner"] == {"S": taken[0]}


def test_a_transaction_checks_writes_and_fails_whole(emulator: Emulator, table: str) -> None:
    client = emulator.client("dynamodb")
    client.update_item(**take_lease(table, "run-1"))
    lease = {"pk": {"S": "workload"}, "sk": {"S": "lease"}}

    def journal(owner: str, entry: str) -> None:
        client.transact_write_items(
            TransactItems=[
                {
                    "ConditionCheck": {
                        "TableName": table,
                        "Key": lease,
                        "ConditionExpression": "#owner = :owner",
                        "ExpressionAttributeNames": {"#owner": "owner"},
                        "ExpressionAttributeValues": {":owner": {"S": owner}},
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
                {
                    "Put": {
                        "TableName": table,
                        "Item": {"pk": {"S": "run-1"}, "sk": {"S": entry}},
                        "ConditionExpression": "attribute_not_exists(pk)",
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
                {
                    "Update": {
                        "TableName": table,
                        "Key": {"pk": {"S": "run-1"}, "sk": {"S": "summary"}},
                        "UpdateExpression": "SET entries = if_not_exists(entries, :zero) + :one",
                        "ExpressionAttributeValues": {":zero": {"N": "0"}, ":one": {"N": "1"}},
                    }
                },
            ]
        )

    journal("run-1", "act-1")
    assert item(table, emulator, "run-1", "summary")["entries"] == {"N": "1"}

    for owner, entry, expected in (
        ("run-2", "act-2", ["ConditionalCheckFailed", "None", "None"]),
        ("run-1", "act-1", ["None", "ConditionalCheckFailed", "None"]),
    ):
        with pytest.raises(ClientError) as error:
            journal(owner, entry)
        assert error.value.response["Error"]["Code"] == "TransactionCanceledException"
        reasons = error.value.response["CancellationReasons"]
        assert [reason["Code"] for reason in reasons] == expected
        refused = next(reason for reason in reasons if reason["Code"] == "ConditionalCheckFailed")
        assert refused["Item"]["pk"]["S"] in ("workload", "run-1")
    assert item(table, emulator, "run-1", "act-2") is None
    assert item(table, emulator, "run-1", "summary")["entries"] == {"N": "1"}
