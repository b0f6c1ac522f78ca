"""The target group behind the primary's load balancer, and how CloudWatch names the two."""

from ..aws_clients import AwsClients
from ..naming import Names
from .context import unless

_PORT = 8080


def seed_targets(clients: AwsClients, names: Names, load_balancer_arn: str) -> None:
    """Create the target group and the listener that leads to it."""
    if _found(clients, names) is not None:
        return
    elbv2 = clients.client("elbv2", names.regions.primary)
    vpcs = clients.client("ec2", names.regions.primary).describe_vpcs(
        Filters=[{"Name": "is-default", "Values": ["true"]}]
    )["Vpcs"]
    group = elbv2.create_target_group(
        Name=names.target_group,
        Protocol="HTTP",
        Port=_PORT,
        VpcId=vpcs[0]["VpcId"],
        TargetType="ip",
        HealthCheckPath="/health",
    )["TargetGroups"][0]["TargetGroupArn"]
    elbv2.create_listener(
        LoadBalancerArn=load_balancer_arn,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )


def target_dimensions(clients: AwsClients, names: Names) -> list[dict]:
    """Dimensions of the target group's metrics: the ends of both ARNs."""
    group = _found(clients, names)
    assert group is not None, "nobody asks before it was seeded"
    return [
        {"Name": "TargetGroup", "Value": group["TargetGroupArn"].split(":")[-1]},
        {"Name": "LoadBalancer", "Value": group["LoadBalancerArns"][0].split(":loadbalancer/")[-1]},
    ]


def remove_targets(clients: AwsClients, names: Names) -> None:
    """Delete listener and target group; what is gone already is fine."""
    elbv2, group = clients.client("elbv2", names.regions.primary), _found(clients, names)
    if group is None:
        return
    for load_balancer in group["LoadBalancerArns"]:
        for listener in elbv2.describe_listeners(LoadBalancerArn=load_balancer)["Listeners"]:
            elbv2.delete_listener(ListenerArn=listener["ListenerArn"])
    elbv2.delete_target_group(TargetGroupArn=group["TargetGroupArn"])


def _found(clients: AwsClients, names: Names) -> dict | None:
    with unless("TargetGroupNotFound"):
        found = clients.client("elbv2", names.regions.primary).describe_target_groups(Names=[names.target_group])
        return next(iter(found["TargetGroups"]), None)
    return None
