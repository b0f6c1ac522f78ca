//! Databases that are recovered within one Region.

use std::future::Future;

use pilot_core::observed::InRegionCluster;

use crate::CallError;

/// What is seen of them. Reads only: whoever only looks needs no more than this.
pub trait InRegionReads {
    /// `rds:DescribeDBClusters`, and `rds:DescribeDBInstances` of each of these instances; `None`: no such cluster.
    fn in_region_cluster(
        &self,
        cluster: &str,
        instances: &[&str],
    ) -> impl Future<Output = Result<Option<InRegionCluster>, CallError>>;
}

/// What is done to them.
pub trait InRegion: InRegionReads {
    /// `rds:FailoverDBCluster` with `TargetDBInstanceIdentifier`. **Cannot be undone.**
    fn fail_over_cluster(&self, cluster: &str, to_instance: &str) -> impl Future<Output = Result<(), CallError>>;
}
