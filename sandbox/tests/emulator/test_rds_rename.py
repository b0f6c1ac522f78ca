"""RDS: an instance gets another identifier, and what goes with it."""

from __future__ import annotations

import pytest
from database_instance import available, create, create_replica, describe, find, refused
from emulator_process import ACCOUNT, PRIMARY, RECOVERY, Emulator, eventually
from security_group import EVERYBODY, security_group


@pytest.fixture
def database(emulator: Emulator, name: str) -> str:
    """An available instance in the primary Region."""
    create(emulator, name)
    return name


def rename(emulator: Emulator, identifier: str, new: str, *, region: str = PRIMARY, at_once: bool = True) -> dict:
    """ModifyDBInstance with a new identifier."""
    answer = emulator.client("rds", region).modify_db_instance(
        DBInstanceIdentifier=identifier, NewDBInstanceIdentifier=new, ApplyImmediately=at_once
    )
    return answer["DBInstance"]


def test_renamed_instance_goes_on_under_the_new_identifier(emulator: Emulator, database: str) -> None:
    before = describe(emulator, database)
    emulator.world.databases_may_change.clear()
    answered = rename(emulator, database, f"{database}-OLD")
    assert answered["DBInstanceIdentifier"] == database
    assert answered["PendingModifiedValues"] == {"DBInstanceIdentifier": f"{database}-old"}
    assert describe(emulator, database)["DBInstanceStatus"] == "renaming"
    assert find(emulator, f"{database}-old") is None

    emulator.world.databases_may_change.set()
    after = available(emulator, f"{database}-old")
    assert find(emulator, database) is None
    assert after["DBInstanceArn"] == f"arn:aws:rds:{PRIMARY}:{ACCOUNT}:db:{database}-old"
    assert (after["DbiResourceId"], after["PendingModifiedValues"]) == (before["DbiResourceId"], {})
    assert (PRIMARY, database) not in emulator.world.databases
    # The old identifier is free for another one.
    create(emulator, database)


def test_tags_and_snapshots_stay(emulator: Emulator, database: str) -> None:
    rds = emulator.client("rds", PRIMARY)
    rds.add_tags_to_resource(
        ResourceName=describe(emulator, database)["DBInstanceArn"], Tags=[{"Key": "owner", "Value": "shop"}]
    )
    rds.create_db_snapshot(DBInstanceIdentifier=database, DBSnapshotIdentifier=f"{database}-s")
    available(emulator, database)
    rename(emulator, database, f"{database}-old")
    after = available(emulator, f"{database}-old")
    tags = [{"Key": "owner", "Value": "shop"}]
    assert after["TagList"] == tags
    assert rds.list_tags_for_resource(ResourceName=after["DBInstanceArn"])["TagList"] == tags
    old_arn = after["DBInstanceArn"].removesuffix("-old")
    refused("DBInstanceNotFound", lambda: rds.list_tags_for_resource(ResourceName=old_arn))
    [snapshot] = rds.describe_db_snapshots(DBSnapshotIdentifier=f"{database}-s")["DBSnapshots"]
    assert snapshot["DBInstanceIdentifier"] == database


def test_replicas_stay_with_a_renamed_source_and_a_renamed_replica_with_its_source(
    emulator: Emulator, database: str
) -> None:
    create_replica(emulator, f"{database}-r", RECOVERY, describe(emulator, database)["DBInstanceArn"])
    rename(emulator, database, f"{database}-old")
    source = available(emulator, f"{database}-old")
    replica = describe(emulator, f"{database}-r", RECOVERY)
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == source["DBInstanceArn"]
    assert source["ReadReplicaDBInstanceIdentifiers"] == [replica["DBInstanceArn"]]

    rename(emulator, f"{database}-r", f"{database}-s", region=RECOVERY)
    replica = available(emulator, f"{database}-s", RECOVERY)
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == source["DBInstanceArn"]
    assert replica["StatusInfos"][0]["Status"] == "replicating"
    assert describe(emulator, f"{database}-old")["ReadReplicaDBInstanceIdentifiers"] == [replica["DBInstanceArn"]]


