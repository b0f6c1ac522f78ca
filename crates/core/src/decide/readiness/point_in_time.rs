//! Readiness of a restore to a point in time.

use jiff::Timestamp;

use super::Readiness;
use crate::decide::point_in_time::{NoPoint, choose};
use crate::observed::{RestorableObserved, RestoredObserved};
use crate::plan::RestoreToPointInTime;

/// Whether the restore could be begun. `ours`: what is there may have been made by the run that asks, or by one that it goes on with.
/// `instances`: those of the plan that are there already.
pub fn restore(
    component: &RestoreToPointInTime,
    original: Option<&RestorableObserved>,
    made: Option<&RestoredObserved>,
    instances: &[String],
    ours: bool,
) -> Readiness {
    let (id, kind) = (&component.restored_identifier, component.restored_kind().as_str());
    if ours && made.is_some() {
        return Readiness::Ready(format!("{id} is there, made by this run"));
    }
    if made.is_some() {
        return Readiness::Problem(format!(
            "{id}: a {kind} of that name is there already; name another restoredIdentifier, or take that one out of the way"
        ));
    }
    if let (false, Some(instance)) = (ours, instances.first()) {
        return Readiness::Problem(format!(
            "{instance}: a DB instance of that name is there already; name another in instances, or take that one out of the way"
        ));
    }
    match choose(component, original) {
        Ok(point) => Readiness::Ready(format!("{} can be restored to {}", component.source_identifier(), point.at())),
        Err(NoPoint::NotYet(reason)) => Readiness::Wait(reason),
        Err(NoPoint::Never { what, next }) => Readiness::Problem(format!("{what}; {next}")),
    }
}

/// Whether the newest point is young enough, while all is well. `Err` is what to mend. A plan that names its time says nothing of now.
///
/// # Errors
/// The problem in a sentence.
pub fn young_enough(
    component: &RestoreToPointInTime,
    original: Option<&RestorableObserved>,
    max_data_loss_seconds: u32,
    now: Timestamp,
) -> Result<String, String> {
    let source = component.source_identifier();
    match choose(component, original) {
        Err(NoPoint::NotYet(reason)) => Err(format!("{source}: {reason}")),
        Err(NoPoint::Never { what, next }) => Err(format!("{what}; {next}")),
        Ok(point) => {
            let age_seconds = now.as_second() - point.at().as_second();
            if component.restore_to.is_none() && age_seconds > i64::from(max_data_loss_seconds) {
                return Err(format!(
                    "{source}: the latest restorable time is {age_seconds} seconds ago, the plan allows a loss of \
                     {max_data_loss_seconds}; see what holds its backups back, or raise policy.maxDataLossSeconds"
                ));
            }
            Ok(format!("{source} can be restored to {}", point.at()))
        }
    }
}

#[cfg(test)]
mod tests;
