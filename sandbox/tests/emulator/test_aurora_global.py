"""Aurora global databases: how one is made, what every Region sees of it, and how clusters leave it."""

from __future__ import annotations

import pytest
from aurora_database import ENGINE, VERSION, AuroraDatabase, refused
from emulator_process import PRIMARY, RECOVERY, Emulator, eventually
from security_group import security_group


@pytest.fixture
def aurora(emulator: Emulator, name: str) -> AuroraDatabase:
    """A global database with an instance in each of two Regions."""
    made = AuroraDatabase(emulator, name)
    made.seed()
    return made


def test_every_region_sees_the_same_global_database(aurora: AuroraDatabase) -> None:
    seen = aurora.record(PRIMARY)
    assert seen == aurora.record(RECOVERY) == aurora.record("eu-west-1")
    assert (seen["Status"], seen["Engine"], seen["EngineVersion"]) == ("available", ENGINE, VERSION)
    assert "FailoverState" not in seen
    assert seen["GlobalClusterMembers"] == [
        {
            "DBClusterArn": aurora.arn(PRIMARY),
            "Readers": [aurora.arn(RECOVERY)],
            "IsWriter": True,
            "GlobalWriteForwardingStatus": "disabled",
            "SynchronizationStatus": "connected",
        },
        {
            "DBClusterArn": aurora.arn(RECOVERY),
            "Readers": [],
            "IsWriter": False,
            "GlobalWriteForwardingStatus": "disabled",
            "SynchronizationStatus": "connected",
        },
    ]
    refused(
        lambda: aurora.rds(RECOVERY).describe_global_clusters(GlobalClusterIdentifier="none-such"),
        "GlobalClusterNotFoundFault",
    )


def test_a_cluster_tells_its_server_and_only_the_primary_has_a_writer(aurora: AuroraDatabase) -> None:
    for region, port, writer in ((PRIMARY, 4444, True), (RECOVERY, 5555, False)):
        seen = aurora.describe(region)
        assert (seen["Status"], seen["EngineVersion"]) == ("available", VERSION)
        assert (seen["Endpoint"], seen["Port"]) == ("127.0.0.1", port)
        [member] = seen["DBClusterMembers"]
        assert (member["DBInstanceIdentifier"], member["IsClusterWriter"]) == (aurora.instance(region), writer)
        instance = aurora.rds(region).describe_db_instances(DBInstanceIdentifier=aurora.instance(region))
        assert instance["DBInstances"][0]["Endpoint"]["Port"] == port
    assert aurora.describe(RECOVERY)["GlobalWriteForwardingStatus"] == "disabled"


def test_what_is_being_made_reads_creating(emulator: Emulator, name: str) -> None:
    aurora = AuroraDatabase(emulator, name)
    aurora.rds(PRIMARY).create_global_cluster(GlobalClusterIdentifier=aurora.identifier, Engine=ENGINE)
    assert aurora.add_cluster(PRIMARY)["Status"] == "creating"
    refused(
        lambda: aurora.rds(PRIMARY).create_global_cluster(GlobalClusterIdentifier=aurora.identifier, Engine=ENGINE),
        "GlobalClusterAlreadyExistsFault",
    )
    refused(
        lambda: aurora.rds(PRIMARY).create_global_cluster(
            GlobalClusterIdentifier=f"{name}-other", SourceDBClusterIdentifier=aurora.arn(PRIMARY), Engine=ENGINE
        ),
        "InvalidParameterCombination",
    )


def test_a_dead_server_shows_in_the_writer_and_not_in_the_cluster(aurora: AuroraDatabase) -> None:
    aurora.add_instance(PRIMARY, f"{aurora.name}-reader")
    aurora.server(PRIMARY)["running"] = False
    assert aurora.instance_status(PRIMARY) == "failed"
    assert aurora.instance_status(PRIMARY, f"{aurora.name}-reader") == "available"
    assert aurora.describe(PRIMARY)["Status"] == "available"
    aurora.server(RECOVERY)["running"] = False
    assert aurora.instance_status(RECOVERY) == "failed"


def test_a_detached_secondary_takes_writes_and_a_new_one_follows_before_it_is_available(
    aurora: AuroraDatabase,
) -> None:
    """Detach and promote, AWS's manual failover; then the old primary is made anew as a secondary of the other."""
    refused(lambda: _remove(aurora, PRIMARY), "InvalidGlobalClusterStateFault")
    _remove(aurora, RECOVERY)
    assert aurora.describe(RECOVERY)["Status"] == "promoting"
    eventually(lambda: aurora.describe(RECOVERY)["Status"] == "available")
    assert aurora.server(RECOVERY)["role"] == "primary"
    assert "GlobalClusterIdentifier" not in aurora.describe(RECOVERY)
    assert aurora.describe(RECOVERY)["DBClusterMembers"][0]["IsClusterWriter"]
    refused(lambda: _remove(aurora, RECOVERY), "DBClusterNotFoundFault")
    _remove(aurora, PRIMARY)
    aurora.rds(RECOVERY).delete_global_cluster(GlobalClusterIdentifier=aurora.identifier)

    aurora.rds(RECOVERY).create_global_cluster(
        GlobalClusterIdentifier=aurora.identifier, SourceDBClusterIdentifier=aurora.arn(RECOVERY)
    )
    aurora.rds(PRIMARY).delete_db_instance(DBInstanceIdentifier=aurora.instance(PRIMARY))
    aurora.rds(PRIMARY).delete_db_cluster(DBClusterIdentifier=aurora.cluster(PRIMARY), SkipFinalSnapshot=True)
    assert not aurora.server(PRIMARY)["running"]
    aurora.emulator.world.refuse_follow = "nothing passes between the Regions"
    aurora.rds(PRIMARY).create_db_cluster(
        DBClusterIdentifier=aurora.cluster(PRIMARY), GlobalClusterIdentifier=aurora.identifier, Engine=ENGINE
    )
    asked = f"/hooks/rds/{PRIMARY}/{aurora.cluster(PRIMARY)}/follow"
    eventually(lambda: asked in [path for path, _ in aurora.emulator.world.calls])
    assert aurora.describe(PRIMARY)["Status"] == "creating"
    aurora.emulator.world.refuse_follow = None
    eventually(lambda: aurora.describe(PRIMARY)["Status"] == "available")
    assert aurora.server(PRIMARY)["role"] == "standby"
    assert not aurora.member(PRIMARY)["IsWriter"]


