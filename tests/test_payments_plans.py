"""Wrong plans of an Aurora global database and of an ECS service: refused by what is wrong, and nothing is touched."""

from collections.abc import Callable

from sandbox_under_test import SandboxUnderTest, Workload, with_database


def _service(**fields: str) -> Callable[[dict], None]:
    return lambda plan: plan["compute"][0].update(fields)


def _assert_unchanged(workload: Workload) -> None:
    """By boto3: the old primary is the writer, one task stands by, and the traffic is where it was."""
    members = workload.global_members()
    writers = [cluster for cluster, member in members.items() if member["IsWriter"]]
    assert writers == [f"{workload.name}-aurora-primary"]
    assert (workload.service()["desiredCount"], workload.scalable_range()) == (1, (1, 6))
    assert not workload.stop_object_present()


def _without_instance(workload: Workload) -> None:
    """The secondary is left with its storage alone, as one that was made to save money."""
    rds, cluster = workload.sandbox.aws("rds"), f"{workload.name}-aurora-recovery"
    found = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [cluster]}])["DBInstances"]
    for instance in found:
        rds.delete_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"])
    waiter = rds.get_waiter("db_instance_deleted")
    for instance in found:
        waiter.wait(DBInstanceIdentifier=instance["DBInstanceIdentifier"], WaiterConfig={"Delay": 1})


def test_wrong_plans_of_payments_are_refused() -> None:
    """What is nowhere, another database's, or cannot take over."""
    with SandboxUnderTest.started("whole-payments-plans", "payments") as sandbox:
        # The alarm starts runs of the first workload by itself; nobody does of another.
        workload = sandbox.create_workload("plans")
        wrong = {
            "RDS knows no such global cluster": with_database("globalClusterIdentifier", "no-such-global"),
            "no-such-cluster": with_database("recoveryClusterIdentifier", "no-such-cluster"),
            "does not hold another-cluster": with_database("primaryClusterIdentifier", "another-cluster"),
            "no-such-service": _service(serviceName="no-such-service"),
            "no-such-ecs": _service(clusterName="no-such-ecs"),
        }
        workload.kill()
        workload.verdict_until("down", 180)
        workload.refuses(wrong, lambda: _assert_unchanged(workload))
        _without_instance(workload)
        workload.refuses({"the secondary has no instance": lambda plan: None}, lambda: _assert_unchanged(workload))
