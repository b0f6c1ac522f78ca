"""The global datastore of `warm-standby`: wrong plans are refused, a dry run leaves it, a rollback leads it back."""

import json
from collections.abc import Callable, Iterator

import pytest
from sandbox_under_test import Run, SandboxUnderTest, Workload


@pytest.fixture(scope="module")
def standby() -> Iterator[SandboxUnderTest]:
    """One warm-standby sandbox for all tests of this file."""
    with SandboxUnderTest.started("whole-global-cache", "warm-standby") as sandbox:
        yield sandbox


@pytest.fixture
def shop(standby: SandboxUnderTest, request: pytest.FixtureRequest) -> Iterator[Workload]:
    """A freshly seeded workload, its Region well again and removed afterwards."""
    created = standby.create_workload(request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-"))
    try:
        yield created
    finally:
        standby.clear_faults()
        created.mend()
        standby.remove_workload(created.name)


def _primary_region(workload: Workload) -> str:
    """Whose replication group takes writes, once the datastore is settled."""
    members = workload.datastore_settled()["Members"]
    [primary] = [member["ReplicationGroupRegion"] for member in members if member["Role"] == "PRIMARY"]
    return primary


def _cache(**fields: object) -> Callable[[dict], None]:
    def change(plan: dict) -> None:
        [component] = [each for each in plan["databases"] if each["kind"] == "elastiCacheGlobal"]
        component.update(fields)

    return change


def _fail_over_by_hand(workload: Workload, role: str) -> None:
    """As an owner would, to the group of the plan's primary or recovery Region."""
    [component] = [each for each in workload.document()["databases"] if each["kind"] == "elastiCacheGlobal"]
    sandbox = workload.sandbox
    sandbox.aws("elasticache").failover_global_replication_group(
        GlobalReplicationGroupId=component["globalReplicationGroupId"],
        PrimaryRegion=sandbox.primary_region if role == "primary" else sandbox.recovery_region,
        PrimaryReplicationGroupId=component[f"{role}ReplicationGroupId"],
    )
    workload.datastore_settled()


def _assert_refused(run: Run, *said: str) -> None:
    assert (run.status, run.error) == ("FAILED", "Refused"), json.dumps([said, run.error, run.cause], indent=1)
    for text in said:
        assert text in run.report["reason"], run.report["reason"]
    assert run.report["journal"] == [], "nothing was changed"


def test_wrong_plans_are_refused(shop: Workload) -> None:
    """Each is refused by what is wrong with it, and nothing is changed; the right one then recovers."""
    primary, recovery = shop.sandbox.primary_region, shop.sandbox.recovery_region
    right = shop.plan()
    [component] = [each for each in shop.document()["databases"] if each["kind"] == "elastiCacheGlobal"]
    at_home = component["primaryReplicationGroupId"]
    wrong = {
        "knows no such global datastore": _cache(globalReplicationGroupId="ldgnf-none-such"),
        "has no member none-such": _cache(recoveryReplicationGroupId="none-such"),
        f"{at_home} of {component['globalReplicationGroupId']} lies in {primary}, not in the recovery Region": _cache(
            recoveryReplicationGroupId=at_home
        ),
        "does not hold another-group": _cache(primaryReplicationGroupId="another-group"),
    }
    shop.kill()
    shop.verdict_until("down")
    for said, change in wrong.items():
        shop.put_plan(right)
        shop.change_plan(change)
        _assert_refused(shop.run(f"with a plan of which {said}"), "sessions: ", said)
        assert _primary_region(shop) == primary
    shop.put_plan(right)
    run = shop.run("with the right plan")
    assert run.status == "SUCCEEDED", json.dumps([run.error, run.cause], indent=1)
    assert _primary_region(shop) == recovery


def test_a_datastore_that_cannot_move_is_refused(shop: Workload) -> None:
    """A planned run is refused where the recovery group is primary already, and where nobody follows the primary."""
    primary, recovery = shop.sandbox.primary_region, shop.sandbox.recovery_region
    _fail_over_by_hand(shop, "recovery")
    _assert_refused(shop.run("moved before", mode="switchover"), "sessions: ", "is its primary already")
    assert _primary_region(shop) == recovery
    _fail_over_by_hand(shop, "primary")
    datastore = shop.datastore()
    [follower] = [member for member in datastore["Members"] if member["Role"] == "SECONDARY"]
    shop.sandbox.aws("elasticache").disassociate_global_replication_group(
        GlobalReplicationGroupId=datastore["GlobalReplicationGroupId"],
        ReplicationGroupId=follower["ReplicationGroupId"],
        ReplicationGroupRegion=follower["ReplicationGroupRegion"],
    )
    assert shop.datastore_settled(primary)["Status"] == "primary-only"
    # The recovery Region has no member any more, so it does not see the datastore.
    _assert_refused(shop.run("nobody follows", mode="switchover"), "sessions: ", "knows no such global datastore")


def test_a_dry_run_leaves_it(shop: Workload) -> None:
    """The run says that it would fail the datastore over, and nothing of it is asked."""
    run = shop.run("a dry run", mode="dryRun")
    assert run.status == "SUCCEEDED", json.dumps([run.error, run.cause], indent=1)
    [decided] = [each for each in run.report["decisions"] if each["component"] == "sessions"]
    assert (decided["action"], decided["irreversible"]) == ("failover-global-cache", False)
    assert _primary_region(shop) == shop.sandbox.primary_region


def test_a_refused_promotion_leads_it_back(shop: Workload) -> None:
    """The database beside it is refused: the datastore, which had moved meanwhile, is primary at home again."""
    shop.kill()
    shop.sandbox.add_fault(
        {
            "service": "rds",
            "operation": "FailoverGlobalCluster",
            "body": f"GlobalClusterIdentifier == '{shop.name}-global'",
            "error": {"code": "AccessDenied", "status": 403, "message": "not for you"},
        }
    )
    run = shop.run("the database is refused")
    assert (run.status, run.error) == ("FAILED", "RolledBack"), json.dumps([run.error, run.cause], indent=1)
    assert "PromotionRefused" in run.report["reason"]
    [moved] = [entry for entry in run.report["journal"] if entry["action"] == "failover-global-cache"]
    assert moved["undoneAt"] and not moved["irreversible"]
    assert _primary_region(shop) == shop.sandbox.primary_region
    assert shop.lease()["phase"] == "released"
