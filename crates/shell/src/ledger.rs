//! The state table behind a trait: lease, journal, steps, evidence and the observer's memory.

pub mod dynamo;

use std::collections::BTreeMap;
use std::future::Future;

use jiff::Timestamp;
use pilot_core::Failure;
use pilot_core::contract::{Mode, Run};
use pilot_core::decide::health::Memory;
use pilot_core::decide::last_known::LastKnown;
use pilot_core::journal::{Entry, EntryOutcome, Lease, LeasePhase, StepRecord, Unfinished};
use serde_json::Value;

pub use dynamo::DynamoLedger;

/// What `open-run` asks the lease for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The workload.
    pub workload: String,
    /// The run that wants it.
    pub run_id: String,
    /// Whether nobody in person started it: then the cooldown holds it back.
    pub automatic: bool,
    /// What the run is for: a dry run has a lease of its own, so that it never holds up a real one.
    pub mode: Mode,
    /// The run a person wants to go on with: if it still holds the lease, the lease is taken over at once.
    pub resume: Option<String>,
    /// Now.
    pub now: Timestamp,
    /// How long the run may be silent.
    pub lease_seconds: u32,
}

/// The state table. Every write of a run carries its generation, and is refused once the lease is another's.
///
/// `JournalUnavailable` means refused for good (permissions, no such table, an item that cannot be written or read): the run ends.
/// A throttle, a server's error or no answer is `AwsUnavailable`, and the state machine asks again.
pub trait Ledger {
    /// Takes the workload's lease: one conditional write, which also issues the generation. Taking it twice for the same run is the
    /// same lease (an answer may have been lost); a run that gave it up never takes it again. The cooldown of an earlier run stays. The lease
    /// tells which run held it before and how that one left it.
    ///
    /// # Errors
    /// `LeaseHeld` naming the holder, `CooldownActive`, `LeaseLost` for a run that is over, `AwsUnavailable`, `AwsRefused`.
    fn take_lease(&self, request: &LeaseRequest) -> impl Future<Output = Result<Lease, Failure>>;

    /// Proves that the run still holds its lease in this phase and prolongs it.
    ///
    /// # Errors
    /// `LeaseLost`, `AwsUnavailable`, `AwsRefused`.
    fn hold(&self, run: &Run, phase: LeasePhase, expires_at: Timestamp) -> impl Future<Output = Result<(), Failure>>;

    /// From now on the run only undoes: acts that come late are refused. Doing it twice is the same.
    ///
    /// # Errors
    /// `LeaseLost`, `AwsUnavailable`, `AwsRefused`.
    fn begin_rollback(&self, run: &Run) -> impl Future<Output = Result<(), Failure>>;

    /// Gives the lease up. Doing it twice is the same; without a new cooldown an earlier one stays. `false`: it was another's already.
    ///
    /// # Errors
    /// `AwsUnavailable`, `AwsRefused`.
    fn release(&self, run: &Run, cooldown_until: Option<Timestamp>) -> impl Future<Output = Result<bool, Failure>>;

    /// The lease of runs of this mode as it stands; `None` if the workload never had one.
    ///
    /// # Errors
    /// `AwsUnavailable`, `AwsRefused`.
    fn lease(&self, workload: &str, mode: Mode) -> impl Future<Output = Result<Option<Lease>, Failure>>;

    /// Writes an act's intent, in one transaction with the proof that the run holds its lease and is acting. If the entry is there
    /// already (an earlier try), the stored one comes back - its values before are the true ones - with its outcome taken away: what
    /// is tried again is not known to be not done any more.
    ///
    /// # Errors
    /// `LeaseLost`, `JournalUnavailable`, `AwsUnavailable`.
    fn intend(&self, run: &Run, entry: &Entry) -> impl Future<Output = Result<Entry, Failure>>;

    /// Past the pivot, and going forward once more: the run may act again. Doing it twice is the same.
    ///
    /// # Errors
    /// `LeaseLost`, `AwsUnavailable`, `AwsRefused`.
    fn act_again(&self, run: &Run) -> impl Future<Output = Result<(), Failure>>;

