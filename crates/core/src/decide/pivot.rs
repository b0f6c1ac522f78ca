//! Has the run passed its pivot? Read from the journal alone.

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

#[cfg(test)]
mod tests;
