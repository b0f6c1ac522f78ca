"""ElastiCache: global datastores - a primary replication group, and secondaries in other Regions that follow it.

ministack has none. A datastore is `primary-only` until the first secondary has joined, then `available`; while one
joins or leaves, or the primary's role moves, it is `modifying`. It is seen in the Regions of its members. After the
ElastiCache API reference: FailoverGlobalReplicationGroup names the group that is to become primary, and is refused
while the datastore is "not available or in primary-only state". That a failover works without the old primary's Region
is AWS's word; here no Region of the control plane is ever gone by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id, get_region
from ministack.services import elasticache

from .cache_groups import Answer, CacheGroupShim, Params, later, refuse, set_status, value
from .world_hooks import World

# AWS puts five letters of the Region's in front of the suffix; which, is not to be relied on.
_PREFIX = "sbox"
_INHERITED = ("Engine", "EngineVersion", "CacheNodeType")
_ENCRYPTION = ("TransitEncryptionEnabled", "AtRestEncryptionEnabled")


class CacheGlobalShim:
    """The actions on global datastores, and CreateReplicationGroup into one."""

    def __init__(self, world: World, groups: CacheGroupShim) -> None:
        self._world = world
        self._groups = groups
        self._known: dict[tuple[str, str], dict] = {}
        """By account and id; `members` maps a Region to the replication group in it, `primary` names a Region."""
        self._lock = threading.RLock()

    def install(self) -> None:
        """Put the shim in place, after the one of replication groups."""
        handle, create_group = elasticache.handle_request, elasticache._create_replication_group
        actions: dict[str, Callable[[Params], Answer]] = {
            "CreateGlobalReplicationGroup": self.create,
            "DescribeGlobalReplicationGroups": self.describe,
            "FailoverGlobalReplicationGroup": self.fail_over,
            "DisassociateGlobalReplicationGroup": self.disassociate,
            "DeleteGlobalReplicationGroup": self.delete,
        }

        async def handle_request(method: str, path: str, headers: dict, body: bytes, query: dict) -> Answer:
            p = {**query, **elasticache.parse_qs(body.decode("utf-8", errors="replace"))}
            act = actions.get(value(p, "Action"))
            if act is None:
                return await handle(method, path, headers, body, query)
            with self._lock:
                return act(p)

        def create(p: Params) -> Answer:
            with self._lock:
                return self._join(p, create_group) if value(p, "GlobalReplicationGroupId") else create_group(p)

        elasticache.handle_request = handle_request
        elasticache._create_replication_group = create

    def create(self, p: Params) -> Answer:
        """CreateGlobalReplicationGroup of a replication group of this Region, which becomes its primary."""
        name = f"{_PREFIX}-{value(p, 'GlobalReplicationGroupIdSuffix')}"
        group = elasticache._replication_groups.get(value(p, "PrimaryReplicationGroupId"))
        if group is None:
            message = f"ReplicationGroup {value(p, 'PrimaryReplicationGroupId')} not found."
            return refuse("ReplicationGroupNotFoundFault", message, 404)
        if (get_account_id(), name) in self._known:
            return refuse("GlobalReplicationGroupAlreadyExistsFault", f"Global datastore {name} already exists")
        if group["Status"] != "available" or group.get("_global"):
            message = f"Replication group {group['ReplicationGroupId']} is not available, or in a global datastore."
            return refuse("InvalidReplicationGroupState", message)
        datastore = self._known[get_account_id(), name] = {
            "id": name,
            "description": value(p, "GlobalReplicationGroupDescription"),
            "status": "creating",
            "primary": get_region(),
            "members": {get_region(): group},
        }
        group.update(_global=name, _role="PRIMARY")
        self._settle_later(datastore)
        return _show("CreateGlobalReplicationGroup", datastore)

    def describe(self, p: Params) -> Answer:
        """DescribeGlobalReplicationGroups: one, or all that this Region has a member in."""
        asked = value(p, "GlobalReplicationGroupId")
        found = [self._find(asked)] if asked else [known for known in self._known.values() if _is_seen_here(known)]
        if found == [None]:
            return _refuse_unknown(p)
        with_members = value(p, "ShowMemberInfo") == "true"
        rendered = "".join(
            f"<GlobalReplicationGroup>{_render(known, with_members=with_members)}</GlobalReplicationGroup>"
            for known in found
        )
        result = f"<GlobalReplicationGroups>{rendered}</GlobalReplicationGroups>"
        action = "DescribeGlobalReplicationGroups"
        return elasticache._xml(200, f"{action}Response", f"<{action}Result>{result}</{action}Result>")

    def fail_over(self, p: Params) -> Answer:
        """FailoverGlobalReplicationGroup: the named secondary becomes primary after a while, the primary follows it."""
        datastore = self._find(value(p, "GlobalReplicationGroupId"))
        if datastore is None:
            return _refuse_unknown(p)
        if datastore["status"] != "available":
            return _refuse_state(datastore)
        region, name = value(p, "PrimaryRegion"), value(p, "PrimaryReplicationGroupId")
        if _member(datastore, region, name) is None:
            return _refuse_stranger(datastore, region, name)
        if region == datastore["primary"]:
            message = f"Replication group {name} in {region} is the primary of {datastore['id']} already."
            return refuse("InvalidParameterValue", message)
        self._move(datastore)

        def finish() -> None:
            datastore["primary"] = region
            for other, group in datastore["members"].items():
                group["_role"] = "PRIMARY" if other == region else "SECONDARY"

        self._settle_later(datastore, finish)
        return _show("FailoverGlobalReplicationGroup", datastore)

    def disassociate(self, p: Params) -> Answer:
        """DisassociateGlobalReplicationGroup: a secondary stands alone from then on; the primary cannot."""
        datastore = self._find(value(p, "GlobalReplicationGroupId"))
        if datastore is None:
            return _refuse_unknown(p)
        if datastore["status"] != "available":
            return _refuse_state(datastore)
        region, name = value(p, "ReplicationGroupRegion"), value(p, "ReplicationGroupId")
        group = _member(datastore, region, name)
        if group is None:
            return _refuse_stranger(datastore, region, name)
        if region == datastore["primary"]:
            message = f"Replication group {name} is the primary of {datastore['id']} and cannot be disassociated."
            return refuse("InvalidParameterValue", message)
        self._move(datastore)

        def finish() -> None:
            del datastore["members"][region]
            del group["_global"], group["_role"]
            set_status(group, "available")

        self._settle_later(datastore, finish)
        return _show("DisassociateGlobalReplicationGroup", datastore)

    def delete(self, p: Params) -> Answer:
        """DeleteGlobalReplicationGroup: only once its primary is alone; the replication group itself stays."""
        datastore = self._find(value(p, "GlobalReplicationGroupId"))
        if datastore is None:
            return _refuse_unknown(p)
        if datastore["status"] != "primary-only":
            return _refuse_state(datastore)
        if value(p, "RetainPrimaryReplicationGroup") != "true":
            message = "The primary replication group of a global datastore is retained when the datastore is deleted."
            return refuse("InvalidParameterValue", message)
        datastore["status"] = "deleting"

        def finish() -> None:
            with self._lock:
                self._known.pop((get_account_id(), datastore["id"]))
                for group in datastore["members"].values():
                    del group["_global"], group["_role"]

        later(self._world, finish)
        return _show("DeleteGlobalReplicationGroup", datastore)

    def _join(self, p: Params, create: Callable[[Params], Answer]) -> Answer:
        """CreateReplicationGroup of a secondary, which is what its primary is."""
        datastore = self._known.get((get_account_id(), value(p, "GlobalReplicationGroupId")))
        if datastore is None:
            return _refuse_unknown(p)
        if datastore["status"] not in ("available", "primary-only"):
            return _refuse_state(datastore)
        if get_region() in datastore["members"]:
            message = f"Global datastore {datastore['id']} has a member in {get_region()} already."
            return refuse("InvalidParameterValue", message)
        given = [name for name in (*_INHERITED, *_ENCRYPTION, "NumNodeGroups") if value(p, name)]
        if given:
            message = f"{', '.join(given)} cannot be given for a secondary of a global datastore: it has its primary's."
            return refuse("InvalidParameterCombination", message)
        primary = datastore["members"][datastore["primary"]]
        inherited = {name: [primary[name]] for name in _INHERITED}
        inherited |= {name: ["true"] for name in _ENCRYPTION if primary[name]}
        inherited["NumNodeGroups"] = [str(primary["_num_node_groups"])]
        answer = create({**p, **inherited})
        if answer[0] != 200:
            return answer
        group = elasticache._replication_groups[value(p, "ReplicationGroupId").lower()]
        group.update(_global=datastore["id"], _role="SECONDARY")
        datastore["members"][get_region()] = group
        datastore["status"] = "modifying"
        self._settle_later(datastore)
        return self._groups._show("CreateReplicationGroup", group)

    def _find(self, name: str) -> dict | None:
        datastore = self._known.get((get_account_id(), name))
        return datastore if datastore is not None and _is_seen_here(datastore) else None

    def _move(self, datastore: dict) -> None:
        datastore["status"] = "modifying"
        for group in datastore["members"].values():
            group["Status"] = "modifying"

    def _settle_later(self, datastore: dict, act: Callable[[], None] = lambda: None) -> None:
        def settle() -> None:
            with self._lock:
                act()
                datastore["status"] = "available" if len(datastore["members"]) > 1 else "primary-only"
                for group in datastore["members"].values():
                    if group["Status"] == "modifying":
                        group["Status"] = "available"

        later(self._world, settle)


def _is_seen_here(datastore: dict) -> bool:
    return get_region() in datastore["members"]


def _member(datastore: dict, region: str, name: str) -> dict | None:
    group = datastore["members"].get(region)
    return group if group is not None and group["ReplicationGroupId"] == name else None


def _show(action: str, datastore: dict) -> Answer:
    rendered = f"<GlobalReplicationGroup>{_render(datastore, with_members=True)}</GlobalReplicationGroup>"
    return elasticache._xml(200, f"{action}Response", f"<{action}Result>{rendered}</{action}Result>")


def _render(datastore: dict, *, with_members: bool) -> str:
    primary = datastore["members"][datastore["primary"]]
    members = "".join(
        "<GlobalReplicationGroupMember>"
        f"<ReplicationGroupId>{group['ReplicationGroupId']}</ReplicationGroupId>"
        f"<ReplicationGroupRegion>{region}</ReplicationGroupRegion>"
        f"<Role>{group['_role']}</Role>"
        f"<AutomaticFailover>{group['AutomaticFailover']}</AutomaticFailover>"
        f"<Status>{'associating' if group['Status'] == 'creating' else 'associated'}</Status>"
        "</GlobalReplicationGroupMember>"
        for region, group in sorted(datastore["members"].items())
    )
    flags = ("ClusterEnabled", "AuthTokenEnabled", *_ENCRYPTION)
    return (
        f"<GlobalReplicationGroupId>{datastore['id']}</GlobalReplicationGroupId>"
        f"<GlobalReplicationGroupDescription>{escape(datastore['description'])}</GlobalReplicationGroupDescription>"
        f"<Status>{datastore['status']}</Status>"
        + "".join(f"<{name}>{primary[name]}</{name}>" for name in _INHERITED)
        + "".join(f"<{name}>{str(bool(primary[name])).lower()}</{name}>" for name in flags)
        + (f"<Members>{members}</Members>" if with_members else "")
        + f"<ARN>arn:aws:elasticache::{get_account_id()}:globalreplicationgroup:{datastore['id']}</ARN>"
    )


def _refuse_unknown(p: Params) -> Answer:
    message = f"Global datastore {value(p, 'GlobalReplicationGroupId')} does not exist"
    return refuse("GlobalReplicationGroupNotFoundFault", message, 404)


def _refuse_state(datastore: dict) -> Answer:
    message = f"Global datastore {datastore['id']} has status {datastore['status']}, which does not allow this."
    return refuse("InvalidGlobalReplicationGroupState", message)


def _refuse_stranger(datastore: dict, region: str, name: str) -> Answer:
    message = f"Replication group {name} in {region} is no member of {datastore['id']}."
    return refuse("InvalidParameterValue", message)
