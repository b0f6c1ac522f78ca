"""What decides who may connect to a workload's primary: its load balancer, and security groups to open and close it.

Each part has an open group, which is in force, and a closed one without any ingress rule, which a run may put in its
place. Safe to repeat.
"""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from ..aws_clients import AwsClients
from ..naming import Names

_HTTPS_PORT, _POSTGRES_PORT = 443, 5432


@dataclass(frozen=True)
class PrimaryDoors:
    """The load balancer and the groups, as AWS names them."""

    load_balancer_arn: str
    open_load_balancer_group: str
    closed_load_balancer_group: str
    open_database_group: str
    closed_database_group: str


def seed_doors(clients: AwsClients, names: Names) -> PrimaryDoors:
    """Create the load balancer with its groups, and the groups that the database is to get."""
    ec2 = clients.client("ec2", names.regions.primary)
    anywhere = {"CidrIp": "0.0.0.0/0", "Description": "the shop's customers"}
    open_balancer = _group(ec2, names.security_group("lb", closed=False), _HTTPS_PORT, anywhere)
    return PrimaryDoors(
        load_balancer_arn=_load_balancer(clients, names, open_balancer),
        open_load_balancer_group=open_balancer,
        closed_load_balancer_group=_group(ec2, names.security_group("lb", closed=True)),
        open_database_group=seed_database_group(clients, names, names.regions.primary),
        closed_database_group=_group(ec2, names.security_group("db", closed=True)),
    )


def seed_database_group(clients: AwsClients, names: Names, region: str) -> str:
    """Create the open group of a Region's database; returns its id."""
    # The default VPC, where the application's instances are.
    inside = {"CidrIp": "172.31.0.0/16", "Description": "the shop's application"}
    return _group(clients.client("ec2", region), names.security_group("db", closed=False), _POSTGRES_PORT, inside)


def database_group(clients: AwsClients, names: Names, region: str) -> str:
    """The id of the open group of a Region's database, once it is seeded."""
    found = _group_id(clients.client("ec2", region), names.security_group("db", closed=False))
    assert found is not None, "nobody asks before it was seeded"
    return found


def remove_database_group(clients: AwsClients, names: Names, region: str) -> None:
    """Delete the open group of a Region's database; what is gone already is fine."""
    ec2 = clients.client("ec2", region)
    if (group_id := _group_id(ec2, names.security_group("db", closed=False))) is not None:
        ec2.delete_security_group(GroupId=group_id)


def _group(ec2, name: str, port: int | None = None, source: dict | None = None) -> str:
    if (found := _group_id(ec2, name)) is not None:
        return found
    description = "nobody may connect" if port is None else f"may connect to port {port}"
    group_id = ec2.create_security_group(GroupName=name, Description=description)["GroupId"]
    if port is not None:
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [source]}
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[rule])
    return group_id


def _group_id(ec2, name: str) -> str | None:
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]
    return groups[0]["GroupId"] if groups else None


def _load_balancer(clients: AwsClients, names: Names, group_id: str) -> str:
    if (found := _load_balancer_arn(clients, names)) is not None:
        return found
    subnets = clients.client("ec2", names.regions.primary).describe_subnets(
        Filters=[{"Name": "default-for-az", "Values": ["true"]}]
    )["Subnets"]
    made = clients.client("elbv2", names.regions.primary).create_load_balancer(
        Name=names.load_balancer_name,
        Type="application",
        Scheme="internet-facing",
        Subnets=[subnet["SubnetId"] for subnet in subnets],
        SecurityGroups=[group_id],
    )
    return made["LoadBalancers"][0]["LoadBalancerArn"]


def _load_balancer_arn(clients: AwsClients, names: Names) -> str | None:
    elbv2 = clients.client("elbv2", names.regions.primary)
    try:
        found = elbv2.describe_load_balancers(Names=[names.load_balancer_name])
    except ClientError as error:
        if error.response["Error"]["Code"] != "LoadBalancerNotFound":
            raise
        return None
    return found["LoadBalancers"][0]["LoadBalancerArn"]


def remove_doors(clients: AwsClients, names: Names) -> None:
    """Delete what seeding created; what is gone already is fine."""
    if (arn := _load_balancer_arn(clients, names)) is not None:
        clients.client("elbv2", names.regions.primary).delete_load_balancer(LoadBalancerArn=arn)
    ec2 = clients.client("ec2", names.regions.primary)
    for of in ("lb", "db"):
        for closed in (True, False):
            if (group_id := _group_id(ec2, names.security_group(of, closed=closed))) is not None:
                ec2.delete_security_group(GroupId=group_id)
