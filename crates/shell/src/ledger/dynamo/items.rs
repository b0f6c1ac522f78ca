//! Items: their keys, the way from our types to attributes and back, and what a call's error means for the journal.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use pilot_core::{Failure, FailureName};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::DynamoLedger;
use crate::CallError;

/// An item as DynamoDB keeps it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// An item's address in the table.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    pub(super) fn workload(name: &str, sk: &str) -> Self {
        Key { pk: format!("workload#{name}"), sk: sk.to_owned() }
    }

    pub(super) fn run(run_id: &str, kind: Kind, name: &str) -> Self {
        Key { pk: run_pk(run_id), sk: format!("{}{name}", kind.prefix()) }
    }

    pub(super) fn attributes(&self) -> Item {
        HashMap::from([("pk".into(), text(&self.pk)), ("sk".into(), text(&self.sk))])
    }
}

pub(super) fn run_pk(run_id: &str) -> String {
    format!("run#{run_id}")
}

/// The kinds of items a run has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Act,
    Step,
    Evidence,
}

impl Kind {
    /// What the sort keys of this kind begin with.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Kind::Act => "act#",
            Kind::Step => "step#",
            Kind::Evidence => "evidence#",
        }
    }
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn seconds(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_second().to_string())
}

impl DynamoLedger {
    /// What an item is called in a page.
    pub(super) fn resource(&self, key: &Key) -> String {
        format!("{} {}/{}", self.table, key.pk, key.sk)
    }

    /// Our type as an item under this key.
    pub(super) fn item(&self, key: &Key, value: &impl Serialize) -> Result<Item, Failure> {
        let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(value).map_err(|error| {
            journal_unavailable(&self.resource(key), format!("cannot be written as an item: {error}"))
        })?;
        item.extend(key.attributes());
        Ok(item)
    }

    /// Our type as one attribute.
    pub(super) fn attribute(&self, key: &Key, value: &impl Serialize) -> Result<AttributeValue, Failure> {
        serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value).map_err(|error| {
            journal_unavailable(&self.resource(key), format!("cannot be written as an attribute: {error}"))
        })
    }

    /// An item as our type. `pk`, `sk` and the twins for conditions are not ours and are passed over.
    pub(super) fn read<T: DeserializeOwned>(&self, item: Item) -> Result<T, Failure> {
        let part = |name: &str| item.get(name).and_then(|v| v.as_s().ok()).cloned().unwrap_or_default();
        let key = Key { pk: part("pk"), sk: part("sk") };
        serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
            .map_err(|error| journal_unavailable(&self.resource(&key), format!("holds what we never wrote: {error}")))
    }

    /// What an error of a journal call means: refused for good, nothing may be done any more; otherwise it is tried again.
    pub(super) fn journal_error(&self, call: &str, key: &Key, error: CallError) -> Failure {
        let resource = self.resource(key);
        match error {
            CallError::Refused { .. } => journal_unavailable(&resource, format!("{call} was {error}")),
            other => other.into_failure(call, &resource),
        }
    }

    /// What an error of a call on lease or memory means.
    pub(super) fn call_error(&self, call: &str, key: &Key, error: CallError) -> Failure {
        error.into_failure(call, &self.resource(key))
    }
}

fn journal_unavailable(resource: &str, what: String) -> Failure {
    Failure::new(FailureName::JournalUnavailable, resource, what)
        .now("nothing is done that cannot be journalled; what was done before stands in the journal")
        .next("check the state table and the function's role, then start the run again")
}
