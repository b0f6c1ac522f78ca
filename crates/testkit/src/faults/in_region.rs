//! The injector in front of the ports of databases that are recovered within one Region.

use pilot_core::observed::{InRegionCluster, RestorableObserved};
use pilot_core::plan::RestoredKind;
use pilot_shell::CallError;
use pilot_shell::ports::{InRegion, InRegionReads, NewPointInTime};

use super::{Fault, Injected};

impl<T: InRegionReads> InRegionReads for Injected<'_, T> {
    async fn in_region_cluster(&self, cluster: &str, instances: &[&str]) -> Result<Option<InRegionCluster>, CallError> {
        let call = self.inner.in_region_cluster(cluster, instances);
        self.call("rds:DescribeDBClusters", cluster, false, call, Fault::error).await
    }

    async fn restorable(&self, kind: RestoredKind, identifier: &str) -> Result<Option<RestorableObserved>, CallError> {
        let call = self.inner.restorable(kind, identifier);
        let name =
            if kind == RestoredKind::Table { "dynamodb:DescribeContinuousBackups" } else { "rds:DescribeDBClusters" };
        self.call(name, identifier, false, call, Fault::error).await
    }
}

impl<T: InRegion> InRegion for Injected<'_, T> {
    async fn fail_over_cluster(&self, cluster: &str, to_instance: &str) -> Result<(), CallError> {
        let call = self.inner.fail_over_cluster(cluster, to_instance);
        self.call("rds:FailoverDBCluster", cluster, true, call, Fault::error).await
    }

    async fn restore_to_point(&self, restore: &NewPointInTime<'_>) -> Result<(), CallError> {
        let call = self.inner.restore_to_point(restore);
        let name = match restore.kind {
            RestoredKind::Table => "dynamodb:RestoreTableToPointInTime",
            _ => "rds:RestoreDBClusterToPointInTime",
        };
        self.call(name, restore.identifier, true, call, Fault::error).await
    }
}
