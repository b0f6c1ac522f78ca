"""A DynamoDB table with point-in-time recovery, with a few items in it that somebody may spoil."""

from dataclasses import dataclass

from ..aws_clients import AwsClients
from ..naming import Names
from .context import SeedContext, unless, wait
from .doors import PrimaryDoors

KEY = "cart"
_ITEMS = 20
_GONE = ("ResourceNotFoundException",)


@dataclass(frozen=True)
class Table:
    """Makes the table in the primary Region; see `Part`."""

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create the table and its items, and switch on its point-in-time recovery."""
        names, dynamodb = context.names, clients.client("dynamodb", context.regions.primary)
        with unless("ResourceInUseException"):
            dynamodb.create_table(
                TableName=names.table,
                KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        wait(lambda: _not_active(dynamodb, names.table))
        dynamodb.update_continuous_backups(
            TableName=names.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        for number in range(_ITEMS):
            dynamodb.put_item(TableName=names.table, Item=seeded_item(number))

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: seeding has waited."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete the table, and the one that was restored beside it."""
        dynamodb = clients.client("dynamodb", context.regions.primary)
        for name in (context.names.restored_table, context.names.table):
            with unless(*_GONE, "ValidationException"):
                dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
            with unless(*_GONE):
                wait(lambda name=name: _not_active(dynamodb, name))
                dynamodb.delete_table(TableName=name)


def seeded_item(number: int) -> dict:
    """An item as it was seeded, in DynamoDB's own notation."""
    return {KEY: {"S": f"cart-{number:03}"}, "articles": {"N": str(number)}}


def items(clients: AwsClients, region: str, table: str) -> list[dict]:
    """All items of a table, by key."""
    pages = clients.client("dynamodb", region).get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return sorted((item for page in pages for item in page["Items"]), key=lambda item: item[KEY]["S"])


def spoil(clients: AwsClients, names: Names) -> None:
    """Do to the table what a bad release does: half of the items are deleted, the rest says nonsense."""
    dynamodb = clients.client("dynamodb", names.regions.primary)
    for number in range(_ITEMS):
        key = {KEY: seeded_item(number)[KEY]}
        if number % 2:
            dynamodb.delete_item(TableName=names.table, Key=key)
        else:
            dynamodb.put_item(TableName=names.table, Item={**key, "articles": {"N": "-1"}})


def _not_active(dynamodb, name: str) -> str | None:
    status = dynamodb.describe_table(TableName=name)["Table"]["TableStatus"]
    return None if status == "ACTIVE" else f"table {name} is {status}"
