//! What is asked of a cache: before a run, whether it could be created or is there as the plan says; after it, whether it serves.

use pilot_core::decide::cache::{Decision, decide};
use pilot_core::decide::readiness::{self, Readiness};
use pilot_core::plan::ElastiCache;
use pilot_shell::CallError;

use crate::ports::Region;
use crate::proof::unseen;

/// For the step `ready` of a run, and for the schedule.
pub(crate) async fn readiness<R: Region>(component: &ElastiCache, region: &R) -> Result<Readiness, CallError> {
    let observed = region.cache(&component.replication_group_id).await?;
    Ok(readiness::cache::cache(component, observed.as_ref()))
}

/// The proof after it: available, every node group of it, and every stated setting in force.
pub(crate) async fn proof<R: Region>(component: &ElastiCache, region: &R) -> Result<String, String> {
    let id = &component.replication_group_id;
    let observed = region.cache(id).await.map_err(unseen)?;
    match decide(component, observed.as_ref(), None) {
        Decision::Done => Ok(format!("{id} is available, every node group of it, and as the plan says")),
        Decision::Create => Err(format!("no replication group {id}")),
        Decision::Wait { reason, .. } => Err(format!("{id}: {reason}")),
        Decision::Fail(failure) => Err(format!("{id}: {}", failure.what)),
    }
}