    /// Takes an entry of the run this one goes on with into its own journal, as it stands there. An entry that is there already stays.
    ///
    /// # Errors
    /// `LeaseLost`, `JournalUnavailable`, `AwsUnavailable`.
    fn adopt(&self, run: &Run, entry: &Entry) -> impl Future<Output = Result<(), Failure>>;

    /// Writes what came of an act. A refusal that comes late does not undo an acceptance.
    ///
    /// # Errors
    /// `JournalUnavailable`, `AwsUnavailable`.
    fn conclude(
        &self,
        run_id: &str,
        entry_key: &str,
        outcome: &EntryOutcome,
    ) -> impl Future<Output = Result<(), Failure>>;

    /// Writes that an act was undone.
    ///
    /// # Errors
    /// `JournalUnavailable`, `AwsUnavailable`.
    fn mark_undone(&self, run_id: &str, entry_key: &str, at: Timestamp) -> impl Future<Output = Result<(), Failure>>;

    /// Every entry of a run, read consistently, oldest intent first.
    ///
    /// # Errors
    /// `JournalUnavailable`, `AwsUnavailable`.
    fn entries(&self, run_id: &str) -> impl Future<Output = Result<Vec<Entry>, Failure>>;

    /// Writes how far a step is, over what was written for it before. An older invocation that comes late changes nothing: a step
    /// that ended is not on its way again, and one that is done has not failed.
    ///
    /// # Errors
    /// `JournalUnavailable`, `AwsUnavailable`.
    fn record_step(&self, run_id: &str, record: &StepRecord) -> impl Future<Output = Result<(), Failure>>;

    /// Every step of a run, in order of their start.
    ///
    /// # Errors
    /// `JournalUnavailable`, `AwsUnavailable`.
    fn steps(&self, run_id: &str) -> impl Future<Output = Result<Vec<StepRecord>, Failure>>;

    /// Keeps a piece of evidence under a name of its own (`judgement`, `data-loss#orders-db`), over an earlier one.
    ///
    /// # Errors
    /// `JournalUnavailable`, `AwsUnavailable`.
    fn keep_evidence(&self, run_id: &str, name: &str, evidence: &Value) -> impl Future<Output = Result<(), Failure>>;

    /// All the evidence of a run, by name.
    ///
    /// # Errors
    /// `JournalUnavailable`, `AwsUnavailable`.
    fn evidence(&self, run_id: &str) -> impl Future<Output = Result<BTreeMap<String, Value>, Failure>>;

    /// What the observer remembers of a workload.
    ///
    /// # Errors
    /// `AwsUnavailable`, `AwsRefused`.
    fn memory(&self, workload: &str) -> impl Future<Output = Result<Memory, Failure>>;

    /// Remembers.
    ///
    /// # Errors
    /// `AwsUnavailable`, `AwsRefused`.
    fn set_memory(&self, workload: &str, memory: &Memory) -> impl Future<Output = Result<(), Failure>>;

    /// What the primary last had; nothing if nobody wrote it down yet.
    ///
    /// # Errors
    /// `AwsUnavailable`, `AwsRefused`.
    fn capacity(&self, workload: &str) -> impl Future<Output = Result<LastKnown, Failure>>;

    /// Writes down what the primary has, over what was known before.
    ///
    /// # Errors
    /// `AwsUnavailable`, `AwsRefused`.
    fn set_capacity(&self, workload: &str, known: &LastKnown) -> impl Future<Output = Result<(), Failure>>;

    /// The workload's run that got stuck, if the newest such run was not followed by one that did.
    ///
    /// # Errors
    /// `AwsUnavailable`.
    fn unfinished(&self, workload: &str) -> impl Future<Output = Result<Option<Unfinished>, Failure>>;

    /// Writes that a run is stuck, or (with `finished_at`) that a later one got through.
    ///
    /// # Errors
    /// `AwsUnavailable`.
    fn set_unfinished(&self, workload: &str, unfinished: &Unfinished) -> impl Future<Output = Result<(), Failure>>;
}
