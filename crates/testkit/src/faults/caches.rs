//! The injector in front of caches.

use pilot_core::observed::CacheObserved;
use pilot_core::plan::ElastiCache;
use pilot_shell::CallError;
use pilot_shell::ports::{CacheReads, Caches};

use super::{Fault, Injected};

type Answer<R> = Result<R, CallError>;

impl<T: CacheReads> CacheReads for Injected<'_, T> {
    async fn cache(&self, replication_group_id: &str) -> Answer<Option<CacheObserved>> {
        let call = self.inner.cache(replication_group_id);
        self.call("elasticache:DescribeReplicationGroups", replication_group_id, false, call, Fault::error).await
    }
}

impl<T: Caches> Caches for Injected<'_, T> {
    async fn create_cache(&self, cache: &ElastiCache, run_id: &str) -> Answer<()> {
        let call = self.inner.create_cache(cache, run_id);
        self.call("elasticache:CreateReplicationGroup", &cache.replication_group_id, true, call, Fault::error).await
    }

    async fn delete_cache(&self, replication_group_id: &str) -> Answer<()> {
        let call = self.inner.delete_cache(replication_group_id);
        self.call("elasticache:DeleteReplicationGroup", replication_group_id, true, call, Fault::error).await
    }
}
