//! What is asked of a global datastore: before a run, whether it could be failed over; after it, whether the recovery group takes writes.

use pilot_core::decide::cache_global::{Decision, decide, is_settled_primary, unserving};
use pilot_core::decide::readiness::{Readiness, cache_global};
use pilot_core::plan::{ElastiCacheGlobal, Regions};
use pilot_shell::CallError;

use crate::ports::Region;
use crate::proof::unseen;

/// For the step `ready` of a run; beside it whether the recovery group is primary already.
pub(crate) async fn before<R: Region>(
    component: &ElastiCacheGlobal,
    regions: &Regions,
    region: &R,
) -> Result<(Readiness, bool), CallError> {
    let recovery = &component.recovery_replication_group_id;
    let observed = region.datastore(&component.global_replication_group_id, recovery).await?;
    let promoted = observed.as_ref().is_some_and(|found| is_settled_primary(found, recovery, &regions.recovery));
    Ok((cache_global::datastore(component, regions, observed.as_ref()), promoted))
}

/// For the schedule, while the primary is well.
pub(crate) async fn now<R: Region>(
    component: &ElastiCacheGlobal,
    regions: &Regions,
    region: &R,
) -> Result<Readiness, CallError> {
    let id = &component.global_replication_group_id;
    let observed = region.datastore(id, &component.recovery_replication_group_id).await?;
    Ok(cache_global::standing_by(component, regions, observed.as_ref()))
}

/// The proof after it: primary, nothing on the move, and the group and every node group of it available.
pub(crate) async fn proof<R: Region>(
    component: &ElastiCacheGlobal,
    recovery_region: &str,
    region: &R,
) -> Result<String, String> {
    let (id, recovery) = (&component.global_replication_group_id, &component.recovery_replication_group_id);
    let observed = region.datastore(id, recovery).await.map_err(unseen)?;
    match decide(component, recovery_region, observed.as_ref(), None) {
        Decision::Done => match unserving(observed.and_then(|found| found.group).as_ref()) {
            None => Ok(format!("{recovery} is the primary of {id}, and available with every node group of it")),
            Some(why) => Err(format!("{recovery} is the primary of {id}, and does not serve: {why}")),
        },
        Decision::FailOver => Err(format!("{recovery} is not the primary of {id}")),
        Decision::Wait { reason, .. } => Err(format!("{id}: {reason}")),
        Decision::Fail(failure) => Err(format!("{id}: {}", failure.what)),
    }
}
