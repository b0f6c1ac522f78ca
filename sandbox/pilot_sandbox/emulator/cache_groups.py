"""ElastiCache: replication groups that take time to be made, changed and deleted, and are refused what AWS refuses.

ministack makes a group `available` at once, deletes it at once, and checks little. Behaviour after the ElastiCache API
reference. Nothing real stands behind a group's endpoint: its name is of AWS's form, and no resolver knows it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import elasticache

from .world_hooks import World

_IDENTIFIER = re.compile(r"(?!.*--)[A-Za-z][A-Za-z0-9-]{0,39}(?<!-)")
_PORT_DEFAULT = 6379
# What changes nodes: shown as `modifying` for a while, and held by the global datastore once a group is in one.
_CHANGES_NODES = ("CacheNodeType", "EngineVersion", "AutomaticFailoverEnabled", "MultiAZEnabled")
# Without ApplyImmediately these wait for the maintenance window, which does not come in a sandbox.
_WAITS_FOR_WINDOW = ("CacheNodeType", "EngineVersion", "CacheParameterGroupName")

Answer = tuple[int, dict, bytes]
Params = dict[str, object]


class CacheGroupShim:
    """Replaces Create-, Modify- and DeleteReplicationGroup; ministack's records stay."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._create = elasticache._create_replication_group
        self._modify = elasticache._modify_replication_group
        self._delete = elasticache._delete_replication_group
        self._render = elasticache._rg_xml

    def install(self) -> None:
        """Put the shim in place."""
        elasticache._create_replication_group = self.create
        elasticache._modify_replication_group = self.modify
        elasticache._delete_replication_group = self.delete
        elasticache._rg_xml = self.render

    def create(self, p: Params) -> Answer:
        """CreateReplicationGroup: `creating` without an endpoint first, then `available` with one."""
        name = str(value(p, "ReplicationGroupId")).lower()
        p = {**p, "ReplicationGroupId": [name]}
        if (refusal := _refuse_create(p)) is not None:
            return refusal
        answer = self._create(p)
        if answer[0] != 200:
            return answer
        group = elasticache._replication_groups[name]
        _give_endpoints(group, int(str(value(p, "Port") or _PORT_DEFAULT)))
        arriving = {member: group[member] for member in ("NodeGroups", "ConfigurationEndpoint")}
        group.update(Status="creating", NodeGroups=[], ConfigurationEndpoint=None)
        _mark_clusters(group, "creating")

        def finish() -> None:
            group.update(arriving)
            set_status(group, "available")

        self._later(finish)
        return self._show("CreateReplicationGroup", group)

    def modify(self, p: Params) -> Answer:
        """ModifyReplicationGroup: at once, or through `modifying` where nodes change."""
        group = elasticache._replication_groups.get(value(p, "ReplicationGroupId"))
        if group is None:
            return _refuse_unknown(p)
        if group["Status"] != "available":
            return _refuse_state(group, "modification")
        if group.get("_global") and any(value(p, name) for name in _CHANGES_NODES):
            return _refuse_member(group)
        if value(p, "ApplyImmediately") != "true":
            p = {name: given for name, given in p.items() if name not in _WAITS_FOR_WINDOW}
        if (refusal := _refuse_settings(p, _with_settings(group, p))) is not None:
            return refusal
        answer = self._modify(p)
        if answer[0] != 200:
            return answer
        if wanted := security_groups_in(p):
            group["SecurityGroups"] = [{"SecurityGroupId": each, "Status": "active"} for each in wanted]
        if any(value(p, name) for name in _CHANGES_NODES):
            set_status(group, "modifying")
            self._later(lambda: set_status(group, "available"))
        return self._show("ModifyReplicationGroup", group)

    def delete(self, p: Params) -> Answer:
        """DeleteReplicationGroup: `deleting` first, and then gone."""
        group = elasticache._replication_groups.get(value(p, "ReplicationGroupId"))
        if group is None:
            return _refuse_unknown(p)
        if group["Status"] != "available":
            return _refuse_state(group, "deletion")
        if group.get("_global"):
            return _refuse_member(group)
        set_status(group, "deleting")
        self._later(lambda: self._delete(p))
        return self._show("DeleteReplicationGroup", group)

    def render(self, group: dict) -> str:
        """A replication group as XML, with the global datastore that it is in."""
        rendered = self._render({**group, "Description": escape(group.get("Description", ""))})
        if group.get("_global"):
            rendered += (
                "<GlobalReplicationGroupInfo>"
                f"<GlobalReplicationGroupId>{group['_global']}</GlobalReplicationGroupId>"
                f"<GlobalReplicationGroupMemberRole>{group['_role']}</GlobalReplicationGroupMemberRole>"
                "</GlobalReplicationGroupInfo>"
            )
        return rendered

    def _show(self, action: str, group: dict) -> Answer:
        shown = f"<{action}Result><ReplicationGroup>{self.render(group)}</ReplicationGroup></{action}Result>"
        return elasticache._xml(200, f"{action}Response", shown)

    def _later(self, act: Callable[[], object]) -> None:
        later(self._world, act)


