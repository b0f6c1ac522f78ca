//! Aurora global databases and the clusters in them, by the AWS SDK.

use aws_config::SdkConfig;
use aws_sdk_rds::config::retry::RetryConfig;
use aws_sdk_rds::config::{Builder, Region};
use aws_sdk_rds::types::{DbCluster, FailoverState, GlobalCluster};
use futures::future::join;
use jiff::Timestamp;
use pilot_core::observed::{
    ClusterInstance, ClusterObserved, FailoverStateObserved, GlobalClusterObserved, GlobalMember, LagSample,
};
use pilot_shell::CallError;
use pilot_shell::ports::GlobalClusters;

use crate::lag_adapter::{LagMetric, samples};

/// Aurora global databases, seen from one Region.
#[derive(Debug, Clone)]
pub struct AwsGlobalClusters {
    rds: aws_sdk_rds::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
}

impl AwsGlobalClusters {
    /// With clients of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsGlobalClusters { rds: aws_sdk_rds::Client::new(config), cloudwatch: aws_sdk_cloudwatch::Client::new(config) }
    }

    /// `rds:DescribeDBClusters` in this Region; `None`: no such cluster.
    ///
    /// # Errors
    /// The call's.
    pub async fn cluster(&self, identifier: &str) -> Result<Option<ClusterObserved>, CallError> {
        match self.rds.describe_db_clusters().db_cluster_identifier(identifier).send().await {
            Ok(answer) => Ok(answer.db_clusters().first().map(cluster)),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_db_cluster_not_found_fault()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn global_cluster(&self, identifier: &str) -> Result<Option<GlobalCluster>, CallError> {
        match self.rds.describe_global_clusters().global_cluster_identifier(identifier).send().await {
            Ok(answer) => Ok(answer.global_clusters().first().cloned()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_global_cluster_not_found_fault()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// One attempt: after a lost answer the SDK's own second one would be refused by what the first one did, and its refusal would read as
/// "not done".
fn once() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
}

impl AwsGlobalClusters {
    /// `cloudwatch:GetMetricData` of `AWS/RDS AuroraGlobalDBProgressLag`, in seconds: the one lag of a secondary that is documented to go on
    /// growing while nothing arrives (Aurora user guide, "Cross-Region resiliency for Global Database secondary clusters").
    ///
    /// # Errors
    /// The call's.
    pub async fn progress_lag_samples(
        &self,
        recovery_cluster: &str,
        source_region: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<LagSample>, CallError> {
        self.lag_samples("AuroraGlobalDBProgressLag", recovery_cluster, source_region, from, to).await
    }

    async fn lag_samples(
        &self,
        name: &'static str,
        recovery_cluster: &str,
        source_region: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<LagSample>, CallError> {
        // AWS documents the metric without its dimensions: CloudWatch lists it under the cluster, alone or with the Region it receives from.
        let cluster = ("DBClusterIdentifier", recovery_cluster);
        let metric = LagMetric {
            name,
            parts_of_a_second: 1000.0,
            dimensions: &[&[cluster], &[cluster, ("SourceRegion", source_region)]],
        };
        samples(&self.cloudwatch, &metric, from, to).await
    }
}

impl GlobalClusters for AwsGlobalClusters {
    async fn describe(
        &self,
        global_cluster: &str,
        recovery_cluster: &str,
    ) -> Result<Option<GlobalClusterObserved>, CallError> {
        let (global, recovery) = join(self.global_cluster(global_cluster), self.cluster(recovery_cluster)).await;
        // Whoever asks about a global cluster that is not there learns that first.
        let Some(global) = global? else { return Ok(None) };
        Ok(Some(observed(&global, recovery?)))
    }

    async fn rpo_lag_samples(
        &self,
        recovery_cluster: &str,
        source_region: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<LagSample>, CallError> {
        self.lag_samples("AuroraGlobalDBRPOLag", recovery_cluster, source_region, from, to).await
    }

    async fn fail_over(&self, global_cluster: &str, target_arn: &str) -> Result<(), CallError> {
        let call = self.rds.failover_global_cluster().global_cluster_identifier(global_cluster);
        // Without `AllowDataLoss` the call means a switchover, which fails in a disaster.
        let call = call.target_db_cluster_identifier(target_arn).allow_data_loss(true);
        call.customize().config_override(once()).send().await?;
        Ok(())
    }

    async fn switch_over(&self, writer_region: &str, global_cluster: &str, target_arn: &str) -> Result<(), CallError> {
        let call = self.rds.switchover_global_cluster().global_cluster_identifier(global_cluster);
        let call = call.target_db_cluster_identifier(target_arn);
        let there = once().region(Region::new(writer_region.to_owned()));
        call.customize().config_override(there).send().await?;
        Ok(())
    }
}

fn observed(global: &GlobalCluster, recovery: Option<ClusterObserved>) -> GlobalClusterObserved {
    let members = global.global_cluster_members().iter().filter_map(|member| {
        Some(GlobalMember {
            arn: member.db_cluster_arn()?.to_owned(),
            is_writer: member.is_writer() == Some(true),
            synchronization: member.synchronization_status().map(|status| status.as_str().to_owned()),
        })
    });
    GlobalClusterObserved {
        // A missing status is no status that a decision acts on.
        status: global.status().unwrap_or("unknown").to_owned(),
        engine_version: told(global.engine_version()),
        members: members.collect(),
        failover_state: global.failover_state().and_then(moving),
        recovery,
    }
}

/// RDS hands an empty object where nothing is on the move. One with anything in it is a move, whatever its status reads.
fn moving(state: &FailoverState) -> Option<FailoverStateObserved> {
    let status = told(state.status().map(|status| status.as_str()));
    let (from, to) = (told(state.from_db_cluster_arn()), told(state.to_db_cluster_arn()));
    if status.is_none() && from.is_none() && to.is_none() {
        return None;
    }
    Some(FailoverStateObserved { status: status.unwrap_or_else(|| "without a status".into()), to_arn: to })
}

fn cluster(cluster: &DbCluster) -> ClusterObserved {
    let instances = cluster.db_cluster_members().iter().filter_map(|member| {
        let identifier = member.db_instance_identifier()?.to_owned();
        Some(ClusterInstance { identifier, is_writer: member.is_cluster_writer() == Some(true) })
    });
    ClusterObserved {
        status: cluster.status().unwrap_or("unknown").to_owned(),
        engine_version: told(cluster.engine_version()),
        instances: instances.collect(),
    }
}

/// Emulators and old API versions hand an empty text where there is none.
fn told(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_rds::types::FailoverStatus;

    #[test]
    fn only_an_empty_state_means_that_nothing_moves() {
        let state = || FailoverState::builder();
        assert_eq!(moving(&state().build()), None);
        // The service's model knows it, its enumeration does not.
        let switching = moving(&state().status(FailoverStatus::from("switching-over")).build()).unwrap();
        assert_eq!(switching.status, "switching-over");
        let unnamed = moving(&state().to_db_cluster_arn("arn:a").build()).unwrap();
        assert_eq!((unnamed.status.as_str(), unnamed.to_arn.as_deref()), ("without a status", Some("arn:a")));
    }
}
