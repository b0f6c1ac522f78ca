"""AWS Backup: restore jobs make new databases and tables of what a recovery point holds, and say why they do not."""

from __future__ import annotations

import pytest
from aurora_database import refused
from backup_vault import ROLE, Vault
from emulator_process import ACCOUNT, RECOVERY, Emulator, eventually
from security_group import security_group


@pytest.fixture
def vault(emulator: Emulator, name: str) -> Vault:
    return Vault(emulator, name)


def _server(port: int) -> dict:
    return {"running": True, "role": "primary", "replication": None, "address": "127.0.0.1", "port": port}


def _cluster(emulator: Emulator, name: str, **more: object) -> dict:
    """A cluster with a real server and settings of its own; returns it, available."""
    emulator.world.databases[RECOVERY, name] = _server(4444)
    rds = emulator.client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        EngineVersion="17.5",
        MasterUsername="owner",
        MasterUserPassword="not-a-real-one",
        BackupRetentionPeriod=7,
        DeletionProtection=True,
        Port=5433,
        Tags=[{"Key": "team", "Value": "shop"}],
        **more,
    )
    return eventually(lambda: (c := _described(emulator, name))["Status"] == "available" and c)


def _described(emulator: Emulator, name: str) -> dict:
    return emulator.client("rds").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]


def test_a_restored_cluster_is_new_and_starts_with_its_first_instance(emulator: Emulator, vault: Vault) -> None:
    group = security_group(emulator, vault.name, region=RECOVERY)
    source = _cluster(emulator, vault.name, VpcSecurityGroupIds=[group])
    point = vault.back_up(source["DBClusterArn"])
    assert ":cluster-snapshot:awsbackup:job-" in point and vault.point(point)["ResourceType"] == "Aurora"
    told = vault.client.get_recovery_point_restore_metadata(BackupVaultName=vault.name, RecoveryPointArn=point)
    assert told["RestoreMetadata"]["Engine"] == "aurora-postgresql"
    assert told["RestoreMetadata"]["VpcSecurityGroupIds"] == f'["{group}"]'
    vault.events()

    new = f"{vault.name}-new"
    job = vault.restore(point, {"Engine": "aurora-postgresql", "dbclusteridentifier": new})

    assert (job["Status"], job["PercentDone"]) == ("COMPLETED", "100.00%"), job
    restored = _described(emulator, new)
    assert job["CreatedResourceArn"] == restored["DBClusterArn"]
    assert job["SourceResourceArn"] == source["DBClusterArn"]
    assert job["RecoveryPointCreationDate"] == vault.point(point)["CreationDate"]
    same = ("Engine", "EngineVersion", "MasterUsername")
    assert [restored[name] for name in same] == [source[name] for name in same]
    assert (restored["Status"], restored["DBClusterMembers"]) == ("available", [])
    settings = (restored["BackupRetentionPeriod"], restored["DeletionProtection"], restored["VpcSecurityGroups"])
    assert settings == (1, False, [])
    assert (restored["TagList"], restored["DBClusterParameterGroup"]) == ([], "default.aurora-postgresql17")
    server = emulator.world.databases[RECOVERY, new]
    assert not server["running"]
    emulator.client("rds").create_db_instance(
        DBInstanceIdentifier=f"{new}-1",
        DBClusterIdentifier=new,
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
    )
    instance = _instance_available(emulator, f"{new}-1")
    assert server["running"] and instance["Endpoint"]["Port"] == 4444
    assert [m["IsClusterWriter"] for m in _described(emulator, new)["DBClusterMembers"]] == [True]
    eventually(lambda: len(_of(vault.receive(), job["RestoreJobId"])) == 3)
    assert [e["detail"].get("state") or e["detail"]["status"] for e in _of(vault.receive(), job["RestoreJobId"])] == [
        "CREATED",
        "RUNNING",
        "COMPLETED",
    ]
    last = _of(vault.receive(), job["RestoreJobId"])[-1]
    assert last["detail-type"] == "Restore Job State Change" and last["resources"] == [point]
    assert last["detail"]["createdResourceArn"] == restored["DBClusterArn"] and "state" not in last["detail"]
    # It is deleted with its server; another can then have its name.
    rds = emulator.client("rds")
    rds.delete_db_instance(DBInstanceIdentifier=f"{new}-1")
    rds.delete_db_cluster(DBClusterIdentifier=new, SkipFinalSnapshot=True)
    assert (RECOVERY, new) not in emulator.world.databases


