//! ElastiCache replication groups.

use std::future::Future;

use pilot_core::observed::CacheObserved;
use pilot_core::plan::ElastiCache;

use crate::CallError;

/// Replication groups in the recovery Region, read only.
pub trait CacheReads {
    /// `elasticache:DescribeReplicationGroups`; of a group that is `available` also `elasticache:DescribeCacheClusters` of one of its members
    /// (its network, parameters and version are told there only; all members share them) and `elasticache:ListTagsForResource`, which is
    /// refused while a group is on the move. `None`: no such group.
    fn cache(&self, replication_group_id: &str) -> impl Future<Output = Result<Option<CacheObserved>, CallError>>;
}

/// Replication groups that come and go.
pub trait Caches: CacheReads {
    /// `elasticache:CreateReplicationGroup` with the plan's settings and tags, and the tag of the run that makes it. ElastiCache has no
    /// idempotency token: a second call for the same id is refused with `ReplicationGroupAlreadyExists`.
    fn create_cache(&self, cache: &ElastiCache, run_id: &str) -> impl Future<Output = Result<(), CallError>>;
    /// `elasticache:DeleteReplicationGroup` with all its nodes and without a final snapshot.
    fn delete_cache(&self, replication_group_id: &str) -> impl Future<Output = Result<(), CallError>>;
}
