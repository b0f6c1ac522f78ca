"""An ElastiCache replication group in the primary Region; a run creates another in the recovery Region."""

from ..aws_clients import AwsClients
from .context import SeedContext, unless, wait
from .doors import PrimaryDoors

ENGINE, NODE_TYPE = "valkey", "cache.r7g.large"


class Cache:
    """Makes the replication group; see `Part`."""

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create it."""
        with unless("ReplicationGroupAlreadyExists", "ReplicationGroupAlreadyExistsFault"):
            clients.client("elasticache", context.regions.primary).create_replication_group(
                ReplicationGroupId=context.names.cache,
                ReplicationGroupDescription=context.names.workload,
                Engine=ENGINE,
                CacheNodeType=NODE_TYPE,
                NumCacheClusters=1,
            )

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Wait until it is available."""
        elasticache, name = clients.client("elasticache", context.regions.primary), context.names.cache

        def available() -> str | None:
            groups = elasticache.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"]
            return None if groups[0]["Status"] == "available" else f"cache {name} is {groups[0]['Status']}"

        wait(available)

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete it, and the one that was created anew; returns when both are gone."""
        name = context.names.cache
        for region in context.regions:
            elasticache = clients.client("elasticache", region)
            with unless("ReplicationGroupNotFoundFault"):
                elasticache.delete_replication_group(ReplicationGroupId=name)
            wait(lambda elasticache=elasticache: _still_there(elasticache, name))


def _still_there(elasticache, name: str) -> str | None:
    with unless("ReplicationGroupNotFoundFault"):
        elasticache.describe_replication_groups(ReplicationGroupId=name)
        return f"cache {name} is still there"
    return None
