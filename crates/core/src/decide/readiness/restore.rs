//! Readiness of a restore: is there something to restore, and is its place free?

use jiff::Timestamp;

use super::Readiness;
use crate::decide::backup::RecoveryPointSeen;
use crate::decide::deadline::seconds_between;
use crate::decide::restore_job::choose;
use crate::observed::RestoredObserved;
use crate::plan::RestoreFromBackup;

/// What is seen of a restore before it is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The resource's recovery points in the vault.
    pub points: Vec<RecoveryPointSeen>,
    /// What has the restored identifier already.
    pub made: Option<RestoredObserved>,
    /// Those of the plan's instances that are there already, by identifier.
    pub instances: Vec<String>,
}

/// Whether the restore could begin, or (`ours`) was begun by this run or one that it goes on with. How old the recovery point is, is not
/// looked at here.
pub fn restore(component: &RestoreFromBackup, seen: &Seen, ours: bool) -> Readiness {
    let id = &component.restored_identifier;
    if ours {
        return Readiness::Ready(format!("this run's restore to {id} was begun before: it is gone on with"));
    }
    if let Some(made) = &seen.made {
        return Readiness::Problem(format!(
            "{id}: {} is there already, and a restore makes a new one; name another restoredIdentifier, or take it out of the way",
            made.arn
        ));
    }
    if let Some(instance) = seen.instances.first() {
        return Readiness::Problem(format!(
            "{id}: a DB instance {instance} is there already; name another in instances, or take it out of the way"
        ));
    }
    match choose(&seen.points, component.not_after()) {
        Err(what) => Readiness::Problem(format!(
            "{}: {what} ({}); back it up and copy it to the vault, or correct vaultName, resourceArn or notAfter",
            component.vault_name, component.resource_arn
        )),
        Ok(point) => Readiness::Ready(format!("{} of {} can be restored as {id}", point.arn, point.created_at)),
    }
}

/// Whether the recovery point that would be taken now is young enough: asked while the primary is well. `Err` is what to mend. A plan that
/// says of when it wants the data (`notAfter`) is for one incident, and the age says nothing.
///
/// # Errors
/// The problem in a sentence.
pub fn young_enough(
    component: &RestoreFromBackup,
    points: &[RecoveryPointSeen],
    max_data_loss_seconds: u32,
    now: Timestamp,
) -> Result<String, String> {
    let vault = &component.vault_name;
    let point = choose(points, component.not_after()).map_err(|what| format!("{vault}: {what}"))?;
    // Clocks of two services differ: a recovery point of the future is new, not negative.
    let age_seconds = seconds_between(point.created_at, now).max(0);
    let said = format!("the newest usable recovery point {} is {age_seconds} seconds old", point.arn);
    if component.not_after.is_none() && age_seconds > i64::from(max_data_loss_seconds) {
        return Err(format!(
            "{vault}: {said}, the plan allows a loss of {max_data_loss_seconds} seconds (policy.maxDataLossSeconds); back it up more often"
        ));
    }
    Ok(said)
}

#[cfg(test)]
mod tests;
