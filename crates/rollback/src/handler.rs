//! The step `rollback`.

use fence::primary::Primaries;
use jiff::{SignedDuration, Timestamp};
use pilot_core::contract::{
    ComponentProgress, Disposition, RollbackRequest, RollbackResponse, Run, Status, Step, StepRef, read_event,
};
use pilot_core::decide::deadline;
use pilot_core::decide::pivot::{UndoPlan, goes_forward_again, plan_undo};
use pilot_core::journal::{Entry, EntryOutcome, LeasePhase};
use pilot_core::plan::RecoveryPlan;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Clock, record};
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use pilot_shell::ports::{
    Caches, Concurrencies, GlobalCaches, Groups, Hooks, Records, RoutingControls, Services, StopObjects,
};
use serde_json::Value;

use crate::undo::{Undoers, timeout_seconds};

/// The function's name.
pub const FUNCTION: &str = "rollback";
/// How soon a run past its pivot goes forward once more: what failed gets a moment to mend itself.
const FORWARD_AFTER_SECONDS: u32 = 5;

/// One invocation. Any number of them are the same as one.
///
/// # Errors
/// `EventInvalid`, `LeaseLost` (another run has the workload: this one may not even undo), `RollbackIncomplete`, `AwsUnavailable`
/// (tried again), `AwsRefused`, `JournalUnavailable`, those of reading the plan.
pub async fn handle<L, P, F, G, E, C, H, S, R, K, T>(
    event: Value,
    ledger: &L,
    plans: &P,
    undoers: &Undoers<'_, F, G, E, C, H, S, R, K, T>,
    clock: Clock,
) -> Result<RollbackResponse, Failure>
where
    L: Ledger,
    P: PlanStore,
    F: Primaries,
    G: Groups,
    E: Services,
    C: Concurrencies,
    H: Hooks,
    S: StopObjects,
    R: Records,
    K: Caches + GlobalCaches,
    T: RoutingControls,
{
    let RollbackRequest { run, step, error_name, forward_tries, .. } = read_event(FUNCTION, event)?;
    if step.name != Step::Rollback {
        return Err(Failure::new(FailureName::EventInvalid, FUNCTION, format!("the step is {:?}", step.name.as_str()))
            .now("nothing was touched")
            .next("rollback takes the step `rollback` only"));
    }
    let failed = Failed { error_name, forward_tries };
    let rollback = Rollback { run: &run, step: &step, failed, ledger, plans, undoers, clock };
    // Boxed: the SDK's futures nested in all of ours are deeper than the compiler computes a layout for.
    let result = Box::pin(rollback.invoke()).await;
    let progress = result.as_ref().map(|response| (response.status, response.components.as_slice()));
    record(ledger, &run.run_id, &step, clock(), progress).await?;
    result
}

/// How the way forward ended, and how often before.
struct Failed {
    error_name: Option<String>,
    forward_tries: u32,
}

struct Rollback<'a, L, P, F, G, E, C, H, S, R, K, T> {
    run: &'a Run,
    step: &'a StepRef,
    failed: Failed,
    ledger: &'a L,
    plans: &'a P,
    undoers: &'a Undoers<'a, F, G, E, C, H, S, R, K, T>,
    clock: Clock,
}

