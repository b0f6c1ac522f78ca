"""An Aurora global database for the tests of it: two clusters in two Regions, each with a server in the fake world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError
from emulator_process import ACCOUNT, PRIMARY, RECOVERY, Emulator, eventually

ENGINE, VERSION = "aurora-postgresql", "17.5"


@dataclass
class AuroraDatabase:
    """A global database and how to look at it. The first writer is `old`, in PRIMARY; the first secondary `new`."""

    emulator: Emulator
    name: str

    @property
    def identifier(self) -> str:
        """Of the global database."""
        return f"{self.name}-global"

    def cluster(self, region: str) -> str:
        """Identifier of a Region's cluster; the two differ, so that one cannot be taken for the other."""
        return f"{self.name}-{'old' if region == PRIMARY else 'new'}"

    def arn(self, region: str) -> str:
        """ARN of a Region's cluster."""
        return f"arn:aws:rds:{region}:{ACCOUNT}:cluster:{self.cluster(region)}"

    def instance(self, region: str) -> str:
        """Identifier of the instance that is made in each cluster."""
        return f"{self.cluster(region)}-1"

    def rds(self, region: str):
        """A client of one Region."""
        return self.emulator.client("rds", region)

    def server(self, region: str) -> dict:
        """What the fake world says of the server behind a Region's cluster."""
        return self.emulator.world.databases[region, self.cluster(region)]

    def record(self, region: str = RECOVERY) -> dict:
        """The global database, as one Region tells it."""
        found = self.rds(region).describe_global_clusters(GlobalClusterIdentifier=self.identifier)
        return found["GlobalClusters"][0]

    def member(self, region: str) -> dict:
        """A Region's entry in `GlobalClusterMembers`."""
        return next(m for m in self.record()["GlobalClusterMembers"] if m["DBClusterArn"] == self.arn(region))

    def describe(self, region: str) -> dict:
        """A Region's cluster."""
        return self.rds(region).describe_db_clusters(DBClusterIdentifier=self.cluster(region))["DBClusters"][0]

    def events(self, region: str) -> str:
        """The messages of the events of a Region's cluster."""
        found = self.rds(region).describe_events(SourceIdentifier=self.cluster(region), SourceType="db-cluster")
        return "\n".join(event["Message"] for event in found["Events"])

    def snapshots(self, region: str, **wanted: str) -> list[dict]:
        """Cluster snapshots of a Region's cluster."""
        return self.rds(region).describe_db_cluster_snapshots(DBClusterIdentifier=self.cluster(region), **wanted)[
            "DBClusterSnapshots"
        ]

    def fail_over(self, region: str = RECOVERY, target: str | None = None, **more: bool) -> dict:
        """FailoverGlobalCluster, called in a Region; with `AllowDataLoss` unless something else is given."""
        return self.rds(region).failover_global_cluster(
            GlobalClusterIdentifier=self.identifier,
            TargetDbClusterIdentifier=target or self.arn(RECOVERY),
            **(more or {"AllowDataLoss": True}),
        )["GlobalCluster"]

    def switch_over(self, region: str = PRIMARY, target: str | None = None) -> dict:
        """SwitchoverGlobalCluster, called in a Region."""
        return self.rds(region).switchover_global_cluster(
            GlobalClusterIdentifier=self.identifier, TargetDbClusterIdentifier=target or self.arn(RECOVERY)
        )["GlobalCluster"]

    def moved_to(self, region: str) -> bool:
        """Whether a Region's cluster is the writer and nothing is under way."""
        return self.member(region)["IsWriter"] and "FailoverState" not in self.record()

    def seed(self) -> None:
        """Make everything; returns when both clusters and their instances are available."""
        self.rds(PRIMARY).create_global_cluster(
            GlobalClusterIdentifier=self.identifier, Engine=ENGINE, EngineVersion=VERSION
        )
        for region, role in ((PRIMARY, "primary"), (RECOVERY, "standby")):
            self.add_server(region, role)
            self.add_cluster(region)
            self.add_instance(region, self.instance(region))

    def add_server(self, region: str, role: str) -> None:
        """Put a server behind a Region's cluster."""
        standby = role == "standby"
        self.emulator.world.databases[region, self.cluster(region)] = {
            "running": True,
            "role": role,
            "replication": "replicating" if standby else None,
            "lagSeconds": 0.2 if standby else None,
            "address": "127.0.0.1",
            "port": 5555 if standby else 4444,
        }

    def add_cluster(self, region: str, **more: object) -> dict:
        """CreateDBCluster into the global database; returns when it is available."""
        login = {"MasterUsername": "owner", "MasterUserPassword": "not-a-real-one"} if region == PRIMARY else {}
        made = self.rds(region).create_db_cluster(
            DBClusterIdentifier=self.cluster(region),
            GlobalClusterIdentifier=self.identifier,
            Engine=ENGINE,
            BackupRetentionPeriod=7,
            **(login | more),
        )["DBCluster"]
        eventually(lambda: self.describe(region)["Status"] == "available")
        return made

    def add_instance(self, region: str, identifier: str, **more: object) -> None:
        """CreateDBInstance into a Region's cluster; returns when it is available."""
        rds = self.rds(region)
        rds.create_db_instance(
            DBInstanceIdentifier=identifier,
            DBClusterIdentifier=self.cluster(region),
            DBInstanceClass="db.r6g.large",
            Engine=ENGINE,
            **more,
        )
        eventually(lambda: self.instance_status(region, identifier) == "available")

    def instance_status(self, region: str, identifier: str | None = None) -> str:
        """The status of an instance."""
        found = self.rds(region).describe_db_instances(DBInstanceIdentifier=identifier or self.instance(region))
        return found["DBInstances"][0]["DBInstanceStatus"]


def refused(call: Callable[[], object], code: str, words: str | None = None) -> None:
    """The call is refused with exactly this code, for the reason that these words give."""
    with pytest.raises(ClientError, match=words) as error:
        call()
    assert error.value.response["Error"]["Code"] == code
