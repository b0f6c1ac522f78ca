//! The injector in front of global datastores.

use pilot_core::observed::DatastoreObserved;
use pilot_shell::CallError;
use pilot_shell::ports::{GlobalCacheReads, GlobalCaches};

use super::{Fault, Injected};

type Answer<R> = Result<R, CallError>;

impl<T: GlobalCacheReads> GlobalCacheReads for Injected<'_, T> {
    async fn datastore(&self, id: &str, replication_group_id: &str) -> Answer<Option<DatastoreObserved>> {
        let call = self.inner.datastore(id, replication_group_id);
        self.call("elasticache:DescribeGlobalReplicationGroups", id, false, call, Fault::error).await
    }
}

impl<T: GlobalCaches> GlobalCaches for Injected<'_, T> {
    async fn fail_over_datastore(&self, id: &str, region: &str, replication_group_id: &str) -> Answer<()> {
        let call = self.inner.fail_over_datastore(id, region, replication_group_id);
        self.call("elasticache:FailoverGlobalReplicationGroup", id, true, call, Fault::error).await
    }
}