impl<L, P, F, G, E, C, H, S, R, K, T> Rollback<'_, L, P, F, G, E, C, H, S, R, K, T>
where
    L: Ledger,
    P: PlanStore,
    F: Primaries,
    G: Groups,
    E: Services,
    C: Concurrencies,
    H: Hooks,
    S: StopObjects,
    R: Records,
    K: Caches + GlobalCaches,
    T: RoutingControls,
{
    async fn invoke(&self) -> Result<RollbackResponse, Failure> {
        // First of all: from here on an act that comes late is refused, so the journal read below is the whole of it.
        self.ledger.begin_rollback(self.run).await?;
        let plan = self.plans.of_run(self.run).await?;
        let expires_at = (self.clock)() + SignedDuration::from_secs(i64::from(plan.policy.lease_seconds));
        self.ledger.hold(self.run, LeasePhase::RollingBack, expires_at).await?;
        let entries = self.ledger.entries(&self.run.run_id).await?;
        match plan_undo(entries.clone()) {
            UndoPlan::Nothing => Ok(ended(Disposition::Untouched, Vec::new())),
            UndoPlan::PivotPassed(_) => self.past_the_pivot(&plan, &entries).await,
            UndoPlan::Undo(entries) => self.undo_all(&plan, &entries).await,
        }
    }

    /// Nothing is undone. Forward once more, if that may help; otherwise the run is stuck.
    async fn past_the_pivot(&self, plan: &RecoveryPlan, entries: &[Entry]) -> Result<RollbackResponse, Failure> {
        let stuck = ended(Disposition::PivotPassed, entries.iter().map(stands).collect());
        let Failed { error_name, forward_tries } = &self.failed;
        if !goes_forward_again(error_name.as_deref(), *forward_tries, plan.policy.forward_tries) {
            return Ok(stuck);
        }
        self.ledger.act_again(self.run).await?;
        Ok(RollbackResponse { go_forward: true, retry_after_seconds: FORWARD_AFTER_SECONDS, ..stuck })
    }

    /// Newest first, each seen to be back before the next: what was built on something is taken away before that is.
    async fn undo_all(&self, plan: &RecoveryPlan, entries: &[Entry]) -> Result<RollbackResponse, Failure> {
        let mut components: Vec<ComponentProgress> = Vec::new();
        let mut wait_seconds = None;
        for entry in entries {
            let progress = match (wait_seconds, entry.undone_at) {
                (_, Some(at)) => says(entry, Status::Done, format!("back at the values before since {at}")),
                (Some(_), None) => says(entry, Status::InProgress, "waits for the undo of a later act"),
                (None, None) => {
                    let (progress, after_seconds) = self.undo_one(plan, entry).await?;
                    if progress.status != Status::Done {
                        wait_seconds = Some(after_seconds.max(1));
                    }
                    progress
                }
            };
            components.push(progress);
        }
        let rolled_back = ended(Disposition::RolledBack, components);
        Ok(match wait_seconds {
            None => rolled_back,
            Some(retry_after_seconds) => {
                RollbackResponse { status: Status::InProgress, retry_after_seconds, ..rolled_back }
            }
        })
    }

    async fn undo_one(&self, plan: &RecoveryPlan, entry: &Entry) -> Result<(ComponentProgress, u32), Failure> {
        let run_id = &self.run.run_id;
        let undone = self.undoers.undo(self.ledger, self.run, plan, entry, (self.clock)()).await;
        let progress = undone.map_err(|failure| lasting(failure, entry))?;
        if progress.0.status == Status::Done {
            self.ledger.mark_undone(run_id, &entry.key(), (self.clock)()).await?;
        } else {
            self.check_deadline(plan, entry, &progress.0.detail)?;
        }
        Ok(progress)
    }

    fn check_deadline(&self, plan: &RecoveryPlan, entry: &Entry, seen: &str) -> Result<(), Failure> {
        let seconds = timeout_seconds(plan, &entry.component);
        let (started_at, now): (Timestamp, Timestamp) = (self.step.started_at, (self.clock)());
        deadline::check(&entry.resource, seen, started_at, now, seconds).map_err(|late| {
            Failure::new(FailureName::RollbackIncomplete, late.resource, late.what)
                .now("the undo was accepted and its effect is not seen")
                .next("look at the resource itself; bring it back by hand to the values in the run's journal")
        })
    }
}

/// An undo that is refused for good is one name to the person on call, whichever call refused it.
fn lasting(failure: Failure, entry: &Entry) -> Failure {
    if failure.name != FailureName::AwsRefused {
        return failure;
    }
    Failure {
        name: FailureName::RollbackIncomplete,
        what: format!("the undo of {}: {}", entry.key(), failure.what),
        ..failure
    }
    .now("this act is not undone")
    .next("mend rollback's role, or bring the resource back by hand to the values in the run's journal")
}

fn ended(disposition: Disposition, components: Vec<ComponentProgress>) -> RollbackResponse {
    RollbackResponse { status: Status::Done, retry_after_seconds: 1, disposition, go_forward: false, components }
}

fn says(entry: &Entry, status: Status, detail: impl Into<String>) -> ComponentProgress {
    ComponentProgress {
        name: entry.component.clone(),
        status,
        detail: format!("{}: {}", entry.action.as_str(), detail.into()),
    }
}

/// Past the pivot nothing is undone: what the journal says of each act, for the page.
fn stands(entry: &Entry) -> ComponentProgress {
    let detail = match &entry.outcome {
        Some(EntryOutcome::Accepted { at, .. }) => format!("done at {at} and left standing"),
        Some(EntryOutcome::NotDone { detail, .. }) => format!("not done ({detail})"),
        None => "meant, and whether it was done is not known; left standing".to_owned(),
    };
    says(entry, Status::Done, detail)
}
