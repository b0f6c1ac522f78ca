//! The ledger in memory, with the documented semantics: conditional writes, generations, entries that keep their first values.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use pilot_core::contract::{Mode, Run, Status};
use pilot_core::decide::health::Memory;
use pilot_core::decide::last_known::LastKnown;
use pilot_core::journal::{Entry, EntryOutcome, Lease, LeasePhase, StepRecord, Unfinished};
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::{LeaseRequest, Ledger};
use serde_json::Value;

#[derive(Debug, Default)]
struct State {
    /// By workload; those of dry runs apart.
    leases: BTreeMap<(String, bool), Lease>,
    /// By run and key.
    entries: BTreeMap<(String, String), Entry>,
    /// By run and step.
    steps: BTreeMap<(String, String), StepRecord>,
    /// By run and name.
    evidence: BTreeMap<(String, String), Value>,
    memories: BTreeMap<String, Memory>,
    capacities: BTreeMap<String, LastKnown>,
    unfinished: BTreeMap<String, Unfinished>,
}

/// The ledger in memory.
#[derive(Debug, Default)]
pub struct FakeLedger {
    state: RefCell<State>,
}

impl FakeLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    /// A ledger in which this run holds its workload's lease and is acting.
    pub fn held_by(run: &Run) -> Self {
        let ledger = Self::new();
        let lease = Lease {
            workload: run.plan.name.clone(),
            run_id: run.run_id.clone(),
            generation: run.generation,
            phase: LeasePhase::Acting,
            expires_at: run.started_at + SignedDuration::from_secs(900),
            cooldown_until: None,
            previous_run_id: None,
            previous_phase: None,
        };
        ledger.state.borrow_mut().leases.insert((lease.workload.clone(), run.mode.acts()), lease);
        ledger
    }

    /// Sets a workload's lease, whatever it was: another run took it over.
    pub fn set_lease(&self, lease: Lease) {
        self.state.borrow_mut().leases.insert((lease.workload.clone(), true), lease);
    }

    /// Changes the lease if it is this run's and in one of these phases.
    fn with_lease<R>(
        &self,
        run: &Run,
        phases: &[LeasePhase],
        change: impl FnOnce(&mut Lease) -> R,
    ) -> Result<R, Failure> {
        let mut state = self.state.borrow_mut();
        let lease = state.leases.get_mut(&(run.plan.name.clone(), run.mode.acts()));
        let holder = lease.as_ref().map_or("nobody".to_owned(), |l| format!("run {} in {:?}", l.run_id, l.phase));
        match lease.filter(|l| l.run_id == run.run_id && l.generation == run.generation && phases.contains(&l.phase)) {
            Some(lease) => Ok(change(lease)),
            None => Err(Failure::new(
                FailureName::LeaseLost,
                &run.plan.name,
                format!("run {} of generation {} wants {phases:?}, {holder} has it", run.run_id, run.generation),
            )),
        }
    }

    fn change_entry(&self, run_id: &str, key: &str, change: impl FnOnce(&mut Entry)) -> Result<(), Failure> {
        let mut state = self.state.borrow_mut();
        match state.entries.get_mut(&(run_id.to_owned(), key.to_owned())) {
            Some(entry) => {
                change(entry);
                Ok(())
            }
            None => Err(Failure::new(FailureName::JournalUnavailable, key, "the journal has no such entry")),
        }
    }
}

/// The values of one run out of a table keyed by run and name.
fn of_run<V: Clone>(table: &BTreeMap<(String, String), V>, run_id: &str) -> Vec<(String, V)> {
    table.iter().filter(|((run, _), _)| run == run_id).map(|((_, name), value)| (name.clone(), value.clone())).collect()
}

