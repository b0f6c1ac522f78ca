"""Elastic Load Balancing: SetSecurityGroups is refused as on AWS, and the real door follows the groups' rules."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError
from emulator_process import ACCOUNT, PRIMARY, Emulator, eventually
from security_group import EVERYBODY, security_group


@pytest.fixture
def opened(emulator: Emulator, name: str) -> str:
    """A group that admits everybody."""
    return security_group(emulator, f"{name}-open", EVERYBODY)


@pytest.fixture
def closed(emulator: Emulator, name: str) -> str:
    """A group that admits nobody."""
    return security_group(emulator, f"{name}-closed")


@pytest.fixture
def balancer(emulator: Emulator, name: str, opened: str) -> str:
    """The ARN of an application load balancer with the open group."""
    made = emulator.client("elbv2", PRIMARY).create_load_balancer(
        Name=name, Type="application", Subnets=["subnet-00000001", "subnet-00000002"], SecurityGroups=[opened]
    )
    return made["LoadBalancers"][0]["LoadBalancerArn"]


def groups_of(emulator: Emulator, balancer: str) -> list[str]:
    """The load balancer's groups, as DescribeLoadBalancers tells them."""
    found = emulator.client("elbv2", PRIMARY).describe_load_balancers(LoadBalancerArns=[balancer])
    return found["LoadBalancers"][0]["SecurityGroups"]


def is_open(emulator: Emulator, name: str) -> bool | None:
    """What the world was last told about the load balancer's door; None where it was told nothing."""
    return emulator.world.doors.get(("loadbalancer", PRIMARY, name))


def test_a_closed_group_shuts_the_door_and_the_former_one_opens_it(
    emulator: Emulator, name: str, balancer: str, opened: str, closed: str
) -> None:
    elbv2 = emulator.client("elbv2", PRIMARY)
    answer = elbv2.set_security_groups(LoadBalancerArn=balancer, SecurityGroups=[closed])
    assert answer["SecurityGroupIds"] == groups_of(emulator, balancer) == [closed]
    eventually(lambda: is_open(emulator, name) is False)
    elbv2.set_security_groups(LoadBalancerArn=balancer, SecurityGroups=[opened])
    assert groups_of(emulator, balancer) == [opened]
    eventually(lambda: is_open(emulator, name))


def test_one_open_group_among_several_is_an_open_door(
    emulator: Emulator, name: str, balancer: str, opened: str, closed: str
) -> None:
    elbv2 = emulator.client("elbv2", PRIMARY)
    elbv2.set_security_groups(LoadBalancerArn=balancer, SecurityGroups=[closed])
    eventually(lambda: is_open(emulator, name) is False)
    elbv2.set_security_groups(LoadBalancerArn=balancer, SecurityGroups=[closed, opened])
    eventually(lambda: is_open(emulator, name))


def test_a_change_of_the_rules_counts_too(emulator: Emulator, name: str, balancer: str, opened: str) -> None:
    ec2 = emulator.client("ec2", PRIMARY)
    ec2.revoke_security_group_ingress(GroupId=opened, IpPermissions=[EVERYBODY])
    eventually(lambda: is_open(emulator, name) is False)
    ec2.authorize_security_group_ingress(GroupId=opened, IpPermissions=[EVERYBODY])
    eventually(lambda: is_open(emulator, name))


def test_a_door_that_could_not_be_shut_is_tried_again(
    emulator: Emulator, name: str, balancer: str, closed: str
) -> None:
    emulator.world.refuse_doors = "the listener is stuck"
    emulator.client("elbv2", PRIMARY).set_security_groups(LoadBalancerArn=balancer, SecurityGroups=[closed])
    path = f"/hooks/doors/loadbalancer/{PRIMARY}/{name}"
    eventually(lambda: [called for called, _ in emulator.world.calls].count(path) >= 2)
    assert is_open(emulator, name) is None
    emulator.world.refuse_doors = None
    eventually(lambda: is_open(emulator, name) is False)


def test_what_there_is_none_of_is_refused(emulator: Emulator, balancer: str, opened: str, closed: str) -> None:
    unknown = f"arn:aws:elasticloadbalancing:{PRIMARY}:{ACCOUNT}:loadbalancer/app/nobody/{uuid.uuid4().hex[:16]}"
    elsewhere = emulator.client("ec2").create_security_group(GroupName=f"{closed}-x", Description="another Region's")
    for arn, groups, code in (
        (unknown, [closed], "LoadBalancerNotFound"),
        ("nobody", [closed], "ValidationError"),
        (balancer, ["sg-0123456789abcdef1"], "InvalidSecurityGroup"),
        (balancer, [closed, "sg-0123456789abcdef1"], "InvalidSecurityGroup"),
        (balancer, [elsewhere["GroupId"]], "InvalidSecurityGroup"),
        (balancer, [], "ValidationError"),
    ):
        with pytest.raises(ClientError) as error:
            emulator.client("elbv2", PRIMARY).set_security_groups(LoadBalancerArn=arn, SecurityGroups=groups)
        assert error.value.response["Error"]["Code"] == code, (arn, groups)
    assert groups_of(emulator, balancer) == [opened]
    with pytest.raises(ClientError, match="LoadBalancerNotFound"):
        emulator.client("elbv2", PRIMARY).describe_load_balancers(LoadBalancerArns=[unknown])
