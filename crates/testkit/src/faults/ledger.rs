//! The injector in front of the ledger.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pilot_core::contract::{Mode, Run};
use pilot_core::decide::health::Memory;
use pilot_core::decide::last_known::LastKnown;
use pilot_core::journal::{Entry, EntryOutcome, Lease, LeasePhase, StepRecord, Unfinished};
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::{LeaseRequest, Ledger};
use serde_json::Value;

use super::{Fault, Injected};

/// A throttle or a lost answer is tried again by the state machine; a refusal (a missing permission) is not.
fn failure(fault: Fault) -> Failure {
    let name = match fault {
        Fault::Refused => FailureName::JournalUnavailable,
        Fault::Throttled | Fault::UnknownBefore | Fault::UnknownAfter => FailureName::AwsUnavailable,
    };
    Failure::new(name, "state table", format!("{fault:?} (injected)"))
}

type Answer<R> = Result<R, Failure>;

impl<T: Ledger> Ledger for Injected<'_, T> {
    async fn take_lease(&self, request: &LeaseRequest) -> Answer<Lease> {
        let call = self.inner.take_lease(request);
        self.call("ledger:take_lease", &request.workload, false, call, failure).await
    }

    async fn hold(&self, run: &Run, phase: LeasePhase, expires_at: Timestamp) -> Answer<()> {
        let call = self.inner.hold(run, phase, expires_at);
        self.call("ledger:hold", &run.run_id, false, call, failure).await
    }

    async fn begin_rollback(&self, run: &Run) -> Answer<()> {
        let call = self.inner.begin_rollback(run);
        self.call("ledger:begin_rollback", &run.run_id, false, call, failure).await
    }

    async fn release(&self, run: &Run, cooldown_until: Option<Timestamp>) -> Answer<bool> {
        let call = self.inner.release(run, cooldown_until);
        self.call("ledger:release", &run.run_id, false, call, failure).await
    }

    async fn lease(&self, workload: &str, mode: Mode) -> Answer<Option<Lease>> {
        let call = self.inner.lease(workload, mode);
        self.call("ledger:lease", workload, false, call, failure).await
    }

    async fn intend(&self, run: &Run, entry: &Entry) -> Answer<Entry> {
        let call = self.inner.intend(run, entry);
        self.call("ledger:intend", &entry.resource, false, call, failure).await
    }

    async fn act_again(&self, run: &Run) -> Answer<()> {
        self.call("ledger:act_again", &run.run_id, false, self.inner.act_again(run), failure).await
    }

    async fn adopt(&self, run: &Run, entry: &Entry) -> Answer<()> {
        self.call("ledger:adopt", &entry.resource, false, self.inner.adopt(run, entry), failure).await
    }

    async fn conclude(&self, run_id: &str, entry_key: &str, outcome: &EntryOutcome) -> Answer<()> {
        let call = self.inner.conclude(run_id, entry_key, outcome);
        self.call("ledger:conclude", entry_key, false, call, failure).await
    }

    async fn mark_undone(&self, run_id: &str, entry_key: &str, at: Timestamp) -> Answer<()> {
        let call = self.inner.mark_undone(run_id, entry_key, at);
        self.call("ledger:mark_undone", entry_key, false, call, failure).await
    }

    async fn entries(&self, run_id: &str) -> Answer<Vec<Entry>> {
        let call = self.inner.entries(run_id);
        self.call("ledger:entries", run_id, false, call, failure).await
    }

    async fn record_step(&self, run_id: &str, record: &StepRecord) -> Answer<()> {
        let call = self.inner.record_step(run_id, record);
        self.call("ledger:record_step", record.name.as_str(), false, call, failure).await
    }

    async fn steps(&self, run_id: &str) -> Answer<Vec<StepRecord>> {
        let call = self.inner.steps(run_id);
        self.call("ledger:steps", run_id, false, call, failure).await
    }

    async fn keep_evidence(&self, run_id: &str, name: &str, evidence: &Value) -> Answer<()> {
        let call = self.inner.keep_evidence(run_id, name, evidence);
        self.call("ledger:keep_evidence", name, false, call, failure).await
    }

    async fn evidence(&self, run_id: &str) -> Answer<BTreeMap<String, Value>> {
        let call = self.inner.evidence(run_id);
        self.call("ledger:evidence", run_id, false, call, failure).await
    }

    async fn memory(&self, workload: &str) -> Answer<Memory> {
        let call = self.inner.memory(workload);
        self.call("ledger:memory", workload, false, call, failure).await
    }

    async fn set_memory(&self, workload: &str, memory: &Memory) -> Answer<()> {
        let call = self.inner.set_memory(workload, memory);
        self.call("ledger:set_memory", workload, false, call, failure).await
    }

    async fn capacity(&self, workload: &str) -> Answer<LastKnown> {
        let call = self.inner.capacity(workload);
        self.call("ledger:capacity", workload, false, call, failure).await
    }

    async fn set_capacity(&self, workload: &str, known: &LastKnown) -> Answer<()> {
        let call = self.inner.set_capacity(workload, known);
        self.call("ledger:set_capacity", workload, false, call, failure).await
    }

    async fn unfinished(&self, workload: &str) -> Answer<Option<Unfinished>> {
        let call = self.inner.unfinished(workload);
        self.call("ledger:unfinished", workload, false, call, failure).await
    }

    async fn set_unfinished(&self, workload: &str, unfinished: &Unfinished) -> Answer<()> {
        let call = self.inner.set_unfinished(workload, unfinished);
        self.call("ledger:set_unfinished", workload, false, call, failure).await
    }
}
