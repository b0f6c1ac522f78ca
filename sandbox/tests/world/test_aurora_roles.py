"""An Aurora global database over real servers: what was written is there after a switchover, and accounted for after
a failover. Seen through the endpoints that RDS names."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pilot_sandbox.aws_clients import AwsClients
from pilot_sandbox.topologies import PAYMENTS
from whole_sandbox import Sandbox, eventually

PRIMARY, RECOVERY = PAYMENTS.regions
_ALL = "SELECT number FROM numbered ORDER BY number"


class Aurora:
    """The global database of a sandbox of `payments`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.names = PAYMENTS.names(PAYMENTS.name)
        self._clients = AwsClients(sandbox.content["endpointUrl"])
        self.folder = Path(sandbox.content["dataFolder"]) / "databases" / self.names.workload
        self._password = (self.folder / "primary" / "password").read_text()

    def rds(self, region: str):
        return self._clients.client("rds", region)

    def query(self, region: str, statement: str, *parameters: object) -> list[tuple]:
        """Ask the database of a Region over the endpoint of its cluster."""
        cluster = self.rds(region).describe_db_clusters(DBClusterIdentifier=self.names.cluster(region))["DBClusters"][0]
        with psycopg.connect(
            host=cluster["Endpoint"],
            port=cluster["Port"],
            user="postgres",
            password=self._password,
            dbname="postgres",
            connect_timeout=60,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def write(self, region: str, number: int) -> None:
        # Again after an answer that was lost, the same number is no second row.
        self.query(region, "INSERT INTO numbered VALUES (%s) ON CONFLICT DO NOTHING", number)

    def numbers(self, region: str) -> list[int]:
        return [number for (number,) in self.query(region, _ALL)]

    def record(self) -> dict:
        found = self.rds(RECOVERY).describe_global_clusters(GlobalClusterIdentifier=self.names.global_cluster)
        return found["GlobalClusters"][0]

    def member(self, region: str) -> dict:
        members = self.record()["GlobalClusterMembers"]
        return next(m for m in members if m["DBClusterArn"] == self.names.cluster_arn(region))

    def is_writer(self, region: str) -> bool:
        return self.member(region)["IsWriter"] and "FailoverState" not in self.record()

    def switch_over(self, source: str, target: str) -> None:
        self.rds(source).switchover_global_cluster(
            GlobalClusterIdentifier=self.names.global_cluster,
            TargetDbClusterIdentifier=self.names.cluster_arn(target),
        )
        eventually(lambda: self.is_writer(target), f"{target} is the writer", 60)

    def fail_over(self, target: str) -> None:
        self.rds(target).failover_global_cluster(
            GlobalClusterIdentifier=self.names.global_cluster,
            TargetDbClusterIdentifier=self.names.cluster_arn(target),
            AllowDataLoss=True,
        )
        eventually(lambda: self.is_writer(target), f"{target} is the writer", 60)

    def status(self, region: str, instance: str) -> str:
        """Of an instance."""
        found = self.rds(region).describe_db_instances(DBInstanceIdentifier=instance)
        return found["DBInstances"][0]["DBInstanceStatus"]

    def newest_lag_ms(self, region: str) -> float | None:
        """The newest AuroraGlobalDBRPOLag of a Region's cluster, or None without any."""
        cloudwatch = self._clients.client("cloudwatch", region)
        found = cloudwatch.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "lag",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "AWS/RDS",
                            "MetricName": "AuroraGlobalDBRPOLag",
                            "Dimensions": [{"Name": "DBClusterIdentifier", "Value": self.names.cluster(region)}],
                        },
                        "Period": 60,
                        "Stat": "Minimum",
                    },
                }
            ],
            StartTime=0,
            EndTime=2**32,
        )
        return next(iter(found["MetricDataResults"][0]["Values"]), None)


