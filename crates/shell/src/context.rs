//! A step's surroundings: the run, its pinned plan, the journal, the clock - and the one way to act.

use std::future::Future;

use jiff::{SignedDuration, Timestamp};
use pilot_core::contract::{ComponentProgress, Run, Status, StepRef, StepRequest, StepResponse, WouldDo, read_event};
use pilot_core::decide::deadline;
use pilot_core::journal::{Action, Entry, EntryOutcome, LeasePhase, StepRecord};
use pilot_core::plan::RecoveryPlan;
use pilot_core::{Failure, FailureName};
use serde_json::Value;

use crate::CallError;
use crate::dry_run;
use crate::ledger::Ledger;
use crate::plans::PlanStore;
use crate::waves::{self, Progress};

/// Where a step gets the time from.
pub type Clock = fn() -> Timestamp;

/// What a step of a run works with.
pub struct StepContext<'a, L> {
    /// The run.
    pub run: &'a Run,
    /// Its pinned plan, as the run goes it: see [`PlanStore::of_run`].
    pub plan: &'a RecoveryPlan,
    /// The step this invocation belongs to.
    pub step: &'a StepRef,
    /// The state table.
    pub ledger: &'a L,
    /// The clock.
    pub clock: Clock,
}

/// An act, as the journal will hold it.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// The component's name.
    pub component: String,
    /// What is done.
    pub action: Action,
    /// To which resource.
    pub resource: String,
    /// Whether it cannot be undone.
    pub irreversible: bool,
    /// The values before.
    pub before: Value,
    /// What it comes to, for people: `set to min 2, max 4, desired 2`.
    pub intention: String,
}

/// What came of an act.
#[derive(Debug, Clone, PartialEq)]
pub enum Acted {
    /// AWS accepted it; what the journal keeps of the answer.
    Accepted(String),
    /// The call's own error, so that the component kind can name it. An unknown outcome is left open in the journal.
    Failed(CallError),
    /// A dry run: nothing was called. The component is as far as a dry run takes it.
    WouldDo(Progress),
}

impl<L: Ledger> StepContext<'_, L> {
    /// Now.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Whole seconds since the state machine entered this step.
    pub fn waited_seconds(&self) -> i64 {
        deadline::seconds_between(self.step.started_at, self.now())
    }

    /// Holds a component that is on its way against its time.
    ///
    /// # Errors
    /// [`FailureName::StepDeadlineExceeded`].
    pub fn check_deadline(&self, resource: &str, waiting_for: &str, timeout_seconds: u32) -> Result<(), Failure> {
        deadline::check(resource, waiting_for, self.step.started_at, self.now(), timeout_seconds)
    }

    /// The journal's entry for an act of this step, if it was meant before.
    ///
    /// # Errors
    /// [`FailureName::JournalUnavailable`].
    pub async fn earlier(&self, component: &str, action: Action) -> Result<Option<Entry>, Failure> {
        let entries = self.ledger.entries(&self.run.run_id).await?;
        Ok(entries.into_iter().find(|e| e.step == self.step.name && e.component == component && e.action == action))
    }

    /// An act whose answer was lost, and whose effect is seen now: the journal says so. Anything else is left as it is.
    ///
    /// # Errors
    /// [`FailureName::JournalUnavailable`].
    pub async fn settle(&self, earlier: Option<&Entry>, seen: &str) -> Result<(), Failure> {
        match earlier.filter(|entry| entry.outcome.is_none()) {
            Some(entry) => {
                let outcome = EntryOutcome::Accepted { at: self.now(), detail: seen.into() };
                self.ledger.conclude(&self.run.run_id, &entry.key(), &outcome).await
            }
            None => Ok(()),
        }
    }

    /// Acts: intent into the journal (with the proof of the lease), the call, the outcome into the journal. A call with an unknown
    /// outcome leaves the entry open; the next invocation observes. `detail` of the outcome is what the call returns.
    ///
    /// `earlier` is the entry that [`StepContext::earlier`] found. A refusal is written as "not done" only if no earlier try of the
    /// same act may have been done: of that one, the refusal of this one says nothing.
    ///
    /// A dry run ends here: the decision is kept as evidence, nothing is journalled and nothing is called.
    ///
    /// # Errors
    /// Journal and lease failures come as [`Failure`]; the call's own error comes inside.
    pub async fn act<F>(&self, act: Act, earlier: Option<&Entry>, call: impl FnOnce() -> F) -> Result<Acted, Failure>
    where
        F: Future<Output = Result<String, CallError>>,
    {
        if self.run.mode.acts() { self.journalled(act, earlier, call).await } else { self.would_do(act).await }
    }

    /// The same as [`StepContext::act`], but done in a dry run too: for a hook whose plan says that it knows one. The call tells the hook so,
    /// and is journalled like any act, so that it can be followed, and stopped if the dry run ends early.
    ///
    /// # Errors
    /// Those of [`StepContext::act`].
    pub async fn act_or_rehearse<F>(
        &self,
        rehearses: bool,
        act: Act,
        earlier: Option<&Entry>,
        call: impl FnOnce() -> F,
    ) -> Result<Acted, Failure>
    where
        F: Future<Output = Result<String, CallError>>,
    {
        if rehearses { self.journalled(act, earlier, call).await } else { self.act(act, earlier, call).await }
    }

    async fn journalled<F>(&self, act: Act, earlier: Option<&Entry>, call: impl FnOnce() -> F) -> Result<Acted, Failure>
    where
        F: Future<Output = Result<String, CallError>>,
    {
        let entry = Entry {
            step: self.step.name,
            component: act.component,
            action: act.action,
            resource: act.resource,
            intent_at: self.now(),
            generation: self.run.generation,
            irreversible: act.irreversible,
            before: act.before,
            outcome: None,
            undone_at: None,
            adopted_from: None,
        };
        let key = entry.key();
        let stored = self.ledger.intend(self.run, &entry).await?;
        let may_be_done_already = match earlier {
            Some(earlier) => !matches!(earlier.outcome, Some(EntryOutcome::NotDone { .. })),
            // None was there when we looked: if there is one now, another invocation runs beside this one.
            None => stored.intent_at != entry.intent_at,
        };
        let result = call().await;
        let at = self.now();
        let outcome = match &result {
            Ok(detail) => Some(EntryOutcome::Accepted { at, detail: detail.clone() }),
            Err(error) if error.certainly_not_done() && !may_be_done_already => {
                Some(EntryOutcome::NotDone { at, detail: error.to_string() })
            }
            Err(_) => None,
        };
        if let Some(outcome) = outcome {
            self.ledger.conclude(&self.run.run_id, &key, &outcome).await?;
        }
        Ok(match result {
            Ok(detail) => Acted::Accepted(detail),
            Err(error) => Acted::Failed(error),
        })
    }

    async fn would_do(&self, act: Act) -> Result<Acted, Failure> {
        let progress = waves::done(&act.component, format!("dry run: would be {}", act.intention));
        let decision = WouldDo {
            step: self.step.name,
            component: act.component,
            action: act.action.as_str().to_owned(),
            resource: act.resource,
            detail: act.intention,
            irreversible: act.irreversible,
            before: act.before,
            at: self.now(),
        };
        dry_run::keep(self.ledger, &self.run.run_id, &decision).await?;
        Ok(Acted::WouldDo(progress))
    }
}

