//! ElastiCache global datastores.

use std::future::Future;

use pilot_core::observed::DatastoreObserved;

use crate::CallError;

/// Global datastores, as one Region tells them, read only.
pub trait GlobalCacheReads {
    /// `elasticache:DescribeGlobalReplicationGroups` with its members, and `elasticache:DescribeReplicationGroups` of a group in this Region;
    /// `None`: no such global datastore.
    fn datastore(
        &self,
        global_replication_group_id: &str,
        replication_group_id: &str,
    ) -> impl Future<Output = Result<Option<DatastoreObserved>, CallError>>;
}

/// Global datastores whose primary moves.
pub trait GlobalCaches: GlobalCacheReads {
    /// `elasticache:FailoverGlobalReplicationGroup`, asked in this Region: the group of `primary_region` becomes primary. It only begins the
    /// change. There is no idempotency token: ElastiCache refuses a second failover while one is on its way.
    fn fail_over_datastore(
        &self,
        global_replication_group_id: &str,
        primary_region: &str,
        primary_replication_group_id: &str,
    ) -> impl Future<Output = Result<(), CallError>>;
}
