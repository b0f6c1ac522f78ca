"""RDS: replicas across Regions, what their description tells, and promotion with all its refusals."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError
from emulator_process import PRIMARY, RECOVERY, Emulator, eventually


@pytest.fixture
def replica(emulator: Emulator, name: str) -> str:
    """A replica in the recovery Region, with its source in the primary Region; both are available."""
    emulator.world.databases[PRIMARY, f"{name}-db"] = {
        "running": True,
        "role": "primary",
        "replication": None,
        "lagSeconds": None,
        "address": "127.0.0.1",
        "port": 5555,
    }
    source = emulator.client("rds", PRIMARY).create_db_instance(
        DBInstanceIdentifier=f"{name}-db",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="not-a-real-one",
        BackupRetentionPeriod=1,
    )["DBInstance"]
    emulator.client("rds").create_db_instance_read_replica(
        DBInstanceIdentifier=f"{name}-db-replica", SourceDBInstanceIdentifier=source["DBInstanceArn"]
    )
    eventually(lambda: describe(emulator, f"{name}-db-replica")["DBInstanceStatus"] == "available")
    return f"{name}-db-replica"


def describe(emulator: Emulator, identifier: str, region: str = RECOVERY) -> dict:
    """The instance as DescribeDBInstances tells it."""
    found = emulator.client("rds", region).describe_db_instances(DBInstanceIdentifier=identifier)
    return found["DBInstances"][0]


def test_replica_names_its_source_and_tells_the_live_state(emulator: Emulator, replica: str) -> None:
    source = replica.removesuffix("-replica")
    seen = describe(emulator, replica)
    assert seen["ReadReplicaSourceDBInstanceIdentifier"] == describe(emulator, source, PRIMARY)["DBInstanceArn"]
    assert seen["Endpoint"] == seen["Endpoint"] | {"Address": "127.0.0.1", "Port": 5556}
    assert seen["StatusInfos"] == [{"StatusType": "read replication", "Normal": True, "Status": "replicating"}]
    assert seen["BackupRetentionPeriod"] == 0

    emulator.world.databases[RECOVERY, replica]["replication"] = "error"
    info = describe(emulator, replica)["StatusInfos"][0]
    assert (info["Status"], info["Normal"]) == ("error", False) and info["Message"]

    primary = describe(emulator, source, PRIMARY)
    assert primary["ReadReplicaDBInstanceIdentifiers"] == [seen["DBInstanceArn"]]
    assert "ReadReplicaSourceDBInstanceIdentifier" not in primary
    emulator.world.databases[PRIMARY, source]["running"] = False
    assert describe(emulator, source, PRIMARY)["DBInstanceStatus"] == "failed"


def test_promotion_is_slow_and_misleading_at_first(emulator: Emulator, replica: str) -> None:
    rds = emulator.client("rds")
    started = time.monotonic()
    rds.promote_read_replica(DBInstanceIdentifier=replica, BackupRetentionPeriod=7)
    first = describe(emulator, replica)
    assert first["DBInstanceStatus"] == "available" and "ReadReplicaSourceDBInstanceIdentifier" in first
    refused(lambda: rds.promote_read_replica(DBInstanceIdentifier=replica))

    statuses = []

    def promoted() -> bool:
        seen = describe(emulator, replica)
        statuses.append(seen["DBInstanceStatus"])
        return seen["DBInstanceStatus"] == "available" and "ReadReplicaSourceDBInstanceIdentifier" not in seen

    eventually(promoted)
    assert time.monotonic() - started >= emulator.world.delays["promotionSeconds"]
    assert list(dict.fromkeys(statuses)) == ["available", "modifying", "rebooting"]
    done = describe(emulator, replica)
    assert done["BackupRetentionPeriod"] == 7 and done["StatusInfos"] == []
    assert describe(emulator, replica.removesuffix("-replica"), PRIMARY)["ReadReplicaDBInstanceIdentifiers"] == []
    refused(lambda: rds.promote_read_replica(DBInstanceIdentifier=replica))


def test_promotion_that_the_server_refuses_leaves_a_replica_and_an_event(emulator: Emulator, replica: str) -> None:
    emulator.world.refuse_promotion = "no space left on the standby"
    rds = emulator.client("rds")
    rds.promote_read_replica(DBInstanceIdentifier=replica)
    eventually(lambda: describe(emulator, replica)["DBInstanceStatus"] == "rebooting")
    seen = eventually(lambda: (s := describe(emulator, replica))["DBInstanceStatus"] == "available" and s)
    assert seen["ReadReplicaSourceDBInstanceIdentifier"]
    events = rds.describe_events(SourceIdentifier=replica, SourceType="db-instance")["Events"]
    assert any("no space left on the standby" in event["Message"] for event in events)


def test_promotion_is_refused_while_backing_up(emulator: Emulator, replica: str) -> None:
    rds = emulator.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier=replica, DBSnapshotIdentifier=f"{replica}-s")
    assert describe(emulator, replica)["DBInstanceStatus"] == "backing-up"
    refused(lambda: rds.promote_read_replica(DBInstanceIdentifier=replica))
    eventually(lambda: describe(emulator, replica)["DBInstanceStatus"] == "available")


def test_backup_retention_can_be_changed_and_a_deleted_replica_leaves_its_source(
    emulator: Emulator, replica: str
) -> None:
    rds = emulator.client("rds")
    answered = rds.modify_db_instance(DBInstanceIdentifier=replica, BackupRetentionPeriod=3, ApplyImmediately=True)
    assert answered["DBInstance"]["PendingModifiedValues"] == {"BackupRetentionPeriod": 3}
    assert answered["DBInstance"]["DBInstanceStatus"] == "modifying"
    seen = eventually(lambda: (s := describe(emulator, replica))["DBInstanceStatus"] == "available" and s)
    assert (seen["BackupRetentionPeriod"], seen["PendingModifiedValues"]) == (3, {})

    source = replica.removesuffix("-replica")
    with pytest.raises(ClientError, match="InvalidParameterCombination"):
        emulator.client("rds", PRIMARY).modify_db_instance(DBInstanceIdentifier=source, BackupRetentionPeriod=0)
    rds.delete_db_instance(DBInstanceIdentifier=replica, SkipFinalSnapshot=True)
    eventually(lambda: not describe(emulator, source, PRIMARY)["ReadReplicaDBInstanceIdentifiers"])


def refused(call: Callable[[], object]) -> None:
    """The call is refused as one that the instance's state does not allow."""
    with pytest.raises(ClientError) as error:
        call()
    assert error.value.response["Error"]["Code"] == "InvalidDBInstanceState"