/// Runs one invocation of a step: reads the event, loads the pinned plan, proves and prolongs the lease, lets the step work, writes
/// how far it is.
///
/// # Errors
/// The step's failures, and those of event, plan, lease and journal.
pub async fn run_step<L, P, W>(
    function: &str,
    event: Value,
    ledger: &L,
    plans: &P,
    clock: Clock,
    work: W,
) -> Result<StepResponse, Failure>
where
    L: Ledger,
    P: PlanStore,
    W: AsyncFnOnce(&StepContext<'_, L>, &StepRequest) -> Result<StepResponse, Failure>,
{
    let request: StepRequest = read_event(function, event)?;
    let plan = plans.of_run(&request.run).await?;
    let expires_at = clock() + SignedDuration::from_secs(i64::from(plan.policy.lease_seconds));
    ledger.hold(&request.run, LeasePhase::Acting, expires_at).await?;
    let context = StepContext { run: &request.run, plan: &plan, step: &request.step, ledger, clock };
    // Boxed: the SDK's futures nested in all of ours are deeper than the compiler computes a layout for.
    let result = Box::pin(work(&context, &request)).await;
    let result = if request.run.mode.acts() { result } else { dry_run::walk_on(&context, result).await };
    let (run_id, step) = (&request.run.run_id, &request.step);
    let progress = result.as_ref().map(|response| (response.status, response.components.as_slice()));
    record(ledger, run_id, step, clock(), progress).await?;
    result
}

/// Writes how far a step is after an invocation: its status and components, or what it failed with.
///
/// # Errors
/// The ledger's, if the step itself has none.
pub async fn record<L: Ledger>(
    ledger: &L,
    run_id: &str,
    step: &StepRef,
    now: Timestamp,
    progress: Result<(Status, &[ComponentProgress]), &Failure>,
) -> Result<(), Failure> {
    let mut record = StepRecord {
        name: step.name,
        started_at: step.started_at,
        ended_at: None,
        outcome: Status::InProgress,
        components: Vec::new(),
        error: None,
    };
    match progress {
        Ok((status, components)) => {
            record.outcome = status;
            record.components = components.to_vec();
            record.ended_at = (status == Status::Done).then_some(now);
        }
        // Tried again by the state machine: the step is still on its way.
        Err(failure) if failure.name == FailureName::AwsUnavailable => record.error = Some(failure.to_string()),
        Err(failure) => {
            record.outcome = Status::Failed;
            record.ended_at = Some(now);
            record.error = Some(failure.to_string());
        }
    }
    let written = ledger.record_step(run_id, &record).await;
    // The step's own failure says more than that it could not be written down.
    if progress.is_err() { Ok(()) } else { written }
}
