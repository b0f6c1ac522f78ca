"""`single-region`: the real state machine moves a writer out of a dead zone, and restores data that was spoilt."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sandbox_under_test import Run, SandboxUnderTest, Workload

_DEAD_ZONE, _OTHER_ZONE = "us-east-1a", "us-east-1b"
_RESTING, _SERVING = 50, 200
# The client orders every 0.2 s, and a request that fails takes up to 2 s.
_RPO_SLACK_SECONDS = 5


@pytest.fixture(scope="module")
def region() -> Iterator[SandboxUnderTest]:
    """One sandbox for all tests of this file."""
    with SandboxUnderTest.started("whole-single-region", "single-region") as sandbox:
        yield sandbox


@pytest.fixture
def orders(region: SandboxUnderTest, request: pytest.FixtureRequest) -> Iterator[Workload]:
    """A freshly seeded workload, every zone well again and removed afterwards."""
    created = region.create_workload(request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-"))
    try:
        yield created
    finally:
        _zone(created, "up")
        region.remove_workload(created.name)


def _zone(workload: Workload, change: str) -> None:
    workload.killed_at = time.time()
    workload.sandbox.control("POST", f"/zone/{_DEAD_ZONE}/database/{change}", workload=workload.name)


def _cluster(workload: Workload, ending: str = "primary") -> dict:
    """One of the workload's clusters, as RDS describes it."""
    rds = workload.sandbox.aws("rds")
    return rds.describe_db_clusters(DBClusterIdentifier=f"{workload.name}-aurora-{ending}")["DBClusters"][0]


def _instances(workload: Workload, ending: str = "primary") -> dict[str, dict]:
    """The instances of one of its clusters, by the number at the end of their names."""
    filters = [{"Name": "db-cluster-id", "Values": [f"{workload.name}-aurora-{ending}"]}]
    found = workload.sandbox.aws("rds").describe_db_instances(Filters=filters)["DBInstances"]
    return {instance["DBInstanceIdentifier"].rsplit("-", 1)[1]: instance for instance in found}


def _writer(workload: Workload, ending: str = "primary") -> str:
    """The number of a cluster's writer."""
    members = _cluster(workload, ending)["DBClusterMembers"]
    [writer] = [member["DBInstanceIdentifier"] for member in members if member["IsClusterWriter"]]
    return writer.rsplit("-", 1)[1]


def _reserved(workload: Workload) -> int:
    """The function's reserved concurrency."""
    found = workload.sandbox.aws("lambda").get_function_concurrency(FunctionName=f"{workload.name}-api")
    return found["ReservedConcurrentExecutions"]


def _confirmed_again(workload: Workload) -> dict:
    """The client's report once it has ten more orders confirmed and can read them all."""
    workload.acked_until(workload.client()["acked"] + 10)
    return workload.client_until(workload.sandbox.primary_region)


def _succeeded(run: Run) -> Run:
    assert run.status == "SUCCEEDED", json.dumps([run.error, run.cause], indent=1)
    assert run.report["outcome"] == "recovered"
    return run


def _assert_serves_from(workload: Workload, number: str, zone: str) -> None:
    """By boto3: this instance is the writer, in this zone, and it and its cluster are well."""
    assert (_writer(workload), _cluster(workload)["Status"]) == (number, "available")
    writer = _instances(workload)[number]
    assert (writer["AvailabilityZone"], writer["DBInstanceStatus"]) == (zone, "available")


def test_a_zone_dies_and_comes_back(orders: Workload) -> None:
    """The writer moves to the living zone and nothing is lost; when the dead one is back, so does the writer go."""
    _assert_serves_from(orders, "1", _DEAD_ZONE)
    assert _reserved(orders) == _RESTING
    orders.acked_until(10)
    _zone(orders, "down")
    run = _succeeded(orders.run(f"{_DEAD_ZONE} is gone"))
    assert run.report["rpoSeconds"] == 0
    _assert_serves_from(orders, "2", _OTHER_ZONE)
    assert _instances(orders)["1"]["DBInstanceStatus"] == "failed", "the dead zone is as dead as before"
    assert _reserved(orders) == _SERVING
    assert _confirmed_again(orders)["lost"] == 0
    assert orders.lease()["phase"] == "released"
    _zone(orders, "up")
    # The canary's alarm rings on for a while.
    orders.verdict_until("healthy")
    run = orders.run("make the old writer a reader", mode="protect")
    assert run.status == "SUCCEEDED", json.dumps([run.error, run.cause], indent=1)
    run = _succeeded(orders.run("home", mode="failback"))
    assert run.report["rpoSeconds"] == 0
    _assert_serves_from(orders, "1", _DEAD_ZONE)
    assert _reserved(orders) == _RESTING
    seen = _confirmed_again(orders)
    assert (seen["lost"], seen["losses"]) == (0, [])


def _database(**fields: object) -> Callable[[dict], None]:
    return lambda plan: plan["databases"][0].update(fields)


def _function(name: str) -> Callable[[dict], None]:
    return lambda plan: plan["compute"][0].update(functionName=name)


