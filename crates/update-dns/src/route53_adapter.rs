//! Route 53, by the AWS SDK. A global service: the SDK's partition endpoint signs for us-east-1 whatever the function's Region.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_route53::Client;
use aws_sdk_route53::config::Builder;
use aws_sdk_route53::config::http::HttpResponse;
use aws_sdk_route53::config::retry::RetryConfig;
use aws_sdk_route53::error::{BuildError, SdkError};
use aws_sdk_route53::operation::change_resource_record_sets::ChangeResourceRecordSetsError;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ChangeStatus, ResourceRecord, ResourceRecordSet, ResourceRecordSetFailover,
    RrType,
};
use pilot_core::decide::records::{ChangeState, RecordKey, key, key_of};
use pilot_core::observed::RecordObserved;
use pilot_core::plan::{DnsRecord, FailoverRole};
use pilot_shell::CallError;
use pilot_shell::ports::{Listed, Records};

/// What Route 53 names a batch that it does not take.
const INVALID_BATCH: &str = "InvalidChangeBatch";
/// The most a page of `ListResourceRecordSets` holds.
const RECORDS_PER_PAGE: i32 = 300;
/// Up to so many names are looked up each by itself; for more the zone is read whole, which takes fewer of the account's 5 calls a second.
const LOOKED_UP_ONE_BY_ONE_MAX: usize = 5;

/// Records in any zone the role may change.
#[derive(Debug, Clone)]
pub struct AwsRecords {
    client: Client,
}

impl AwsRecords {
    /// With a client of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsRecords { client: Client::new(config) }
    }

    /// Whether there is a health check of this id. Only the readiness check asks: an UPSERT that names one that is gone is refused.
    ///
    /// # Errors
    /// The call's, but for `NoSuchHealthCheck`.
    pub async fn health_check_exists(&self, id: &str) -> Result<bool, CallError> {
        match self.client.get_health_check().health_check_id(id).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_health_check()) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the zone page by page, from a name and type or from its beginning, for as long as `take` wants more.
    async fn page_through(
        &self,
        zone_id: &str,
        from: Option<(&str, RrType)>,
        mut take: impl FnMut(&ResourceRecordSet) -> Result<bool, CallError>,
    ) -> Result<(), CallError> {
        let (mut name, mut record_type) = from.map(|(name, t)| (name.to_owned(), t)).unzip();
        let mut identifier = None;
        loop {
            let call = self.client.list_resource_record_sets().hosted_zone_id(zone_id).max_items(RECORDS_PER_PAGE);
            let call = call.set_start_record_name(name).set_start_record_type(record_type);
            let answer = call.set_start_record_identifier(identifier).send().await?;
            for set in answer.resource_record_sets() {
                if !take(set)? {
                    return Ok(());
                }
            }
            if !answer.is_truncated() {
                return Ok(());
            }
            name = answer.next_record_name().map(str::to_owned);
            record_type = answer.next_record_type().cloned();
            identifier = answer.next_record_identifier().map(str::to_owned);
        }
    }

    async fn change(&self, zone_id: &str, action: ChangeAction, records: &[DnsRecord]) -> Result<String, CallError> {
        let changes = records.iter().map(|record| change(action.clone(), record)).collect::<Result<Vec<_>, _>>();
        let batch = changes
            .and_then(|changes| ChangeBatch::builder().comment("Pilot Light").set_changes(Some(changes)).build());
        let batch = batch.map_err(|error| not_built(&error))?;
        let call = self.client.change_resource_record_sets().hosted_zone_id(zone_id).change_batch(batch);
        let answer = if action == ChangeAction::Delete {
            // One attempt: after a lost answer the SDK's own second one would be refused, for the records are gone.
            let once = Builder::new().retry_config(RetryConfig::disabled());
            call.customize().config_override(once).send().await
        } else {
            call.send().await
        };
        let answer = answer.map_err(|error| match invalid_batch(&error) {
            Some(message) => CallError::Refused { code: INVALID_BATCH.into(), message },
            None => CallError::from(error),
        })?;
        answer
            .change_info()
            .map(|info| info.id().to_owned())
            .ok_or_else(|| CallError::Unknown { message: "Route 53 took the change and named no id".into() })
    }
}

