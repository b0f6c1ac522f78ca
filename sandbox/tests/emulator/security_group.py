"""Security groups for the tests of what they open and close."""

from __future__ import annotations

from emulator_process import PRIMARY, Emulator

EVERYBODY = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def security_group(emulator: Emulator, name: str, *rules: dict, region: str = PRIMARY) -> str:
    """The id of a new group, in the primary Region unless said, with these rules; without any it admits nobody."""
    ec2 = emulator.client("ec2", region)
    group_id = ec2.create_security_group(GroupName=name, Description="made by a test")["GroupId"]
    if rules:
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=list(rules))
    return group_id
