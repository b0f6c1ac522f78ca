"""The replication lag of an Aurora global database, as CloudWatch has it: of the secondary cluster, in its Region only.

`AuroraGlobalDBRPOLag` is how long ago the newest commit that the secondary has was made, and what would be lost;
`AuroraGlobalDBReplicationLag` is how far the secondary's volume is behind. Both are milliseconds in `AWS/RDS` with the
dimension `DBClusterIdentifier`. Real PostgreSQL replicates one log for both, so they are the same number here. (Aurora
User Guide, "Cluster-level metrics for Amazon Aurora": "available only in secondary AWS Regions".)

While nothing is replicated there is no point at all. That a lag goes on growing then is documented only for
`AuroraGlobalDBProgressLag` (ibid., "Cross-Region resiliency for Global Database secondary clusters"), so an alarm on
these two must treat missing data as breaching.
"""

_LAG_METRICS = ("AuroraGlobalDBRPOLag", "AuroraGlobalDBReplicationLag")


def lag_metrics(cluster_identifier: str, lag_seconds: float | None) -> list[dict]:
    """The metric data of a secondary cluster; none for a lag of `None`, which is that of one that does not stream."""
    if lag_seconds is None:
        return []
    return [
        {
            "MetricName": name,
            "Value": lag_seconds * 1000,
            "Unit": "Milliseconds",
            "Dimensions": [{"Name": "DBClusterIdentifier", "Value": cluster_identifier}],
        }
        for name in _LAG_METRICS
    ]
