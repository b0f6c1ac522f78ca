"""RDS over real servers, there and back through the AWS API alone: promote, rename, replicate home, promote home."""

from __future__ import annotations

import psutil
import psycopg
import pytest
from botocore.exceptions import ClientError
from pilot_sandbox.aws_clients import AwsClients
from pilot_sandbox.naming import PRIMARY_REGION, RECOVERY_REGION, Names
from pilot_sandbox.outside_proof import call
from whole_sandbox import Sandbox, eventually

_NAMES = Names("pilot-light")
_HOME, _AWAY = _NAMES.database(PRIMARY_REGION), _NAMES.database(RECOVERY_REGION)
_OLD = f"{_HOME}-old"
_ORDER = 3_000_000_000
_INSERT = "INSERT INTO orders (number, region) VALUES (%s, 'test')"


class Databases:
    """The databases of a sandbox's first workload, as AWS and their clients see them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.clients = AwsClients(sandbox.content["endpointUrl"])
        children = psutil.Process(sandbox.process.pid).children(recursive=True)
        environments = [
            child.environ() for child in children if "pilot_sandbox.workload.application" in child.cmdline()
        ]
        self._password = environments[0]["ORDERS_DATABASE_PASSWORD"]

    def rds(self, region: str):
        return self.clients.client("rds", region)

    def describe(self, region: str, identifier: str) -> dict | None:
        try:
            found = self.rds(region).describe_db_instances(DBInstanceIdentifier=identifier)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "DBInstanceNotFound"
            return None
        return found["DBInstances"][0]

    def available(self, region: str, identifier: str, *, replica: bool | None = None) -> dict:
        """The instance once it is available, and a replica (or no longer one) where that is asked for."""

        def is_so() -> bool:
            seen = self.describe(region, identifier)
            if seen is None or seen["DBInstanceStatus"] != "available":
                return False
            return replica is None or ("ReadReplicaSourceDBInstanceIdentifier" in seen) == replica

        eventually(is_so, f"{identifier} is available, replica: {replica}", 60.0)
        return self.describe(region, identifier)

    def run(self, instance: dict, statement: str, *parameters: object) -> list[tuple]:
        """One statement over a new connection to the instance's endpoint."""
        with psycopg.connect(
            host=instance["Endpoint"]["Address"],
            port=instance["Endpoint"]["Port"],
            user="postgres",
            password=self._password,
            dbname="postgres",
            connect_timeout=60,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def own_orders(self, instance: dict) -> list[int]:
        """The orders that the test itself has written, less what the sandbox's client writes meanwhile."""
        rows = self.run(instance, "SELECT number - %s FROM orders WHERE number > %s ORDER BY 1", _ORDER, _ORDER)
        return [number for (number,) in rows]

    def promote(self, region: str, identifier: str) -> dict:
        self.rds(region).promote_read_replica(DBInstanceIdentifier=identifier, BackupRetentionPeriod=7)
        return self.available(region, identifier, replica=False)

    def rename(self, region: str, identifier: str, new: str) -> dict:
        self.rds(region).modify_db_instance(
            DBInstanceIdentifier=identifier, NewDBInstanceIdentifier=new, ApplyImmediately=True
        )
        return self.available(region, new)

    def replicate(self, region: str, identifier: str, source: dict) -> dict:
        self.rds(region).create_db_instance_read_replica(
            DBInstanceIdentifier=identifier, SourceDBInstanceIdentifier=source["DBInstanceArn"]
        )
        replica = self.available(region, identifier, replica=True)
        assert replica["StatusInfos"][0]["Status"] == "replicating"
        return replica

    def lag_points(self, region: str, identifier: str) -> list[dict]:
        found = self.clients.client("cloudwatch", region).get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "lag",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "AWS/RDS",
                            "MetricName": "ReplicaLag",
                            "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": identifier}],
                        },
                        "Period": 60,
                        "Stat": "Minimum",
                    },
                }
            ],
            StartTime="2020-01-01T00:00:00Z",
            EndTime="2100-01-01T00:00:00Z",
        )
        return found["MetricDataResults"][0]["Values"]


