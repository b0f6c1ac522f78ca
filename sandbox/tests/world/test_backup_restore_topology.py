"""`backup-restore` over the AWS API alone: it serves, the other Region is empty, is rebuilt by hand, and all goes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pilot_sandbox.seed.bucket import KEY
from pilot_sandbox.seed.simple_records import hosted_zone
from seeded import Seeded, seeded_sandbox
from whole_sandbox import eventually

_PRIMARY, _RECOVERY = "us-east-1", "us-west-2"


@pytest.fixture(scope="module")
def seeded(request: pytest.FixtureRequest) -> Iterator[Seeded]:
    with seeded_sandbox("backup-restore", request) as made:
        made.sandbox.control("/delays", {"promotionSeconds": 0.5, "launchSeconds": 0.5})
        yield made


def test_it_serves_and_the_other_region_holds_recovery_points(seeded: Seeded) -> None:
    health = seeded.called("/health")
    assert (health.status, health.region, health.body["writable"]) == (200, _PRIMARY, True)
    assert seeded.recovery("rds").describe_db_clusters()["DBClusters"] == []
    assert seeded.recovery("elasticache").describe_replication_groups()["ReplicationGroups"] == []
    assert seeded.recovery("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    [point] = seeded.recovery_points()
    assert (point["ResourceArn"], point["Status"]) == (seeded.names.cluster_arn(_PRIMARY), "COMPLETED")
    caches = seeded.primary("elasticache").describe_replication_groups()["ReplicationGroups"]
    assert [cache["Status"] for cache in caches] == ["available"]


def test_the_frontend_is_replicated(seeded: Seeded) -> None:
    names = seeded.names
    seeded.primary("s3").put_object(Bucket=names.bucket(_PRIMARY), Key=KEY, Body=b"a second version")

    def there() -> bytes:
        return seeded.recovery("s3").get_object(Bucket=names.bucket(_RECOVERY), Key=KEY)["Body"].read()

    eventually(lambda: there() == b"a second version", "the new version is replicated", 60)


def test_a_workload_that_is_removed_leaves_nothing(seeded: Seeded) -> None:
    before = seeded.resources()
    seeded.sandbox.control("/workloads", {"name": "pl-other"})
    assert all(len(seeded.resources()[region]) > len(before[region]) for region in before)
    seeded.sandbox.control("/workloads/pl-other", method="DELETE")
    assert seeded.resources() == before


def test_it_is_rebuilt_by_hand(seeded: Seeded) -> None:
    names, rds = seeded.names, seeded.recovery("rds")
    seeded.sandbox.control("/backup/take", {})
    confirmed = seeded.client()["acked"]
    eventually(lambda: seeded.client()["acked"] > confirmed + 10, "orders that no recovery point has", 60)
    seeded.sandbox.control(seeded.topology.disaster, {})
    _restore(seeded)
    rds.create_db_instance(
        DBInstanceIdentifier=names.cluster_instance(_RECOVERY),
        DBClusterIdentifier=names.cluster(_RECOVERY),
        Engine="aurora-postgresql",
        DBInstanceClass="db.r6g.large",
    )
    seeded.recovery("elasticache").create_replication_group(
        ReplicationGroupId=names.cache,
        ReplicationGroupDescription=names.workload,
        Engine="valkey",
        CacheNodeType="cache.r7g.large",
        NumCacheClusters=1,
    )
    seeded.built("deploy")
    _lead_clients_over(seeded)
    client = seeded.orders_are_confirmed_again()
    assert client["readRegion"] == _RECOVERY
    [loss] = client["losses"]
    assert client["lost"] == loss["orders"] >= 10


def _restore(seeded: Seeded) -> None:
    names, backup = seeded.names, seeded.recovery("backup")
    group = seeded.topology.looked_up(seeded.clients, names)["sg-0a1b2c3d4e5f60005"]
    job = backup.start_restore_job(
        RecoveryPointArn=seeded.recovery_points()[0]["RecoveryPointArn"],
        IamRoleArn=names.role_arn("restore"),
        Metadata={
            "DBClusterIdentifier": names.cluster(_RECOVERY),
            "Engine": "aurora-postgresql",
            "VpcSecurityGroupIds": json.dumps([group]),
        },
    )["RestoreJobId"]

    def ended() -> bool:
        return backup.describe_restore_job(RestoreJobId=job)["Status"] in ("COMPLETED", "FAILED")

    eventually(ended, "the restore job has ended", 60)
    done = backup.describe_restore_job(RestoreJobId=job)
    assert done["Status"] == "COMPLETED", done.get("StatusMessage")


def _lead_clients_over(seeded: Seeded) -> None:
    names, route53 = seeded.names, seeded.clients.client("route53", "us-east-1")
    record = {
        "Name": names.shop,
        "Type": "CNAME",
        "TTL": 1,
        "ResourceRecords": [{"Value": names.load_balancer(_RECOVERY)}],
    }
    route53.change_resource_record_sets(
        HostedZoneId=hosted_zone(seeded.clients, names),
        ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]},
    )
