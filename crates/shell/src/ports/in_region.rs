//! Databases that are recovered within one Region.

use std::future::Future;

use jiff::Timestamp;
use pilot_core::observed::{InRegionCluster, RestorableObserved};
use pilot_core::plan::{RestoredKind, RestoredSettings};

use crate::CallError;

/// What is seen of them. Reads only: whoever only looks needs no more than this.
pub trait InRegionReads {
    /// `rds:DescribeDBClusters`, and `rds:DescribeDBInstances` of each of these instances; `None`: no such cluster.
    fn in_region_cluster(
        &self,
        cluster: &str,
        instances: &[&str],
    ) -> impl Future<Output = Result<Option<InRegionCluster>, CallError>>;
    /// From when to when an Aurora cluster (`rds:DescribeDBClusters`) or a table (`dynamodb:DescribeContinuousBackups`) can be restored; `None`: no
    /// such cluster or table.
    fn restorable(
        &self,
        kind: RestoredKind,
        identifier: &str,
    ) -> impl Future<Output = Result<Option<RestorableObserved>, CallError>>;
}

/// A restore to a point in time that is to be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPointInTime<'a> {
    /// A cluster or a table.
    pub kind: RestoredKind,
    /// The original's identifier.
    pub source: &'a str,
    /// The new one's.
    pub identifier: &'a str,
    /// The time it is restored to; `None`: the latest there is.
    pub at: Option<Timestamp>,
    /// What must be chosen now, and what can be given already: the rest is set afterwards.
    pub settings: &'a RestoredSettings,
}

/// What is done to them.
pub trait InRegion: InRegionReads {
    /// `rds:FailoverDBCluster` with `TargetDBInstanceIdentifier`. **Cannot be undone.**
    fn fail_over_cluster(&self, cluster: &str, to_instance: &str) -> impl Future<Output = Result<(), CallError>>;
    /// `rds:RestoreDBClusterToPointInTime` with a full copy, or `dynamodb:RestoreTableToPointInTime`. **Cannot be undone**, and makes a new
    /// cluster or table only.
    fn restore_to_point(&self, restore: &NewPointInTime<'_>) -> impl Future<Output = Result<(), CallError>>;
}