def test_the_global_database_is_deleted_only_when_it_is_empty(aurora: AuroraDatabase) -> None:
    rds = aurora.rds(RECOVERY)
    delete = {"GlobalClusterIdentifier": aurora.identifier}
    refused(lambda: rds.delete_global_cluster(**delete), "InvalidGlobalClusterStateFault")
    for region in (RECOVERY, PRIMARY):
        refused(
            lambda region=region: aurora.rds(region).delete_db_cluster(
                DBClusterIdentifier=aurora.cluster(region), SkipFinalSnapshot=True
            ),
            "InvalidDBClusterStateFault",
        )
        _remove(aurora, region)
    rds.delete_global_cluster(**delete)
    refused(lambda: rds.describe_global_clusters(**delete), "GlobalClusterNotFoundFault")


def test_a_cluster_is_deleted_with_a_final_snapshot_or_a_word_that_there_is_none(aurora: AuroraDatabase) -> None:
    rds, cluster = aurora.rds(RECOVERY), {"DBClusterIdentifier": aurora.cluster(RECOVERY)}
    _remove(aurora, RECOVERY)
    eventually(lambda: aurora.describe(RECOVERY)["Status"] == "available")
    refused(
        lambda: rds.delete_db_cluster(**cluster, SkipFinalSnapshot=True),
        "InvalidDBClusterStateFault",
        "contains DB instances",
    )
    rds.delete_db_instance(DBInstanceIdentifier=aurora.instance(RECOVERY))
    final = f"{aurora.name}-final"
    refused(lambda: rds.delete_db_cluster(**cluster), "InvalidParameterCombination")
    refused(
        lambda: rds.delete_db_cluster(**cluster, SkipFinalSnapshot=True, FinalDBSnapshotIdentifier=final),
        "InvalidParameterCombination",
    )
    rds.delete_db_cluster(**cluster, FinalDBSnapshotIdentifier=final)
    refused(lambda: rds.describe_db_clusters(**cluster), "DBClusterNotFoundFault")
    [snapshot] = aurora.snapshots(RECOVERY)
    assert (snapshot["DBClusterSnapshotIdentifier"], snapshot["SnapshotType"]) == (final, "manual")
    assert not aurora.server(RECOVERY)["running"]


def test_security_groups_are_the_clusters_and_move_its_door(aurora: AuroraDatabase, emulator: Emulator) -> None:
    rds = aurora.rds(PRIMARY)
    shut = security_group(emulator, f"{aurora.name}-closed")
    cluster = {"DBClusterIdentifier": aurora.cluster(PRIMARY)}
    refused(
        lambda: rds.modify_db_instance(
            DBInstanceIdentifier=aurora.instance(PRIMARY), VpcSecurityGroupIds=[shut], ApplyImmediately=True
        ),
        "InvalidParameterCombination",
    )
    refused(
        lambda: rds.modify_db_cluster(**cluster, VpcSecurityGroupIds=["sg-0123456789abcdef0"]), "InvalidParameterValue"
    )
    refused(lambda: rds.modify_db_cluster(**cluster, BackupRetentionPeriod=0), "InvalidParameterValue")
    changed = rds.modify_db_cluster(**cluster, VpcSecurityGroupIds=[shut])["DBCluster"]
    assert changed["VpcSecurityGroups"] == [{"VpcSecurityGroupId": shut, "Status": "adding"}]
    eventually(lambda: aurora.describe(PRIMARY)["VpcSecurityGroups"][0]["Status"] == "active")
    assert emulator.world.doors["rds", PRIMARY, aurora.cluster(PRIMARY)] is False
    instance = rds.describe_db_instances(DBInstanceIdentifier=aurora.instance(PRIMARY))["DBInstances"][0]
    assert [group["VpcSecurityGroupId"] for group in instance["VpcSecurityGroups"]] == [shut]


def _remove(aurora: AuroraDatabase, region: str) -> None:
    aurora.rds(RECOVERY).remove_from_global_cluster(
        GlobalClusterIdentifier=aurora.identifier, DbClusterIdentifier=aurora.arn(region)
    )
