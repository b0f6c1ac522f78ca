//! RDS and ElastiCache in any Region, by the AWS SDK.

use aws_config::SdkConfig;
use aws_sdk_rds::Client;
use aws_sdk_rds::config::retry::RetryConfig;
use aws_sdk_rds::types::{DbClusterSnapshot, DbInstance, Tag};
use pilot_core::observed::{
    ClusterSnapshotObserved, DatastoreObserved, GlobalClusterObserved, InRegionCluster, InstanceObserved,
    RestorableObserved,
};
use pilot_core::plan::RestoredKind;
use pilot_shell::CallError;
use pilot_shell::ports::{GlobalCacheReads, GlobalClusters, InRegionReads};
use pilot_shell::regions::ByRegion;
use promote_db::cache_adapter::AwsCaches;
use promote_db::global_cluster_adapter::AwsGlobalClusters;
use promote_db::in_region_adapter::AwsInRegion;

use crate::ports::{Clusters, Instances, NewReplica, Regions};

/// RDS and ElastiCache in one Region.
#[derive(Debug, Clone)]
pub struct AwsRegion {
    client: Client,
    global_clusters: AwsGlobalClusters,
    in_region: AwsInRegion,
    caches: AwsCaches,
}

impl AwsRegion {
    /// With clients of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsRegion {
            client: Client::new(config),
            global_clusters: AwsGlobalClusters::new(config),
            in_region: AwsInRegion::new(config),
            caches: AwsCaches::new(config),
        }
    }
}

impl Regions for ByRegion<AwsRegion> {
    type Region = AwsRegion;

    async fn region(&self, name: &str) -> AwsRegion {
        self.of(name).await
    }
}

impl InRegionReads for AwsRegion {
    async fn in_region_cluster(&self, cluster: &str, instances: &[&str]) -> Result<Option<InRegionCluster>, CallError> {
        self.in_region.in_region_cluster(cluster, instances).await
    }

    async fn restorable(&self, kind: RestoredKind, identifier: &str) -> Result<Option<RestorableObserved>, CallError> {
        self.in_region.restorable(kind, identifier).await
    }
}

impl GlobalCacheReads for AwsRegion {
    async fn datastore(&self, id: &str, replication_group_id: &str) -> Result<Option<DatastoreObserved>, CallError> {
        self.caches.datastore(id, replication_group_id).await
    }
}

impl Clusters for AwsRegion {
    async fn global_cluster(&self, global: &str, cluster: &str) -> Result<Option<GlobalClusterObserved>, CallError> {
        self.global_clusters.describe(global, cluster).await
    }

    async fn snapshots(&self, cluster: &str) -> Result<Vec<ClusterSnapshotObserved>, CallError> {
        let mut pages =
            self.client.describe_db_cluster_snapshots().db_cluster_identifier(cluster).into_paginator().send();
        let mut snapshots = Vec::new();
        while let Some(page) = pages.next().await {
            snapshots.extend(page?.db_cluster_snapshots().iter().map(snapshot));
        }
        Ok(snapshots)
    }

    async fn copy_snapshot(&self, source_arn: &str, identifier: &str) -> Result<(), CallError> {
        let call = self.client.copy_db_cluster_snapshot().source_db_cluster_snapshot_identifier(source_arn);
        let call = call.target_db_cluster_snapshot_identifier(identifier).copy_tags(true);
        // One attempt: a second one would be refused by the name that the first one took.
        call.customize().config_override(once()).send().await?;
        Ok(())
    }
}

fn snapshot(snapshot: &DbClusterSnapshot) -> ClusterSnapshotObserved {
    ClusterSnapshotObserved {
        identifier: snapshot.db_cluster_snapshot_identifier().unwrap_or_default().to_owned(),
        arn: snapshot.db_cluster_snapshot_arn().unwrap_or_default().to_owned(),
        status: snapshot.status().unwrap_or("unknown").to_owned(),
    }
}

impl Instances for AwsRegion {
    async fn describe(&self, identifier: &str) -> Result<Option<InstanceObserved>, CallError> {
        match self.client.describe_db_instances().db_instance_identifier(identifier).send().await {
            Ok(answer) => Ok(answer.db_instances().first().map(observed)),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_db_instance_not_found_fault()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn rename(&self, identifier: &str, to: &str) -> Result<(), CallError> {
        let call = self.client.modify_db_instance().db_instance_identifier(identifier);
        // One attempt: a second one would not find the name that the first one took away.
        let call = call.new_db_instance_identifier(to).apply_immediately(true).customize().config_override(once());
        call.send().await?;
        Ok(())
    }

    async fn create_replica(&self, replica: &NewReplica<'_>) -> Result<(), CallError> {
        let settings = replica.settings;
        let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
        let tags: Vec<Tag> = settings.tags.iter().map(tag).collect();
        let call = self
            .client
            .create_db_instance_read_replica()
            .db_instance_identifier(replica.identifier)
            .source_db_instance_identifier(replica.source_arn)
            .deletion_protection(settings.deletion_protection)
            .set_db_instance_class(settings.instance_class.clone())
            .set_db_subnet_group_name(settings.subnet_group.clone())
            .set_db_parameter_group_name(settings.parameter_group.clone())
            .set_kms_key_id(settings.kms_key_id.clone())
            .set_vpc_security_group_ids(some(&settings.security_group_ids))
            .set_tags(Some(tags).filter(|tags| !tags.is_empty()));
        // One attempt: a second one would be refused by the name that the first one took.
        call.customize().config_override(once()).send().await?;
        Ok(())
    }
}

fn once() -> aws_sdk_rds::config::Builder {
    aws_sdk_rds::config::Builder::new().retry_config(RetryConfig::disabled())
}

fn some(ids: &[String]) -> Option<Vec<String>> {
    (!ids.is_empty()).then(|| ids.to_vec())
}

fn observed(instance: &DbInstance) -> InstanceObserved {
    let arn = instance.db_instance_arn().unwrap_or_default().to_owned();
    InstanceObserved { arn, state: promote_db::adapter::observed(instance) }
}
