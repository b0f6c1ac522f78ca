//! The injector in front of the ports of databases that are recovered within one Region.

use pilot_core::observed::InRegionCluster;
use pilot_shell::CallError;
use pilot_shell::ports::{InRegion, InRegionReads};

use super::{Fault, Injected};

impl<T: InRegionReads> InRegionReads for Injected<'_, T> {
    async fn in_region_cluster(&self, cluster: &str, instances: &[&str]) -> Result<Option<InRegionCluster>, CallError> {
        let call = self.inner.in_region_cluster(cluster, instances);
        self.call("rds:DescribeDBClusters", cluster, false, call, Fault::error).await
    }
}

impl<T: InRegion> InRegion for Injected<'_, T> {
    async fn fail_over_cluster(&self, cluster: &str, to_instance: &str) -> Result<(), CallError> {
        let call = self.inner.fail_over_cluster(cluster, to_instance);
        self.call("rds:FailoverDBCluster", cluster, true, call, Fault::error).await
    }
}
