//! Has the run passed its pivot? Read from the journal alone.

use crate::FailureName;
use crate::journal::{Entry, EntryOutcome};

/// The entries to undo, newest first, or that nothing may be undone any more.
#[derive(Debug, Clone, PartialEq)]
pub enum UndoPlan {
    /// Nothing was changed.
    Nothing,
    /// Undo these, in this order.
    Undo(Vec<Entry>),
    /// An irreversible act was done or may have been done.
    PivotPassed(Entry),
}

/// Plans the undo of a run. An act whose outcome nobody knows counts as done: the undo is idempotent, a promotion is not.
pub fn plan_undo(mut entries: Vec<Entry>) -> UndoPlan {
    let had_effect = |e: &Entry| !matches!(e.outcome, Some(EntryOutcome::NotDone { .. }));
    entries.retain(had_effect);
    if let Some(pivot) = entries.iter().find(|e| e.irreversible) {
        return UndoPlan::PivotPassed(pivot.clone());
    }
    entries.sort_by_key(|e| (e.intent_at, e.key()));
    entries.reverse();
    if entries.is_empty() { UndoPlan::Nothing } else { UndoPlan::Undo(entries) }
}

/// What a run past its pivot cannot mend by trying again: the world says that going forward is wrong, or the run may not act.
const NOT_MENDED_BY_PATIENCE: &[FailureName] = &[
    FailureName::ApprovalExpired,
    FailureName::ApprovalRefused,
    FailureName::EventInvalid,
    FailureName::FenceNotAchieved,
    FailureName::JournalUnavailable,
    FailureName::LeaseLost,
    FailureName::Misconfigured,
    FailureName::PlanChanged,
    FailureName::PlanInvalid,
    FailureName::PlanNotFound,
    FailureName::PrimaryHealthy,
    FailureName::PrimaryRecovered,
];

/// Past the pivot there is no way back, so a failure is met with patience: forward again, a bounded number of times, before a person is
/// paged. `error_name` is the one the state machine caught, Step Functions' own names included.
pub fn goes_forward_again(error_name: Option<&str>, tries: u32, tries_max: u32) -> bool {
    let lasting = NOT_MENDED_BY_PATIENCE.iter().any(|name| error_name == Some(name.as_str()));
    tries < tries_max && !lasting
}

#[cfg(test)]
mod tests;
