"""AWS Backup: a recovery point is copied into another Region's vault, and restored there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aurora_database import refused
from backup_vault import ROLE, Vault
from emulator_process import ACCOUNT, PRIMARY, RECOVERY, Emulator, eventually


@pytest.fixture
def vaults(emulator: Emulator, name: str) -> tuple[Vault, Vault]:
    """One in each Region, of different names."""
    return Vault(emulator, f"{name}-from", PRIMARY), Vault(emulator, f"{name}-to", RECOVERY)


def _table(emulator: Emulator, name: str) -> str:
    dynamodb = emulator.client("dynamodb", PRIMARY)
    table = dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )["TableDescription"]
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "kept"}})
    return table["TableArn"]


def _copy(source: Vault, target: Vault, point: str) -> dict:
    job_id = source.client.start_copy_job(
        RecoveryPointArn=point,
        SourceBackupVaultName=source.name,
        DestinationBackupVaultArn=target.arn,
        IamRoleArn=ROLE,
        Lifecycle={"DeleteAfterDays": 7},
    )["CopyJobId"]
    describe = source.client.describe_copy_job
    return eventually(lambda: (j := describe(CopyJobId=job_id)["CopyJob"])["State"] == "COMPLETED" and j)


def test_a_copy_is_as_old_as_its_original_and_can_be_restored(
    emulator: Emulator, vaults: tuple[Vault, Vault], name: str
) -> None:
    source, target = vaults
    table = _table(emulator, name)
    point = source.back_up(table)
    source.events()

    job = _copy(source, target, point)

    copied = target.point(job["DestinationRecoveryPointArn"])
    assert copied["RecoveryPointArn"].startswith(f"arn:aws:backup:{RECOVERY}:{ACCOUNT}:recovery-point:")
    assert (copied["Status"], copied["ResourceArn"]) == ("COMPLETED", table)
    assert copied["CreationDate"] == source.point(point)["CreationDate"] < copied["CompletionDate"]
    assert copied["CalculatedLifecycle"]["DeleteAt"] == copied["CreationDate"] + timedelta(days=7)
    assert "Lifecycle" not in source.point(point)
    listed = target.client.list_recovery_points_by_backup_vault(BackupVaultName=target.name, ByResourceArn=table)
    assert [p["RecoveryPointArn"] for p in listed["RecoveryPoints"]] == [copied["RecoveryPointArn"]]
    restored = target.restore(copied["RecoveryPointArn"], {"targetTableName": f"{name}-new"})
    assert restored["CreatedResourceArn"] == f"arn:aws:dynamodb:{RECOVERY}:{ACCOUNT}:table/{name}-new"
    items = emulator.client("dynamodb", RECOVERY).scan(TableName=f"{name}-new")["Items"]
    assert items == [{"pk": {"S": "kept"}}]

    def of_the_job() -> list[dict]:
        return [e["detail"] for e in source.receive() if e["detail"].get("copyJobId") == job["CopyJobId"]]

    eventually(lambda: len(of_the_job()) == 3)
    created, _, completed = of_the_job()
    assert [detail["state"] for detail in of_the_job()] == ["CREATED", "RUNNING", "COMPLETED"]
    assert created["destinationRecoveryPointArn"] == {}
    assert completed["destinationRecoveryPointArn"] == copied["RecoveryPointArn"]
    assert isinstance(completed["backupSizeInBytes"], int)


def test_a_copied_cluster_is_restored_where_the_copy_is(
    emulator: Emulator, vaults: tuple[Vault, Vault], name: str
) -> None:
    source, target = vaults
    server = {"running": True, "role": "primary", "replication": None, "address": "127.0.0.1", "port": 4446}
    emulator.world.databases[PRIMARY, name] = server
    rds = emulator.client("rds", PRIMARY)
    cluster = rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        EngineVersion="17.5",
        MasterUsername="owner",
        MasterUserPassword="not-a-real-one",
    )["DBCluster"]
    point = source.back_up(cluster["DBClusterArn"])
    copied = _copy(source, target, point)["DestinationRecoveryPointArn"]
    assert copied.startswith(f"arn:aws:rds:{RECOVERY}:{ACCOUNT}:cluster-snapshot:awsbackup:copyjob-")
    job = target.restore(copied, {"DBClusterIdentifier": f"{name}-new", "Engine": "aurora-postgresql"})
    assert job["CreatedResourceArn"] == f"arn:aws:rds:{RECOVERY}:{ACCOUNT}:cluster:{name}-new", job
    assert (RECOVERY, f"{name}-new") in emulator.world.databases


def test_what_cannot_be_copied_is_refused(emulator: Emulator, vaults: tuple[Vault, Vault], name: str) -> None:
    source, target = vaults
    point = source.back_up(_table(emulator, name))
    good = {
        "RecoveryPointArn": point,
        "SourceBackupVaultName": source.name,
        "DestinationBackupVaultArn": target.arn,
        "IamRoleArn": ROLE,
    }
    for wrong in (
        {"RecoveryPointArn": f"{point}x"},
        {"SourceBackupVaultName": target.name},
        {"DestinationBackupVaultArn": f"{target.arn}x"},
        {"DestinationBackupVaultArn": target.arn.replace(RECOVERY, PRIMARY)},
    ):
        refused(lambda wrong=wrong: source.client.start_copy_job(**{**good, **wrong}), "ResourceNotFoundException")
    refused(lambda: source.client.describe_copy_job(CopyJobId="none-such"), "ResourceNotFoundException")
    assert source.client.list_copy_jobs(ByDestinationVaultArn=target.arn)["CopyJobs"] == []
