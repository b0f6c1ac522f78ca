//! Restored DynamoDB tables, by the AWS SDK.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{PointInTimeRecoverySpecification, PointInTimeRecoveryStatus, TableDescription, Tag};
use futures::future::try_join;
use pilot_core::observed::RestoredObserved;
use pilot_core::plan::RestoredSettings;
use pilot_shell::CallError;

use crate::restore_adapter::{AwsRestores, some};

/// For how long DynamoDB keeps points in time where nobody chose (DynamoDB API reference, `PointInTimeRecoveryDescription`).
const RECOVERY_DAYS_DEFAULT: u32 = 35;
/// A table has 50 tags at most, ten a page.
const TAG_PAGES_MAX: usize = 10;

impl AwsRestores {
    /// A table that is still being made has no tags or points in time that could be asked for.
    pub(crate) async fn table(&self, name: &str) -> Result<Option<RestoredObserved>, CallError> {
        let table = match self.dynamodb.describe_table().table_name(name).send().await {
            Ok(answer) => answer.table,
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(table) = table else { return Ok(None) };
        let mut seen = observed(&table);
        if seen.status == "ACTIVE" {
            let (days, tags) = try_join(self.recovery_days(name), self.tags(&seen.arn)).await?;
            seen.settings.backup_retention_days = days;
            seen.settings.tags = tags;
        }
        Ok(Some(seen))
    }

    async fn recovery_days(&self, name: &str) -> Result<Option<u32>, CallError> {
        let answer = self.dynamodb.describe_continuous_backups().table_name(name).send().await?;
        let points = answer.continuous_backups_description().and_then(|d| d.point_in_time_recovery_description());
        let on = |status: Option<&PointInTimeRecoveryStatus>| status == Some(&PointInTimeRecoveryStatus::Enabled);
        Ok(points.filter(|points| on(points.point_in_time_recovery_status())).map(|points| {
            points.recovery_period_in_days().and_then(|days| u32::try_from(days).ok()).unwrap_or(RECOVERY_DAYS_DEFAULT)
        }))
    }

    async fn tags(&self, arn: &str) -> Result<BTreeMap<String, String>, CallError> {
        let (mut tags, mut token) = (BTreeMap::new(), None);
        for _ in 0..TAG_PAGES_MAX {
            let answer = self.dynamodb.list_tags_of_resource().resource_arn(arn).set_next_token(token).send().await?;
            tags.extend(answer.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())));
            token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(tags);
            }
        }
        Err(CallError::Unknown { message: format!("more than {TAG_PAGES_MAX} pages of tags of {arn}") })
    }

    pub(crate) async fn tag_table(&self, arn: &str, wanted: &BTreeMap<String, String>) -> Result<(), CallError> {
        let tags = wanted.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let tags = tags.collect::<Result<Vec<Tag>, BuildError>>().map_err(not_built)?;
        self.dynamodb.tag_resource().resource_arn(arn).set_tags(Some(tags)).send().await?;
        Ok(())
    }

    pub(crate) async fn set_table_protection(&self, name: &str, on: bool) -> Result<(), CallError> {
        self.dynamodb.update_table().table_name(name).deletion_protection_enabled(on).send().await?;
        Ok(())
    }

    pub(crate) async fn set_table_recovery_days(&self, name: &str, days: u32) -> Result<(), CallError> {
        let specification = PointInTimeRecoverySpecification::builder()
            .point_in_time_recovery_enabled(true)
            .recovery_period_in_days(i32::try_from(days).unwrap_or(i32::MAX))
            .build()
            .map_err(not_built)?;
        let call = self.dynamodb.update_continuous_backups().table_name(name);
        call.point_in_time_recovery_specification(specification).send().await?;
        Ok(())
    }
}

fn observed(table: &TableDescription) -> RestoredObserved {
    let settings = RestoredSettings {
        deletion_protection: Some(table.deletion_protection_enabled() == Some(true)),
        kms_key_id: some(table.sse_description().and_then(|sse| sse.kms_master_key_arn())),
        ..RestoredSettings::default()
    };
    RestoredObserved {
        arn: table.table_arn().unwrap_or_default().to_owned(),
        // A missing status is no status that a decision acts on.
        status: table.table_status().map_or("unknown", |status| status.as_str()).to_owned(),
        engine: None,
        settings,
        pending_reboot: false,
        cluster: None,
    }
}

/// Never sent: nothing can have happened.
fn not_built(error: BuildError) -> CallError {
    CallError::Refused { code: "NotSent".into(), message: error.to_string() }
}
