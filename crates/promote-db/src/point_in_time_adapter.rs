//! Restores to a point in time, by the AWS SDK. What they make is described and set by `restored_adapter` and `restored_table_adapter`.

use aws_sdk_dynamodb::types::{PointInTimeRecoveryStatus, SseSpecification, SseType};
use aws_sdk_rds::config::retry::RetryConfig;
use aws_sdk_rds::types::Tag;
use jiff::Timestamp;
use pilot_core::observed::{RestorableObserved, RestorableWindow};
use pilot_shell::CallError;
use pilot_shell::ports::NewPointInTime;

use crate::in_region_adapter::AwsInRegion;

impl AwsInRegion {
    pub(crate) async fn restorable_cluster(&self, identifier: &str) -> Result<Option<RestorableObserved>, CallError> {
        Ok(self.cluster(identifier).await?.map(|cluster| RestorableObserved {
            window: window(
                cluster.earliest_restorable_time().map(|at| (at.secs(), at.subsec_nanos())),
                cluster.latest_restorable_time().map(|at| (at.secs(), at.subsec_nanos())),
            ),
        }))
    }

    pub(crate) async fn restorable_table(&self, name: &str) -> Result<Option<RestorableObserved>, CallError> {
        let answer = match self.dynamodb.describe_continuous_backups().table_name(name).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|e| e.is_table_not_found_exception()) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let points = answer.continuous_backups_description().and_then(|d| d.point_in_time_recovery_description());
        let on = points.filter(|p| p.point_in_time_recovery_status() == Some(&PointInTimeRecoveryStatus::Enabled));
        let window = on.and_then(|points| {
            window(
                points.earliest_restorable_date_time().map(|at| (at.secs(), at.subsec_nanos())),
                points.latest_restorable_date_time().map(|at| (at.secs(), at.subsec_nanos())),
            )
        });
        Ok(Some(RestorableObserved { window }))
    }

    /// With what must be chosen now (subnet group, key) and what can be given already, so that the cluster never stands open.
    pub(crate) async fn restore_cluster(&self, restore: &NewPointInTime<'_>) -> Result<(), CallError> {
        let settings = restore.settings;
        let tags = settings.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let doors = Some(settings.security_group_ids.clone()).filter(|ids| !ids.is_empty());
        let call = self
            .rds
            .restore_db_cluster_to_point_in_time()
            .db_cluster_identifier(restore.identifier)
            .source_db_cluster_identifier(restore.source)
            .restore_type("full-copy")
            .set_db_subnet_group_name(settings.subnet_group.clone())
            .set_db_cluster_parameter_group_name(settings.cluster_parameter_group.clone())
            .set_vpc_security_group_ids(doors)
            .set_kms_key_id(settings.kms_key_id.clone())
            .set_deletion_protection(settings.deletion_protection)
            .set_tags(Some(tags.collect()).filter(|tags: &Vec<Tag>| !tags.is_empty()));
        let call = match restore.at {
            Some(at) => {
                let nanoseconds = u32::try_from(at.subsec_nanosecond()).unwrap_or(0);
                call.restore_to_time(aws_sdk_rds::primitives::DateTime::from_secs_and_nanos(
                    at.as_second(),
                    nanoseconds,
                ))
            }
            None => call.use_latest_restorable_time(true),
        };
        // One attempt: a second one would be refused by the name that the first one took, and its refusal would read as "not done".
        let once = aws_sdk_rds::config::Builder::new().retry_config(RetryConfig::disabled());
        call.customize().config_override(once).send().await?;
        Ok(())
    }

    pub(crate) async fn restore_table(&self, restore: &NewPointInTime<'_>) -> Result<(), CallError> {
        let key =
            restore.settings.kms_key_id.as_ref().map(|key| {
                SseSpecification::builder().enabled(true).sse_type(SseType::Kms).kms_master_key_id(key).build()
            });
        let call = self
            .dynamodb
            .restore_table_to_point_in_time()
            .source_table_name(restore.source)
            .target_table_name(restore.identifier)
            .set_sse_specification_override(key);
        let call = match restore.at {
            // DynamoDB restores to a whole second (developer guide, "Point-in-time recovery").
            Some(at) => call.restore_date_time(aws_sdk_dynamodb::primitives::DateTime::from_secs(at.as_second())),
            None => call.use_latest_restorable_time(true),
        };
        let once = aws_sdk_dynamodb::config::Builder::new()
            .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled());
        call.customize().config_override(once).send().await?;
        Ok(())
    }
}

/// Both ends, each in seconds and nanoseconds; `None`: one of them is missing, and nothing can be restored.
fn window(earliest: Option<(i64, u32)>, latest: Option<(i64, u32)>) -> Option<RestorableWindow> {
    let at = |(seconds, nanoseconds): (i64, u32)| Timestamp::new(seconds, i32::try_from(nanoseconds).ok()?).ok();
    Some(RestorableWindow { earliest: at(earliest?)?, latest: at(latest?)? })
}
