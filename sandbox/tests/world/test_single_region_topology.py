"""`single-region` over the AWS API alone: it serves, survives a zone by hand, is restored by hand, and goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pilot_sandbox.seed.table import items
from seeded import Seeded, seeded_sandbox
from whole_sandbox import eventually

_REGION = "us-east-1"


@pytest.fixture(scope="module")
def seeded(request: pytest.FixtureRequest) -> Iterator[Seeded]:
    with seeded_sandbox("single-region", request) as made:
        made.sandbox.control("/delays", {"promotionSeconds": 0.5})
        yield made


def _writer(seeded: Seeded, cluster: str) -> dict:
    """The writer instance of a cluster."""
    rds = seeded.primary("rds")
    members = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]["DBClusterMembers"]
    [writer] = [member["DBInstanceIdentifier"] for member in members if member["IsClusterWriter"]]
    return rds.describe_db_instances(DBInstanceIdentifier=writer)["DBInstances"][0]


def test_it_serves_from_a_cluster_over_two_zones(seeded: Seeded) -> None:
    names = seeded.names
    health = seeded.called("/health")
    assert (health.status, health.region, health.body["writable"]) == (200, _REGION, True)
    instances = seeded.primary("rds").describe_db_instances()["DBInstances"]
    zones = {each["DBInstanceIdentifier"]: each["AvailabilityZone"] for each in instances}
    cluster = names.cluster(_REGION)
    assert zones == {f"{cluster}-1": "us-east-1a", f"{cluster}-2": "us-east-1b"}
    assert _writer(seeded, cluster)["AvailabilityZone"] == "us-east-1a"
    concurrency = seeded.primary("lambda").get_function_concurrency(FunctionName=names.function)
    assert concurrency["ReservedConcurrentExecutions"] == 50
    kept = seeded.primary("dynamodb").describe_continuous_backups(TableName=names.table)
    recovery = kept["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_an_hourly_backup_is_another_recovery_point_of_each(seeded: Seeded) -> None:
    before = seeded.recovery_points()
    seeded.sandbox.control("/backup/take", {})
    points = seeded.recovery_points()
    assert len(points) == len(before) + 2
    protected = {seeded.names.cluster_arn(_REGION), seeded.names.table_arn}
    assert {point["ResourceArn"] for point in points[:2]} == protected
    assert {point["Status"] for point in points} == {"COMPLETED"}


def test_a_workload_that_is_removed_leaves_nothing(seeded: Seeded) -> None:
    before = seeded.resources()
    seeded.sandbox.control("/workloads", {"name": "pl-other"})
    assert len(seeded.resources()[_REGION]) > len(before[_REGION])
    seeded.sandbox.control("/workloads/pl-other", method="DELETE")
    assert seeded.resources() == before


def test_a_function_without_concurrency_serves_nobody(seeded: Seeded) -> None:
    functions, name = seeded.primary("lambda"), seeded.names.function
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    eventually(lambda: seeded.called("/live").status == 503, "every request is throttled", 60)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=50)
    eventually(lambda: seeded.called("/live").status == 200, "requests are taken again", 60)


def test_a_zone_dies_and_the_writer_moves(seeded: Seeded) -> None:
    rds, cluster = seeded.primary("rds"), seeded.names.cluster(_REGION)
    confirmed = seeded.client()["acked"]
    eventually(lambda: seeded.client()["acked"] > confirmed, "orders are confirmed", 60)
    seeded.sandbox.control(seeded.topology.disaster, {})
    eventually(lambda: seeded.called("/health").status == 503, "the application has no database", 60)
    eventually(lambda: _writer(seeded, cluster)["DBInstanceStatus"] == "failed", "the writer is seen as failed", 60)
    [state] = seeded.sandbox.control("/state")
    eventually(
        lambda: (
            not any(each.endswith("us-east-1a") for each in state["instances"][_REGION])
            or not any(
                each.endswith("us-east-1a") for each in seeded.sandbox.control("/state")[0]["instances"][_REGION]
            )
        ),
        "no environment is left in the dead zone",
        60,
    )
    rds.failover_db_cluster(DBClusterIdentifier=cluster, TargetDBInstanceIdentifier=f"{cluster}-2")
    eventually(lambda: _writer(seeded, cluster)["AvailabilityZone"] == "us-east-1b", "the writer has moved", 60)
    assert seeded.orders_are_confirmed_again()["lost"] == 0
    seeded.sandbox.control("/zone/us-east-1a/database/up", {})


def test_spoilt_data_is_restored_beside_the_original(seeded: Seeded) -> None:
    names, rds, dynamodb = seeded.names, seeded.primary("rds"), seeded.primary("dynamodb")
    good = items(seeded.clients, _REGION, names.table)
    seeded.orders_are_confirmed_again()
    eventually(lambda: _restorable(seeded) is not None, "there is a time to restore to", 60)
    restore_to = datetime.now(UTC)
    eventually(lambda: _restorable(seeded) >= restore_to, "cluster and table can be restored to it", 60)
    seeded.sandbox.control("/data/spoil", {})
    eventually(lambda: seeded.called("/orders?after=999999999").status == 503, "orders cannot be read", 60)
    assert items(seeded.clients, _REGION, names.table) != good
    rds.restore_db_cluster_to_point_in_time(
        SourceDBClusterIdentifier=names.cluster(_REGION),
        DBClusterIdentifier=names.restored_cluster,
        RestoreToTime=restore_to,
        VpcSecurityGroupIds=[_group(seeded)],
    )
    rds.create_db_instance(
        DBInstanceIdentifier=names.restored_instance(1),
        DBClusterIdentifier=names.restored_cluster,
        Engine="aurora-postgresql",
        DBInstanceClass="db.r6g.large",
    )
    dynamodb.restore_table_to_point_in_time(
        SourceTableName=names.table, TargetTableName=names.restored_table, RestoreDateTime=restore_to
    )
    seeded.built("lead-over")
    client = seeded.orders_are_confirmed_again()
    [loss] = client["losses"]
    assert client["lost"] == loss["orders"] > 0, "what was confirmed between the time and the spoiling is lost"
    assert items(seeded.clients, _REGION, names.restored_table) == good


def _restorable(seeded: Seeded) -> datetime | None:
    """The latest time that both can be restored to."""
    names = seeded.names
    cluster = seeded.primary("rds").describe_db_clusters(DBClusterIdentifier=names.cluster(_REGION))["DBClusters"][0]
    kept = seeded.primary("dynamodb").describe_continuous_backups(TableName=names.table)
    table = kept["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    times = cluster.get("LatestRestorableTime"), table.get("LatestRestorableDateTime")
    return min(times) if all(times) else None


def _group(seeded: Seeded) -> str:
    rds = seeded.primary("rds")
    found = rds.describe_db_clusters(DBClusterIdentifier=seeded.names.cluster(_REGION))["DBClusters"][0]
    return found["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