/// What stands in the way of taking the lease, if anything does.
fn take_refused(request: &LeaseRequest, lease: &Lease) -> Result<(), Failure> {
    let refused = |name, what: String| Err(Failure::new(name, &request.workload, what).now("nothing was touched"));
    let released = lease.phase == LeasePhase::Released;
    if lease.run_id == request.run_id {
        // A run that gave its lease up never takes it again.
        return if released {
            refused(FailureName::LeaseLost, format!("run {} is over", lease.run_id))
        } else {
            Ok(())
        };
    }
    let resumed = request.resume.as_ref() == Some(&lease.run_id);
    if !released && !resumed && lease.expires_at > request.now {
        let what = format!("run {} holds the lease until {}", lease.run_id, lease.expires_at);
        return refused(FailureName::LeaseHeld, what);
    }
    if let Some(until) = lease.cooldown_until.filter(|until| request.automatic && *until > request.now) {
        let what = format!("automatic starts are held back until {until}, after run {}", lease.run_id);
        return refused(FailureName::CooldownActive, what);
    }
    Ok(())
}

impl Ledger for FakeLedger {
    async fn take_lease(&self, request: &LeaseRequest) -> Result<Lease, Failure> {
        let mut state = self.state.borrow_mut();
        let key = (request.workload.clone(), request.mode.acts());
        let current = state.leases.get(&key);
        if let Some(lease) = current {
            take_refused(request, lease)?;
            if lease.run_id == request.run_id {
                return Ok(lease.clone());
            }
        }
        let lease = Lease {
            workload: request.workload.clone(),
            run_id: request.run_id.clone(),
            generation: current.map_or(0, |lease| lease.generation) + 1,
            phase: LeasePhase::Acting,
            expires_at: request.now + SignedDuration::from_secs(i64::from(request.lease_seconds)),
            cooldown_until: current.and_then(|lease| lease.cooldown_until),
            previous_run_id: current.map(|lease| lease.run_id.clone()),
            previous_phase: current.map(|lease| lease.phase),
        };
        state.leases.insert(key, lease.clone());
        Ok(lease)
    }

    async fn hold(&self, run: &Run, phase: LeasePhase, expires_at: Timestamp) -> Result<(), Failure> {
        self.with_lease(run, &[phase], |lease| lease.expires_at = expires_at)
    }

    async fn begin_rollback(&self, run: &Run) -> Result<(), Failure> {
        let phases = [LeasePhase::Acting, LeasePhase::RollingBack];
        self.with_lease(run, &phases, |lease| lease.phase = LeasePhase::RollingBack)
    }

    async fn release(&self, run: &Run, cooldown_until: Option<Timestamp>) -> Result<bool, Failure> {
        let phases = [LeasePhase::Acting, LeasePhase::RollingBack, LeasePhase::Released];
        let released = self.with_lease(run, &phases, |lease| {
            if lease.phase != LeasePhase::Released {
                lease.phase = LeasePhase::Released;
                lease.cooldown_until = cooldown_until.or(lease.cooldown_until);
            }
        });
        Ok(released.is_ok())
    }

    async fn lease(&self, workload: &str, mode: Mode) -> Result<Option<Lease>, Failure> {
        Ok(self.state.borrow().leases.get(&(workload.to_owned(), mode.acts())).cloned())
    }

    async fn intend(&self, run: &Run, entry: &Entry) -> Result<Entry, Failure> {
        self.with_lease(run, &[LeasePhase::Acting], |_| ())?;
        let mut state = self.state.borrow_mut();
        let stored = state.entries.entry((run.run_id.clone(), entry.key())).or_insert_with(|| entry.clone());
        stored.outcome = None;
        Ok(stored.clone())
    }

    async fn act_again(&self, run: &Run) -> Result<(), Failure> {
        let phases = [LeasePhase::Acting, LeasePhase::RollingBack];
        self.with_lease(run, &phases, |lease| lease.phase = LeasePhase::Acting)
    }

    async fn adopt(&self, run: &Run, entry: &Entry) -> Result<(), Failure> {
        self.with_lease(run, &[LeasePhase::Acting], |_| ())?;
        let key = (run.run_id.clone(), entry.key());
        self.state.borrow_mut().entries.entry(key).or_insert_with(|| entry.clone());
        Ok(())
    }

