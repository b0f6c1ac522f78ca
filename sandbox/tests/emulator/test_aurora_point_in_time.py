"""RestoreDBClusterToPointInTime: a new cluster of what another had, within the window of its continuous backup."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from aurora_database import refused
from emulator_process import RECOVERY, Emulator, eventually


class Cluster:
    """A cluster that stands alone, with a real server of the fake world."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self.name, self.world, self.rds = name, emulator.world, emulator.client("rds")
        server = {"running": True, "role": "primary", "replication": None, "address": "127.0.0.1", "port": 4447}
        self.world.databases[RECOVERY, name] = server
        self.rds.create_db_cluster(
            DBClusterIdentifier=name,
            Engine="aurora-postgresql",
            EngineVersion="17.5",
            MasterUsername="owner",
            MasterUserPassword="not-a-real-one",
            BackupRetentionPeriod=7,
            DeletionProtection=True,
            Tags=[{"Key": "team", "Value": "shop"}],
        )
        eventually(lambda: self.describe()["Status"] == "available")

    def describe(self, name: str | None = None) -> dict:
        return self.rds.describe_db_clusters(DBClusterIdentifier=name or self.name)["DBClusters"][0]

    def window(self) -> tuple[datetime, datetime]:
        cluster = self.describe()
        return cluster["EarliestRestorableTime"], cluster["LatestRestorableTime"]

    def restore(self, target: str | None = None, **more: object) -> dict:
        return self.rds.restore_db_cluster_to_point_in_time(
            DBClusterIdentifier=target or f"{self.name}-new", SourceDBClusterIdentifier=self.name, **more
        )["DBCluster"]

    def asked_at(self, name: str | None = None) -> list[float]:
        """The times that the world was asked to restore the cluster to."""
        return [body["atSeconds"] for path, body in self.world.calls if path.endswith(f"/{name or self.name}/restore")]


@pytest.fixture
def cluster(emulator: Emulator, name: str) -> Cluster:
    return Cluster(emulator, name)


def test_a_restored_cluster_is_new_and_has_no_instance(cluster: Cluster) -> None:
    earliest, latest = cluster.window()
    assert earliest < latest
    at = earliest + timedelta(milliseconds=1500)
    cluster.world.delays["restoreSeconds"] = 600.0
    assert cluster.restore(RestoreToTime=at, RestoreType="full-copy")["Status"] == "creating"
    cluster.world.delays["restoreSeconds"] = 0.5
    new = f"{cluster.name}-new"
    eventually(lambda: cluster.describe(new)["Status"] == "available")
    assert cluster.asked_at() == [pytest.approx(at.timestamp(), abs=0.002)]
    restored = cluster.describe(new)
    assert (restored["Engine"], restored["MasterUsername"]) == ("aurora-postgresql", "owner")
    assert (restored["BackupRetentionPeriod"], restored["DeletionProtection"], restored["TagList"]) == (1, False, [])
    assert restored["DBClusterMembers"] == [] and not cluster.world.databases[RECOVERY, new]["running"]
    cluster.rds.create_db_instance(
        DBInstanceIdentifier=f"{new}-1",
        DBClusterIdentifier=new,
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
    )
    eventually(lambda: cluster.world.databases[RECOVERY, new]["running"])
    # The new one has a continuous backup of its own.
    eventually(lambda: cluster.world.databases[RECOVERY, new]["restorable"])


def test_the_latest_time_is_asked_for_by_name(cluster: Cluster) -> None:
    _, latest = cluster.window()
    cluster.restore(UseLatestRestorableTime=True, DeletionProtection=True, Tags=[{"Key": "restored", "Value": "yes"}])
    new = f"{cluster.name}-new"
    eventually(lambda: cluster.describe(new)["Status"] == "available")
    assert cluster.asked_at() == [pytest.approx(latest.timestamp(), abs=0.002)]
    restored = cluster.describe(new)
    assert restored["DeletionProtection"] and restored["TagList"] == [{"Key": "restored", "Value": "yes"}]


def test_what_cannot_be_restored_is_refused(cluster: Cluster) -> None:
    earliest, latest = cluster.window()
    second = timedelta(seconds=1)
    for at in (earliest - second, latest + second):
        refused(lambda at=at: cluster.restore(RestoreToTime=at), "InvalidRestoreFault", "can be restored from")
    for wrong in (
        {},
        {"RestoreToTime": latest, "UseLatestRestorableTime": True},
        {"RestoreToTime": latest, "RestoreType": "copy-on-write"},
    ):
        refused(lambda wrong=wrong: cluster.restore(**wrong), "InvalidParameterCombination")
    late = {"UseLatestRestorableTime": True}
    refused(lambda: cluster.restore(RestoreType="no-copy", **late), "InvalidParameterValue")
    refused(lambda: cluster.restore(cluster.name, **late), "DBClusterAlreadyExistsFault")
    refused(lambda: cluster.restore(DBSubnetGroupName="none-such", **late), "DBSubnetGroupNotFoundFault")
    refused(lambda: cluster.restore(DBClusterParameterGroupName="none-such", **late), "DBClusterParameterGroupNotFound")
    refused(lambda: cluster.restore(VpcSecurityGroupIds=["sg-none-such"], **late), "InvalidParameterValue")
    refused(
        lambda: cluster.rds.restore_db_cluster_to_point_in_time(
            DBClusterIdentifier="new", SourceDBClusterIdentifier="none-such", UseLatestRestorableTime=True
        ),
        "DBClusterNotFoundFault",
    )
    assert cluster.asked_at() == []
    cluster.world.databases[RECOVERY, cluster.name]["restorable"] = None
    refused(lambda: cluster.restore(**late), "InvalidRestoreFault", "no backup")


def test_a_restore_that_fails_says_so(cluster: Cluster) -> None:
    cluster.world.refuse_restore = "no room is left"
    cluster.restore(UseLatestRestorableTime=True)
    new = f"{cluster.name}-new"
    eventually(lambda: cluster.describe(new)["Status"] == "restore-error")
    events = cluster.rds.describe_events(SourceIdentifier=new, SourceType="db-cluster")["Events"]
    assert any("no room is left" in event["Message"] for event in events)
