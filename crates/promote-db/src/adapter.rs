//! Read replicas, by the AWS SDK.

use aws_config::SdkConfig;
use aws_sdk_rds::config::retry::RetryConfig;
use aws_sdk_rds::types::DbInstance;
use jiff::Timestamp;
use pilot_core::observed::{LagSample, ReplicaObserved};
use pilot_shell::CallError;
use pilot_shell::ports::Replicas;

use crate::lag_adapter::{LagMetric, samples};

/// Read replicas in the function's Region.
#[derive(Debug, Clone)]
pub struct AwsReplicas {
    rds: aws_sdk_rds::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
}

impl AwsReplicas {
    /// With clients of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsReplicas { rds: aws_sdk_rds::Client::new(config), cloudwatch: aws_sdk_cloudwatch::Client::new(config) }
    }
}

impl Replicas for AwsReplicas {
    async fn describe(&self, identifier: &str) -> Result<Option<ReplicaObserved>, CallError> {
        match self.rds.describe_db_instances().db_instance_identifier(identifier).send().await {
            Ok(answer) => Ok(answer.db_instances().first().map(observed)),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_db_instance_not_found_fault()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn lag_samples(&self, identifier: &str, from: Timestamp, to: Timestamp) -> Result<Vec<LagSample>, CallError> {
        let metric = LagMetric {
            name: "ReplicaLag",
            parts_of_a_second: 1.0,
            dimensions: &[&[("DBInstanceIdentifier", identifier)]],
        };
        samples(&self.cloudwatch, &metric, from, to).await
    }

    async fn promote(&self, identifier: &str, backup_retention_days: u32) -> Result<(), CallError> {
        let call = self.rds.promote_read_replica().db_instance_identifier(identifier);
        // Without retention no replica could be made from it for the way back.
        let retention_days = i32::try_from(backup_retention_days).unwrap_or(i32::MAX);
        // One attempt: after a lost answer the SDK's own second one would be refused by what the first one did, and its refusal would
        // read as "not done".
        let once = aws_sdk_rds::config::Builder::new().retry_config(RetryConfig::disabled());
        call.backup_retention_period(retention_days).customize().config_override(once).send().await?;
        Ok(())
    }
}

/// The instance as RDS describes it.
pub fn observed(instance: &DbInstance) -> ReplicaObserved {
    let replication = instance.status_infos().iter().find(|info| info.status_type() == Some("read replication"));
    ReplicaObserved {
        // A missing status is no status that a decision acts on.
        status: instance.db_instance_status().unwrap_or("unknown").to_owned(),
        // Emulators and old API versions hand an empty text where there is none.
        source: instance.read_replica_source_db_instance_identifier().filter(|s| !s.is_empty()).map(str::to_owned),
        replication: replication.and_then(|info| info.status()).map(str::to_owned),
        backup_retention_days: instance.backup_retention_period().and_then(|d| u32::try_from(d).ok()).unwrap_or(0),
    }
}
