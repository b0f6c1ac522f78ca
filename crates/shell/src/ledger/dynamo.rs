//! The ledger in DynamoDB: one table, keys `pk` and `sk`.
//!
//! | item | `pk` | `sk` | attributes |
//! |---|---|---|---|
//! | lease | `workload#NAME` | `lease`; of dry runs `lease#dryRun` | [`Lease`], and `acquiredAt`, `expiresAtSeconds`, `cooldownUntilSeconds`, `releasedAt` |
//! | observer's memory | `workload#NAME` | `memory` | [`Memory`] |
//! | run that got stuck | `workload#NAME` | `unfinished` | [`Unfinished`] |
//! | act | `run#RUNID` | `act#STEP#COMPONENT#ACTION` | [`Entry`] |
//! | step | `run#RUNID` | `step#STEP` | [`StepRecord`] |
//! | evidence | `run#RUNID` | `evidence#NAME` | `document` |
//!
//! Times are RFC 3339 text for people; conditions compare the `...Seconds` twins, because text of different precision does not
//! compare as time. Nothing expires by itself: a run's items are its evidence.

mod items;
mod journal;
mod lease;
mod memory;
mod retries;
mod steps;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use jiff::Timestamp;
use pilot_core::Failure;
use pilot_core::contract::{Mode, Run};
use pilot_core::decide::health::Memory;
use pilot_core::decide::last_known::LastKnown;
use pilot_core::journal::{Entry, EntryOutcome, Lease, LeasePhase, StepRecord, Unfinished};
use serde_json::Value;

use super::{LeaseRequest, Ledger};

/// The state table in DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    client: Client,
    table: String,
}

impl DynamoLedger {
    /// The ledger in this table.
    pub fn new(config: &aws_config::SdkConfig, table: String) -> Self {
        let config = aws_sdk_dynamodb::config::Builder::from(config).retry_classifier(retries::LaterIsFine).build();
        DynamoLedger { client: Client::from_conf(config), table }
    }
}

impl Ledger for DynamoLedger {
    async fn take_lease(&self, request: &LeaseRequest) -> Result<Lease, Failure> {
        self.lease_take(request).await
    }

    async fn hold(&self, run: &Run, phase: LeasePhase, expires_at: Timestamp) -> Result<(), Failure> {
        self.lease_hold(run, phase, expires_at).await
    }

    async fn begin_rollback(&self, run: &Run) -> Result<(), Failure> {
        self.lease_begin_rollback(run).await
    }

    async fn release(&self, run: &Run, cooldown_until: Option<Timestamp>) -> Result<bool, Failure> {
        self.lease_release(run, cooldown_until).await
    }

    async fn lease(&self, workload: &str, mode: Mode) -> Result<Option<Lease>, Failure> {
        self.lease_read(workload, mode).await
    }

    async fn intend(&self, run: &Run, entry: &Entry) -> Result<Entry, Failure> {
        self.journal_intend(run, entry).await
    }

    async fn act_again(&self, run: &Run) -> Result<(), Failure> {
        self.lease_act_again(run).await
    }

    async fn adopt(&self, run: &Run, entry: &Entry) -> Result<(), Failure> {
        self.journal_adopt(run, entry).await
    }

    async fn conclude(&self, run_id: &str, entry_key: &str, outcome: &EntryOutcome) -> Result<(), Failure> {
        self.journal_conclude(run_id, entry_key, outcome).await
    }

    async fn mark_undone(&self, run_id: &str, entry_key: &str, at: Timestamp) -> Result<(), Failure> {
        self.journal_undone(run_id, entry_key, at).await
    }

    async fn entries(&self, run_id: &str) -> Result<Vec<Entry>, Failure> {
        self.journal_entries(run_id).await
    }

    async fn record_step(&self, run_id: &str, record: &StepRecord) -> Result<(), Failure> {
        self.step_record(run_id, record).await
    }

    async fn steps(&self, run_id: &str) -> Result<Vec<StepRecord>, Failure> {
        self.step_records(run_id).await
    }

    async fn keep_evidence(&self, run_id: &str, name: &str, evidence: &Value) -> Result<(), Failure> {
        self.evidence_keep(run_id, name, evidence).await
    }

    async fn evidence(&self, run_id: &str) -> Result<BTreeMap<String, Value>, Failure> {
        self.evidence_all(run_id).await
    }

    async fn memory(&self, workload: &str) -> Result<Memory, Failure> {
        self.memory_read(workload).await
    }

    async fn set_memory(&self, workload: &str, memory: &Memory) -> Result<(), Failure> {
        self.memory_write(workload, memory).await
    }

    async fn capacity(&self, workload: &str) -> Result<LastKnown, Failure> {
        self.capacity_read(workload).await
    }

    async fn set_capacity(&self, workload: &str, known: &LastKnown) -> Result<(), Failure> {
        self.capacity_write(workload, known).await
    }

    async fn unfinished(&self, workload: &str) -> Result<Option<Unfinished>, Failure> {
        self.unfinished_read(workload).await
    }

    async fn set_unfinished(&self, workload: &str, unfinished: &Unfinished) -> Result<(), Failure> {
        self.unfinished_write(workload, unfinished).await
    }
}
