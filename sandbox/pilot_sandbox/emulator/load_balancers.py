"""Elastic Load Balancing: SetSecurityGroups as AWS answers it, and ARNs as AWS makes them.

ministack takes any list of groups, and ends its ARNs in letters that no ARN of AWS has. That the real listener follows
the groups is the door keeper's work (doors.py).
"""

from __future__ import annotations

import re
import secrets

from ministack.services import alb

from . import security_groups

_ARN = re.compile(r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer/(app|net|gwy)/[^/]+/[0-9a-f]+")


def install() -> None:
    """Put the shim in place."""
    alb._short_id = lambda: secrets.token_hex(8)
    accept = alb._ACTION_MAP["SetSecurityGroups"]
    alb._ACTION_MAP["SetSecurityGroups"] = lambda params: _refusal(params) or accept(params)


def _refusal(params: dict) -> tuple | None:
    arn = alb._p(params, "LoadBalancerArn")
    if not _ARN.fullmatch(arn):
        return alb._error("ValidationError", f"'{arn}' is not a valid load balancer ARN")
    if arn not in alb._lbs:
        return alb._error("LoadBalancerNotFound", f"Load balancer '{arn}' not found")
    wanted = alb._parse_member_list(params, "SecurityGroups")
    if not wanted:
        # A load balancer can have other groups, but never none.
        return alb._error("ValidationError", "A list of security groups must be specified")
    for group_id in wanted:
        if not security_groups.exists(group_id):
            return alb._error("InvalidSecurityGroup", f"The security group '{group_id}' does not exist")
    return None
