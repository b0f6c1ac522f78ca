//! The journal: an act's intent in one transaction with the proof of the lease; outcome and undo by themselves.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};
use jiff::Timestamp;
use pilot_core::Failure;
use pilot_core::contract::Run;
use pilot_core::journal::{Entry, EntryOutcome, Lease, LeasePhase};
use serde::Serialize;

use super::items::{Item, Key, Kind, run_pk, text};
use super::lease::{lease_key, lease_lost, phase_value};
use super::{DynamoLedger, retries};
use crate::CallError;

/// What a transaction of two, the lease's proof and a write, came to.
enum Transaction {
    Done,
    /// The lease is not this run's, or not in the phase to act.
    NoLease(Option<Item>),
    /// The write's own condition does not hold.
    WriteRefused(Option<Item>),
}

const CALL: &str = "dynamodb:TransactWriteItems";

impl DynamoLedger {
    pub(super) async fn journal_intend(&self, run: &Run, entry: &Entry) -> Result<Entry, Failure> {
        let key = Key::run(&run.run_id, Kind::Act, &entry.key());
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(self.item(&key, entry)?))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| self.journal_error(CALL, &key, not_built(&error)))?;
        match self.transact(run, &key, TransactWriteItem::builder().put(put).build()).await? {
            Transaction::Done => Ok(entry.clone()),
            Transaction::NoLease(lease) => Err(self.no_lease(run, lease)?),
            Transaction::WriteRefused(Some(stored)) => self.reopen(run, &key, self.read(stored)?).await,
            Transaction::WriteRefused(None) => Err(self.no_item(&key)),
        }
    }

    /// The entry is there from an earlier try: what is tried again is not known to be not done any more.
    async fn reopen(&self, run: &Run, key: &Key, stored: Entry) -> Result<Entry, Failure> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression("REMOVE #outcome")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#outcome", "outcome")
            .build()
            .map_err(|error| self.journal_error(CALL, key, not_built(&error)))?;
        match self.transact(run, key, TransactWriteItem::builder().update(update).build()).await? {
            Transaction::Done => Ok(Entry { outcome: None, ..stored }),
            Transaction::NoLease(lease) => Err(self.no_lease(run, lease)?),
            Transaction::WriteRefused(_) => Err(self.no_item(key)),
        }
    }

    /// The entry of an earlier run, as it stands there: a fact, not an act, but only the holder of the lease may take it in.
    pub(super) async fn journal_adopt(&self, run: &Run, entry: &Entry) -> Result<(), Failure> {
        let key = Key::run(&run.run_id, Kind::Act, &entry.key());
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(self.item(&key, entry)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|error| self.journal_error(CALL, &key, not_built(&error)))?;
        match self.transact(run, &key, TransactWriteItem::builder().put(put).build()).await? {
            Transaction::Done | Transaction::WriteRefused(_) => Ok(()),
            Transaction::NoLease(lease) => Err(self.no_lease(run, lease)?),
        }
    }

    async fn transact(&self, run: &Run, key: &Key, write: TransactWriteItem) -> Result<Transaction, Failure> {
        let proof = self.proof(run).map_err(|error| self.journal_error(CALL, key, error))?;
        let call = self.client.transact_write_items();
        let call =
            call.transact_items(TransactWriteItem::builder().condition_check(proof).build()).transact_items(write);
        let error = match call.send().await {
            Ok(_) => return Ok(Transaction::Done),
            Err(error) => error,
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() {
            let failed = |reason: &&CancellationReason| reason.code() == Some("ConditionalCheckFailed");
            let reasons = canceled.cancellation_reasons();
            if let Some(reason) = reasons.first().filter(failed) {
                return Ok(Transaction::NoLease(reason.item().cloned()));
            }
            if let Some(reason) = reasons.get(1).filter(failed) {
                return Ok(Transaction::WriteRefused(reason.item().cloned()));
            }
        }
        let only_later = error.as_service_error().is_some_and(retries::passes);
        let error = match CallError::from(error) {
            CallError::Refused { code, message } if only_later => CallError::Throttled { code, message },
            other => other,
        };
        Err(self.journal_error(CALL, key, error))
    }

    /// That the run holds its lease and may act.
    fn proof(&self, run: &Run) -> Result<ConditionCheck, CallError> {
        ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(lease_key(&run.plan.name, run.mode).attributes()))
            .condition_expression("#runId = :runId AND #generation = :generation AND #phase = :acting")
            .expression_attribute_names("#runId", "runId")
            .expression_attribute_names("#generation", "generation")
            .expression_attribute_names("#phase", "phase")
            .expression_attribute_values(":runId", text(&run.run_id))
            .expression_attribute_values(":generation", AttributeValue::N(run.generation.to_string()))
            .expression_attribute_values(":acting", phase_value(LeasePhase::Acting))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| not_built(&error))
    }

    fn no_lease(&self, run: &Run, item: Option<Item>) -> Result<Failure, Failure> {
        let lease = item.map(|item| self.read::<Lease>(item)).transpose()?;
        Ok(lease_lost(run, lease.as_ref()))
    }

    fn no_item(&self, key: &Key) -> Failure {
        let message = "the entry was there and is gone, or was not handed back".into();
        self.journal_error(CALL, key, CallError::Unknown { message })
    }

    /// Writes an outcome. A refusal that comes late (a second try running beside the first) does not undo an acceptance.
    pub(super) async fn journal_conclude(
        &self,
        run_id: &str,
        entry_key: &str,
        outcome: &EntryOutcome,
    ) -> Result<(), Failure> {
        let key = Key::run(run_id, Kind::Act, entry_key);
        let set = self.set_attribute(&key, "outcome", outcome)?;
        match outcome {
            EntryOutcome::Accepted { .. } => self.send_set(&key, set).await,
            EntryOutcome::NotDone { .. } => {
                let set = set
                    .condition_expression(
                        "attribute_exists(pk) AND (attribute_not_exists(#set) OR #set.#kind <> :accepted)",
                    )
                    .expression_attribute_names("#kind", "kind")
                    .expression_attribute_values(":accepted", text("accepted"));
                self.send_set(&key, set).await
            }
        }
    }

    pub(super) async fn journal_undone(&self, run_id: &str, entry_key: &str, at: Timestamp) -> Result<(), Failure> {
        let key = Key::run(run_id, Kind::Act, entry_key);
        let set = self.set_attribute(&key, "undoneAt", &at)?;
        self.send_set(&key, set).await
    }

    fn set_attribute(&self, key: &Key, name: &str, value: &impl Serialize) -> Result<UpdateItemFluentBuilder, Failure> {
        let set = self.client.update_item().table_name(&self.table).set_key(Some(key.attributes()));
        Ok(set
            .update_expression("SET #set = :value")
            // Without it a wrong key would make an entry that has an outcome and nothing else.
            .condition_expression("attribute_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .expression_attribute_names("#set", name)
            .expression_attribute_values(":value", self.attribute(key, value)?))
    }

    async fn send_set(&self, key: &Key, set: UpdateItemFluentBuilder) -> Result<(), Failure> {
        let error = match set.send().await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        match error.as_service_error() {
            // The entry is there, and says more already.
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) if refused.item.is_some() => Ok(()),
            _ => Err(self.journal_error("dynamodb:UpdateItem", key, error.into())),
        }
    }

    pub(super) async fn journal_entries(&self, run_id: &str) -> Result<Vec<Entry>, Failure> {
        let items = self.items_of(run_id, Kind::Act).await?;
        let mut entries = items.into_iter().map(|item| self.read(item)).collect::<Result<Vec<Entry>, Failure>>()?;
        entries.sort_by_key(|entry| (entry.intent_at, entry.key()));
        Ok(entries)
    }

    /// Every item of a run of one kind, read consistently, all pages.
    pub(super) async fn items_of(&self, run_id: &str, kind: Kind) -> Result<Vec<Item>, Failure> {
        let pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(run_pk(run_id)))
            .expression_attribute_values(":prefix", text(kind.prefix()))
            .into_paginator()
            .items()
            .send();
        pages.collect::<Result<Vec<Item>, _>>().await.map_err(|error| {
            let key = Key { pk: run_pk(run_id), sk: format!("{}*", kind.prefix()) };
            self.journal_error("dynamodb:Query", &key, error.into())
        })
    }
}

/// A request the SDK would not build was never sent.
fn not_built(error: &aws_sdk_dynamodb::error::BuildError) -> CallError {
    CallError::Refused { code: "NotSent".into(), message: error.to_string() }
}
