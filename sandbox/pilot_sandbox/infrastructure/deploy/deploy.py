"""The owner's own infrastructure code: deploys the application into a Region that has its database and its cache.

Run by CodeBuild. It may be started before database and cache are there, so it waits for both; run again, it finds what
it has made. Its environment: CLUSTER and CACHE, the identifiers to wait for; NAME, of the Auto Scaling group and its
launch template; INSTANCES, how many; POLL_SECONDS, how often to look.
"""

import base64
import os
import time

import boto3
from botocore.exceptions import ClientError

NAME, CLUSTER, CACHE = (os.environ[name] for name in ("NAME", "CLUSTER", "CACHE"))
INSTANCES = int(os.environ["INSTANCES"])
POLL_SECONDS = float(os.environ["POLL_SECONDS"])


def found(describe, member: str, missing: str, **arguments: object) -> list[dict]:
    """What a describe call finds; nothing where AWS says that there is none."""
    try:
        return describe(**arguments)[member]
    except ClientError as error:
        if error.response["Error"]["Code"] != missing:
            raise
        return []


def database() -> str | None:
    """The cluster's endpoint, once the cluster and its writer are available."""
    rds = boto3.client("rds")
    clusters = found(rds.describe_db_clusters, "DBClusters", "DBClusterNotFoundFault", DBClusterIdentifier=CLUSTER)
    instances = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [CLUSTER]}])["DBInstances"]
    available = {each["DBInstanceIdentifier"] for each in instances if each["DBInstanceStatus"] == "available"}
    for cluster in clusters:
        writers = {each["DBInstanceIdentifier"] for each in cluster["DBClusterMembers"] if each["IsClusterWriter"]}
        if cluster["Status"] == "available" and writers & available:
            return f"{cluster['Endpoint']}:{cluster['Port']}"
    return None


def cache() -> str | None:
    """The cache's primary endpoint, once the replication group is available."""
    describe = boto3.client("elasticache").describe_replication_groups
    for group in found(describe, "ReplicationGroups", "ReplicationGroupNotFoundFault", ReplicationGroupId=CACHE):
        if group["Status"] == "available":
            endpoint = group["NodeGroups"][0]["PrimaryEndpoint"]
            return f"{endpoint['Address']}:{endpoint['Port']}"
    return None


def awaited(what: str, look) -> str:
    """What `look` finds, however long it takes: the build's own time limit ends a wait that is in vain."""
    print(f"waiting for {what}", flush=True)
    while (seen := look()) is None:
        time.sleep(POLL_SECONDS)
    print(f"{what} is at {seen}", flush=True)
    return seen


def deploy(settings: str) -> None:
    """Create launch template and group; what is there already is what an earlier build has made."""
    ec2, autoscaling = boto3.client("ec2"), boto3.client("autoscaling")
    data = {
        "ImageId": "ami-00000000000000001",
        "InstanceType": "t4g.small",
        "UserData": base64.b64encode(settings.encode()).decode(),
    }
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    steps = (
        lambda: ec2.create_launch_template(LaunchTemplateName=NAME, LaunchTemplateData=data),
        lambda: autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=NAME,
            MinSize=INSTANCES,
            MaxSize=2 * INSTANCES,
            DesiredCapacity=INSTANCES,
            AvailabilityZones=zones[:2],
            LaunchTemplate={"LaunchTemplateName": NAME, "Version": "$Latest"},
        ),
    )
    for step in steps:
        try:
            step()
        except ClientError as error:
            if "AlreadyExists" not in error.response["Error"]["Code"]:
                raise


def in_service() -> str | None:
    """How many instances serve, once all do."""
    groups = boto3.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])
    states = [instance["LifecycleState"] for instance in groups["AutoScalingGroups"][0]["Instances"]]
    return f"{INSTANCES} instances" if states.count("InService") >= INSTANCES else None


if __name__ == "__main__":
    endpoints = awaited(f"database {CLUSTER}", database), awaited(f"cache {CACHE}", cache)
    deploy("DATABASE={}\nCACHE={}\n".format(*endpoints))
    awaited(f"group {NAME}", in_service)
