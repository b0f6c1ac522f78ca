//! What this function needs to see. Reads only, by type.

use std::future::Future;
use std::net::SocketAddr;

use jiff::Timestamp;
use pilot_core::decide::backup::RecoveryPointSeen;
use pilot_core::decide::routing::ControlStates;
use pilot_core::observed::{
    CacheObserved, DatastoreObserved, DocumentObserved, FunctionObserved, GlobalClusterObserved, GroupObserved,
    HookFunctionObserved, LagSample, ReplicaObserved, RestoredObserved, ServiceObserved,
};
use pilot_core::plan::{DnsRecord, RecordType, RestoredKind, RoutingControl};
use pilot_shell::CallError;
use pilot_shell::ports::{InRegionReads, Listed};

/// The recovery Region, as far as it is looked at.
pub trait Region: InRegionReads {
    /// A DB instance; `None`: no such instance.
    fn replica(&self, identifier: &str) -> impl Future<Output = Result<Option<ReplicaObserved>, CallError>>;
    /// Its `ReplicaLag`.
    fn lag_samples(
        &self,
        identifier: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Future<Output = Result<Vec<LagSample>, CallError>>;
    /// An Aurora global database with the recovery cluster; `None`: no such global cluster.
    fn global_cluster(
        &self,
        global_cluster: &str,
        recovery_cluster: &str,
    ) -> impl Future<Output = Result<Option<GlobalClusterObserved>, CallError>>;
    /// The `AuroraGlobalDBRPOLag` of its recovery cluster, in seconds; `source_region`: where the writer is.
    fn rpo_lag_samples(
        &self,
        recovery_cluster: &str,
        source_region: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Future<Output = Result<Vec<LagSample>, CallError>>;
    /// The recovery points of a resource in a vault.
    fn recovery_points(
        &self,
        vault_name: &str,
        resource_arn: &str,
    ) -> impl Future<Output = Result<Vec<RecoveryPointSeen>, CallError>>;
    /// A database of this kind, with its settings; `None`: nothing of that name.
    fn restored(
        &self,
        kind: RestoredKind,
        identifier: &str,
    ) -> impl Future<Output = Result<Option<RestoredObserved>, CallError>>;
    /// The family of a parameter group, of clusters or of instances; `None`: no such group.
    fn parameter_group_family(
        &self,
        kind: RestoredKind,
        name: &str,
    ) -> impl Future<Output = Result<Option<String>, CallError>>;
    /// An ElastiCache replication group, with its settings; `None`: no such group.
    fn cache(&self, replication_group_id: &str) -> impl Future<Output = Result<Option<CacheObserved>, CallError>>;
    /// An ElastiCache global datastore with a replication group of this Region; `None`: no such datastore.
    fn datastore(
        &self,
        global_replication_group_id: &str,
        replication_group_id: &str,
    ) -> impl Future<Output = Result<Option<DatastoreObserved>, CallError>>;
    /// An Auto Scaling group; `None`: no such group.
    fn group(&self, name: &str) -> impl Future<Output = Result<Option<GroupObserved>, CallError>>;
    /// An ECS service; `None`: no such service.
    fn service(&self, cluster: &str, service: &str)
    -> impl Future<Output = Result<Option<ServiceObserved>, CallError>>;
    /// The concurrency of a Lambda function, and of its qualifier; `None`: no such function.
    fn function(
        &self,
        function: &str,
        qualifier: Option<&str>,
    ) -> impl Future<Output = Result<Option<FunctionObserved>, CallError>>;
    /// Whether there is such a CodeBuild project.
    fn build_project(&self, project: &str) -> impl Future<Output = Result<bool, CallError>>;
    /// An SSM document; `None`: no such document or version.
    fn document(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> impl Future<Output = Result<Option<DocumentObserved>, CallError>>;
    /// A Lambda function that is a hook; `None`: no such function, alias or version.
    fn hook_function(
        &self,
        function: &str,
        qualifier: Option<&str>,
    ) -> impl Future<Output = Result<Option<HookFunctionObserved>, CallError>>;
    /// Whether a bucket is there: a missing object says nothing about its bucket.
    fn bucket_exists(&self, bucket: &str) -> impl Future<Output = Result<bool, CallError>>;
    /// Whether the STOP object is there.
    fn stop_object(&self, bucket: &str, key: &str) -> impl Future<Output = Result<bool, CallError>>;
    /// The states of the component's routing controls, from whichever endpoint answers; one that does not exist is not in it.
    fn routing_controls(&self, component: &RoutingControl) -> impl Future<Output = Result<ControlStates, CallError>>;
    /// The records of these names and types that a zone has.
    fn records(&self, zone_id: &str, wanted: &[DnsRecord]) -> impl Future<Output = Result<Listed, CallError>>;
    /// Whether Route 53 has this health check (`route53:GetHealthCheck`).
    fn health_check_exists(&self, id: &str) -> impl Future<Output = Result<bool, CallError>>;
}

/// Asks name servers, past every cache of our own.
pub trait Dns {
    /// The values of the records of this type; `server` absent: the system's resolver. `Err` says why there are none.
    fn ask(
        &self,
        server: Option<SocketAddr>,
        name: &str,
        record_type: RecordType,
    ) -> impl Future<Output = Result<Vec<String>, String>>;
}

/// What the function looks through.
#[derive(Debug)]
pub struct Eyes<'a, R, H, D> {
    /// The recovery Region.
    pub region: &'a R,
    /// The application.
    pub http: &'a H,
    /// The name servers.
    pub dns: &'a D,
}
