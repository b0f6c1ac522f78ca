//! RDS and CloudWatch, by the AWS SDK.

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, StatusCode};
use aws_sdk_rds::config::retry::RetryConfig;
use aws_sdk_rds::types::DbInstance;
use jiff::Timestamp;
use pilot_core::observed::{LagSample, ReplicaObserved};
use pilot_shell::CallError;
use pilot_shell::ports::Replicas;

/// CloudWatch keeps values of seconds for so long; after that only minutes are left.
const FINE_SECONDS_MAX: i64 = 3 * 3600;
/// RDS publishes once a minute; whoever publishes more often is read as finely as that.
const FINE_PERIOD_SECONDS: i32 = 1;
const COARSE_PERIOD_SECONDS: i32 = 60;
/// A limit on the pages of samples: 3 hours of seconds fit into one.
const PAGES_MAX: usize = 10;

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
        let period_seconds = if to.as_second() - from.as_second() < FINE_SECONDS_MAX {
            FINE_PERIOD_SECONDS
        } else {
            COARSE_PERIOD_SECONDS
        };
        let mut samples = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let call = self
                .cloudwatch
                .get_metric_data()
                .metric_data_queries(lag_query(identifier, period_seconds))
                .start_time(DateTime::from_secs(from.as_second()))
                // The end is exclusive and samples lie on whole seconds: one more, or the newest is missed.
                .end_time(DateTime::from_secs(to.as_second() + 1))
                .set_next_token(token);
            let answer = call.send().await?;
            for result in answer.metric_data_results() {
                samples.extend(samples_of(result)?);
            }
            token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(samples);
            }
        }
        Ok(samples)
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

fn lag_query(identifier: &str, period_seconds: i32) -> MetricDataQuery {
    let metric = Metric::builder()
        .namespace("AWS/RDS")
        .metric_name("ReplicaLag")
        .dimensions(Dimension::builder().name("DBInstanceIdentifier").value(identifier).build())
        .build();
    // The largest of a period, so that a minute with one bad second is not read as a good one.
    let stat = MetricStat::builder().metric(metric).period(period_seconds).stat("Maximum").build();
    MetricDataQuery::builder().id("lag").metric_stat(stat).return_data(true).build()
}

/// A result CloudWatch could not make whole is no answer: an empty one would read as "no samples".
fn samples_of(result: &MetricDataResult) -> Result<Vec<LagSample>, CallError> {
    if let Some(status @ (StatusCode::InternalError | StatusCode::Forbidden)) = result.status_code() {
        let message = format!("CloudWatch answered {status} for ReplicaLag");
        return Err(CallError::Unknown { message });
    }
    let at = |time: &DateTime| Timestamp::from_second(time.secs()).ok();
    let pairs = result.timestamps().iter().zip(result.values());
    Ok(pairs.filter_map(|(time, lag)| Some(LagSample { at: at(time)?, lag_seconds: *lag })).collect())
}
