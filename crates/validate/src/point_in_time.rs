//! What is asked of a restore to a point in time: whether it could be begun, and at what loss.

use futures::future::join;
use jiff::Timestamp;
use pilot_core::contract::{Assessment, Mode};
use pilot_core::decide::gate::LossOf;
use pilot_core::decide::point_in_time::{choose, loss, wanted};
use pilot_core::decide::readiness::{Readiness, point_in_time};
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::RestorableObserved;
use pilot_core::plan::RestoreToPointInTime;
use pilot_shell::CallError;

use crate::ports::Region;
use crate::restored::made;
use crate::restores::{RunSoFar, Standing};

async fn look<R: Region>(
    component: &RestoreToPointInTime,
    region: &R,
    ours: bool,
) -> Result<(Readiness, Option<RestorableObserved>), CallError> {
    let original = region.restorable(component.restored_kind(), component.source_identifier());
    let (original, found) = join(original, made(&wanted(component), region)).await;
    let (original, (database, instances)) = (original?, found?);
    let there = component.instances.iter().zip(&instances).filter(|(_, seen)| seen.is_some());
    let there: Vec<String> = there.map(|(instance, _)| instance.identifier.clone()).collect();
    let readiness = point_in_time::restore(component, original.as_ref(), database.as_ref(), &there, ours);
    Ok((readiness, original))
}

/// For the step `ready` of a run.
pub(crate) async fn before<R: Region>(
    component: &RestoreToPointInTime,
    region: &R,
    assessment: &Assessment,
    run: &RunSoFar,
) -> Result<Standing, CallError> {
    if run.mode.is_planned() || run.mode == Mode::Protect {
        let what = "a restore loses what was written after its point in time: only a failover restores";
        return Ok((Readiness::Problem(format!("{}: {what}", component.restored_identifier)), None));
    }
    let ours =
        |e: &Entry| e.action == Action::RestoreToPointInTime && e.component == component.name && e.may_have_changed();
    let ours = run.entries.iter().any(ours);
    let (readiness, original) = look(component, region, ours).await?;
    let point = choose(component, original.as_ref()).ok();
    let loss = LossOf {
        component: component.name.clone(),
        resource: component.restored_identifier.clone(),
        loss: point.map(|point| loss(point, assessment.incident_at, assessment.last_healthy_at)),
    };
    Ok((readiness, (!ours).then_some(loss)))
}

/// For the schedule, while all is well.
pub(crate) async fn now<R: Region>(
    component: &RestoreToPointInTime,
    region: &R,
    max_data_loss_seconds: u32,
    now: Timestamp,
) -> Result<Readiness, CallError> {
    let (readiness, original) = look(component, region, false).await?;
    let Readiness::Ready(_) = &readiness else { return Ok(readiness) };
    let young = point_in_time::young_enough(component, original.as_ref(), max_data_loss_seconds, now);
    Ok(young.map_or_else(Readiness::Problem, Readiness::Ready))
}