class Writer:
    """Writes one number after the other to whichever Region takes it, and goes on to the next once one was taken."""

    def __init__(self, aurora: Aurora) -> None:
        self.taken: list[int] = []
        self._aurora = aurora
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.is_set():
            number = len(self.taken) + 1
            for region in (PRIMARY, RECOVERY):
                try:
                    self._aurora.write(region, number)
                except psycopg.Error:
                    continue
                self.taken.append(number)
                break

    def wait_for(self, more: int) -> None:
        """Wait until that many more were taken."""
        wanted = len(self.taken) + more
        eventually(lambda: len(self.taken) >= wanted, f"{wanted} numbers written, not {len(self.taken)}", 60)

    def end(self) -> None:
        self._ended.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def aurora(request: pytest.FixtureRequest) -> Iterator[Aurora]:
    """A global database in a sandbox of its own, in which nothing takes long; with a table for numbers."""
    sandbox = Sandbox(PAYMENTS.name)
    sandbox.control("/delays", {"promotionSeconds": 0.5, "rejoinSeconds": 0.5})
    made = Aurora(sandbox)
    made.query(PRIMARY, "CREATE TABLE numbered (number bigint PRIMARY KEY)")
    yield made
    if sandbox.process.poll() is None:
        sandbox.end(signal.SIGTERM)
    if not request.session.testsfailed:
        shutil.rmtree(sandbox.paths.folder, ignore_errors=True)


def test_switchover_there_and_back_loses_no_row(aurora: Aurora) -> None:
    writer = Writer(aurora)
    writer.wait_for(10)
    aurora.switch_over(PRIMARY, RECOVERY)
    writer.wait_for(10)
    # The old primary follows: it takes no writes, and has what the new one takes.
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        aurora.write(PRIMARY, 0)
    eventually(lambda: aurora.newest_lag_ms(PRIMARY) is not None, "the lag is published where the secondary is now")
    eventually(lambda: aurora.member(PRIMARY)["SynchronizationStatus"] == "connected", "connected")
    aurora.switch_over(RECOVERY, PRIMARY)
    writer.wait_for(10)
    writer.end()
    assert aurora.numbers(PRIMARY) == writer.taken
    eventually(lambda: aurora.numbers(RECOVERY) == writer.taken, "the secondary has everything")


def test_failover_loses_what_had_not_arrived_and_the_old_primary_rejoins(aurora: Aurora) -> None:
    names = aurora.names
    first = max(aurora.numbers(PRIMARY), default=0) + 1
    aurora.write(PRIMARY, first)
    eventually(lambda: first in aurora.numbers(RECOVERY), "the secondary has the number")
    aurora.sandbox.control("/replication/lag", {"seconds": 60})
    aurora.write(PRIMARY, first + 1)
    aurora.sandbox.control("/primary/database/down", {})
    assert aurora.status(PRIMARY, names.cluster_instance(PRIMARY)) == "failed"
    aurora.fail_over(RECOVERY)
    aurora.write(RECOVERY, first + 2)
    after = aurora.numbers(RECOVERY)
    assert first in after and first + 1 not in after
    assert aurora.member(PRIMARY)["SynchronizationStatus"] == "pending-resync"

    aurora.sandbox.control("/replication/lag", {"seconds": 0})
    aurora.sandbox.control("/primary/database/up", {})
    eventually(lambda: aurora.member(PRIMARY)["SynchronizationStatus"] == "connected", "the old primary rejoins", 60)
    aurora.write(RECOVERY, first + 3)
    eventually(lambda: aurora.numbers(PRIMARY) == aurora.numbers(RECOVERY), "it has what the new primary has")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        aurora.write(PRIMARY, 0)

    rds = aurora.rds(PRIMARY)
    [lost] = rds.describe_db_cluster_snapshots(DBClusterIdentifier=names.cluster(PRIMARY))["DBClusterSnapshots"]
    assert lost["DBClusterSnapshotIdentifier"].startswith(f"rds:unplanned-global-failover-{names.cluster(PRIMARY)}-")
    assert (lost["SnapshotType"], lost["Status"]) == ("automated", "available")
    kept_data = aurora.folder / "snapshots" / PRIMARY / lost["DBClusterSnapshotIdentifier"].removeprefix("rds:")
    assert (kept_data / "PG_VERSION").exists()
    rds.copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=lost["DBClusterSnapshotIdentifier"],
        TargetDBClusterSnapshotIdentifier="kept-for-good",
    )

    def kept() -> bool:
        found = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier="kept-for-good")
        [copied] = found["DBClusterSnapshots"]
        return (copied["SnapshotType"], copied["Status"]) == ("manual", "available")

    eventually(kept, "the copy is available")
    # Home again, and ready for the next failover.
    aurora.switch_over(RECOVERY, PRIMARY)
    assert aurora.numbers(PRIMARY) == [*after, first + 3]


