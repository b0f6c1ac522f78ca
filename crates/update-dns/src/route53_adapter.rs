//! Route 53, by the AWS SDK. A global service: the SDK's partition endpoint signs for us-east-1 whatever the function's Region.

use aws_config::SdkConfig;
use aws_sdk_route53::Client;
use aws_sdk_route53::config::Builder;
use aws_sdk_route53::config::retry::RetryConfig;
use aws_sdk_route53::error::BuildError;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ChangeStatus, ResourceRecord, ResourceRecordSet, RrType,
};
use pilot_core::decide::records::{ChangeState, key};
use pilot_core::observed::RecordObserved;
use pilot_core::plan::DnsRecord;
use pilot_shell::CallError;
use pilot_shell::ports::{Listed, Records};

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

    /// The one record set of this name and type, if it is there and simple.
    async fn find(&self, zone_id: &str, wanted: &DnsRecord) -> Result<Option<RecordObserved>, CallError> {
        let call = self.client.list_resource_record_sets().hosted_zone_id(zone_id);
        let record_type = RrType::from(wanted.record_type.as_str());
        let call = call.start_record_name(&wanted.name).start_record_type(record_type).max_items(1);
        let answer = call.send().await?;
        // The list begins at the name or, where there is none, at the next one.
        let wanted_key = key(&wanted.name, wanted.record_type.as_str());
        let found = answer.resource_record_sets().first();
        let found = found.filter(|set| key(&unescaped(set.name()), set.r#type().as_str()) == wanted_key);
        found.map(simple).transpose()
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
            call.customize().config_override(once).send().await?
        } else {
            call.send().await?
        };
        answer
            .change_info()
            .map(|info| info.id().to_owned())
            .ok_or_else(|| CallError::Unknown { message: "Route 53 took the change and named no id".into() })
    }
}

impl Records for AwsRecords {
    async fn list(&self, zone_id: &str, wanted: &[DnsRecord]) -> Result<Listed, CallError> {
        let mut listed = Listed::new();
        // One after the other: Route 53 takes 5 calls a second for the whole account.
        for record in wanted {
            if let Some(found) = self.find(zone_id, record).await? {
                listed.insert(key(&record.name, record.record_type.as_str()), found);
            }
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

/// An alias or a record with a routing policy is refused: an UPSERT would destroy what the journal cannot hold.
fn simple(set: &ResourceRecordSet) -> Result<RecordObserved, CallError> {
    if set.alias_target().is_some() || set.set_identifier().is_some() {
        let message = format!("{} {} is an alias or has a routing policy", set.name(), set.r#type().as_str());
        return Err(CallError::Refused { code: "NotASimpleRecord".into(), message });
    }
    Ok(RecordObserved {
        ttl_seconds: set.ttl().and_then(|ttl| u32::try_from(ttl).ok()).unwrap_or(0),
        values: set.resource_records().iter().map(|record| record.value().to_owned()).collect(),
    })
}

fn change(action: ChangeAction, record: &DnsRecord) -> Result<Change, BuildError> {
    let values = record.values.iter().map(|value| ResourceRecord::builder().value(value).build());
    let set = ResourceRecordSet::builder()
        .name(&record.name)
        .r#type(RrType::from(record.record_type.as_str()))
        .ttl(i64::from(record.ttl_seconds))
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