def test_a_restored_cluster_has_what_the_metadata_says(emulator: Emulator, vault: Vault) -> None:
    point = vault.back_up(_cluster(emulator, vault.name)["DBClusterArn"])
    rds, new = emulator.client("rds"), f"{vault.name}-new"
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=vault.name, DBParameterGroupFamily="aurora-postgresql17", Description="own"
    )
    group = security_group(emulator, vault.name, region=RECOVERY)
    metadata = {
        "DBClusterIdentifier": new,
        "Engine": "aurora-postgresql",
        "DBClusterParameterGroupName": vault.name,
        "VpcSecurityGroupIds": f'["{group}"]',
    }
    assert vault.restore(point, metadata)["Status"] == "COMPLETED"
    restored = _described(emulator, new)
    assert restored["DBClusterParameterGroup"] == vault.name
    assert restored["VpcSecurityGroups"] == [{"VpcSecurityGroupId": group, "Status": "active"}]


def test_a_restored_instance_serves(emulator: Emulator, vault: Vault) -> None:
    emulator.world.databases[RECOVERY, vault.name] = _server(4445)
    emulator.client("rds").create_db_instance(
        DBInstanceIdentifier=vault.name,
        Engine="postgres",
        EngineVersion="17.5",
        DBInstanceClass="db.t4g.medium",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="not-a-real-one",
        BackupRetentionPeriod=7,
        DeletionProtection=True,
    )
    point = vault.back_up(f"arn:aws:rds:{RECOVERY}:{ACCOUNT}:db:{vault.name}")
    new = f"{vault.name}-new"
    job = vault.restore(point, {"DBInstanceIdentifier": new, "DBInstanceClass": "db.t4g.large"})
    assert job["CreatedResourceArn"] == f"arn:aws:rds:{RECOVERY}:{ACCOUNT}:db:{new}", job
    restored = _instance_available(emulator, new)
    assert (restored["DBInstanceClass"], restored["Engine"]) == ("db.t4g.large", "postgres")
    assert (restored["BackupRetentionPeriod"], restored["DeletionProtection"]) == (1, False)
    assert restored["DBParameterGroups"][0]["DBParameterGroupName"] == "default.postgres17"
    assert emulator.world.databases[RECOVERY, new]["running"] and restored["Endpoint"]["Port"] == 4445


def test_a_restored_table_has_the_items_of_the_backup(emulator: Emulator, vault: Vault) -> None:
    dynamodb = emulator.client("dynamodb")
    made = dynamodb.create_table(
        TableName=vault.name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        DeletionProtectionEnabled=True,
    )["TableDescription"]
    dynamodb.put_item(TableName=vault.name, Item={"pk": {"S": "kept"}})
    point = vault.back_up(made["TableArn"])
    dynamodb.put_item(TableName=vault.name, Item={"pk": {"S": "too late"}})
    new = f"{vault.name}-new"
    emulator.world.delays["restoreSeconds"] = 600.0
    job_id = vault.start_restore(point, {"targetTableName": new, "encryptionType": "Default"}, ResourceType="DynamoDB")

    def creating() -> bool:
        return new in dynamodb.list_tables()["TableNames"]

    eventually(creating)
    refused(lambda: dynamodb.scan(TableName=new), "ResourceNotFoundException")
    emulator.world.delays["restoreSeconds"] = 0.5
    job = eventually(lambda: (j := vault.job(job_id))["Status"] == "COMPLETED" and j)
    table = dynamodb.describe_table(TableName=new)["Table"]
    assert (table["TableStatus"], table["TableArn"]) == ("ACTIVE", job["CreatedResourceArn"])
    assert (table["RestoreSummary"]["RestoreInProgress"], table["DeletionProtectionEnabled"]) == (False, False)
    assert dynamodb.scan(TableName=new)["Items"] == [{"pk": {"S": "kept"}}]
    taken = vault.restore(point, {"targetTableName": new})
    assert taken["Status"] == "FAILED" and "TableAlreadyExistsException" in taken["StatusMessage"]


def test_what_cannot_be_restored_is_refused_at_once(emulator: Emulator, vault: Vault) -> None:
    source = _cluster(emulator, vault.name)
    point = vault.back_up(source["DBClusterArn"])
    good = {"DBClusterIdentifier": f"{vault.name}-new", "Engine": "aurora-postgresql"}
    start = vault.client.start_restore_job
    refused(lambda: vault.start_restore(f"{point}x", good), "ResourceNotFoundException", "recovery point")
    elsewhere = emulator.client("backup", "eu-west-1").start_restore_job
    refused(lambda: elsewhere(RecoveryPointArn=point, Metadata=good, IamRoleArn=ROLE), "ResourceNotFoundException")
    refused(lambda: start(RecoveryPointArn=point, Metadata=good), "MissingParameterValueException", "IamRoleArn")
    refused(lambda: vault.start_restore(point, {"Engine": "x"}), "InvalidParameterValueException", "metadata")
    refused(
        lambda: vault.start_restore(point, good, ResourceType="DynamoDB"), "InvalidParameterValueException", "Aurora"
    )
    refused(lambda: vault.job("none-such"), "ResourceNotFoundException")
    assert f"{vault.name}-new" not in [
        c["DBClusterIdentifier"] for c in emulator.client("rds").describe_db_clusters()["DBClusters"]
    ]


