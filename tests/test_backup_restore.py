"""`backup-restore`: the real state machine rebuilds a Region from nothing but recovery points and the owner's code."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from sandbox_under_test import Run, SandboxUnderTest, Workload

_INSTANCES = 2
# The client orders every 0.2 s, and taking a backup takes a moment: it holds what was there at some time in between.
_RPO_SLACK_SECONDS = 8


@pytest.fixture(scope="module")
def empty_region() -> Iterator[SandboxUnderTest]:
    """One sandbox for all tests of this file."""
    with SandboxUnderTest.started("whole-backup-restore", "backup-restore") as sandbox:
        yield sandbox


@pytest.fixture
def bookings(empty_region: SandboxUnderTest, request: pytest.FixtureRequest) -> Iterator[Workload]:
    """A freshly seeded workload, its Region well again and removed afterwards."""
    created = empty_region.create_workload(request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-"))
    try:
        yield created
    finally:
        created.mend()
        empty_region.remove_workload(created.name)


def _restored(workload: Workload) -> list[dict]:
    """The recovery Region's clusters of this workload."""
    clusters = workload.sandbox.aws("rds").describe_db_clusters()["DBClusters"]
    return [cluster for cluster in clusters if cluster["DBClusterIdentifier"].startswith(f"{workload.name}-")]


def _caches(workload: Workload) -> list[dict]:
    """The recovery Region's caches of this workload."""
    databases = workload.document()["databases"]
    wanted = [database["replicationGroupId"] for database in databases if database["kind"] == "elastiCache"]
    groups = workload.sandbox.aws("elasticache").describe_replication_groups()["ReplicationGroups"]
    return [group for group in groups if group["ReplicationGroupId"] in wanted]


def _groups(workload: Workload) -> list[dict]:
    """The recovery Region's Auto Scaling group, where there is one."""
    autoscaling = workload.sandbox.aws("autoscaling")
    return autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[workload.group_name])["AutoScalingGroups"]


def _builds(workload: Workload) -> list[dict]:
    """The builds of the owner's own infrastructure code."""
    codebuild = workload.sandbox.aws("codebuild")
    ids = codebuild.list_builds_for_project(projectName=f"{workload.name}-deploy")["ids"]
    return codebuild.batch_get_builds(ids=ids)["builds"] if ids else []


def _points_at(workload: Workload) -> str:
    """Where the record that users call leads."""
    [component] = workload.document()["traffic"]
    listed = workload.sandbox.aws("route53", "us-east-1").list_resource_record_sets(
        HostedZoneId=component["hostedZoneId"]
    )["ResourceRecordSets"]
    name = component["records"][0]["name"].rstrip(".")
    [record] = [each for each in listed if each["Name"].rstrip(".") == name and each["Type"] == "CNAME"]
    return record["ResourceRecords"][0]["Value"].rstrip(".")


def _assert_empty(workload: Workload) -> None:
    """By boto3: nothing was made in the recovery Region, and users are led where they were."""
    assert (_restored(workload), _caches(workload), _groups(workload), _builds(workload)) == ([], [], [], [])
    assert _points_at(workload) == f"primary-lb.{workload.name}.test"


def _kill_the_region(workload: Workload) -> None:
    """Everything of it, once there are orders that no recovery point has."""
    workload.sandbox.control("POST", "/backup/take", workload=workload.name)
    workload.acked_until(workload.client()["acked"] + 25)
    workload.kill()
    workload.sandbox.control("POST", "/primary/network/down", workload=workload.name)


def _assert_database(workload: Workload) -> None:
    """By boto3: the restored cluster has its instance, and is set as the plan says."""
    rds, plan = workload.sandbox.aws("rds"), workload.document()["databases"][0]
    [cluster] = _restored(workload)
    assert cluster["DBClusterIdentifier"] == plan["restoredIdentifier"]
    assert (cluster["Status"], cluster["BackupRetentionPeriod"], cluster["DeletionProtection"]) == (
        "available",
        7,
        True,
    )
    groups = [group["VpcSecurityGroupId"] for group in cluster["VpcSecurityGroups"]]
    assert groups == plan["settings"]["securityGroupIds"]
    tags = rds.list_tags_for_resource(ResourceName=cluster["DBClusterArn"])["TagList"]
    assert {"Key": "application", "Value": "bookings"} in tags
    [member] = cluster["DBClusterMembers"]
    assert member["IsClusterWriter"]
    instance = rds.describe_db_instances(DBInstanceIdentifier=member["DBInstanceIdentifier"])["DBInstances"][0]
    assert instance["DBInstanceStatus"] == "available"


