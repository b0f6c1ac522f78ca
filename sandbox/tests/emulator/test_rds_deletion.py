"""RDS: deletion with and without a final snapshot, and when it is refused."""

from __future__ import annotations

import pytest
from database_instance import available, create, create_replica, describe, find, refused
from emulator_process import PRIMARY, RECOVERY, Emulator, eventually


@pytest.fixture
def database(emulator: Emulator, name: str) -> str:
    """An available instance in the primary Region."""
    create(emulator, name)
    return name


def delete(emulator: Emulator, identifier: str, region: str = PRIMARY, **more: object) -> dict:
    """DeleteDBInstance."""
    return emulator.client("rds", region).delete_db_instance(DBInstanceIdentifier=identifier, **more)["DBInstance"]


def snapshot(emulator: Emulator, identifier: str) -> dict:
    """The snapshot as DescribeDBSnapshots tells it."""
    found = emulator.client("rds", PRIMARY).describe_db_snapshots(DBSnapshotIdentifier=identifier)
    return found["DBSnapshots"][0]


def test_final_snapshot_is_manual_and_whole_before_the_instance_is_gone(emulator: Emulator, database: str) -> None:
    emulator.world.databases_may_change.clear()
    answered = delete(emulator, database, FinalDBSnapshotIdentifier=f"{database}-final")
    assert answered["DBInstanceStatus"] == "deleting"
    taken = snapshot(emulator, f"{database}-final")
    assert (taken["SnapshotType"], taken["Status"], taken["DBInstanceIdentifier"]) == ("manual", "creating", database)
    assert describe(emulator, database)["DBInstanceStatus"] == "deleting"
    refused("InvalidDBInstanceState", lambda: delete(emulator, database, SkipFinalSnapshot=True))

    emulator.world.databases_may_change.set()
    eventually(lambda: find(emulator, database) is None)
    assert snapshot(emulator, f"{database}-final")["Status"] == "available"
    assert (PRIMARY, database) not in emulator.world.databases
    [listed] = emulator.client("rds", PRIMARY).describe_db_snapshots(
        DBInstanceIdentifier=database, SnapshotType="manual"
    )["DBSnapshots"]
    assert listed["DBSnapshotIdentifier"] == f"{database}-final"


def test_without_its_final_snapshot_nothing_is_deleted(emulator: Emulator, database: str) -> None:
    emulator.world.refuse_snapshot = "no space left"
    delete(emulator, database, FinalDBSnapshotIdentifier=f"{database}-final")
    eventually(lambda: snapshot(emulator, f"{database}-final")["Status"] == "failed")
    available(emulator, database)
    assert (PRIMARY, database) in emulator.world.databases


def test_whoever_deletes_must_say_whether_there_is_to_be_a_snapshot(emulator: Emulator, database: str) -> None:
    refused("InvalidParameterCombination", lambda: delete(emulator, database))
    refused("InvalidParameterCombination", lambda: delete(emulator, database, SkipFinalSnapshot=False))
    refused(
        "InvalidParameterCombination",
        lambda: delete(emulator, database, SkipFinalSnapshot=True, FinalDBSnapshotIdentifier=f"{database}-final"),
    )
    emulator.client("rds", PRIMARY).create_db_snapshot(
        DBInstanceIdentifier=database, DBSnapshotIdentifier=f"{database}-s"
    )
    available(emulator, database)
    refused("DBSnapshotAlreadyExists", lambda: delete(emulator, database, FinalDBSnapshotIdentifier=f"{database}-s"))
    refused("DBInstanceNotFound", lambda: delete(emulator, f"{database}-none", SkipFinalSnapshot=True))
    assert describe(emulator, database)["DBInstanceStatus"] == "available"


def test_protected_instance_is_not_deleted_until_it_no_longer_is(emulator: Emulator, database: str) -> None:
    rds = emulator.client("rds", PRIMARY)
    rds.modify_db_instance(DBInstanceIdentifier=database, DeletionProtection=True)
    assert describe(emulator, database)["DeletionProtection"] is True
    message = refused("InvalidParameterCombination", lambda: delete(emulator, database, SkipFinalSnapshot=True))
    assert message.startswith("Cannot delete protected DB Instance")
    rds.modify_db_instance(DBInstanceIdentifier=database, DeletionProtection=False)
    delete(emulator, database, SkipFinalSnapshot=True)
    eventually(lambda: find(emulator, database) is None)


def test_failed_instance_has_no_final_snapshot(emulator: Emulator, database: str) -> None:
    emulator.world.databases[PRIMARY, database]["running"] = False
    refused("InvalidDBInstanceState", lambda: delete(emulator, database, FinalDBSnapshotIdentifier=f"{database}-final"))
    refused(
        "InvalidDBInstanceState",
        lambda: emulator.client("rds", PRIMARY).create_db_snapshot(
            DBInstanceIdentifier=database, DBSnapshotIdentifier=f"{database}-s"
        ),
    )
    delete(emulator, database, SkipFinalSnapshot=True)
    eventually(lambda: find(emulator, database) is None)


def test_read_replica_takes_no_final_snapshot_and_outlives_its_source(emulator: Emulator, database: str) -> None:
    replica = f"{database}-r"
    create_replica(emulator, replica, RECOVERY, describe(emulator, database)["DBInstanceArn"])
    refused(
        "InvalidParameterCombination",
        lambda: delete(emulator, replica, RECOVERY, FinalDBSnapshotIdentifier=f"{database}-final"),
    )
    delete(emulator, database, SkipFinalSnapshot=True)
    eventually(lambda: find(emulator, database) is None)
    [info] = describe(emulator, replica, RECOVERY)["StatusInfos"]
    assert (info["Status"], info["Normal"]) == ("terminated", False)
    delete(emulator, replica, RECOVERY, SkipFinalSnapshot=True)
    eventually(lambda: find(emulator, replica, RECOVERY) is None)
