"""An ElastiCache global datastore: its primary in the primary Region, a secondary in the recovery Region."""

from ..aws_clients import AwsClients
from ..naming import Names
from .cache import ENGINE, NODE_TYPE
from .context import SeedContext, SeedFailed, unless, wait
from .doors import PrimaryDoors

_GONE = ("GlobalReplicationGroupNotFoundFault", "ReplicationGroupNotFoundFault")


class GlobalCache:
    """Makes the replication groups and what joins them; see `Part`."""

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create the primary's group, and the datastore of it: the plan needs the id that ElastiCache gives that."""
        names, primary = context.names, context.regions.primary
        elasticache, group = clients.client("elasticache", primary), names.cache_member(primary)
        with unless("ReplicationGroupAlreadyExists"):
            elasticache.create_replication_group(
                ReplicationGroupId=group, Engine=ENGINE, CacheNodeType=NODE_TYPE, **_nodes(names)
            )
        wait(lambda: _group_lacks(elasticache, group))
        if _datastore(elasticache, names) is None:
            elasticache.create_global_replication_group(
                GlobalReplicationGroupIdSuffix=names.global_cache_suffix, PrimaryReplicationGroupId=group
            )

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Give the datastore a secondary, and wait until that follows."""
        names, (primary, recovery) = context.names, context.regions
        at_home, away = clients.client("elasticache", primary), clients.client("elasticache", recovery)
        wait(lambda: _datastore_lacks(at_home, names, "primary-only", "available"))
        # A Region sees the datastore that it has a member of.
        if _datastore(away, names) is None:
            away.create_replication_group(
                ReplicationGroupId=names.cache_member(recovery),
                GlobalReplicationGroupId=datastore_id(at_home, names),
                **_nodes(names),
            )
        wait(lambda: _datastore_lacks(away, names, "available"))
        wait(lambda: _group_lacks(away, names.cache_member(recovery)))

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Take the datastore apart, wherever its primary is by now, and delete its groups."""
        names = context.names
        for region in context.regions:
            elasticache = clients.client("elasticache", region)
            if _datastore(elasticache, names) is not None:
                _take_apart(elasticache, names)
        for region in context.regions:
            elasticache, group = clients.client("elasticache", region), names.cache_member(region)
            with unless(*_GONE):
                wait(lambda elasticache=elasticache, group=group: _group_lacks(elasticache, group))
                elasticache.delete_replication_group(ReplicationGroupId=group)
        for region in context.regions:
            elasticache, group = clients.client("elasticache", region), names.cache_member(region)
            wait(lambda elasticache=elasticache, group=group: _still_there(elasticache, group))


def datastore_id(elasticache, names: Names) -> str:
    """The id of the workload's global datastore, with the prefix that ElastiCache gave it; raises SeedFailed."""
    found = _datastore(elasticache, names)
    if found is None:
        raise SeedFailed(f"there is no global datastore {names.global_cache_suffix}")
    return found["GlobalReplicationGroupId"]


def _nodes(names: Names) -> dict:
    return {
        "ReplicationGroupDescription": names.workload,
        "NumCacheClusters": 2,
        "AutomaticFailoverEnabled": True,
    }


def _datastore(elasticache, names: Names) -> dict | None:
    everything = elasticache.describe_global_replication_groups(ShowMemberInfo=True)["GlobalReplicationGroups"]
    mine = (one for one in everything if one["GlobalReplicationGroupId"].partition("-")[2] == names.global_cache_suffix)
    return next(mine, None)


def _datastore_lacks(elasticache, names: Names, *wanted: str) -> str | None:
    found = _datastore(elasticache, names)
    status = found["Status"] if found else "not there"
    return None if status in wanted else f"global datastore {names.global_cache_suffix} is {status}"


def _group_lacks(elasticache, group: str) -> str | None:
    found = elasticache.describe_replication_groups(ReplicationGroupId=group)["ReplicationGroups"][0]
    return None if found["Status"] == "available" else f"cache {group} is {found['Status']}"


def _take_apart(elasticache, names: Names) -> None:
    """The secondary leaves first; the datastore goes with its primary alone in it, which stays."""
    wait(lambda: _datastore_lacks(elasticache, names, "available", "primary-only"))
    found = _datastore(elasticache, names)
    which = {"GlobalReplicationGroupId": found["GlobalReplicationGroupId"]}
    for member in found["Members"]:
        if member["Role"] != "PRIMARY":
            elasticache.disassociate_global_replication_group(
                **which,
                ReplicationGroupId=member["ReplicationGroupId"],
                ReplicationGroupRegion=member["ReplicationGroupRegion"],
            )
    # Only a member's Region sees it, and this one's group may be the one that left.
    if any(m["Role"] == "PRIMARY" and _is_of(elasticache, m) for m in found["Members"]):
        wait(lambda: _datastore_lacks(elasticache, names, "primary-only"))
        elasticache.delete_global_replication_group(**which, RetainPrimaryReplicationGroup=True)
        wait(lambda: None if _datastore(elasticache, names) is None else f"{which} is still there")


def _is_of(elasticache, member: dict) -> bool:
    return member["ReplicationGroupRegion"] == elasticache.meta.region_name


def _still_there(elasticache, group: str) -> str | None:
    with unless(*_GONE):
        elasticache.describe_replication_groups(ReplicationGroupId=group)
        return f"cache {group} is still there"
    return None