def test_groups_go_with_the_instance_and_who_takes_its_name_has_his_own(emulator: Emulator, name: str) -> None:
    closed, opened = security_group(emulator, f"{name}-closed"), security_group(emulator, f"{name}-open", EVERYBODY)
    doors = emulator.world.doors

    def door(identifier: str) -> bool | None:
        return doors.get(("rds", PRIMARY, identifier))

    create(emulator, name, VpcSecurityGroupIds=[closed])
    eventually(lambda: door(name) is False)
    rename(emulator, name, f"{name}-old")
    available(emulator, f"{name}-old")
    eventually(lambda: door(f"{name}-old") is False)
    create(emulator, name, VpcSecurityGroupIds=[opened])
    eventually(lambda: door(name) is True)

    rename(emulator, name, f"{name}-older")
    available(emulator, f"{name}-older")
    eventually(lambda: door(f"{name}-older") is True)
    create(emulator, name, VpcSecurityGroupIds=[closed])
    eventually(lambda: door(name) is False)
    # Shut like the one before the one before: it is told again.
    rename(emulator, name, f"{name}-oldest")
    available(emulator, f"{name}-oldest")
    del doors["rds", PRIMARY, name]
    create(emulator, name, VpcSecurityGroupIds=[closed])
    eventually(lambda: door(name) is False)


def test_without_apply_immediately_the_new_identifier_waits(emulator: Emulator, database: str) -> None:
    rename(emulator, database, f"{database}-old", at_once=False)
    seen = describe(emulator, database)
    assert seen["DBInstanceStatus"] == "available"
    assert seen["PendingModifiedValues"] == {"DBInstanceIdentifier": f"{database}-old"}


def test_what_cannot_be_renamed_is_refused(emulator: Emulator, database: str) -> None:
    create(emulator, f"{database}-two")
    refused("DBInstanceAlreadyExists", lambda: rename(emulator, database, f"{database}-two"))
    refused("DBInstanceNotFound", lambda: rename(emulator, f"{database}-none", f"{database}-three"))
    for invalid in (f"{database}-", "1st", "two--hyphens", "a" * 64):
        refused("InvalidParameterValue", lambda invalid=invalid: rename(emulator, database, invalid))

    rds = emulator.client("rds", PRIMARY)
    emulator.world.databases_may_change.clear()
    rename(emulator, database, f"{database}-old")
    refused("InvalidDBInstanceState", lambda: rename(emulator, database, f"{database}-older"))
    refused(
        "InvalidDBInstanceState",
        lambda: rds.create_db_snapshot(DBInstanceIdentifier=database, DBSnapshotIdentifier=f"{database}-s"),
    )
    refused("DBInstanceAlreadyExists", lambda: rename(emulator, f"{database}-two", f"{database}-old"))
    refused(
        "InvalidDBInstanceState", lambda: rds.delete_db_instance(DBInstanceIdentifier=database, SkipFinalSnapshot=True)
    )
    emulator.world.databases_may_change.set()
    available(emulator, f"{database}-old")

    emulator.world.databases[PRIMARY, f"{database}-two"]["running"] = False
    assert describe(emulator, f"{database}-two")["DBInstanceStatus"] == "failed"
    refused("InvalidDBInstanceState", lambda: rename(emulator, f"{database}-two", f"{database}-three"))


def test_a_server_that_is_not_renamed_keeps_the_instance_s_identifier(emulator: Emulator, database: str) -> None:
    emulator.world.databases[PRIMARY, f"{database}-old"] = dict(emulator.world.databases[PRIMARY, database])
    rename(emulator, database, f"{database}-old")
    seen = available(emulator, database)
    assert seen["PendingModifiedValues"] == {} and find(emulator, f"{database}-old") is None

    def told() -> bool:
        events = emulator.client("rds", PRIMARY).describe_events(SourceIdentifier=database, SourceType="db-instance")
        return any("was not renamed" in event["Message"] for event in events["Events"])

    eventually(told)
