"""RDS: parameter groups of instances and clusters are of a family, and wait for a reboot."""

from __future__ import annotations

import pytest
from aurora_database import AuroraDatabase
from aurora_database import refused as refused_of
from database_instance import create, describe, refused
from emulator_process import PRIMARY, RECOVERY, Emulator, eventually


@pytest.fixture
def aurora(emulator: Emulator, name: str) -> AuroraDatabase:
    """A global database with an instance in each of two Regions."""
    made = AuroraDatabase(emulator, name)
    made.seed()
    return made


def test_a_default_group_is_there_and_a_missing_one_is_not(emulator: Emulator, name: str) -> None:
    rds = emulator.client("rds", PRIMARY)
    [group] = rds.describe_db_parameter_groups(DBParameterGroupName="default.postgres18")["DBParameterGroups"]
    assert group["DBParameterGroupFamily"] == "postgres18"
    [group] = rds.describe_db_cluster_parameter_groups(DBClusterParameterGroupName="default.aurora-mysql8.0")[
        "DBClusterParameterGroups"
    ]
    assert group["DBParameterGroupFamily"] == "aurora-mysql8.0"
    rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="postgres17", Description="own")
    [group] = rds.describe_db_parameter_groups(DBParameterGroupName=name)["DBParameterGroups"]
    assert group["DBParameterGroupFamily"] == "postgres17"
    refused(
        "DBParameterGroupNotFound", lambda: rds.describe_db_cluster_parameter_groups(DBClusterParameterGroupName=name)
    )
    # It belongs to its Region.
    elsewhere = emulator.client("rds", RECOVERY)
    refused("DBParameterGroupNotFound", lambda: elsewhere.describe_db_parameter_groups(DBParameterGroupName=name))


def test_an_instance_gets_no_group_of_another_family(emulator: Emulator, name: str) -> None:
    rds = emulator.client("rds", PRIMARY)
    before = create(emulator, name)["DBParameterGroups"]
    rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="postgres17", Description="own")
    message = refused(
        "InvalidParameterCombination",
        lambda: rds.modify_db_instance(DBInstanceIdentifier=name, DBParameterGroupName=name, ApplyImmediately=True),
    )
    assert "Please use a Parameter Group with DBParameterGroupFamily postgres18" in message
    assert describe(emulator, name)["DBParameterGroups"] == before


def test_a_cluster_s_group_waits_in_each_instance_until_that_is_rebooted(aurora: AuroraDatabase, name: str) -> None:
    rds = aurora.rds(RECOVERY)
    first, second = aurora.instance(RECOVERY), f"{name}-second"
    aurora.add_instance(RECOVERY, second)
    assert aurora.describe(RECOVERY)["DBClusterParameterGroup"] == "default.aurora-postgresql17"

    def waits() -> dict[str, str]:
        members = aurora.describe(RECOVERY)["DBClusterMembers"]
        return {member["DBInstanceIdentifier"]: member["DBClusterParameterGroupStatus"] for member in members}

    def modify() -> dict:
        return rds.modify_db_cluster(
            DBClusterIdentifier=aurora.cluster(RECOVERY), DBClusterParameterGroupName=name, ApplyImmediately=True
        )["DBCluster"]

    refused_of(modify, "DBClusterParameterGroupNotFound")
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=name, DBParameterGroupFamily="aurora-postgresql17", Description="own"
    )
    assert modify()["DBClusterParameterGroup"] == name
    assert waits() == {first: "pending-reboot", second: "pending-reboot"}
    assert aurora.describe(RECOVERY)["Status"] == "available"
    # The same once more is no change.
    rds.reboot_db_instance(DBInstanceIdentifier=second)
    modify()
    eventually(lambda: waits() == {first: "pending-reboot", second: "in-sync"})
    rds.reboot_db_instance(DBInstanceIdentifier=first)
    eventually(lambda: waits() == {first: "in-sync", second: "in-sync"})


def test_a_cluster_gets_no_group_of_another_family(aurora: AuroraDatabase, name: str) -> None:
    rds = aurora.rds(PRIMARY)
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=name, DBParameterGroupFamily="aurora-mysql8.0", Description="own"
    )
    refused_of(
        lambda: rds.modify_db_cluster(DBClusterIdentifier=aurora.cluster(PRIMARY), DBClusterParameterGroupName=name),
        "InvalidParameterCombination",
        "DBParameterGroupFamily aurora-postgresql17",
    )
    assert aurora.describe(PRIMARY)["DBClusterParameterGroup"] == "default.aurora-postgresql17"


def test_tags_retention_and_protection_of_a_cluster_are_told_with_it(aurora: AuroraDatabase) -> None:
    rds, tags = aurora.rds(RECOVERY), [{"Key": "serves", "Value": "payments"}]
    identifier = aurora.cluster(RECOVERY)
    rds.add_tags_to_resource(ResourceName=aurora.arn(RECOVERY), Tags=tags)
    rds.modify_db_cluster(DBClusterIdentifier=identifier, BackupRetentionPeriod=14, DeletionProtection=True)
    told = aurora.describe(RECOVERY)
    assert (told["TagList"], told["BackupRetentionPeriod"], told["DeletionProtection"]) == (tags, 14, True)
    refused_of(
        lambda: rds.modify_db_cluster(DBClusterIdentifier=identifier, BackupRetentionPeriod=36), "InvalidParameterValue"
    )
