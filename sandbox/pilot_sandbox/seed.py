"""The resources of one workload in both emulated Regions, created over the ordinary AWS API; safe to repeat."""

import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.exceptions import ClientError

from .aws_clients import AwsClients
from .metrics import CANARY_METRIC, CANARY_NAMESPACE
from .naming import ACCOUNT_ID, PRIMARY_REGION, RECOVERY_REGION, REGIONS, Names
from .plan_for import plan_for
from .seed_doors import PrimaryDoors, remove_doors, seed_doors

_ROUTE53_REGION = "us-east-1"
_WAIT_SECONDS = 90.0
_RECORD_TTL_SECONDS = 5
_CAPACITY = {PRIMARY_REGION: (2, 4, 2), RECOVERY_REGION: (0, 0, 0)}
# Users see an outage when a few requests in 10 s fail; one that broke off alone is no outage.
_CANARY_FAILURES_MIN = 3


class SeedFailed(RuntimeError):
    """A workload's resources could not be created whole."""


@dataclass(frozen=True)
class SeedContext:
    """What the resources of one workload refer to."""

    names: Names
    outputs: dict[str, str]
    emulator_port: int
    load_balancer_ports: dict[str, int]
    database_ports: dict[str, int]
    probe_urls: dict[str, str]
    dns_address: str

    @property
    def stop_bucket(self) -> str:
        """The bucket of the STOP objects: the stack's, or without a stack one of the workload's own."""
        return self.outputs.get("StopBucketName", f"{self.names.workload}-stop")


