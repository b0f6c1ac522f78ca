"""RDS: read replicas in either direction, what they do not take from their source, and when they are refused."""

from __future__ import annotations

import pytest
from database_instance import available, create, create_replica, describe, refused
from emulator_process import PRIMARY, RECOVERY, Emulator, eventually


@pytest.fixture
def database(emulator: Emulator, name: str) -> str:
    """An available instance in the primary Region."""
    create(emulator, name)
    return name


def replicate(emulator: Emulator, identifier: str, region: str, source_arn: str, **more: object) -> dict:
    """CreateDBInstanceReadReplica."""
    return emulator.client("rds", region).create_db_instance_read_replica(
        DBInstanceIdentifier=identifier, SourceDBInstanceIdentifier=source_arn, **more
    )["DBInstance"]


def test_replica_of_a_promoted_replica_goes_the_other_way(emulator: Emulator, database: str) -> None:
    away, back = f"{database}-away", f"{database}-back"
    create_replica(emulator, away, RECOVERY, describe(emulator, database)["DBInstanceArn"])
    emulator.client("rds").promote_read_replica(DBInstanceIdentifier=away, BackupRetentionPeriod=7)
    eventually(lambda: "ReadReplicaSourceDBInstanceIdentifier" not in describe(emulator, away, RECOVERY))
    source = available(emulator, away, RECOVERY)

    emulator.world.databases_may_change.clear()
    made = replicate(emulator, back, PRIMARY, source["DBInstanceArn"])
    assert made["DBInstanceStatus"] == "creating"
    assert describe(emulator, away, RECOVERY)["DBInstanceStatus"] == "modifying"
    emulator.world.databases_may_change.set()
    replica = available(emulator, back)
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == source["DBInstanceArn"]
    assert replica["StatusInfos"][0]["Status"] == "replicating"
    assert emulator.world.databases[PRIMARY, back]["role"] == "standby"
    seen = available(emulator, away, RECOVERY)
    assert seen["ReadReplicaDBInstanceIdentifiers"] == [replica["DBInstanceArn"]]


def test_settings_of_the_source_are_not_the_replica_s(emulator: Emulator, database: str) -> None:
    rds = emulator.client("rds", PRIMARY)
    rds.create_db_parameter_group(
        DBParameterGroupName=f"{database}-own", DBParameterGroupFamily="postgres18", Description="of the source"
    )
    rds.modify_db_instance(
        DBInstanceIdentifier=database, DBParameterGroupName=f"{database}-own", DeletionProtection=True
    )
    source = describe(emulator, database)
    rds.add_tags_to_resource(ResourceName=source["DBInstanceArn"], Tags=[{"Key": "owner", "Value": "shop"}])
    replica = create_replica(emulator, f"{database}-r", RECOVERY, source["DBInstanceArn"])
    [group] = replica["DBParameterGroups"]
    assert group == {"DBParameterGroupName": "default.postgres18", "ParameterApplyStatus": "in-sync"}
    assert (replica["DeletionProtection"], replica["BackupRetentionPeriod"]) == (False, 0)
    assert replica["TagList"] == []

    given = create_replica(
        emulator,
        f"{database}-t",
        RECOVERY,
        source["DBInstanceArn"],
        DeletionProtection=True,
        Tags=[{"Key": "owner", "Value": "replica"}],
    )
    assert (given["DeletionProtection"], given["TagList"]) == (True, [{"Key": "owner", "Value": "replica"}])


def test_what_cannot_be_a_source_is_refused(emulator: Emulator, database: str) -> None:
    arn = describe(emulator, database)["DBInstanceArn"]
    refused("DBInstanceNotFound", lambda: replicate(emulator, f"{database}-r", RECOVERY, f"{arn}-none"))
    create(emulator, f"{database}-taken", RECOVERY)
    refused("DBInstanceAlreadyExists", lambda: replicate(emulator, f"{database}-taken", RECOVERY, arn))

    create(emulator, f"{database}-bare", BackupRetentionPeriod=0)
    refused("InvalidDBInstanceState", lambda: replicate(emulator, f"{database}-r", RECOVERY, f"{arn}-bare"))

    replica = create_replica(emulator, f"{database}-r", RECOVERY, arn)
    emulator.client("rds").modify_db_instance(
        DBInstanceIdentifier=f"{database}-r", BackupRetentionPeriod=1, ApplyImmediately=True
    )
    available(emulator, f"{database}-r", RECOVERY)
    refused("InvalidDBInstanceState", lambda: replicate(emulator, f"{database}-b", PRIMARY, replica["DBInstanceArn"]))

    emulator.world.databases[PRIMARY, database]["running"] = False
    refused("InvalidDBInstanceState", lambda: replicate(emulator, f"{database}-s", RECOVERY, arn))


def test_only_some_engines_take_a_parameter_group_with_a_new_replica(emulator: Emulator, database: str) -> None:
    group = f"{database}-own"
    arn = describe(emulator, database)["DBInstanceArn"]
    refused(
        "InvalidParameterCombination",
        lambda: replicate(emulator, f"{database}-r", RECOVERY, arn, DBParameterGroupName="default.postgres18"),
    )
    create(emulator, f"{database}-m", Engine="mysql", EngineVersion="8.4.5")
    arn = describe(emulator, f"{database}-m")["DBInstanceArn"]
    call = {"source_arn": arn, "DBParameterGroupName": group}
    refused("DBParameterGroupNotFound", lambda: replicate(emulator, f"{database}-r", RECOVERY, **call))
    emulator.client("rds").create_db_parameter_group(
        DBParameterGroupName=group, DBParameterGroupFamily="mysql8.4", Description="of the replica"
    )
    replica = create_replica(emulator, f"{database}-r", RECOVERY, **call)
    assert replica["DBParameterGroups"][0]["DBParameterGroupName"] == group


def test_a_server_that_cannot_be_filled_leaves_a_failed_replica_and_an_event(emulator: Emulator, database: str) -> None:
    emulator.world.refuse_follow = "nothing passes between the Regions"
    replica = f"{database}-r"
    replicate(emulator, replica, RECOVERY, describe(emulator, database)["DBInstanceArn"])
    eventually(lambda: describe(emulator, replica, RECOVERY)["DBInstanceStatus"] == "failed")

    def told() -> bool:
        events = emulator.client("rds").describe_events(SourceIdentifier=replica, SourceType="db-instance")["Events"]
        return any("nothing passes between the Regions" in event["Message"] for event in events)

    eventually(told)
    assert available(emulator, database)