def test_a_point_that_is_not_complete_is_not_restored(emulator: Emulator, vault: Vault) -> None:
    source = _cluster(emulator, vault.name)
    emulator.world.databases_may_change.clear()
    job = vault.client.start_backup_job(BackupVaultName=vault.name, ResourceArn=source["DBClusterArn"], IamRoleArn=ROLE)

    def listed() -> list[str]:
        points = vault.client.list_recovery_points_by_backup_vault(BackupVaultName=vault.name)["RecoveryPoints"]
        return [point["Status"] for point in points]

    eventually(lambda: listed() == ["CREATING"])
    metadata = {"DBClusterIdentifier": f"{vault.name}-new", "Engine": "aurora-postgresql"}
    refused(lambda: vault.start_restore(job["RecoveryPointArn"], metadata), "InvalidRequestException", "CREATING")
    vault.client.stop_backup_job(BackupJobId=job["BackupJobId"])
    emulator.world.databases_may_change.set()
    eventually(lambda: listed() == [])


def test_the_same_token_is_the_same_job(emulator: Emulator, vault: Vault) -> None:
    point = vault.back_up(_cluster(emulator, vault.name)["DBClusterArn"])
    metadata = {"DBClusterIdentifier": f"{vault.name}-new", "Engine": "aurora-postgresql"}
    first = vault.start_restore(point, metadata, IdempotencyToken=vault.name)
    eventually(lambda: vault.job(first)["Status"] == "COMPLETED")
    assert vault.start_restore(point, metadata, IdempotencyToken=vault.name) == first
    jobs = vault.client.list_restore_jobs_by_protected_resource(ResourceArn=vault.point(point)["ResourceArn"])
    assert [job["RestoreJobId"] for job in jobs["RestoreJobs"]] == [first]
    assert vault.client.get_restore_job_metadata(RestoreJobId=first)["Metadata"] == metadata
    # Without the token it is another job, for which the name is taken.
    taken = vault.restore(point, metadata)
    assert taken["Status"] == "FAILED" and "CreatedResourceArn" not in taken
    assert "already exists" in taken["StatusMessage"] and "DBClusterAlreadyExistsFault" in taken["StatusMessage"]
    failed = vault.client.list_restore_jobs(ByStatus="FAILED")["RestoreJobs"]
    assert taken["RestoreJobId"] in [job["RestoreJobId"] for job in failed]


def test_what_goes_wrong_later_fails_the_job(emulator: Emulator, vault: Vault) -> None:
    source = _cluster(emulator, vault.name)
    point = vault.back_up(source["DBClusterArn"])
    new = f"{vault.name}-new"
    metadata = {"DBClusterIdentifier": new, "Engine": "aurora-postgresql"}
    job = vault.restore(point, {**metadata, "VpcSecurityGroupIds": '["sg-none-such"]'})
    assert job["Status"] == "FAILED" and "sg-none-such" in job["StatusMessage"]
    emulator.world.refuse_restore = "no room is left"
    job = vault.restore(point, metadata)
    assert job["Status"] == "FAILED" and "no room is left" in job["StatusMessage"]
    assert _described(emulator, new)["Status"] == "restore-error"
    # What was kept is gone: a database without its data is no success.
    emulator.world.refuse_restore = None
    emulator.world.backups.clear()
    job = vault.restore(point, {**metadata, "DBClusterIdentifier": f"{new}-2"})
    assert job["Status"] == "FAILED" and "CreatedResourceArn" not in job
    emulator.world.refuse_backup = "the volume cannot be read"
    backup_job = vault.client.start_backup_job(
        BackupVaultName=vault.name, ResourceArn=source["DBClusterArn"], IamRoleArn=ROLE
    )["BackupJobId"]
    failed = eventually(
        lambda: (j := vault.client.describe_backup_job(BackupJobId=backup_job))["State"] == "FAILED" and j
    )
    assert "the volume cannot be read" in failed["StatusMessage"]


def test_a_point_of_nothing_restores_nothing(vault: Vault) -> None:
    point = vault.back_up(f"arn:aws:rds:{RECOVERY}:{ACCOUNT}:cluster:{vault.name}-none-such")
    job = vault.restore(point, {"DBClusterIdentifier": vault.name, "Engine": "aurora-postgresql"})
    assert job["Status"] == "FAILED" and "did not exist" in job["StatusMessage"]


def _instance_available(emulator: Emulator, identifier: str) -> dict:
    rds = emulator.client("rds")

    def available() -> dict | None:
        found = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
        return found if found["DBInstanceStatus"] == "available" else None

    return eventually(available)


def _of(events: list[dict], job_id: str) -> list[dict]:
    return [event for event in events if event["detail"].get("restoreJobId") == job_id]
