//! The Region that a run brings up, by the adapters of the crates that act on it - here only read - and one call of our own.

use aws_config::SdkConfig;
use jiff::Timestamp;
use pilot_core::decide::backup::RecoveryPointSeen;
use pilot_core::decide::routing::ControlStates;
use pilot_core::observed::{
    CacheObserved, DatastoreObserved, DocumentObserved, FunctionObserved, GlobalClusterObserved, GroupObserved,
    HookFunctionObserved, InRegionCluster, LagSample, ReplicaObserved, RestorableObserved, RestoredObserved,
    ServiceObserved,
};
use pilot_core::plan::{
    RoutingControl, {DnsRecord, RestoredKind},
};
use pilot_shell::CallError;
use pilot_shell::ports::{
    Automations, Backups, Builds, CacheReads, Concurrencies, GlobalCacheReads, GlobalClusters, Groups, HookFunctions,
    InRegionReads, Listed, Records, Replicas, RestoredDatabases, RoutingControls, Services, StopObjects,
};
use promote_db::adapter::AwsReplicas;
use promote_db::cache_adapter::AwsCaches;
use promote_db::global_cluster_adapter::AwsGlobalClusters;
use promote_db::in_region_adapter::AwsInRegion;
use promote_db::restore_adapter::AwsRestores;
use scale_compute::adapter::AwsGroups;
use scale_compute::hooks_adapter::AwsHooks;
use scale_compute::lambda_adapter::AwsConcurrencies;
use scale_compute::services_adapter::AwsServices;
use update_dns::route53_adapter::AwsRecords;
use update_dns::routing_control_adapter::AwsRoutingControls;
use update_dns::s3_adapter::AwsStopObjects;

use crate::ports::Region;

/// What lives in the Region that a run brings up.
#[derive(Debug, Clone)]
pub struct AwsTarget {
    replicas: AwsReplicas,
    global_clusters: AwsGlobalClusters,
    in_region: AwsInRegion,
    restores: AwsRestores,
    caches: AwsCaches,
    groups: AwsGroups,
    services: AwsServices,
    concurrencies: AwsConcurrencies,
    hooks: AwsHooks,
}

impl AwsTarget {
    /// With clients of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsTarget {
            replicas: AwsReplicas::new(config),
            global_clusters: AwsGlobalClusters::new(config),
            in_region: AwsInRegion::new(config),
            restores: AwsRestores::new(config),
            caches: AwsCaches::new(config),
            groups: AwsGroups::new(config),
            services: AwsServices::new(config),
            concurrencies: AwsConcurrencies::new(config),
            hooks: AwsHooks::new(config),
        }
    }
}

/// What does not depend on where a run leads: the switch is in the Region Pilot Light is deployed in, records are everywhere.
#[derive(Debug, Clone)]
pub struct AwsSwitches {
    stop_objects: AwsStopObjects,
    records: AwsRecords,
    controls: AwsRoutingControls,
    s3: aws_sdk_s3::Client,
}

impl AwsSwitches {
    /// With clients of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsSwitches {
            stop_objects: AwsStopObjects::new(config),
            records: AwsRecords::new(config),
            controls: AwsRoutingControls::new(config),
            s3: aws_sdk_s3::Client::new(config),
        }
    }
}

/// Both.
#[derive(Debug, Clone)]
pub struct AwsRegion {
    /// The Region that a run brings up.
    pub target: AwsTarget,
    /// The switches.
    pub switches: AwsSwitches,
}

impl InRegionReads for AwsRegion {
    async fn in_region_cluster(&self, cluster: &str, instances: &[&str]) -> Result<Option<InRegionCluster>, CallError> {
        self.target.in_region.in_region_cluster(cluster, instances).await
    }

    async fn restorable(&self, kind: RestoredKind, identifier: &str) -> Result<Option<RestorableObserved>, CallError> {
        self.target.in_region.restorable(kind, identifier).await
    }
}

impl Region for AwsRegion {
    async fn replica(&self, identifier: &str) -> Result<Option<ReplicaObserved>, CallError> {
        self.target.replicas.describe(identifier).await
    }

    async fn lag_samples(&self, identifier: &str, from: Timestamp, to: Timestamp) -> Result<Vec<LagSample>, CallError> {
        self.target.replicas.lag_samples(identifier, from, to).await
    }

    async fn global_cluster(
        &self,
        global_cluster: &str,
        recovery_cluster: &str,
    ) -> Result<Option<GlobalClusterObserved>, CallError> {
        self.target.global_clusters.describe(global_cluster, recovery_cluster).await
    }

    async fn rpo_lag_samples(
        &self,
        recovery_cluster: &str,
        source_region: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<LagSample>, CallError> {
        self.target.global_clusters.rpo_lag_samples(recovery_cluster, source_region, from, to).await
    }

    async fn recovery_points(&self, vault_name: &str, resource_arn: &str) -> Result<Vec<RecoveryPointSeen>, CallError> {
        self.target.restores.recovery_points(vault_name, resource_arn).await
    }

    async fn restored(&self, kind: RestoredKind, identifier: &str) -> Result<Option<RestoredObserved>, CallError> {
        RestoredDatabases::describe(&self.target.restores, kind, identifier).await
    }

    async fn parameter_group_family(&self, kind: RestoredKind, name: &str) -> Result<Option<String>, CallError> {
        self.target.restores.parameter_group_family(kind, name).await
    }

    async fn cache(&self, replication_group_id: &str) -> Result<Option<CacheObserved>, CallError> {
        self.target.caches.cache(replication_group_id).await
    }

    async fn datastore(&self, id: &str, replication_group_id: &str) -> Result<Option<DatastoreObserved>, CallError> {
        self.target.caches.datastore(id, replication_group_id).await
    }

    async fn group(&self, name: &str) -> Result<Option<GroupObserved>, CallError> {
        self.target.groups.describe(name).await
    }

    async fn service(&self, cluster: &str, service: &str) -> Result<Option<ServiceObserved>, CallError> {
        self.target.services.describe(cluster, service).await
    }

    async fn function(&self, function: &str, qualifier: Option<&str>) -> Result<Option<FunctionObserved>, CallError> {
        self.target.concurrencies.describe(function, qualifier).await
    }

    async fn build_project(&self, project: &str) -> Result<bool, CallError> {
        self.target.hooks.project_exists(project).await
    }

    async fn document(&self, name: &str, version: Option<&str>) -> Result<Option<DocumentObserved>, CallError> {
        self.target.hooks.document(name, version).await
    }

    async fn hook_function(
        &self,
        function: &str,
        qualifier: Option<&str>,
    ) -> Result<Option<HookFunctionObserved>, CallError> {
        self.target.hooks.hook_function(function, qualifier).await
    }

    async fn bucket_exists(&self, bucket: &str) -> Result<bool, CallError> {
        match self.switches.s3.head_bucket().bucket(bucket).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_not_found()) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn stop_object(&self, bucket: &str, key: &str) -> Result<bool, CallError> {
        self.switches.stop_objects.present(bucket, key).await
    }

    async fn routing_controls(&self, component: &RoutingControl) -> Result<ControlStates, CallError> {
        let controls: Vec<&str> = component.controls().collect();
        self.switches.controls.states(&component.cluster_endpoints, &controls).await
    }

    async fn records(&self, zone_id: &str, wanted: &[DnsRecord]) -> Result<Listed, CallError> {
        self.switches.records.list(zone_id, wanted).await
    }

    async fn health_check_exists(&self, id: &str) -> Result<bool, CallError> {
        self.switches.records.health_check_exists(id).await
    }
}