def test_wrong_plans_are_refused(orders: Workload) -> None:
    """Each is refused by what is wrong with it, and nothing is changed; the right one then recovers."""
    wrong = {
        "no-such-cluster": _database(clusterIdentifier="no-such-cluster"),
        "no-such-instance": _database(recoveryInstanceIdentifier="no-such-instance"),
        "no-such-function": _function("no-such-function"),
    }
    _zone(orders, "down")
    orders.verdict_until("down")

    def unchanged() -> None:
        assert (_writer(orders), _reserved(orders)) == ("1", _RESTING)

    orders.refuses(wrong, unchanged)
    _succeeded(orders.run("with the right plan"))
    _assert_serves_from(orders, "2", _OTHER_ZONE)


def _items(workload: Workload, ending: str = "") -> list[dict]:
    """All items of the workload's table, or of the one that was restored beside it."""
    found = workload.sandbox.aws("dynamodb").scan(TableName=f"{workload.name}-carts{ending}", ConsistentRead=True)
    return sorted(found["Items"], key=lambda item: item["cart"]["S"])


def _restorable_until(workload: Workload) -> datetime:
    """The latest time that both the cluster and the table can be restored to."""
    kept = workload.sandbox.aws("dynamodb").describe_continuous_backups(TableName=f"{workload.name}-carts")
    recovery = kept["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return min(_cluster(workload)["LatestRestorableTime"], recovery["LatestRestorableDateTime"])


def _moment_to_restore_to(workload: Workload) -> datetime:
    """Now, once both can be restored to it."""
    moment = datetime.now(UTC)
    deadline = time.monotonic() + 60
    while (latest := _restorable_until(workload)) < moment:
        assert time.monotonic() < deadline, f"cluster and table can be restored to {latest}, and not to {moment}"
        time.sleep(0.3)
    return moment


def _tags(pairs: list[dict]) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in pairs}


def _assert_restored_cluster(workload: Workload) -> None:
    """By boto3: cluster and instances are there, and set as the plan says."""
    cluster = _cluster(workload, "restored")
    assert (cluster["Status"], cluster["BackupRetentionPeriod"], cluster["DeletionProtection"]) == (
        "available",
        7,
        True,
    )
    original = _cluster(workload)
    groups = [[group["VpcSecurityGroupId"] for group in each["VpcSecurityGroups"]] for each in (cluster, original)]
    assert groups[0] == groups[1]
    tags = workload.sandbox.aws("rds").list_tags_for_resource(ResourceName=cluster["DBClusterArn"])["TagList"]
    assert _tags(tags)["application"] == "orders"
    instances = _instances(workload, "restored")
    assert {number: each["DBInstanceStatus"] for number, each in instances.items()} == {
        "1": "available",
        "2": "available",
    }
    assert _writer(workload, "restored") == "1"


def _assert_restored_table(workload: Workload, good: list[dict]) -> None:
    """By boto3: the table has what the original had, and is set as the plan says."""
    dynamodb, name = workload.sandbox.aws("dynamodb"), f"{workload.name}-carts-restored"
    assert _items(workload, "-restored") == good
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert (table["TableStatus"], table["DeletionProtectionEnabled"]) == ("ACTIVE", True)
    kept = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert kept["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert _tags(dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"])["application"] == "orders"


def test_spoilt_data(orders: Workload) -> None:
    """Cluster and table are restored to a moment before, the function is led to them, the originals stay."""
    restore = Workload(f"{orders.name}-restore", orders.sandbox)
    good = _items(orders)
    orders.acked_until(10)
    moment = _moment_to_restore_to(orders)
    restore.change_plan(lambda plan: [database.update(restoreTo=moment.isoformat()) for database in plan["databases"]])
    # Confirmed after the moment, and so lost: without any, the count below would prove nothing.
    orders.acked_until(orders.client()["acked"] + 10)
    spoilt_at = time.time()
    orders.sandbox.control("POST", "/data/spoil", workload=orders.name)
    spoilt = _items(orders)
    run = _succeeded(restore.run("a bad release spoilt the data"))
    _assert_restored_cluster(orders)
    _assert_restored_table(orders, good)
    assert _cluster(orders)["Status"] == "available", "the original stays"
    assert _items(orders) == spoilt != good
    configured = orders.sandbox.aws("lambda").get_function_configuration(FunctionName=f"{orders.name}-api")
    assert configured["Environment"]["Variables"] == {
        "DATABASE_CLUSTER": f"{orders.name}-aurora-restored",
        "CARTS_TABLE": f"{orders.name}-carts-restored",
    }
    seen = _confirmed_again(orders)
    [loss] = seen["losses"]
    assert loss["orders"] >= 10
    assert loss["seconds"] <= run.report["rpoSeconds"] + 0.5
    noticed_after = datetime.fromisoformat(run.report["incidentAt"]).timestamp() - spoilt_at
    assert run.report["rpoSeconds"] <= loss["seconds"] + noticed_after + _RPO_SLACK_SECONDS
