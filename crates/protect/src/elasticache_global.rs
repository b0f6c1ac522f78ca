//! An ElastiCache global datastore after its primary moved: the old primary becomes a secondary by itself. Nothing is called.

use pilot_core::Failure;
use pilot_core::decide::cache_global::{Rejoin, rejoin};
use pilot_core::plan::ElastiCacheGlobal;
use pilot_shell::StepContext;
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::GlobalCacheReads;
use pilot_shell::waves::{Progress, done, in_progress};

const LOOK_SECONDS: u32 = 5;

/// Waits until the old primary, which is the mirrored component's recovery group, follows in its own `region`, as that Region tells it.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, C: GlobalCacheReads>(
    context: &StepContext<'_, L>,
    (following, region): (&C, &str),
    component: &ElastiCacheGlobal,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let id = component.global_replication_group_id.as_str();
    let follower = component.recovery_replication_group_id.as_str();
    let observed = following.datastore(id, follower).await.map_err(|error| {
        error.into_failure("elasticache:DescribeGlobalReplicationGroups or elasticache:DescribeReplicationGroups", id)
    })?;
    match rejoin(component, region, observed.as_ref()) {
        Rejoin::Done => Ok(done(&component.name, format!("{follower} is an available secondary of {id}"))),
        Rejoin::Wait(reason) => {
            context.check_deadline(id, &reason, allowed_seconds)?;
            Ok(in_progress(&component.name, reason, LOOK_SECONDS))
        }
        Rejoin::Fail(failure) => Err(*failure),
    }
}
