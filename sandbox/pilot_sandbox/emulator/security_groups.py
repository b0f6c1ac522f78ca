"""What the emulated EC2's security groups let in: ministack keeps their rules and lets nothing depend on them."""

from __future__ import annotations

from collections.abc import Iterable

from ministack.services import ec2

_SOURCES = ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs", "PrefixListIds")
# TCP by name, by number, and every protocol.
_TCP = ("tcp", "6", "-1")


def exists(group_id: str) -> bool:
    """Whether the caller's Region has this group."""
    ec2._ensure_defaults_initialized()
    return group_id in ec2._security_groups


def admits_anybody(account_id: str, region: str, group_ids: Iterable[str]) -> bool:
    """Whether any of the groups has an ingress rule for TCP with a source in it.

    Ports are not compared: what stands behind a load balancer or a database here listens on whatever port was free.
    """
    groups = (ec2._security_groups.get_scoped(account_id, region, group_id) for group_id in group_ids)
    rules = (rule for group in groups if group is not None for rule in group["IpPermissions"])
    return any(rule.get("IpProtocol") in _TCP and any(rule.get(source) for source in _SOURCES) for rule in rules)
