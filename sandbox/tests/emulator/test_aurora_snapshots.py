"""Snapshots of clusters: taken, found, copied to manual ones, and the automated ones that nobody can delete."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aurora_database import AuroraDatabase, refused
from emulator_process import ACCOUNT, PRIMARY, RECOVERY, Emulator, eventually

_NOT_FOUND, _STATE = "DBClusterSnapshotNotFoundFault", "InvalidDBClusterSnapshotStateFault"


@pytest.fixture
def aurora(emulator: Emulator, name: str) -> AuroraDatabase:
    """A healthy global database with an instance in each of two Regions."""
    made = AuroraDatabase(emulator, name)
    made.seed()
    return made


@pytest.fixture
def lost(aurora: AuroraDatabase, emulator: Emulator) -> Iterator[str]:
    """The automated snapshot that a failover left in the old primary's Region."""
    before = dict(emulator.world.delays)
    emulator.world.delays.update(promotionSeconds=0.2, rejoinSeconds=0.2)
    aurora.fail_over()
    eventually(lambda: aurora.moved_to(RECOVERY))
    [snapshot] = eventually(lambda: aurora.snapshots(PRIMARY))
    yield snapshot["DBClusterSnapshotIdentifier"]
    emulator.world.delays = before


def test_an_automated_snapshot_is_copied_to_a_manual_one(aurora: AuroraDatabase, lost: str) -> None:
    rds, kept = aurora.rds(PRIMARY), f"{aurora.name}-kept"
    answer = rds.copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=lost,
        TargetDBClusterSnapshotIdentifier=kept,
        Tags=[{"Key": "reason", "Value": "loss"}],
    )["DBClusterSnapshot"]
    assert (answer["Status"], answer["SnapshotType"], answer["PercentProgress"]) == ("copying", "manual", 0)
    refused(lambda: _copy(aurora, kept, f"{kept}-again"), _STATE, "copying")
    [seen] = eventually(lambda: [s for s in aurora.snapshots(PRIMARY, SnapshotType="manual") if _ready(s)])
    assert seen["SourceDBClusterSnapshotArn"] == _arn(PRIMARY, lost)
    assert (seen["DBClusterSnapshotArn"], seen["PercentProgress"]) == (_arn(PRIMARY, kept), 100)
    assert seen["TagList"] == [{"Key": "reason", "Value": "loss"}]
    refused(lambda: _copy(aurora, lost, kept), "DBClusterSnapshotAlreadyExistsFault")

    refused(lambda: rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=lost), _STATE, "manual")
    rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=kept)
    assert [s["DBClusterSnapshotIdentifier"] for s in aurora.snapshots(PRIMARY)] == [lost]


def test_a_copy_is_refused_without_a_source_or_a_usable_name(aurora: AuroraDatabase, lost: str) -> None:
    refused(lambda: _copy(aurora, "none-such", f"{aurora.name}-kept"), _NOT_FOUND)
    for name in ("rds:mine", "1st", "two--hyphens", "last-"):
        refused(lambda name=name: _copy(aurora, lost, name), "InvalidParameterValue", "identifier")
    # A name means one of this Region; an ARN may mean one of another.
    other = aurora.rds(RECOVERY)
    target = {"TargetDBClusterSnapshotIdentifier": f"{aurora.name}-elsewhere"}
    refused(lambda: other.copy_db_cluster_snapshot(SourceDBClusterSnapshotIdentifier=lost, **target), _NOT_FOUND)
    other.copy_db_cluster_snapshot(SourceDBClusterSnapshotIdentifier=_arn(PRIMARY, lost), **target)
    found = other.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=f"{aurora.name}-elsewhere")
    assert len(found["DBClusterSnapshots"]) == 1


def test_snapshots_are_found_by_name_type_and_filter(aurora: AuroraDatabase, lost: str) -> None:
    rds, manual = aurora.rds(PRIMARY), f"{aurora.name}-manual"
    made = rds.create_db_cluster_snapshot(
        DBClusterIdentifier=aurora.cluster(PRIMARY), DBClusterSnapshotIdentifier=manual
    )["DBClusterSnapshot"]
    assert made["Status"] == "creating"
    refused(lambda: rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=manual), _STATE, "creating")
    eventually(lambda: all(_ready(snapshot) for snapshot in aurora.snapshots(PRIMARY)))

    def names(**wanted: object) -> list[str]:
        found = rds.describe_db_cluster_snapshots(**wanted)["DBClusterSnapshots"]
        return sorted(snapshot["DBClusterSnapshotIdentifier"] for snapshot in found)

    cluster = aurora.cluster(PRIMARY)
    assert names(DBClusterIdentifier=cluster) == sorted([lost, manual])
    assert names(DBClusterIdentifier=aurora.arn(PRIMARY), SnapshotType="automated") == [lost]
    assert names(DBClusterSnapshotIdentifier=_arn(PRIMARY, lost)) == [lost]
    by_cluster = {"Name": "db-cluster-id", "Values": [cluster]}
    assert names(Filters=[by_cluster, {"Name": "snapshot-type", "Values": ["manual"]}]) == [manual]
    assert names(DBClusterIdentifier=aurora.cluster(RECOVERY)) == []
    refused(lambda: names(DBClusterSnapshotIdentifier="none-such"), _NOT_FOUND)
    refused(lambda: rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="none-such"), _NOT_FOUND)
    refused(
        lambda: rds.create_db_cluster_snapshot(DBClusterIdentifier=cluster, DBClusterSnapshotIdentifier=manual),
        "DBClusterSnapshotAlreadyExistsFault",
    )
    refused(
        lambda: rds.create_db_cluster_snapshot(DBClusterIdentifier="none-such", DBClusterSnapshotIdentifier="another"),
        "DBClusterNotFoundFault",
    )


def test_automated_snapshots_go_with_their_cluster_and_copies_stay(aurora: AuroraDatabase, lost: str) -> None:
    rds, kept = aurora.rds(PRIMARY), f"{aurora.name}-kept"
    _copy(aurora, lost, kept)
    rds.remove_from_global_cluster(GlobalClusterIdentifier=aurora.identifier, DbClusterIdentifier=aurora.arn(PRIMARY))
    rds.delete_db_instance(DBInstanceIdentifier=aurora.instance(PRIMARY))
    rds.delete_db_cluster(DBClusterIdentifier=aurora.cluster(PRIMARY), SkipFinalSnapshot=True)
    assert [s["DBClusterSnapshotIdentifier"] for s in aurora.snapshots(PRIMARY)] == [kept]


def _copy(aurora: AuroraDatabase, source: str, target: str) -> None:
    aurora.rds(PRIMARY).copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=source, TargetDBClusterSnapshotIdentifier=target
    )


def _arn(region: str, snapshot: str) -> str:
    return f"arn:aws:rds:{region}:{ACCOUNT}:cluster-snapshot:{snapshot}"


def _ready(snapshot: dict) -> bool:
    return snapshot["Status"] == "available"