impl Records for AwsRecords {
    async fn list(&self, zone_id: &str, wanted: &[DnsRecord]) -> Result<Listed, CallError> {
        let keys: BTreeSet<RecordKey> = wanted.iter().map(key_of).collect();
        let sets: BTreeSet<(&str, RrType)> =
            wanted.iter().map(|record| (record.name.as_str(), RrType::from(record.record_type.as_str()))).collect();
        let mut listed = Listed::new();
        if sets.len() > LOOKED_UP_ONE_BY_ONE_MAX {
            self.page_through(zone_id, None, |set| keep(set, &keys, &mut listed).map(|()| true)).await?;
            return Ok(listed);
        }
        // One after the other: Route 53 takes 5 calls a second for the whole account.
        for (name, record_type) in sets {
            let (wanted_name, wanted_type, _) = key(name, record_type.as_str(), None);
            // The list begins at the name or, where there is none, at the next one; those of one name and type stand together.
            let take = |set: &ResourceRecordSet| {
                let (name, record_type, _) = key(&unescaped(set.name()), set.r#type().as_str(), None);
                let one_of_them = (name, record_type) == (wanted_name.clone(), wanted_type.clone());
                if one_of_them { keep(set, &keys, &mut listed).map(|()| true) } else { Ok(false) }
            };
            self.page_through(zone_id, Some((name, record_type.clone())), take).await?;
        }
        Ok(listed)
    }

    async fn upsert(&self, zone_id: &str, batch: &[DnsRecord]) -> Result<String, CallError> {
        self.change(zone_id, ChangeAction::Upsert, batch).await
    }

    async fn delete(&self, zone_id: &str, records: &[DnsRecord]) -> Result<String, CallError> {
        self.change(zone_id, ChangeAction::Delete, records).await
    }

    async fn change_state(&self, change_id: &str) -> Result<ChangeState, CallError> {
        match self.client.get_change().id(change_id).send().await {
            Ok(answer) => Ok(match answer.change_info().map(|info| info.status()) {
                Some(ChangeStatus::Insync) => ChangeState::InSync,
                // Also a word this version does not know: not in sync yet.
                _ => ChangeState::Pending,
            }),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_change()) => Ok(ChangeState::Gone),
            Err(error) => Err(error.into()),
        }
    }
}

/// Keeps a set that is wanted. One that stands in the way of a wanted one is refused: an alias or another policy is what an UPSERT would
/// destroy and the journal cannot hold.
fn keep(set: &ResourceRecordSet, keys: &BTreeSet<RecordKey>, listed: &mut Listed) -> Result<(), CallError> {
    let found = key(&unescaped(set.name()), set.r#type().as_str(), set.set_identifier());
    let mut of_its_name =
        keys.iter().filter(|(name, record_type, _)| (name, record_type) == (&found.0, &found.1)).peekable();
    if of_its_name.peek().is_none() {
        return Ok(());
    }
    let wanted = keys.contains(&found);
    let simple = set.set_identifier().is_none();
    let another_policy = of_its_name.any(|(_, _, identifier)| identifier.is_none() != simple);
    let kept = set.alias_target().is_none() && (simple || set.weight().is_some() || set.failover().is_some());
    if another_policy || (wanted && !kept) {
        let message = format!(
            "{} {} is an alias or has a routing policy other than the plan's record",
            set.name(),
            set.r#type().as_str()
        );
        return Err(CallError::Refused { code: "NotTheRecordOfThePlan".into(), message });
    }
    if wanted {
        listed.insert(found, observed(set));
    }
    Ok(())
}

fn observed(set: &ResourceRecordSet) -> RecordObserved {
    RecordObserved {
        ttl_seconds: set.ttl().and_then(|ttl| u32::try_from(ttl).ok()).unwrap_or(0),
        values: set.resource_records().iter().map(|record| record.value().to_owned()).collect(),
        weight: set.weight().and_then(|weight| u8::try_from(weight).ok()),
        failover: set.failover().and_then(|role| match role {
            ResourceRecordSetFailover::Primary => Some(FailoverRole::Primary),
            ResourceRecordSetFailover::Secondary => Some(FailoverRole::Secondary),
            _ => None,
        }),
        health_check_id: set.health_check_id().map(str::to_owned),
    }
}

/// The first message of a refused batch, where the SDK does not give it: Route 53 answers with the error element common to all services, or
/// with one of its own whose messages are a list (`InvalidChangeBatch` in the service model), which the SDK reads as an error without a name.
fn invalid_batch(error: &SdkError<ChangeResourceRecordSetsError, HttpResponse>) -> Option<String> {
    if let Some(ChangeResourceRecordSetsError::InvalidChangeBatch(invalid)) = error.as_service_error()
        && let Some(first) = invalid.messages().first()
    {
        return Some(first.clone());
    }
    let body = std::str::from_utf8(error.raw_response()?.body().bytes()?).ok()?;
    let (_, messages) = body.split_once("<InvalidChangeBatch")?;
    let (_, first) = messages.split_once("<Message>")?;
    let (first, _) = first.split_once("</Message>")?;
    Some(first.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn change(action: ChangeAction, record: &DnsRecord) -> Result<Change, BuildError> {
    let values = record.values.iter().map(|value| ResourceRecord::builder().value(value).build());
    let set = ResourceRecordSet::builder()
        .name(&record.name)
        .r#type(RrType::from(record.record_type.as_str()))
        .ttl(i64::from(record.ttl_seconds))
        .set_set_identifier(record.set_identifier.clone())
        .set_weight(record.weight.map(i64::from))
        .set_failover(record.failover.map(|role| ResourceRecordSetFailover::from(role.as_str())))
        .set_health_check_id(record.health_check_id.clone())
        .set_resource_records(Some(values.collect::<Result<Vec<_>, _>>()?))
        .build()?;
    Change::builder().action(action).resource_record_set(set).build()
}

/// Route 53 writes a wildcard's `*` as `\052`.
fn unescaped(name: &str) -> String {
    name.replace("\\052", "*")
}

/// A request the SDK would not build was never sent.
fn not_built(error: &BuildError) -> CallError {
    CallError::Refused { code: "NotSent".into(), message: error.to_string() }
}
