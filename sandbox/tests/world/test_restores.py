"""AWS Backup and point-in-time restores over real servers, seen through the endpoints that RDS names: a row that was
written before the backup or the time is in the restored cluster, a later one is not."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from pilot_sandbox.aws_clients import AwsClients
from pilot_sandbox.naming import ACCOUNT_ID
from pilot_sandbox.topologies import PAYMENTS
from whole_sandbox import Sandbox, eventually

PRIMARY, RECOVERY = PAYMENTS.regions
_ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/backup"
_WAIT_SECONDS = 60


class Restores:
    """A sandbox whose databases are backed up and restored."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.names = PAYMENTS.names(PAYMENTS.name)
        self.clients = AwsClients(sandbox.content["endpointUrl"])
        folder = Path(sandbox.content["dataFolder"]) / "databases" / self.names.workload
        self._password = (folder / "primary" / "password").read_text()

    def cluster(self, region: str, identifier: str) -> dict:
        found = self.clients.client("rds", region).describe_db_clusters(DBClusterIdentifier=identifier)
        return found["DBClusters"][0]

    def query(self, region: str, identifier: str, statement: str, *parameters: object) -> list[tuple]:
        """Ask a cluster over its endpoint."""
        cluster = self.cluster(region, identifier)
        with psycopg.connect(
            host=cluster["Endpoint"],
            port=cluster["Port"],
            user="postgres",
            password=self._password,
            dbname="postgres",
            connect_timeout=60,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def write(self, region: str, identifier: str, number: int) -> None:
        self.query(region, identifier, "INSERT INTO numbered VALUES (%s)", number)

    def numbers(self, region: str, identifier: str) -> list[int]:
        return [row[0] for row in self.query(region, identifier, "SELECT number FROM numbered ORDER BY number")]

    def add_instance(self, region: str, cluster: str) -> None:
        """Create the first instance of a restored cluster; returns when it is available."""
        rds = self.clients.client("rds", region)
        rds.create_db_instance(
            DBInstanceIdentifier=f"{cluster}-1",
            DBClusterIdentifier=cluster,
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
        )

        def available() -> bool:
            found = rds.describe_db_instances(DBInstanceIdentifier=f"{cluster}-1")["DBInstances"][0]
            return found["DBInstanceStatus"] == "available"

        eventually(available, f"the instance of {cluster} is available", _WAIT_SECONDS)


@pytest.fixture(scope="module")
def restores(request: pytest.FixtureRequest) -> Iterator[Restores]:
    """A sandbox of its own, in which a restore takes only as long as the real work."""
    sandbox = Sandbox(PAYMENTS.name)
    sandbox.control("/delays", {"restoreSeconds": 0.2})
    made = Restores(sandbox)
    made.query(PRIMARY, made.names.cluster(PRIMARY), "CREATE TABLE numbered (number bigint PRIMARY KEY)")
    yield made
    if sandbox.process.poll() is None:
        sandbox.end(signal.SIGTERM)
    if not request.session.testsfailed:
        shutil.rmtree(sandbox.paths.folder, ignore_errors=True)


def test_a_copied_recovery_point_becomes_a_cluster_in_the_other_region(restores: Restores) -> None:
    names, cluster = restores.names, restores.names.cluster(PRIMARY)
    here, there = restores.clients.client("backup", PRIMARY), restores.clients.client("backup", RECOVERY)
    here.create_backup_vault(BackupVaultName="hourly")
    target = there.create_backup_vault(BackupVaultName="copies")["BackupVaultArn"]
    restores.write(PRIMARY, cluster, 1)
    job = here.start_backup_job(BackupVaultName="hourly", ResourceArn=names.cluster_arn(PRIMARY), IamRoleArn=_ROLE)
    backup_job, point = job["BackupJobId"], job["RecoveryPointArn"]
    eventually(
        lambda: here.describe_backup_job(BackupJobId=backup_job)["State"] == "COMPLETED", "backed up", _WAIT_SECONDS
    )
    restores.write(PRIMARY, cluster, 2)
    copy_job = here.start_copy_job(
        RecoveryPointArn=point, SourceBackupVaultName="hourly", DestinationBackupVaultArn=target, IamRoleArn=_ROLE
    )["CopyJobId"]
    eventually(
        lambda: here.describe_copy_job(CopyJobId=copy_job)["CopyJob"]["State"] == "COMPLETED", "copied", _WAIT_SECONDS
    )
    copied = here.describe_copy_job(CopyJobId=copy_job)["CopyJob"]["DestinationRecoveryPointArn"]
    metadata = {"DBClusterIdentifier": "restored", "Engine": "aurora-postgresql"}
    restore = there.start_restore_job(RecoveryPointArn=copied, IamRoleArn=_ROLE, Metadata=metadata)["RestoreJobId"]

    def ended() -> bool:
        return there.describe_restore_job(RestoreJobId=restore)["Status"] in ("COMPLETED", "FAILED")

    eventually(ended, "the restore job has ended", _WAIT_SECONDS)
    done = there.describe_restore_job(RestoreJobId=restore)
    assert done.get("CreatedResourceArn") == f"arn:aws:rds:{RECOVERY}:{ACCOUNT_ID}:cluster:restored", done
    with pytest.raises(psycopg.OperationalError):
        restores.numbers(RECOVERY, "restored")  # no instance, no server
    restores.add_instance(RECOVERY, "restored")
    assert restores.numbers(RECOVERY, "restored") == [1]
    restores.write(RECOVERY, "restored", 3)
    assert restores.numbers(PRIMARY, cluster) == [1, 2]


def test_a_spoilt_cluster_is_restored_to_the_time_before(restores: Restores) -> None:
    rds = restores.clients.client("rds", RECOVERY)
    eventually(
        lambda: restores.cluster(RECOVERY, "restored")["EarliestRestorableTime"] < datetime.now(UTC), "restorable"
    )
    restores.write(RECOVERY, "restored", 4)
    before = datetime.now(UTC)
    restores.query(RECOVERY, "restored", "DELETE FROM numbered WHERE number <> 3")
    assert restores.numbers(RECOVERY, "restored") == [3]
    eventually(lambda: restores.cluster(RECOVERY, "restored")["LatestRestorableTime"] >= before, "can be restored to")
    rds.restore_db_cluster_to_point_in_time(
        DBClusterIdentifier="as-before", SourceDBClusterIdentifier="restored", RestoreToTime=before
    )
    eventually(
        lambda: restores.cluster(RECOVERY, "as-before")["Status"] == "available", "as-before is there", _WAIT_SECONDS
    )
    restores.add_instance(RECOVERY, "as-before")
    assert restores.numbers(RECOVERY, "as-before") == [1, 3, 4]
    restores.write(RECOVERY, "as-before", 5)
    assert restores.numbers(RECOVERY, "restored") == [3]


def test_a_restored_cluster_is_behind_its_security_groups(restores: Restores) -> None:
    ec2 = restores.clients.client("ec2", RECOVERY)
    group = ec2.create_security_group(GroupName="nobody", Description="admits nobody")["GroupId"]
    restores.clients.client("rds", RECOVERY).modify_db_cluster(
        DBClusterIdentifier="as-before", VpcSecurityGroupIds=[group]
    )

    def refused() -> bool:
        try:
            restores.numbers(RECOVERY, "as-before")
        except psycopg.OperationalError:
            return True
        return False

    eventually(refused, "nobody is let in", _WAIT_SECONDS)