def test_an_isolated_primary_takes_writes_until_its_region_is_back(aurora: Aurora) -> None:
    first = max(aurora.numbers(PRIMARY), default=0) + 1
    aurora.sandbox.control("/primary/network/down", {})
    aurora.fail_over(RECOVERY)
    # Nobody could fence it: what it takes now is lost to the global database.
    aurora.write(PRIMARY, first)
    aurora.write(RECOVERY, first + 1)
    aurora.sandbox.control("/primary/network/up", {})
    eventually(lambda: aurora.member(PRIMARY)["SynchronizationStatus"] == "connected", "the old primary rejoins", 60)
    eventually(lambda: aurora.numbers(PRIMARY) == aurora.numbers(RECOVERY), "it has what the new primary has")
    assert first not in aurora.numbers(PRIMARY) and first + 1 in aurora.numbers(PRIMARY)
    aurora.switch_over(RECOVERY, PRIMARY)


def test_the_writer_moves_to_another_instance_of_the_cluster_and_no_row_is_lost(aurora: Aurora) -> None:
    rds, cluster = aurora.rds(PRIMARY), aurora.names.cluster(PRIMARY)
    rds.create_db_instance(
        DBInstanceIdentifier=f"{cluster}-2",
        DBClusterIdentifier=cluster,
        AvailabilityZone=f"{PRIMARY}b",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
    )
    eventually(lambda: aurora.status(PRIMARY, f"{cluster}-2") == "available", "the second instance is available")
    before = aurora.numbers(PRIMARY)
    # The writer's Availability Zone dies, and nothing else of its Region.
    aurora.sandbox.control(f"/zone/{PRIMARY}a/database/down", {})
    assert aurora.status(PRIMARY, aurora.names.cluster_instance(PRIMARY)) == "failed"
    rds.failover_db_cluster(DBClusterIdentifier=cluster)

    def moved_to(instance: str) -> bool:
        [seen] = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"]
        writers = [m["DBInstanceIdentifier"] for m in seen["DBClusterMembers"] if m["IsClusterWriter"]]
        return seen["Status"] == "available" and writers == [instance]

    eventually(lambda: moved_to(f"{cluster}-2"), "the second instance is the writer")
    assert aurora.numbers(PRIMARY) == before
    number = max(before, default=0) + 1
    aurora.write(PRIMARY, number)
    eventually(lambda: number in aurora.numbers(RECOVERY), "the secondary goes on following")
    # Mended, the zone has a reader, and it can be the writer again.
    aurora.sandbox.control(f"/zone/{PRIMARY}a/database/up", {})
    first = aurora.names.cluster_instance(PRIMARY)
    assert aurora.status(PRIMARY, first) == "available"
    rds.failover_db_cluster(DBClusterIdentifier=cluster, TargetDBInstanceIdentifier=first)
    eventually(lambda: moved_to(first), "the first one is the writer")
    assert aurora.numbers(PRIMARY) == [*before, number]
