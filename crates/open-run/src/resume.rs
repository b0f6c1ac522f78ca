//! Going on with a run that did not end well: its journal, its evidence and its incident become this run's.
//!
//! Two kinds of run are gone on with: one that died while it held the lease (its execution was aborted, or nothing of it ran any more until the
//! lease expired), and one that got stuck and gave the lease up. The entries are copied as they stand, so an act that was done is not done again,
//! one whose answer was lost is observed, and a rollback puts back the values that were there before the *first* of the runs.

use std::collections::BTreeMap;

use pilot_core::contract::{Mode, Run};
use pilot_core::journal::{Entry, Lease};
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::Ledger;
use serde_json::Value;

use crate::handler::RUN_EVIDENCE;

/// Evidence that stays true for the run that goes on: what was concluded, what is lost, who approved, whether the gate was passed, and
/// what the primary had: the targets of a run that goes on do not move.
const TAKEN_UP: &[&str] = &["assessment", "approval", "gate", pilot_shell::capacity::EVIDENCE];
const DATA_LOSS: &str = "data-loss#";

/// The run, with what it goes on with taken in. Twice is the same as once.
///
/// # Errors
/// `NothingToResume` if a person named a run that was opened and is neither stuck nor dead, or one of another mode; `UnfinishedRun` if nobody in
/// person began this one, and one of another mode did not get through; and the ledger's.
pub async fn go_on<L: Ledger>(ledger: &L, run: Run, lease: &Lease, asked: Option<&str>) -> Result<Run, Failure> {
    if !run.mode.acts() {
        return Ok(run);
    }
    let stuck = ledger.unfinished(&run.plan.name).await?.map(|unfinished| unfinished.run_id);
    let earlier = lease.taken_over_from().map(str::to_owned).or(stuck);
    let Some(earlier) = earlier.filter(|earlier| asked.is_none_or(|asked| asked == earlier)) else {
        return match asked {
            None => Ok(run),
            // A run that was never opened left nothing to go on with: then this is simply the next one.
            Some(asked) if !ledger.evidence(asked).await?.contains_key(RUN_EVIDENCE) => Ok(run),
            Some(asked) => Err(nothing_to_resume(&run, asked)),
        };
    };
    let earlier_mode = mode_of(ledger, &earlier).await?.unwrap_or(run.mode);
    if earlier_mode != run.mode {
        return of_another_mode(run, (&earlier, earlier_mode), asked.is_some());
    }
    for entry in ledger.entries(&earlier).await?.into_iter().filter(still_stands) {
        let adopted_from = entry.adopted_from.clone().or_else(|| Some(earlier.clone()));
        ledger.adopt(&run, &Entry { adopted_from, ..entry }).await?;
    }
    for (name, document) in taken_up(ledger.evidence(&earlier).await?) {
        ledger.keep_evidence(&run.run_id, &name, &document).await?;
    }
    tracing::info!(run = %run.run_id, resumes = %earlier, "goes on with an earlier run's journal");
    Ok(Run { resumes: Some(earlier), ..run })
}

/// What an earlier run was for, as it wrote itself down.
async fn mode_of<L: Ledger>(ledger: &L, run_id: &str) -> Result<Option<Mode>, Failure> {
    let written = ledger.evidence(run_id).await?.remove(RUN_EVIDENCE);
    Ok(written.and_then(|run| serde_json::from_value::<Run>(run).ok()).map(|run| run.mode))
}

/// A journal means what its run's mode means: the way home is not gone on with as a way out. Such a run begins anew - what it finds tells
/// it more than what another one meant to do - unless it would leave a workload between two Regions and nobody in person decided so.
fn of_another_mode(run: Run, (earlier, mode): (&str, Mode), asked: bool) -> Result<Run, Failure> {
    if asked {
        let what = format!("run {earlier} was a {}, and this is to be a {}", mode.as_str(), run.mode.as_str());
        return Err(Failure::new(FailureName::NothingToResume, earlier, what)
            .now("nothing was touched")
            .next("resume it with its own mode: pilot resume does"));
    }
    // To protect leaves the Region that serves alone, at its beginning and at its end.
    let between_regions = mode != Mode::Protect && run.mode != Mode::Protect;
    if between_regions && run.trigger.kind.is_automatic() {
        let what =
            format!("run {earlier}, a {}, did not get through: nothing may begin by itself before", mode.as_str());
        return Err(Failure::new(FailureName::UnfinishedRun, earlier, what)
            .now("nothing was touched")
            .next("go on with it: pilot resume; or start a run by hand, which begins anew"));
    }
    Ok(run)
}

/// What was refused or undone is as if it had never been.
fn still_stands(entry: &Entry) -> bool {
    entry.may_have_changed() && entry.undone_at.is_none()
}

fn taken_up(evidence: BTreeMap<String, Value>) -> impl Iterator<Item = (String, Value)> {
    evidence.into_iter().filter(|(name, _)| TAKEN_UP.contains(&name.as_str()) || name.starts_with(DATA_LOSS))
}

fn nothing_to_resume(run: &Run, asked: &str) -> Failure {
    let what = format!("run {asked} is not stuck, and did not hold the lease of {:?}", run.plan.name);
    Failure::new(FailureName::NothingToResume, asked, what)
        .now("nothing was touched")
        .next("look at that run's report; start a new run without `resume` if the workload needs one")
}