@pytest.fixture
def databases(sandbox: Sandbox) -> Databases:
    """The first workload's databases."""
    return Databases(sandbox)


def test_there_and_back_and_ready_for_the_next_time(sandbox: Sandbox, databases: Databases) -> None:
    home = databases.available(PRIMARY_REGION, _HOME)
    databases.run(home, _INSERT, _ORDER + 1)
    away = databases.available(RECOVERY_REGION, _AWAY, replica=True)
    eventually(lambda: databases.own_orders(away) == [1], "order 1 is in the recovery Region")

    away = databases.promote(RECOVERY_REGION, _AWAY)
    databases.run(away, _INSERT, _ORDER + 2)
    # What only the old primary gets after the promotion must not come back with it.
    databases.run(home, _INSERT, _ORDER + 99)

    old = databases.rename(PRIMARY_REGION, _HOME, _OLD)
    assert databases.own_orders(old) == [1, 99]
    # The endpoint that the applications know leads to nobody now.
    with pytest.raises(psycopg.OperationalError, match="refused"):
        databases.run(home, "SELECT 1")

    back = databases.replicate(PRIMARY_REGION, _HOME, away)
    assert back["Endpoint"]["Port"] == home["Endpoint"]["Port"] != old["Endpoint"]["Port"]
    databases.run(away, _INSERT, _ORDER + 3)
    eventually(lambda: databases.own_orders(back) == [1, 2, 3], "orders 1 to 3 are in the primary Region")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        databases.run(back, _INSERT, _ORDER + 4)
    eventually(lambda: 0.0 in databases.lag_points(PRIMARY_REGION, _HOME), "the lag at home is measured")
    health = call(sandbox.content["workloads"]["pilot-light"]["primaryLoadBalancerUrl"] + "/health")
    assert (health.status, health.body["role"]) == (200, "standby")

    databases.promote(PRIMARY_REGION, _HOME)
    databases.run(back, _INSERT, _ORDER + 4)
    databases.rename(RECOVERY_REGION, _AWAY, f"{_AWAY}-old")
    away = databases.replicate(RECOVERY_REGION, _AWAY, back)
    databases.promote(RECOVERY_REGION, _AWAY)
    assert databases.own_orders(away) == [1, 2, 3, 4]


def test_the_old_primary_goes_with_a_final_snapshot(databases: Databases) -> None:
    rds = databases.rds(PRIMARY_REGION)
    old = databases.available(PRIMARY_REGION, _OLD)
    rds.delete_db_instance(DBInstanceIdentifier=_OLD, FinalDBSnapshotIdentifier=f"{_OLD}-final")
    eventually(lambda: databases.describe(PRIMARY_REGION, _OLD) is None, f"{_OLD} is deleted", 60.0)
    [snapshot] = rds.describe_db_snapshots(DBSnapshotIdentifier=f"{_OLD}-final")["DBSnapshots"]
    assert (snapshot["Status"], snapshot["SnapshotType"]) == ("available", "manual")
    with pytest.raises(psycopg.OperationalError, match="refused"):
        databases.run(old, "SELECT 1")


def test_dead_machines_are_not_filled(sandbox: Sandbox, databases: Databases) -> None:
    sandbox.control("/primary/database/down", {})
    try:
        source = databases.available(RECOVERY_REGION, _AWAY)
        databases.rds(PRIMARY_REGION).create_db_instance_read_replica(
            DBInstanceIdentifier=f"{_HOME}-two", SourceDBInstanceIdentifier=source["DBInstanceArn"]
        )

        def failed() -> bool:
            return databases.describe(PRIMARY_REGION, f"{_HOME}-two")["DBInstanceStatus"] == "failed"

        eventually(failed, "the replica has failed")
    finally:
        sandbox.control("/primary/database/up", {})
    databases.rds(PRIMARY_REGION).delete_db_instance(DBInstanceIdentifier=f"{_HOME}-two", SkipFinalSnapshot=True)
    assert databases.own_orders(databases.available(PRIMARY_REGION, _HOME)) == [1, 2, 3, 4]
