//! What is asked of a restore: whether it could be begun, and at what loss.

use futures::future::join;
use jiff::Timestamp;
use pilot_core::contract::{Assessment, Mode};
use pilot_core::decide::gate::LossOf;
use pilot_core::decide::readiness::{self, Readiness, restore::Seen};
use pilot_core::decide::restore_job;
use pilot_core::journal::{Action, Entry};
use pilot_core::plan::RestoreFromBackup;
use pilot_shell::CallError;
use promote_db::restore_from_backup::wanted;

use crate::ports::Region;
use crate::restored::made;

/// The run that asks, as far as its journal goes: what it made itself, or a run that it goes on with, does not stand in its way.
#[derive(Debug)]
pub(crate) struct RunSoFar {
    /// What it is for.
    pub(crate) mode: Mode,
    /// Its journal.
    pub(crate) entries: Vec<Entry>,
}

/// How one restore stands before it is begun, and what it would lose; `None`: it was begun before, the gate knows its loss.
pub(crate) type Standing = (Readiness, Option<LossOf>);

async fn seen<R: Region>(component: &RestoreFromBackup, region: &R) -> Result<Seen, CallError> {
    let points = region.recovery_points(&component.vault_name, &component.resource_arn);
    let (points, found) = join(points, made(&wanted(component), region)).await;
    let (made, instances) = found?;
    let there = component.instances.iter().zip(&instances).filter(|(_, seen)| seen.is_some());
    let instances = there.map(|(instance, _)| instance.identifier.clone()).collect();
    Ok(Seen { points: points?, made, instances })
}

/// For the step `ready` of a run.
pub(crate) async fn before<R: Region>(
    component: &RestoreFromBackup,
    region: &R,
    assessment: &Assessment,
    run: &RunSoFar,
) -> Result<Standing, CallError> {
    if run.mode.is_planned() || run.mode == Mode::Protect {
        let what = "a restore loses what was written after its recovery point: only a failover restores";
        return Ok((Readiness::Problem(format!("{}: {what}", component.restored_identifier)), None));
    }
    let ours = |e: &Entry| e.action == Action::StartRestoreJob && e.component == component.name && e.may_have_changed();
    let ours = run.entries.iter().any(ours);
    let seen = seen(component, region).await?;
    let readiness = readiness::restore::restore(component, &seen, ours);
    Ok((readiness, (!ours).then(|| loss_of(component, &seen, assessment))))
}

fn loss_of(component: &RestoreFromBackup, seen: &Seen, assessment: &Assessment) -> LossOf {
    let point = restore_job::choose(&seen.points, component.not_after()).ok();
    let loss = point.map(|point| restore_job::loss(point, assessment.incident_at, assessment.last_healthy_at));
    LossOf { component: component.name.clone(), resource: component.restored_identifier.clone(), loss }
}

/// For the schedule, while the primary is well.
pub(crate) async fn now<R: Region>(
    component: &RestoreFromBackup,
    region: &R,
    max_data_loss_seconds: u32,
    now: Timestamp,
) -> Result<Readiness, CallError> {
    let seen = seen(component, region).await?;
    let readiness = readiness::restore::restore(component, &seen, false);
    let Readiness::Ready(_) = &readiness else { return Ok(readiness) };
    let young = readiness::restore::young_enough(component, &seen.points, max_data_loss_seconds, now);
    Ok(young.map_or_else(Readiness::Problem, Readiness::Ready))
}