    async fn conclude(&self, run_id: &str, entry_key: &str, outcome: &EntryOutcome) -> Result<(), Failure> {
        self.change_entry(run_id, entry_key, |entry| {
            let accepted = matches!(entry.outcome, Some(EntryOutcome::Accepted { .. }));
            // A refusal that comes late (a second try running beside the first) does not undo an acceptance.
            if !(accepted && matches!(outcome, EntryOutcome::NotDone { .. })) {
                entry.outcome = Some(outcome.clone());
            }
        })
    }

    async fn mark_undone(&self, run_id: &str, entry_key: &str, at: Timestamp) -> Result<(), Failure> {
        self.change_entry(run_id, entry_key, |entry| entry.undone_at = Some(at))
    }

    async fn entries(&self, run_id: &str) -> Result<Vec<Entry>, Failure> {
        let mut entries: Vec<Entry> =
            of_run(&self.state.borrow().entries, run_id).into_iter().map(|(_, entry)| entry).collect();
        entries.sort_by_key(|entry| (entry.intent_at, entry.key()));
        Ok(entries)
    }

    async fn record_step(&self, run_id: &str, record: &StepRecord) -> Result<(), Failure> {
        let key = (run_id.to_owned(), record.name.as_str().to_owned());
        let mut state = self.state.borrow_mut();
        let earlier = state.steps.get(&key);
        // An older invocation that comes late: what is written already says more.
        let late = earlier.is_some_and(|earlier| match record.outcome {
            Status::Done => false,
            Status::InProgress => earlier.ended_at.is_some() && earlier.started_at >= record.started_at,
            Status::Failed => earlier.outcome == Status::Done,
        });
        if !late {
            state.steps.insert(key, record.clone());
        }
        Ok(())
    }

    async fn steps(&self, run_id: &str) -> Result<Vec<StepRecord>, Failure> {
        let mut steps: Vec<StepRecord> =
            of_run(&self.state.borrow().steps, run_id).into_iter().map(|(_, step)| step).collect();
        steps.sort_by_key(|step| (step.started_at, step.name));
        Ok(steps)
    }

    async fn keep_evidence(&self, run_id: &str, name: &str, evidence: &Value) -> Result<(), Failure> {
        let key = (run_id.to_owned(), name.to_owned());
        self.state.borrow_mut().evidence.insert(key, evidence.clone());
        Ok(())
    }

    async fn evidence(&self, run_id: &str) -> Result<BTreeMap<String, Value>, Failure> {
        Ok(of_run(&self.state.borrow().evidence, run_id).into_iter().collect())
    }

    async fn memory(&self, workload: &str) -> Result<Memory, Failure> {
        Ok(self.state.borrow().memories.get(workload).copied().unwrap_or_default())
    }

    async fn set_memory(&self, workload: &str, memory: &Memory) -> Result<(), Failure> {
        self.state.borrow_mut().memories.insert(workload.to_owned(), *memory);
        Ok(())
    }

    async fn capacity(&self, workload: &str) -> Result<LastKnown, Failure> {
        Ok(self.state.borrow().capacities.get(workload).cloned().unwrap_or_default())
    }

    async fn set_capacity(&self, workload: &str, known: &LastKnown) -> Result<(), Failure> {
        self.state.borrow_mut().capacities.insert(workload.to_owned(), known.clone());
        Ok(())
    }

    async fn unfinished(&self, workload: &str) -> Result<Option<Unfinished>, Failure> {
        let found = self.state.borrow().unfinished.get(workload).cloned();
        Ok(found.filter(|unfinished| unfinished.finished_at.is_none()))
    }

    async fn set_unfinished(&self, workload: &str, unfinished: &Unfinished) -> Result<(), Failure> {
        self.state.borrow_mut().unfinished.insert(workload.to_owned(), unfinished.clone());
        Ok(())
    }
}
