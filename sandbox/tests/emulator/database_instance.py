"""DB instances for the tests of RDS: made with a server of the fake world behind them, and described."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError
from emulator_process import PRIMARY, Emulator, eventually


def create(emulator: Emulator, identifier: str, region: str = PRIMARY, **more: object) -> dict:
    """An instance that is available, with a running server behind it."""
    emulator.world.databases[region, identifier] = {
        "running": True,
        "role": "primary",
        "replication": None,
        "lagSeconds": None,
        "address": "127.0.0.1",
        "port": 5555,
    }
    settings = {"Engine": "postgres", "EngineVersion": "18.1", "BackupRetentionPeriod": 1, **more}
    emulator.client("rds", region).create_db_instance(
        DBInstanceIdentifier=identifier,
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="not-a-real-one",
        **settings,
    )
    return available(emulator, identifier, region)


def create_replica(emulator: Emulator, identifier: str, region: str, source_arn: str, **more: object) -> dict:
    """A read replica that is available."""
    emulator.client("rds", region).create_db_instance_read_replica(
        DBInstanceIdentifier=identifier, SourceDBInstanceIdentifier=source_arn, **more
    )
    return available(emulator, identifier, region)


def describe(emulator: Emulator, identifier: str, region: str = PRIMARY) -> dict:
    """The instance as DescribeDBInstances tells it."""
    found = emulator.client("rds", region).describe_db_instances(DBInstanceIdentifier=identifier)
    return found["DBInstances"][0]


def available(emulator: Emulator, identifier: str, region: str = PRIMARY) -> dict:
    """The instance, once it is available."""
    return eventually(lambda: (s := find(emulator, identifier, region)) and s["DBInstanceStatus"] == "available" and s)


def find(emulator: Emulator, identifier: str, region: str = PRIMARY) -> dict | None:
    """The instance, or None where there is none."""
    try:
        return describe(emulator, identifier, region)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "DBInstanceNotFound"
        return None


def refused(code: str, call: Callable[[], object]) -> str:
    """The call is refused with this error code; returns the message."""
    with pytest.raises(ClientError) as error:
        call()
    assert error.value.response["Error"]["Code"] == code
    return error.value.response["Error"]["Message"]
