"""A whole sandbox of a topology, without the stack, seen over the AWS API and from outside."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from pilot_sandbox.aws_clients import AwsClients
from pilot_sandbox.outside_proof import Answer, call
from pilot_sandbox.topologies import TOPOLOGIES, Topology
from whole_sandbox import Sandbox, eventually


@dataclass
class Seeded:
    """A sandbox with its first workload."""

    topology: Topology
    sandbox: Sandbox

    def __post_init__(self) -> None:
        self.clients = AwsClients(self.sandbox.content["endpointUrl"])
        self.names = self.topology.names(self.topology.name)

    def primary(self, service: str):
        return self.clients.client(service, self.topology.regions.primary)

    def recovery(self, service: str):
        return self.clients.client(service, self.topology.regions.recovery)

    def called(self, path: str) -> Answer:
        """What a user gets from the workload."""
        return call(self.sandbox.content["clientUrl"] + path)

    def client(self) -> dict:
        return self.sandbox.control("/client")

    def orders_are_confirmed_again(self, seconds: float = 60) -> dict:
        """Wait for ten more orders and for all to be readable or known to be lost; returns the client's report."""
        confirmed = self.client()["acked"]
        eventually(lambda: self.client()["acked"] >= confirmed + 10, "orders are confirmed", seconds)
        eventually(lambda: self.client()["lost"] is not None, "orders can be read", seconds)
        return self.client()

    def recovery_points(self) -> list[dict]:
        """What is in the vault that a run restores from, the newest first."""
        found = self.recovery("backup").list_recovery_points_by_backup_vault(BackupVaultName=self.names.vault)
        return sorted(found["RecoveryPoints"], key=lambda point: point["CreationDate"], reverse=True)

    def built(self, of: str) -> None:
        """Run the owner's own infrastructure code; it must succeed."""
        codebuild = self.recovery("codebuild")
        build = codebuild.start_build(projectName=self.names.build_project(of))["build"]["id"]

        def status() -> str:
            return codebuild.batch_get_builds(ids=[build])["builds"][0]["buildStatus"]

        eventually(lambda: status() != "IN_PROGRESS", f"build {of} has ended", 120)
        assert status() == "SUCCEEDED"

    def resources(self) -> dict[str, list[str]]:
        """Everything that workloads have of their own, by what AWS calls it."""
        return {region: self._resources_in(region) for region in dict.fromkeys(self.topology.regions)}

    def _resources_in(self, region: str) -> list[str]:
        def client(service: str):
            return self.clients.client(service, region)

        rds = client("rds")
        groups = client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        caches = client("elasticache").describe_replication_groups()["ReplicationGroups"]
        return [
            *(cluster["DBClusterIdentifier"] for cluster in rds.describe_db_clusters()["DBClusters"]),
            *(instance["DBInstanceIdentifier"] for instance in rds.describe_db_instances()["DBInstances"]),
            *client("dynamodb").list_tables()["TableNames"],
            *(function["FunctionName"] for function in client("lambda").list_functions()["Functions"]),
            *(bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]),
            *client("codebuild").list_projects()["projects"],
            *(group["AutoScalingGroupName"] for group in groups),
            *(cache["ReplicationGroupId"] for cache in caches),
            *(alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]),
            *(plan["BackupPlanName"] for plan in client("backup").list_backup_plans()["BackupPlansList"]),
        ]


@contextmanager
def seeded_sandbox(topology: str, request: pytest.FixtureRequest) -> Iterator[Seeded]:
    """A sandbox of a topology; its logs are of interest only where something failed."""
    made = Sandbox(topology)
    yield Seeded(TOPOLOGIES[topology], made)
    if made.process.poll() is None:
        made.end(signal.SIGTERM)
    if not request.session.testsfailed:
        shutil.rmtree(made.paths.folder, ignore_errors=True)
