//! The step `promote-data`: every database of the plan, wave by wave.

use pilot_core::contract::{StepRequest, StepResponse, read_event};
use pilot_core::plan::Database;
use pilot_core::{Failure, FailureName};
use pilot_shell::StepContext;
use pilot_shell::context::{Clock, run_step};
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use pilot_shell::ports::{Backups, Caches, GlobalCaches, GlobalClusters, InRegion, Replicas, RestoredDatabases};
use pilot_shell::waves;
use serde_json::Value;

use crate::databases::Databases;
use crate::{
    aurora_cluster, aurora_global_cluster, elasticache, elasticache_global, rds_read_replica, restore_from_backup,
    restore_to_point_in_time,
};

/// The function's name.
pub const FUNCTION: &str = "promote-db";
/// The evidence that the gate was passed.
pub const GATE: &str = "gate";

/// One invocation.
///
/// # Errors
/// `EventInvalid`, `PlanInvalid`, `PlanChanged`, `LeaseLost`, `GateNotPassed`, `PromotionRefused`, `PromotionFailed`,
/// `StepDeadlineExceeded`, `AwsUnavailable` (tried again), `AwsRefused`, `JournalUnavailable`.
pub async fn handle<L, P, R, G, C, B, E>(
    event: Value,
    ledger: &L,
    plans: &P,
    databases: &Databases<'_, R, G, C, B, E>,
    clock: Clock,
) -> Result<StepResponse, Failure>
where
    L: Ledger,
    P: PlanStore,
    R: Replicas,
    G: GlobalClusters,
    C: InRegion,
    B: Backups + RestoredDatabases,
    E: Caches + GlobalCaches,
{
    // Before the lease is so much as prolonged: a bad event changes nothing at all.
    let request: StepRequest = read_event(FUNCTION, event.clone())?;
    request.assessment.ok_or_else(no_assessment)?;
    run_step(FUNCTION, event, ledger, plans, clock, async |context, _| {
        gate_was_passed(context).await?;
        waves::reconcile(&context.plan.databases, async |database: &Database, allowed_seconds| match database {
            Database::RdsReadReplica(replica) => {
                let ports = (databases.replicas, databases.backups);
                rds_read_replica::reconcile(context, ports, replica, allowed_seconds).await
            }
            Database::AuroraGlobalCluster(cluster) => {
                let ports = (databases.global_clusters, databases.backups);
                aurora_global_cluster::reconcile(context, ports, cluster, allowed_seconds).await
            }
            Database::AuroraCluster(cluster) => {
                aurora_cluster::reconcile(context, databases.in_region, cluster, allowed_seconds).await
            }
            Database::RestoreToPointInTime(restore) => {
                let ports = (databases.in_region, databases.backups);
                restore_to_point_in_time::reconcile(context, ports, restore, allowed_seconds).await
            }
            Database::RestoreFromBackup(restore) => {
                restore_from_backup::reconcile(context, databases.backups, restore, allowed_seconds).await
            }
            Database::ElastiCache(cache) => {
                elasticache::reconcile(context, databases.caches, cache, allowed_seconds).await
            }
            Database::ElastiCacheGlobal(cache) => {
                elasticache_global::reconcile(context, databases.caches, cache, allowed_seconds).await
            }
        })
        .await
    })
    .await
}

/// Nothing is promoted that the gate did not pass, whoever calls. A dry run promotes nothing.
async fn gate_was_passed<L: Ledger>(context: &StepContext<'_, L>) -> Result<(), Failure> {
    let run_id = &context.run.run_id;
    if !context.run.mode.acts() || context.ledger.evidence(run_id).await?.contains_key(GATE) {
        return Ok(());
    }
    Err(Failure::new(FailureName::GateNotPassed, run_id, "the gate has not passed this run")
        .now("nothing was promoted")
        .next("start a run; promote-db is called by the state machine after the gate"))
}

fn no_assessment() -> Failure {
    Failure::new(FailureName::EventInvalid, FUNCTION, "the event carries no assessment: nobody judged the primary")
        .now("nothing was touched")
        .next("start a run; promote-db is called by the state machine after assess")
}
