"""RDS: ModifyDBInstance is refused as on AWS, and new security groups come into force a moment later."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from emulator_process import PRIMARY, RECOVERY, Emulator, eventually
from security_group import EVERYBODY, security_group


@pytest.fixture
def opened(emulator: Emulator, name: str) -> str:
    """A group that admits everybody."""
    return security_group(emulator, f"{name}-open", EVERYBODY)


@pytest.fixture
def closed(emulator: Emulator, name: str) -> str:
    """A group that admits nobody."""
    return security_group(emulator, f"{name}-closed")


@pytest.fixture
def database(emulator: Emulator, name: str, opened: str) -> str:
    """An available instance with the open group and a real server behind it."""
    emulator.world.databases[PRIMARY, name] = {
        "running": True,
        "role": "primary",
        "replication": None,
        "lagSeconds": None,
        "address": "127.0.0.1",
        "port": 5555,
    }
    emulator.client("rds", PRIMARY).create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="not-a-real-one",
        BackupRetentionPeriod=1,
        VpcSecurityGroupIds=[opened],
    )
    eventually(lambda: describe(emulator, name)["DBInstanceStatus"] == "available")
    return name


def describe(emulator: Emulator, name: str, region: str = PRIMARY) -> dict:
    """The instance as DescribeDBInstances tells it."""
    return emulator.client("rds", region).describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def memberships(instance: dict) -> dict[str, str]:
    """The instance's groups, each with its status."""
    return {group["VpcSecurityGroupId"]: group["Status"] for group in instance["VpcSecurityGroups"]}


def modify(emulator: Emulator, name: str, *groups: str) -> dict:
    """ModifyDBInstance with these groups."""
    answer = emulator.client("rds", PRIMARY).modify_db_instance(
        DBInstanceIdentifier=name, VpcSecurityGroupIds=list(groups), ApplyImmediately=True
    )
    return answer["DBInstance"]


def is_open(emulator: Emulator, name: str) -> bool | None:
    """What the world was last told about the database's door; None where it was told nothing."""
    return emulator.world.doors.get(("rds", PRIMARY, name))


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    """The AWS error code."""
    return error.value.response["Error"]["Code"]


def test_new_groups_are_active_only_when_the_door_follows_them(
    emulator: Emulator, database: str, opened: str, closed: str
) -> None:
    emulator.world.refuse_doors = "not yet"
    answered = modify(emulator, database, closed)
    assert memberships(answered) == {closed: "adding", opened: "removing"}
    path = f"/hooks/doors/rds/{PRIMARY}/{database}"
    eventually(lambda: path in [called for called, _ in emulator.world.calls])
    waiting = describe(emulator, database)
    assert memberships(waiting) == {closed: "adding", opened: "removing"}
    assert waiting["DBInstanceStatus"] == "available"

    emulator.world.refuse_doors = None
    eventually(lambda: memberships(describe(emulator, database)) == {closed: "active"})
    assert is_open(emulator, database) is False

    modify(emulator, database, opened)
    eventually(lambda: memberships(describe(emulator, database)) == {opened: "active"})
    assert is_open(emulator, database) is True


def test_the_last_of_several_changes_comes_into_force(
    emulator: Emulator, database: str, opened: str, closed: str
) -> None:
    other = security_group(emulator, f"{database}-other", EVERYBODY)
    modify(emulator, database, closed)
    assert memberships(modify(emulator, database, opened)) == {opened: "active"}
    assert memberships(modify(emulator, database, other, closed)) == {
        other: "adding",
        closed: "adding",
        opened: "removing",
    }
    eventually(lambda: memberships(describe(emulator, database)) == {other: "active", closed: "active"})
    modify(emulator, database, closed)
    eventually(lambda: memberships(describe(emulator, database)) == {closed: "active"})
    assert is_open(emulator, database) is False


def test_the_same_groups_again_change_nothing_and_other_values_leave_them_alone(
    emulator: Emulator, database: str, opened: str
) -> None:
    assert memberships(modify(emulator, database, opened)) == {opened: "active"}
    changed = emulator.client("rds", PRIMARY).modify_db_instance(
        DBInstanceIdentifier=database, BackupRetentionPeriod=5, ApplyImmediately=True
    )["DBInstance"]
    assert (changed["BackupRetentionPeriod"], memberships(changed)) == (5, {opened: "active"})


