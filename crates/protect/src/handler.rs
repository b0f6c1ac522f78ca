//! The step `protect`: every database of the plan at once, until each has a follower in the Region that does not serve.

use pilot_core::contract::{Mode, Step, StepRequest, StepResponse, read_event};
use pilot_core::plan::{Database, RecoveryPlan};
use pilot_core::{Failure, FailureName};
use pilot_shell::StepContext;
use pilot_shell::context::{Clock, run_step};
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use pilot_shell::waves;
use serde_json::Value;

use crate::ports::Regions;
use crate::{aurora_cluster, aurora_global_cluster, elasticache_global, rds_read_replica};

/// The function's name.
pub const FUNCTION: &str = "protect";

/// One invocation.
///
/// # Errors
/// `EventInvalid`, `PlanInvalid`, `PlanChanged`, `LeaseLost`, `ProtectFailed`, `StepDeadlineExceeded`, `AwsUnavailable` (tried again),
/// `AwsRefused`, `JournalUnavailable`.
pub async fn handle<L: Ledger, P: PlanStore, R: Regions>(
    event: Value,
    ledger: &L,
    plans: &P,
    regions: &R,
    clock: Clock,
) -> Result<StepResponse, Failure> {
    // Before the lease is so much as prolonged: a bad event changes nothing at all.
    let request: StepRequest = read_event(FUNCTION, event.clone())?;
    check(request.step.name, request.run.mode)?;
    let work = async |context: &StepContext<'_, L>, _: &StepRequest| protect(context, regions).await;
    run_step(FUNCTION, event, ledger, plans, clock, work).await
}

/// After a failover the way back is prepared, after a failback the way out: either way the mirror image of the way the run went.
async fn protect<L: Ledger, R: Regions>(context: &StepContext<'_, L>, regions: &R) -> Result<StepResponse, Failure> {
    let Some(plan) = context.plan.mirrored() else { return Err(no_way_home(context.plan)) };
    let serving = regions.region(&plan.regions.primary).await;
    let following = regions.region(&plan.regions.recovery).await;
    waves::reconcile(&plan.databases, async |database: &Database, allowed_seconds| match database {
        Database::RdsReadReplica(replica) => {
            let following_region = plan.regions.recovery.as_str();
            let (serving, following) = (&serving, &following);
            let pair = rds_read_replica::Pair { serving, following, following_region, component: replica };
            rds_read_replica::reconcile(context, &pair, allowed_seconds).await
        }
        Database::AuroraGlobalCluster(cluster) => {
            let region = plan.regions.recovery.as_str();
            aurora_global_cluster::reconcile(context, (&following, region), cluster, allowed_seconds).await
        }
        Database::AuroraCluster(cluster) => {
            aurora_cluster::reconcile(context, &following, cluster, allowed_seconds).await
        }
        // The plan's rules leave such a plan no way home, so no run gets here.
        Database::RestoreFromBackup(restore) => Err(not_replicated(&restore.restored_identifier)),
        Database::RestoreToPointInTime(restore) => Err(not_replicated(&restore.restored_identifier)),
        // The plan's rules leave such a plan no way home, so no run gets here; and nothing in a cache wants protection.
        Database::ElastiCache(cache) => Ok(waves::done(&cache.name, "a cache has nobody to follow it")),
        Database::ElastiCacheGlobal(cache) => {
            let region = plan.regions.recovery.as_str();
            elasticache_global::reconcile(context, (&following, region), cache, allowed_seconds).await
        }
    })
    .await
}

fn check(step: Step, mode: Mode) -> Result<(), Failure> {
    let what = match (step, mode) {
        (Step::Protect, Mode::Protect | Mode::Failback) => return Ok(()),
        (Step::Protect, other) => format!("a {} protects nothing", other.as_str()),
        (other, _) => format!("the step is {:?}", other.as_str()),
    };
    Err(Failure::new(FailureName::EventInvalid, FUNCTION, what)
        .now("nothing was touched")
        .next("compare the event with the samples in events/protect/"))
}

fn not_replicated(resource: &str) -> Failure {
    let what = "a restored database shares no data with the original: there is nothing to replicate back";
    Failure::new(FailureName::ProtectFailed, resource, what)
        .now("nothing was changed")
        .next("protect it by its own backups; write a plan of its own for the way back")
}

fn no_way_home(plan: &RecoveryPlan) -> Failure {
    Failure::new(FailureName::PlanInvalid, &plan.metadata.name, "/home: is missing")
        .now("nothing was touched")
        .next("add `home` to the plan; examples/plans/pilot-light.yaml shows it")
}
