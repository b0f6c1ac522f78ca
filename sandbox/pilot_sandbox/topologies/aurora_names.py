"""What the plans and the stacks of both Aurora topologies name alike."""

from ..naming import Names


def cluster_identifiers(example: str, names: Names) -> dict[str, str]:
    """The published plan's identifiers of the global database and its clusters, and the sandbox's in their place."""
    primary, recovery = names.regions
    return {
        f"{example}-global": names.global_cluster,
        f"{example}-db-primary": names.cluster(primary),
        f"{example}-db-recovery": names.cluster(recovery),
        f"arn:aws:rds:{recovery}:111122223333:cluster:{example}-db-recovery": names.cluster_arn(recovery),
    }


def cluster_parameters(names: Names) -> dict[str, str]:
    """The stack's parameters that name the global database and its clusters."""
    primary, recovery = names.regions
    return {
        "GlobalClusterIdentifier": names.global_cluster,
        "PrimaryClusterIdentifier": names.cluster(primary),
        "RecoveryClusterIdentifier": names.cluster(recovery),
        "PrimaryDbIdentifier": names.cluster_instance(primary),
    }