def test_what_there_is_none_of_is_refused(emulator: Emulator, database: str, opened: str, closed: str) -> None:
    with pytest.raises(ClientError) as error:
        modify(emulator, f"{database}-none", closed)
    assert code_of(error) == "DBInstanceNotFound"
    with pytest.raises(ClientError) as error:
        modify(emulator, database, closed, "sg-0123456789abcdef1")
    assert code_of(error) == "InvalidParameterValue"
    assert memberships(describe(emulator, database)) == {opened: "active"}


def test_an_instance_that_is_not_available_is_not_modified(
    emulator: Emulator, database: str, opened: str, closed: str
) -> None:
    emulator.world.databases[PRIMARY, database]["running"] = False
    assert describe(emulator, database)["DBInstanceStatus"] == "failed"
    with pytest.raises(ClientError) as error:
        modify(emulator, database, closed)
    assert code_of(error) == "InvalidDBInstanceState"
    assert memberships(describe(emulator, database)) == {opened: "active"}


def test_a_replica_in_another_region_has_not_its_source_s_groups(
    emulator: Emulator, database: str, name: str, opened: str
) -> None:
    emulator.client("rds", RECOVERY).create_db_instance_read_replica(
        DBInstanceIdentifier=f"{name}-replica", SourceDBInstanceIdentifier=describe(emulator, database)["DBInstanceArn"]
    )
    assert opened not in memberships(describe(emulator, f"{name}-replica", RECOVERY))


def test_parameter_group_is_named_at_once_and_in_force_after_a_reboot(emulator: Emulator, database: str) -> None:
    rds = emulator.client("rds", PRIMARY)
    with pytest.raises(ClientError) as error:
        rds.modify_db_instance(DBInstanceIdentifier=database, DBParameterGroupName=f"{database}-own")
    assert code_of(error) == "DBParameterGroupNotFound"
    rds.create_db_parameter_group(
        DBParameterGroupName=f"{database}-own", DBParameterGroupFamily="postgres15", Description="its own"
    )
    rds.modify_db_instance(DBInstanceIdentifier=database, DBParameterGroupName=f"{database}-own", ApplyImmediately=True)
    [group] = describe(emulator, database)["DBParameterGroups"]
    assert group == {"DBParameterGroupName": f"{database}-own", "ParameterApplyStatus": "pending-reboot"}


def test_switching_backups_off_takes_a_moment_or_a_maintenance_window(emulator: Emulator, database: str) -> None:
    rds = emulator.client("rds", PRIMARY)
    with pytest.raises(ClientError) as error:
        rds.modify_db_instance(DBInstanceIdentifier=database, BackupRetentionPeriod=36)
    assert code_of(error) == "InvalidParameterValue"
    rds.modify_db_instance(DBInstanceIdentifier=database, BackupRetentionPeriod=0)
    waiting = describe(emulator, database)
    assert (waiting["BackupRetentionPeriod"], waiting["DBInstanceStatus"]) == (1, "available")
    assert waiting["PendingModifiedValues"] == {"BackupRetentionPeriod": 0}
    # From one number of days to another it needs none.
    rds.modify_db_instance(DBInstanceIdentifier=database, BackupRetentionPeriod=5)
    assert describe(emulator, database)["BackupRetentionPeriod"] == 5
    answered = rds.modify_db_instance(DBInstanceIdentifier=database, BackupRetentionPeriod=0, ApplyImmediately=True)
    assert answered["DBInstance"]["DBInstanceStatus"] == "modifying"
    eventually(lambda: describe(emulator, database)["DBInstanceStatus"] == "available")
    assert describe(emulator, database)["BackupRetentionPeriod"] == 0


def test_tags_are_told_with_the_instance(emulator: Emulator, database: str) -> None:
    rds = emulator.client("rds", PRIMARY)
    arn, tags = describe(emulator, database)["DBInstanceArn"], [{"Key": "owner", "Value": "shop"}]
    rds.add_tags_to_resource(ResourceName=arn, Tags=tags)
    assert describe(emulator, database)["TagList"] == tags
    assert rds.list_tags_for_resource(ResourceName=arn)["TagList"] == tags
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["owner"])
    assert describe(emulator, database)["TagList"] == []
    with pytest.raises(ClientError) as error:
        rds.add_tags_to_resource(ResourceName=f"{arn}-none", Tags=tags)
    assert code_of(error) == "DBInstanceNotFound"
