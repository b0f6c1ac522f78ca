//! Databases that are recovered within one Region, by the AWS SDK.

use aws_config::SdkConfig;
use aws_sdk_rds::config::Builder;
use aws_sdk_rds::config::retry::RetryConfig;
use futures::future::{join, try_join_all};
use pilot_core::observed::{ClusterInstance, InRegionCluster, RestorableObserved, ZonedInstance};
use pilot_core::plan::RestoredKind;
use pilot_shell::CallError;
use pilot_shell::ports::{InRegion, InRegionReads, NewPointInTime};

/// Databases in one Region.
#[derive(Debug, Clone)]
pub struct AwsInRegion {
    pub(crate) rds: aws_sdk_rds::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
}

impl AwsInRegion {
    /// With clients of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsInRegion { rds: aws_sdk_rds::Client::new(config), dynamodb: aws_sdk_dynamodb::Client::new(config) }
    }

    pub(crate) async fn cluster(&self, identifier: &str) -> Result<Option<aws_sdk_rds::types::DbCluster>, CallError> {
        match self.rds.describe_db_clusters().db_cluster_identifier(identifier).send().await {
            Ok(answer) => Ok(answer.db_clusters().first().cloned()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_db_cluster_not_found_fault()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn instance(&self, identifier: &str) -> Result<Option<ZonedInstance>, CallError> {
        match self.rds.describe_db_instances().db_instance_identifier(identifier).send().await {
            Ok(answer) => Ok(answer.db_instances().first().map(|instance| ZonedInstance {
                identifier: instance.db_instance_identifier().unwrap_or(identifier).to_owned(),
                // A missing status is no status that a decision acts on.
                status: instance.db_instance_status().unwrap_or("unknown").to_owned(),
                availability_zone: told(instance.availability_zone()),
            })),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_db_instance_not_found_fault()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// One attempt: after a lost answer the SDK's own second one would be refused by what the first one did, and its refusal would read as
/// "not done".
fn once() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
}

impl InRegionReads for AwsInRegion {
    async fn in_region_cluster(&self, cluster: &str, instances: &[&str]) -> Result<Option<InRegionCluster>, CallError> {
        // By identifier, not by the cluster's filter: a role may then be held to the instances that the plan names.
        let instances = try_join_all(instances.iter().map(|instance| self.instance(instance)));
        let (cluster, instances) = join(self.cluster(cluster), instances).await;
        // Whoever asks about a cluster that is not there learns that first.
        let Some(cluster) = cluster? else { return Ok(None) };
        let members = cluster.db_cluster_members().iter().filter_map(|member| {
            let identifier = member.db_instance_identifier()?.to_owned();
            Some(ClusterInstance { identifier, is_writer: member.is_cluster_writer() == Some(true) })
        });
        Ok(Some(InRegionCluster {
            status: cluster.status().unwrap_or("unknown").to_owned(),
            members: members.collect(),
            instances: instances?.into_iter().flatten().collect(),
        }))
    }

    async fn restorable(&self, kind: RestoredKind, identifier: &str) -> Result<Option<RestorableObserved>, CallError> {
        match kind {
            RestoredKind::Table => self.restorable_table(identifier).await,
            RestoredKind::Cluster | RestoredKind::Instance => self.restorable_cluster(identifier).await,
        }
    }
}

impl InRegion for AwsInRegion {
    async fn fail_over_cluster(&self, cluster: &str, to_instance: &str) -> Result<(), CallError> {
        let call = self.rds.failover_db_cluster().db_cluster_identifier(cluster);
        // Without a target Aurora takes whatever reader has the highest failover priority.
        let call = call.target_db_instance_identifier(to_instance);
        call.customize().config_override(once()).send().await?;
        Ok(())
    }

    async fn restore_to_point(&self, restore: &NewPointInTime<'_>) -> Result<(), CallError> {
        match restore.kind {
            RestoredKind::Table => self.restore_table(restore).await,
            RestoredKind::Cluster | RestoredKind::Instance => self.restore_cluster(restore).await,
        }
    }
}

/// Emulators and old API versions hand an empty text where there is none.
fn told(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}
