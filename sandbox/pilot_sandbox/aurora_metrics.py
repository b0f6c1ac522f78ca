"""The replication lag of an Aurora global database, as CloudWatch has it: of the secondary cluster, in its Region only.

`AuroraGlobalDBRPOLag` is how long ago the newest commit that the secondary has was made, and what would be lost;
`AuroraGlobalDBReplicationLag` is how far the secondary's volume is behind. Both are milliseconds in `AWS/RDS` with the
dimension `DBClusterIdentifier`. Real PostgreSQL replicates one log for both, so they are the same number here. (Aurora
User Guide, "Cluster-level metrics for Amazon Aurora": "available only in secondary AWS Regions".)

While nothing is replicated these two have no point at all, so an alarm on them must treat missing data as breaching.
`AuroraGlobalDBProgressLag`, how far the secondary's volume is behind in user and system transactions, is the one that
AWS documents to go on growing then (ibid., "Cross-Region resiliency for Global Database secondary clusters").
"""

from .postgres import Observation

_WHILE_REPLICATED = ("AuroraGlobalDBRPOLag", "AuroraGlobalDBReplicationLag")
_ALWAYS = "AuroraGlobalDBProgressLag"


def lag_metrics(cluster_identifier: str, observed: Observation) -> list[dict]:
    """The metric data of a secondary cluster, of which this was observed."""
    values = [(name, observed.lag_seconds) for name in _WHILE_REPLICATED] + [(_ALWAYS, observed.behind_seconds)]
    return [
        {
            "MetricName": name,
            "Value": seconds * 1000,
            "Unit": "Milliseconds",
            "Dimensions": [{"Name": "DBClusterIdentifier", "Value": cluster_identifier}],
        }
        for name, seconds in values
        if seconds is not None
    ]
