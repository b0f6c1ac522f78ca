//! What this function needs of RDS and ElastiCache, in both Regions.

use std::future::Future;

use pilot_core::observed::{ClusterSnapshotObserved, GlobalClusterObserved, InstanceObserved};
use pilot_core::plan::InstanceSettings;
use pilot_shell::CallError;
use pilot_shell::ports::{GlobalCacheReads, InRegionReads};

/// A replica that is to be made. It keeps no backups before it is promoted: RDS takes a retention then, and not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReplica<'a> {
    /// Its identifier.
    pub identifier: &'a str,
    /// The ARN of its source, in another Region.
    pub source_arn: &'a str,
    /// What RDS does not carry over.
    pub settings: &'a InstanceSettings,
}

/// DB instances in one Region.
pub trait Instances {
    /// `rds:DescribeDBInstances`; `None`: no such instance.
    fn describe(&self, identifier: &str) -> impl Future<Output = Result<Option<InstanceObserved>, CallError>>;
    /// `rds:ModifyDBInstance` with `NewDBInstanceIdentifier`, at once. The instance restarts; its data stays.
    fn rename(&self, identifier: &str, to: &str) -> impl Future<Output = Result<(), CallError>>;
    /// `rds:CreateDBInstanceReadReplica`, called in the replica's Region.
    fn create_replica(&self, replica: &NewReplica<'_>) -> impl Future<Output = Result<(), CallError>>;
}

/// Aurora global databases, seen from one Region, and the snapshots of its DB clusters.
pub trait Clusters {
    /// `rds:DescribeGlobalClusters`, with the cluster of this Region beside it; `None`: no such global cluster.
    fn global_cluster(
        &self,
        global_cluster: &str,
        cluster: &str,
    ) -> impl Future<Output = Result<Option<GlobalClusterObserved>, CallError>>;
    /// `rds:DescribeDBClusterSnapshots` of one cluster, automated and manual.
    fn snapshots(&self, cluster: &str) -> impl Future<Output = Result<Vec<ClusterSnapshotObserved>, CallError>>;
    /// `rds:CopyDBClusterSnapshot`, with its tags.
    fn copy_snapshot(&self, source_arn: &str, identifier: &str) -> impl Future<Output = Result<(), CallError>>;
}

/// What is rebuilt, by Region.
pub trait Regions {
    /// What there is in one Region.
    type Region: Instances + Clusters + InRegionReads + GlobalCacheReads;

    /// The Region of this name.
    fn region(&self, name: &str) -> impl Future<Output = Self::Region>;
}
