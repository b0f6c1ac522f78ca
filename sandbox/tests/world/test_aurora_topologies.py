"""`payments` and `warm-standby` over the AWS API alone: what is seeded serves, can be recovered by hand, and goes."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from pilot_sandbox.aws_clients import AwsClients
from pilot_sandbox.outside_proof import call
from pilot_sandbox.topologies import PAYMENTS, TOPOLOGIES, Topology
from whole_sandbox import Sandbox, eventually


@dataclass
class Seeded:
    """A sandbox of a topology, without the stack."""

    topology: Topology
    sandbox: Sandbox

    def __post_init__(self) -> None:
        self.clients = AwsClients(self.sandbox.content["endpointUrl"])
        self.names = self.topology.names(self.topology.name)

    def recovery(self, service: str):
        return self.clients.client(service, self.topology.regions.recovery)

    def resources(self) -> dict[str, list[str]]:
        """Everything in both Regions that a workload has of its own, by what AWS calls it."""
        found: dict[str, list[str]] = {}
        for region in self.topology.regions:
            rds, ecs, elbv2 = (self.clients.client(service, region) for service in ("rds", "ecs", "elbv2"))
            caches = self.clients.client("elasticache", region)
            datastores = caches.describe_global_replication_groups()["GlobalReplicationGroups"]
            groups = self.clients.client("autoscaling", region).describe_auto_scaling_groups()["AutoScalingGroups"]
            alarms = self.clients.client("cloudwatch", region).describe_alarms()["MetricAlarms"]
            found[region] = [
                *(cluster["DBClusterIdentifier"] for cluster in rds.describe_db_clusters()["DBClusters"]),
                *(instance["DBInstanceIdentifier"] for instance in rds.describe_db_instances()["DBInstances"]),
                *(cluster["GlobalClusterIdentifier"] for cluster in rds.describe_global_clusters()["GlobalClusters"]),
                *(cache["ReplicationGroupId"] for cache in caches.describe_replication_groups()["ReplicationGroups"]),
                *(datastore["GlobalReplicationGroupId"] for datastore in datastores),
                *ecs.list_clusters()["clusterArns"],
                *(balancer["LoadBalancerName"] for balancer in elbv2.describe_load_balancers()["LoadBalancers"]),
                *(group["TargetGroupName"] for group in elbv2.describe_target_groups()["TargetGroups"]),
                *(group["AutoScalingGroupName"] for group in groups),
                *(alarm["AlarmName"] for alarm in alarms),
            ]
        return found

    def alarm(self, on: str, region: str) -> str:
        cloudwatch = self.clients.client("cloudwatch", region)
        return cloudwatch.describe_alarms(AlarmNames=[self.names.alarm(on)])["MetricAlarms"][0]["StateValue"]

    def newest_lag(self, metric: str) -> tuple[datetime, float]:
        """When the secondary's lag was last published, and how many seconds it was."""
        now = datetime.now(UTC)
        points = self.recovery("cloudwatch").get_metric_statistics(
            Namespace="AWS/RDS",
            MetricName=metric,
            Dimensions=[{"Name": "DBClusterIdentifier", "Value": self.names.cluster(self.topology.regions.recovery)}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(seconds=1),
            Period=1,
            Statistics=["Maximum"],
        )["Datapoints"]
        newest = max(points, key=lambda point: point["Timestamp"])
        return newest["Timestamp"], newest["Maximum"] / 1000

    def grow(self) -> None:
        """Bring the recovery Region's application up to two."""
        if self.topology is not PAYMENTS:
            self.recovery("autoscaling").update_auto_scaling_group(
                AutoScalingGroupName=self.names.group, MinSize=2, DesiredCapacity=2
            )
            return
        self.recovery("ecs").update_service(cluster=self.names.ecs_cluster, service=self.names.service, desiredCount=2)

    def instances(self) -> list[str]:
        """Who of the recovery Region's application answers, over a few requests."""
        balancer = self.sandbox.content["workloads"][self.names.workload]["recoveryLoadBalancerUrl"]
        [state] = self.sandbox.control("/state")
        running = state["instances"][self.topology.regions.recovery]
        return running if call(f"{balancer}/health").body.get("writable") is True else []


@pytest.fixture(scope="module", params=["payments", "warm-standby"])
def seeded(request: pytest.FixtureRequest) -> Iterator[Seeded]:
    made = Sandbox(request.param)
    yield Seeded(TOPOLOGIES[request.param], made)
    if made.process.poll() is None:
        made.end(signal.SIGTERM)
    if not request.session.testsfailed:
        shutil.rmtree(made.paths.folder, ignore_errors=True)


def test_the_primary_serves_and_the_secondary_is_connected(seeded: Seeded) -> None:
    primary, recovery = seeded.topology.regions
    health = call(f"{seeded.sandbox.content['clientUrl']}/health")
    assert (health.status, health.region, health.body["writable"]) == (200, primary, True)
    found = seeded.recovery("rds").describe_global_clusters(GlobalClusterIdentifier=seeded.names.global_cluster)
    members = {m["DBClusterArn"]: m for m in found["GlobalClusters"][0]["GlobalClusterMembers"]}
    assert {arn: member["IsWriter"] for arn, member in members.items()} == {
        seeded.names.cluster_arn(primary): True,
        seeded.names.cluster_arn(recovery): False,
    }
    assert members[seeded.names.cluster_arn(recovery)]["SynchronizationStatus"] == "connected"


def test_a_workload_that_is_removed_leaves_nothing(seeded: Seeded) -> None:
    before = seeded.resources()
    seeded.sandbox.control("/workloads", {"name": "pl-other"})
    assert all(len(seeded.resources()[region]) > len(before[region]) for region in before)
    seeded.sandbox.control("/workloads/pl-other", method="DELETE")
    assert seeded.resources() == before


@pytest.mark.parametrize("seeded", ["payments"], indirect=True)
def test_every_alarm_of_payments_watches_a_metric_that_is_there(seeded: Seeded) -> None:
    primary, recovery = seeded.topology.regions
    for on, region in (("replication-lag", recovery), ("too-few-tasks", recovery), ("too-few-tasks", primary)):
        eventually(lambda on=on, region=region: seeded.alarm(on, region) == "OK", f"{on} in {region} OK", 60)
    seeded.sandbox.control("/primary/app/down", {})
    eventually(lambda: seeded.alarm("unhealthy-targets", primary) == "ALARM", "unhealthy targets", 60)
    seeded.sandbox.control("/primary/app/up", {})
    eventually(lambda: seeded.alarm("unhealthy-targets", primary) == "OK", "healthy targets", 60)


def test_only_the_progress_lag_grows_while_the_primary_is_cut_off(seeded: Seeded) -> None:
    seeded.sandbox.control("/primary/network/down", {})
    eventually(lambda: seeded.newest_lag("AuroraGlobalDBProgressLag")[1] > 4, "a growing progress lag")
    last_of_rpo, rpo_lag_seconds = seeded.newest_lag("AuroraGlobalDBRPOLag")
    assert last_of_rpo < seeded.newest_lag("AuroraGlobalDBProgressLag")[0]
    assert rpo_lag_seconds < 4
    seeded.sandbox.control("/primary/network/up", {})
    eventually(lambda: seeded.newest_lag("AuroraGlobalDBProgressLag")[1] < 2, "no lag again")
    assert seeded.newest_lag("AuroraGlobalDBRPOLag")[0] > last_of_rpo


def test_a_failover_by_hand_moves_the_client(seeded: Seeded) -> None:
    names, recovery = seeded.names, seeded.topology.regions.recovery
    seeded.sandbox.control("/delays", {"promotionSeconds": 0.5, "launchSeconds": 0.5})
    seeded.sandbox.control("/primary/down", {})
    seeded.recovery("rds").failover_global_cluster(
        GlobalClusterIdentifier=names.global_cluster,
        TargetDbClusterIdentifier=names.cluster_arn(recovery),
        AllowDataLoss=True,
    )
    seeded.grow()
    eventually(lambda: len(seeded.instances()) == 2, "two of the application, on a writable database", 40)
    seeded.recovery("s3").put_object(Bucket=f"{names.workload}-stop", Key=names.stop_key, Body=b"")
    eventually(lambda: seeded.sandbox.control("/client")["lastRegions"][-1] == recovery, "traffic moved", 30)
    assert seeded.sandbox.control("/client")["readRegion"] == recovery
