"""AWS Backup: a job runs its course, leaves a recovery point, and says so in events like AWS's own."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from emulator_process import ACCOUNT, PRIMARY, RECOVERY, Emulator, eventually


def test_a_backup_job_leaves_a_recovery_point_and_events(emulator: Emulator, name: str) -> None:
    client, sqs, events = emulator.client("backup"), emulator.client("sqs"), emulator.client("events")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    pattern = {"source": ["aws.backup"], "detail": {"backupVaultName": [name]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:{RECOVERY}:{ACCOUNT}:{name}"}])
    client.create_backup_vault(BackupVaultName=name)
    database = f"arn:aws:rds:{PRIMARY}:{ACCOUNT}:db:{name}-db"
    role = f"arn:aws:iam::{ACCOUNT}:role/backup"
    job = client.start_backup_job(BackupVaultName=name, ResourceArn=database, IamRoleArn=role)

    done = eventually(
        lambda: (j := client.describe_backup_job(BackupJobId=job["BackupJobId"]))["State"] == "COMPLETED" and j
    )
    assert done["ResourceType"] == "RDS" and done["BackupSizeInBytes"] > 0
    points = client.list_recovery_points_by_backup_vault(BackupVaultName=name)["RecoveryPoints"]
    assert [(p["ResourceArn"], p["Status"]) for p in points] == [(database, "COMPLETED")]
    arn = points[0]["RecoveryPointArn"]
    assert client.list_recovery_points_by_resource(ResourceArn=database)["RecoveryPoints"][0]["RecoveryPointArn"] == arn
    one = client.describe_recovery_point(BackupVaultName=name, RecoveryPointArn=arn)
    assert one["Status"] == "COMPLETED" and one["CompletionDate"] >= one["CreationDate"]
    jobs = client.list_backup_jobs(ByBackupVaultName=name, ByState="COMPLETED")["BackupJobs"]
    assert [j["BackupJobId"] for j in jobs] == [job["BackupJobId"]]
    assert client.list_backup_jobs(ByBackupVaultName=name, ByState="FAILED")["BackupJobs"] == []

    seen: list[dict] = []

    def all_events() -> bool:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        seen.extend(json.loads(message["Body"]) for message in messages)
        return len(seen) >= 4

    eventually(all_events)
    by_kind = {(e["detail-type"], e["detail"].get("state") or e["detail"].get("status")): e for e in seen}
    job_event = by_kind["Backup Job State Change", "COMPLETED"]
    assert {state for kind, state in by_kind if kind.startswith("Backup")} == {"CREATED", "RUNNING", "COMPLETED"}
    assert job_event["resources"] == [arn] and job_event["region"] == RECOVERY
    assert isinstance(job_event["detail"]["backupSizeInBytes"], str) and "status" not in job_event["detail"]
    point_event = by_kind["Recovery Point State Change", "COMPLETED"]
    assert point_event["resources"] == [arn] and "state" not in point_event["detail"]


def test_a_vault_or_point_that_is_not_there_is_refused(emulator: Emulator, name: str) -> None:
    client = emulator.client("backup")
    for call, parameters in (
        (client.list_recovery_points_by_backup_vault, {"BackupVaultName": name}),
        (client.describe_recovery_point, {"BackupVaultName": name, "RecoveryPointArn": "arn:aws:backup:x"}),
        (
            client.start_backup_job,
            {"BackupVaultName": name, "ResourceArn": "arn:aws:rds:a:b:db:c", "IamRoleArn": "arn:aws:iam::1:role/r"},
        ),
    ):
        with pytest.raises(ClientError) as error:
            call(**parameters)
        assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"
