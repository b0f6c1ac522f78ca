//! What the component kinds need of AWS, as traits: one a kind, implemented by the adapter of the crate that acts on it, and by the
//! test kit's fake world.

mod in_region;
mod restores;

mod hook_functions;
mod hooks;

mod caches;
mod global_caches;

mod routing;

use std::collections::BTreeMap;
use std::future::Future;

use jiff::Timestamp;
use pilot_core::decide::records::{ChangeState, RecordKey};
use pilot_core::observed::{
    DoorObserved, FunctionObserved, GlobalClusterObserved, GroupObserved, LagSample, RecordObserved, ReplicaObserved,
    ScalableTarget, ServiceObserved,
};
use pilot_core::plan::{Capacity, DnsRecord};

use crate::CallError;

pub use in_region::{InRegion, InRegionReads, NewPointInTime};
pub use restores::{Backups, NewInstance, NewRestore, RestoredDatabases};

pub use hook_functions::{FunctionCall, HookFunctions};
pub use hooks::{AutomationStart, Automations, BuildStart, Builds, Hooks};

pub use caches::{CacheReads, Caches};
pub use global_caches::{GlobalCacheReads, GlobalCaches};

pub use routing::RoutingControls;

/// RDS read replicas in the recovery Region.
pub trait Replicas {
    /// `rds:DescribeDBInstances`; `None`: no such instance.
    fn describe(&self, identifier: &str) -> impl Future<Output = Result<Option<ReplicaObserved>, CallError>>;
    /// `cloudwatch:GetMetricData` of `AWS/RDS ReplicaLag`, as fine as it is kept.
    fn lag_samples(
        &self,
        identifier: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Future<Output = Result<Vec<LagSample>, CallError>>;
    /// `rds:PromoteReadReplica`. **Cannot be undone.**
    fn promote(&self, identifier: &str, backup_retention_days: u32) -> impl Future<Output = Result<(), CallError>>;
}

/// Aurora global databases, as the recovery Region tells them.
pub trait GlobalClusters {
    /// `rds:DescribeGlobalClusters`, and `rds:DescribeDBClusters` of the recovery cluster; `None`: no such global cluster.
    fn describe(
        &self,
        global_cluster: &str,
        recovery_cluster: &str,
    ) -> impl Future<Output = Result<Option<GlobalClusterObserved>, CallError>>;
    /// `cloudwatch:GetMetricData` of `AWS/RDS AuroraGlobalDBRPOLag`, in seconds, as fine as it is kept. Only a secondary has it, in its own
    /// Region. `source_region`: where the writer was.
    fn rpo_lag_samples(
        &self,
        recovery_cluster: &str,
        source_region: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Future<Output = Result<Vec<LagSample>, CallError>>;
    /// `rds:FailoverGlobalCluster` with `AllowDataLoss`, in the recovery Region. **Cannot be undone.**
    fn fail_over(&self, global_cluster: &str, target_arn: &str) -> impl Future<Output = Result<(), CallError>>;
    /// `rds:SwitchoverGlobalCluster`, in the Region of the writer. **Cannot be undone**, and loses nothing.
    fn switch_over(
        &self,
        writer_region: &str,
        global_cluster: &str,
        target_arn: &str,
    ) -> impl Future<Output = Result<(), CallError>>;
}

/// Auto Scaling groups: in the recovery Region to be scaled, in the primary Region to be fenced.
pub trait Groups {
    /// `autoscaling:DescribeAutoScalingGroups`; `None`: no such group.
    fn describe(&self, name: &str) -> impl Future<Output = Result<Option<GroupObserved>, CallError>>;
    /// `autoscaling:UpdateAutoScalingGroup` with all three sizes.
    fn resize(&self, name: &str, sizes: Capacity) -> impl Future<Output = Result<(), CallError>>;
}

/// ECS services: in the recovery Region to be scaled, in the primary Region to be fenced. A cluster and a service are named, not given by ARN.
pub trait Services {
    /// `ecs:DescribeServices`, and `application-autoscaling:DescribeScalableTargets`; `None`: no such service.
    fn describe(
        &self,
        cluster: &str,
        service: &str,
    ) -> impl Future<Output = Result<Option<ServiceObserved>, CallError>>;
    /// `application-autoscaling:RegisterScalableTarget` with both capacities. It moves the desired count of an active service into the new
    /// range.
    fn set_scalable_target(
        &self,
        cluster: &str,
        service: &str,
        target: ScalableTarget,
    ) -> impl Future<Output = Result<(), CallError>>;
    /// `ecs:UpdateService` with a desired count only: no new deployment.
    fn set_desired_count(
        &self,
        cluster: &str,
        service: &str,
        desired: u32,
    ) -> impl Future<Output = Result<(), CallError>>;
}

/// The concurrency of Lambda functions. A function is named, not given by ARN; a qualifier is an alias or a version.
pub trait Concurrencies {
    /// `lambda:GetFunctionConfiguration` of the qualifier, `GetFunctionConcurrency`, and with a qualifier `GetProvisionedConcurrencyConfig`;
    /// `None`: no such function.
    fn describe(
        &self,
        function: &str,
        qualifier: Option<&str>,
    ) -> impl Future<Output = Result<Option<FunctionObserved>, CallError>>;
    /// `lambda:PutFunctionConcurrency`; `None`: `DeleteFunctionConcurrency`.
    fn set_reserved(&self, function: &str, reserved: Option<u32>) -> impl Future<Output = Result<(), CallError>>;
    /// `lambda:PutProvisionedConcurrencyConfig`; `None`: `DeleteProvisionedConcurrencyConfig`.
    fn set_provisioned(
        &self,
        function: &str,
        qualifier: &str,
        provisioned: Option<u32>,
    ) -> impl Future<Output = Result<(), CallError>>;
}

/// Load balancers' security groups, in the primary Region.
pub trait LoadBalancers {
    /// `elasticloadbalancing:DescribeLoadBalancers`; `None`: no such load balancer.
    fn door(&self, arn: &str) -> impl Future<Output = Result<Option<DoorObserved>, CallError>>;
    /// `elasticloadbalancing:SetSecurityGroups`, all of them at once.
    fn set_door(&self, arn: &str, security_group_ids: &[String]) -> impl Future<Output = Result<(), CallError>>;
}

/// DB instances' security groups, in the primary Region.
pub trait InstanceDoors {
    /// `rds:DescribeDBInstances`; `None`: no such instance.
    fn door(&self, identifier: &str) -> impl Future<Output = Result<Option<DoorObserved>, CallError>>;
    /// `rds:ModifyDBInstance` with `VpcSecurityGroupIds`, at once.
    fn set_door(&self, identifier: &str, security_group_ids: &[String]) -> impl Future<Output = Result<(), CallError>>;
}

/// STOP objects in the recovery Region.
pub trait StopObjects {
    /// `s3:HeadObject`. A missing bucket reads as a missing object: a HEAD has no body to tell them apart.
    fn present(&self, bucket: &str, key: &str) -> impl Future<Output = Result<bool, CallError>>;
    /// `s3:PutObject`; the body says who and when, for people.
    fn put(&self, bucket: &str, key: &str, body: String) -> impl Future<Output = Result<(), CallError>>;
    /// `s3:DeleteObject`.
    fn delete(&self, bucket: &str, key: &str) -> impl Future<Output = Result<(), CallError>>;
}

/// The records found, by name (lower case, without the closing dot), type and set identifier.
pub type Listed = BTreeMap<RecordKey, RecordObserved>;

/// Route 53 records.
pub trait Records {
    /// `route53:ListResourceRecordSets` for these records.
    fn list(&self, zone_id: &str, wanted: &[DnsRecord]) -> impl Future<Output = Result<Listed, CallError>>;
    /// `route53:ChangeResourceRecordSets`, UPSERT, one batch: the change's id.
    fn upsert(&self, zone_id: &str, batch: &[DnsRecord]) -> impl Future<Output = Result<String, CallError>>;
    /// `route53:ChangeResourceRecordSets`, DELETE of records that were not there before, as they stand.
    fn delete(&self, zone_id: &str, records: &[DnsRecord]) -> impl Future<Output = Result<String, CallError>>;
    /// `route53:GetChange`; a stranded change (`NoSuchChange`) is [`ChangeState::Gone`].
    fn change_state(&self, change_id: &str) -> impl Future<Output = Result<ChangeState, CallError>>;
}