def later(world: World, act: Callable[[], object]) -> None:
    """Do something once ElastiCache would have done it, in the account and Region of this request."""
    scope = (get_account_id(), get_region())

    def run() -> None:
        world.wait("cacheSeconds")
        with request_scope(*scope):
            act()

    threading.Thread(target=run, daemon=True).start()


def set_status(group: dict, status: str) -> None:
    """Give a replication group, and the clusters in it, a status."""
    group["Status"] = status
    _mark_clusters(group, status)


def value(p: Params, name: str) -> str:
    """A parameter of the request; empty if it is not there."""
    return str(elasticache._p(p, name))


def security_groups_in(p: Params) -> list[str]:
    """The security groups that a request names."""
    return elasticache._extract_configs(p, "SecurityGroupIds", ("SecurityGroupId", "member"))


def refuse(code: str, message: str, status: int = 400) -> Answer:
    """An error in ElastiCache's form."""
    return elasticache._error(code, escape(message), status)


def _mark_clusters(group: dict, status: str) -> None:
    for cluster_id in group["MemberClusters"]:
        if cluster_id in elasticache._clusters:
            elasticache._clusters[cluster_id]["CacheClusterStatus"] = status


def _give_endpoints(group: dict, port: int) -> None:
    """Endpoints of AWS's form, each group's its own."""
    name, region = group["ReplicationGroupId"], get_region()
    suffix = f"{name}.sandbox.ng.{{}}.{region}.cache.amazonaws.com"
    for node_group in group["NodeGroups"]:
        number = node_group["NodeGroupId"]
        node_group["PrimaryEndpoint"] = {"Address": suffix.format(number), "Port": port}
        node_group["ReaderEndpoint"] = {"Address": suffix.format(number).replace(".ng.", "-ro.ng."), "Port": port}
        for member in node_group["NodeGroupMembers"]:
            member["ReadEndpoint"] = {"Address": f"{member['CacheClusterId']}.{suffix.format(number)}", "Port": port}
    if group["ConfigurationEndpoint"] is not None:
        address = f"clustercfg.{name}.sandbox.{region}.cache.amazonaws.com"
        group["ConfigurationEndpoint"] = {"Address": address, "Port": port}


def _refuse_create(p: Params) -> Answer | None:
    name = value(p, "ReplicationGroupId")
    if not _IDENTIFIER.fullmatch(name):
        message = (
            f"The parameter ReplicationGroupId is not a valid identifier: {name}. Identifiers must begin with a "
            "letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain "
            "two consecutive hyphens."
        )
        return refuse("InvalidParameterValue", message)
    if name in elasticache._replication_groups:
        return refuse("ReplicationGroupAlreadyExists", f"Replication group {name} already exists")
    subnet_group = value(p, "CacheSubnetGroupName")
    if subnet_group and subnet_group != "default" and subnet_group not in elasticache._subnet_groups:
        return refuse("CacheSubnetGroupNotFoundFault", f"Cache Subnet Group {subnet_group} does not exist.")
    nodes = int(value(p, "NumCacheClusters") or "1")
    return _refuse_settings(p, {"nodes": max(nodes, 1 + int(value(p, "ReplicasPerNodeGroup") or "0"))})


def _with_settings(group: dict, p: Params) -> dict:
    return {"nodes": 1 + group["_replicas_per_node_group"], "AutomaticFailover": group["AutomaticFailover"]}


def _refuse_settings(p: Params, now: dict) -> Answer | None:
    parameter_group = value(p, "CacheParameterGroupName")
    if parameter_group and parameter_group not in elasticache._param_groups:
        return refuse("CacheParameterGroupNotFound", f"CacheParameterGroup {parameter_group} not found.", 404)
    asked = value(p, "AutomaticFailoverEnabled")
    failover = asked == "true" if asked else now.get("AutomaticFailover") == "enabled"
    if asked == "true" and now["nodes"] < 2:
        message = "When using automatic failover, there must be at least 2 cache clusters in the replication group."
        return refuse("InvalidParameterCombination", message)
    if value(p, "MultiAZEnabled") == "true" and not failover:
        message = "Must set automatic failover to enabled in order to enable Multi-AZ."
        return refuse("InvalidParameterCombination", message)
    return None


def _refuse_unknown(p: Params) -> Answer:
    message = f"ReplicationGroup {value(p, 'ReplicationGroupId')} not found."
    return refuse("ReplicationGroupNotFoundFault", message, 404)


def _refuse_state(group: dict, purpose: str) -> Answer:
    name, status = group["ReplicationGroupId"], group["Status"]
    message = f"Replication group {name} has status {status} which is not valid for {purpose}."
    return refuse("InvalidReplicationGroupState", message)


def _refuse_member(group: dict) -> Answer:
    name, datastore = group["ReplicationGroupId"], group["_global"]
    message = f"Cluster [{name}] is part of a global cluster [{datastore}]. Request rejected."
    return refuse("InvalidParameterValue", message)
