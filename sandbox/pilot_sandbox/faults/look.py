"""How a case's workload stands: its resources, as boto3 describes them."""

from ..naming import Names
from .judge import State
from .modes import Mode
from .stack import Stack


def look(stack: Stack, names: Names, mode: Mode) -> State:
    """Read everything that a case is judged by."""
    left, entered = mode.leads(names.regions)
    primary = names.regions.primary
    group, left_group = (_group(stack, names, region) for region in (entered, left))
    database, left_database = (_instance(stack, names, region) for region in (entered, left))
    balancers = stack.aws("elbv2", primary).describe_load_balancers(Names=[names.load_balancer_name])["LoadBalancers"]
    original = left_database if left == primary else database
    return State(
        sizes=_sizes(group),
        left_sizes=_sizes(left_group),
        doors={
            "load balancer": sorted(balancers[0]["SecurityGroups"]),
            "database": _door(original),
        },
        promoted=bool(database) and not _source(database),
        available=_available(database),
        in_service=sum(instance["LifecycleState"] == "InService" for instance in group["Instances"]),
        led_over=_stop_object(stack, names) != mode.homeward,
        left_follows=_available(left_database) and _source(left_database).endswith(f":{names.database(entered)}"),
    )


def _group(stack: Stack, names: Names, region: str) -> dict:
    autoscaling = stack.aws("autoscaling", region)
    return autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[names.group])["AutoScalingGroups"][0]


def _sizes(group: dict) -> tuple[int, int, int]:
    return group["MinSize"], group["MaxSize"], group["DesiredCapacity"]


def _instance(stack: Stack, names: Names, region: str) -> dict:
    """A Region's instance; empty while none has its name, as when the old one was set aside."""
    rds = stack.aws("rds", region)
    try:
        return rds.describe_db_instances(DBInstanceIdentifier=names.database(region))["DBInstances"][0]
    except rds.exceptions.DBInstanceNotFoundFault:
        return {}


def _door(instance: dict) -> list[str]:
    """Its security groups. One that is `removing` is none of them any more: what was asked of RDS is what counts."""
    groups = instance.get("VpcSecurityGroups", [])
    return sorted(each["VpcSecurityGroupId"] for each in groups if each["Status"] != "removing")


def _source(instance: dict) -> str:
    return instance.get("ReadReplicaSourceDBInstanceIdentifier", "")


def _available(instance: dict) -> bool:
    return instance.get("DBInstanceStatus") == "available"


def _stop_object(stack: Stack, names: Names) -> bool:
    listed = stack.aws("s3").list_objects_v2(Bucket=stack.outputs["StopBucketName"], Prefix=names.stop_key)
    return any(found["Key"] == names.stop_key for found in listed.get("Contents", []))