@contextmanager
def _unless(*codes: str):
    """Ignore the AWS errors that say that the wanted state is there already."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise


def seed_workload(clients: AwsClients, context: SeedContext) -> None:
    """Create everything; raises SeedFailed with the resource that did not come up."""
    doors = seed_doors(clients, context.names)
    _databases(clients, context, doors)
    _groups(clients, context)
    _alarm(clients, context)
    _traffic(clients, context)
    _backup(clients, context)
    _plan(clients, context, doors)
    for region in REGIONS:
        _wait_for_group(clients, context, region)


def _databases(clients: AwsClients, context: SeedContext, doors: PrimaryDoors) -> None:
    names = context.names
    primary, recovery = clients.client("rds", PRIMARY_REGION), clients.client("rds", RECOVERY_REGION)
    with _unless("DBInstanceAlreadyExists"):
        primary.create_db_instance(
            DBInstanceIdentifier=names.database(PRIMARY_REGION),
            Engine="postgres",
            EngineVersion="18.1",
            DBInstanceClass="db.t4g.medium",
            AllocatedStorage=20,
            MasterUsername="postgres",
            # RDS demands one; nobody logs in with it, the real server has a password of its own.
            MasterUserPassword="not-the-real-one",
            BackupRetentionPeriod=7,
            StorageEncrypted=False,
            VpcSecurityGroupIds=[doors.open_database_group],
        )
    _wait_for_database(primary, names.database(PRIMARY_REGION))
    with _unless("DBInstanceAlreadyExists"):
        recovery.create_db_instance_read_replica(
            DBInstanceIdentifier=names.database(RECOVERY_REGION),
            DBInstanceClass="db.t4g.medium",
            SourceDBInstanceIdentifier=names.database_arn(PRIMARY_REGION),
            SourceRegion=PRIMARY_REGION,
        )
    _wait_for_database(recovery, names.database(RECOVERY_REGION))


def _wait_for_database(rds, identifier: str) -> None:
    def available() -> str | None:
        status = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]["DBInstanceStatus"]
        return None if status == "available" else f"database {identifier} is {status}"

    _wait(available)


def _groups(clients: AwsClients, context: SeedContext) -> None:
    names = context.names
    for region in REGIONS:
        with _unless("InvalidLaunchTemplateName.AlreadyExistsException"):
            clients.client("ec2", region).create_launch_template(
                LaunchTemplateName=names.launch_template,
                LaunchTemplateData={"ImageId": "ami-00000000000000001", "InstanceType": "t4g.small"},
            )
        smallest, largest, desired = _CAPACITY[region]
        with _unless("AlreadyExists", "AlreadyExistsFault"):
            clients.client("autoscaling", region).create_auto_scaling_group(
                AutoScalingGroupName=names.group,
                MinSize=smallest,
                MaxSize=largest,
                DesiredCapacity=desired,
                AvailabilityZones=[f"{region}a", f"{region}b"],
                LaunchTemplate={"LaunchTemplateName": names.launch_template, "Version": "$Latest"},
            )


def _wait_for_group(clients: AwsClients, context: SeedContext, region: str) -> None:
    autoscaling, wanted = clients.client("autoscaling", region), _CAPACITY[region][2]

    def in_service() -> str | None:
        groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[context.names.group])
        count = sum(i["LifecycleState"] == "InService" for i in groups["AutoScalingGroups"][0]["Instances"])
        return None if count == wanted else f"group {context.names.group} in {region} has {count} of {wanted} InService"

    _wait(in_service)


def _alarm(clients: AwsClients, context: SeedContext) -> None:
    clients.client("cloudwatch", RECOVERY_REGION).put_metric_alarm(
        AlarmName=context.names.canary_alarm,
        Namespace=CANARY_NAMESPACE,
        MetricName=CANARY_METRIC,
        Dimensions=[{"Name": "Workload", "Value": context.names.workload}],
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=_CANARY_FAILURES_MIN,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="missing",
        AlarmDescription="What users of the workload see, measured from outside: failed requests in 10 seconds.",
    )


def _traffic(clients: AwsClients, context: SeedContext) -> None:
    names, route53 = context.names, clients.client("route53", _ROUTE53_REGION)
    zone_id = (
        _zone_id(route53, names)
        or route53.create_hosted_zone(Name=names.zone, CallerReference=f"{names.workload}-zone")["HostedZone"]["Id"]
    )
    stop_bucket = context.stop_bucket
    if "StopBucketName" not in context.outputs:  # without a deployed stack the switch gets a bucket of its own
        with _unless("BucketAlreadyOwnedByYou"):
            clients.client("s3", RECOVERY_REGION).create_bucket(
                Bucket=stop_bucket, CreateBucketConfiguration={"LocationConstraint": RECOVERY_REGION}
            )
    stop_check = _health_check(
        route53,
        f"{names.workload}-stop-{context.emulator_port}",
        {
            "Type": "HTTP",
            "IPAddress": "127.0.0.1",
            "Port": context.emulator_port,
            "Inverted": True,
            "ResourcePath": f"/{stop_bucket}/{names.stop_key}",
            "RequestInterval": 10,
            "FailureThreshold": 1,
        },
    )
    recovery_port = context.load_balancer_ports[RECOVERY_REGION]
    recovery_check = _health_check(
        route53,
        f"{names.workload}-recovery-{recovery_port}",
        {
            "Type": "HTTP",
            "IPAddress": "127.0.0.1",
            "Port": recovery_port,
            "ResourcePath": "/health",
            "RequestInterval": 10,
            "FailureThreshold": 1,
        },
    )
    changes = [
        {"Action": "UPSERT", "ResourceRecordSet": record}
        for record in _records(names, context.load_balancer_ports, {"PRIMARY": stop_check, "SECONDARY": recovery_check})
    ]
    route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})


def _health_check(route53, reference: str, config: dict) -> str:
    return route53.create_health_check(CallerReference=reference, HealthCheckConfig=config)["HealthCheck"]["Id"]


def _records(names: Names, ports: dict[str, int], checks: dict[str, str]) -> list[dict]:
    def record(name: str, kind: str, value: str, **more: str) -> dict:
        return {"Name": name, "Type": kind, "TTL": _RECORD_TTL_SECONDS, "ResourceRecords": [{"Value": value}], **more}

    records = [record(names.api, "CNAME", names.load_balancer(PRIMARY_REGION))]
    for region, identifier, role in (
        (PRIMARY_REGION, "primary", "PRIMARY"),
        (RECOVERY_REGION, "recovery", "SECONDARY"),
    ):
        target = names.load_balancer(region)
        records += [
            record(names.shop, "CNAME", target, SetIdentifier=identifier, Failover=role, HealthCheckId=checks[role]),
            record(target, "A", "127.0.0.1"),
            # Both Regions live on 127.0.0.1, so it is the port that tells them apart.
            record(f"_http._tcp.{target}", "SRV", f"1 1 {ports[region]} {target}"),
        ]
    return records


def _zone_id(route53, names: Names) -> str | None:
    for page in route53.get_paginator("list_hosted_zones").paginate():
        for zone in page["HostedZones"]:
            if zone["Name"] == names.zone:
                return zone["Id"]
    return None


def _backup(clients: AwsClients, context: SeedContext) -> None:
    names, backup = context.names, clients.client("backup", RECOVERY_REGION)
    with _unless("AlreadyExistsException"):
        backup.create_backup_vault(BackupVaultName=names.vault)
    job = backup.start_backup_job(
        BackupVaultName=names.vault,
        ResourceArn=names.database_arn(RECOVERY_REGION),
        IamRoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/backup",
        IdempotencyToken=f"{names.workload}-first",
    )["BackupJobId"]

    def completed() -> str | None:
        state = backup.describe_backup_job(BackupJobId=job)["State"]
        if state in ("ABORTED", "FAILED", "EXPIRED"):
            raise SeedFailed(f"backup job {job} of {names.database(RECOVERY_REGION)} ended as {state}")
        return None if state == "COMPLETED" else f"backup job {job} is {state}"

    _wait(completed)


def _plan(clients: AwsClients, context: SeedContext, doors: PrimaryDoors) -> None:
    bucket = context.outputs.get("ArtifactsBucketName")
    if bucket is None:
        return  # nothing is deployed that could read a plan
    plan = plan_for(context, doors)
    clients.client("s3", RECOVERY_REGION).put_object(
        Bucket=bucket, Key=context.names.plan_key, Body=plan.encode(), ContentType="application/yaml"
    )


def _wait(missing: Callable[[], str | None]) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while (what := missing()) is not None:
        if time.monotonic() > deadline:
            raise SeedFailed(f"after {_WAIT_SECONDS:.0f} s {what}; the emulator's log says more")
        time.sleep(0.2)


def remove_workload(clients: AwsClients, context: SeedContext) -> None:
    """Delete what seeding created; what is gone already is fine."""
    names = context.names
    for region in REGIONS:
        with _unless("ValidationError"):
            clients.client("autoscaling", region).delete_auto_scaling_group(
                AutoScalingGroupName=names.group, ForceDelete=True
            )
        with _unless("InvalidLaunchTemplateName.NotFoundException"):
            clients.client("ec2", region).delete_launch_template(LaunchTemplateName=names.launch_template)
    for region in reversed(REGIONS):
        with _unless("DBInstanceNotFound", "DBInstanceNotFoundFault"):
            clients.client("rds", region).delete_db_instance(
                DBInstanceIdentifier=names.database(region), SkipFinalSnapshot=True
            )
    # Last of these: on AWS a security group can only be deleted when nothing has it any more.
    remove_doors(clients, names)
    clients.client("cloudwatch", RECOVERY_REGION).delete_alarms(AlarmNames=[names.canary_alarm])
    s3 = clients.client("s3", RECOVERY_REGION)
    s3.delete_object(Bucket=context.stop_bucket, Key=names.stop_key)
    if "ArtifactsBucketName" in context.outputs:
        s3.delete_object(Bucket=context.outputs["ArtifactsBucketName"], Key=names.plan_key)
    _remove_traffic(clients, context)


def _remove_traffic(clients: AwsClients, context: SeedContext) -> None:
    names, route53 = context.names, clients.client("route53", _ROUTE53_REGION)
    zone_id = _zone_id(route53, names)
    if zone_id is None:
        return
    records = route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    own = [record for record in records if record["Type"] not in ("SOA", "NS")]
    if own:
        changes = [{"Action": "DELETE", "ResourceRecordSet": record} for record in own]
        route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})
    for check_id in {record["HealthCheckId"] for record in own if "HealthCheckId" in record}:
        route53.delete_health_check(HealthCheckId=check_id)
    route53.delete_hosted_zone(Id=zone_id)