def _assert_rebuilt(workload: Workload, run: Run) -> None:
    assert run.status == "SUCCEEDED", json.dumps([run.error, run.cause], indent=1)
    assert run.report["outcome"] == "recovered"
    _assert_database(workload)
    assert [cache["Status"] for cache in _caches(workload)] == ["available"]
    [group] = _groups(workload)
    assert [each["LifecycleState"] for each in group["Instances"]] == ["InService"] * _INSTANCES
    assert [build["buildStatus"] for build in _builds(workload)] == ["SUCCEEDED"], "the owner's code runs once"
    assert _points_at(workload) == f"recovery-lb.{workload.name}.test"
    assert workload.lease()["phase"] == "released"


def test_the_region_is_rebuilt(bookings: Workload) -> None:
    """Restored, created, deployed, led over; lost is what was ordered since the backup, as the report says."""
    _assert_empty(bookings)
    _kill_the_region(bookings)
    run = bookings.run("us-east-1 is gone")
    _assert_rebuilt(bookings, run)
    client = bookings.client_until(bookings.sandbox.recovery_region)
    assert client["readRegion"] == bookings.sandbox.recovery_region
    loss = client["losses"][-1]
    assert loss["orders"] >= 25
    assert loss["seconds"] <= run.report["rpoSeconds"] + 0.5
    assert bookings.killed_at is not None
    noticed_after = datetime.fromisoformat(run.report["incidentAt"]).timestamp() - bookings.killed_at
    assert run.report["rpoSeconds"] <= loss["seconds"] + noticed_after + _RPO_SLACK_SECONDS
    assert bookings.document()["databases"][0]["restoredIdentifier"] in json.dumps(run.report["journal"])


def _database(**fields: object) -> Callable[[dict], None]:
    return lambda plan: plan["databases"][0].update(fields)


def test_wrong_plans_are_refused(bookings: Workload) -> None:
    """Each is refused by what is wrong with it, and nothing is made; the right one then rebuilds the Region."""
    account = "arn:aws:rds:us-east-1:000000000000"
    wrong = {
        "no-such-vault": _database(vaultName="no-such-vault"),
        "no-such-cluster": _database(resourceArn=f"{account}:cluster:no-such-cluster"),
        "eu-west-1": _database(resourceArn=f"{account.replace('us-east-1', 'eu-west-1')}:cluster:elsewhere"),
        "no-such-project": lambda plan: plan["compute"][0].update(projectName="no-such-project"),
    }
    _kill_the_region(bookings)
    bookings.verdict_until("down")
    bookings.refuses(wrong, lambda: _assert_empty(bookings))
    _assert_rebuilt(bookings, bookings.run("with the right plan"))


def test_a_failed_job_rings(empty_region: SandboxUnderTest) -> None:
    """The first workload's alarms: the age of its recovery points is watched, and a restore that fails rings."""
    workload, recovery = empty_region.workload("backup-restore"), empty_region.recovery_region
    workload.alarm_until("recovery-point-too-old", recovery, "OK", timeout_seconds=180)
    workload.alarm_until("restore-failed", recovery, "OK")
    backup, vault = empty_region.aws("backup"), workload.document()["databases"][0]["vaultName"]
    point = backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"][0]
    # RDS knows no such security group, and so the job fails.
    backup.start_restore_job(
        RecoveryPointArn=point["RecoveryPointArn"],
        IamRoleArn="arn:aws:iam::000000000000:role/restore",
        Metadata={
            "DBClusterIdentifier": "never-restored",
            "Engine": "aurora-postgresql",
            "VpcSecurityGroupIds": json.dumps(["sg-00000000000000000"]),
        },
    )
    workload.alarm_until("restore-failed", recovery, "ALARM")
    workload.alarm_until("restore-failed", recovery, "OK")


def test_the_frontend_is_there_already(bookings: Workload) -> None:
    """S3 has replicated it all the time: nothing has to be done for it."""
    s3, bucket = bookings.sandbox.aws("s3"), f"{bookings.name}-frontend-{bookings.sandbox.recovery_region}"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    deadline = time.monotonic() + 60
    while not s3.list_objects_v2(Bucket=bucket).get("Contents"):
        assert time.monotonic() < deadline, f"nothing was replicated to {bucket}"
        time.sleep(0.3)
