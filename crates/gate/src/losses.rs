//! What each promotion of the plan would lose, measured once and kept as evidence.

use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use pilot_core::Failure;
use pilot_core::contract::Assessment;
use pilot_core::decide::cache::nothing_lost;
use pilot_core::decide::data_loss::{self, DataLoss, SAMPLE_AGE_SECONDS_MAX, one_volume};
use pilot_core::decide::gate::LossOf;
use pilot_core::decide::{point_in_time, restore_job};
use pilot_core::observed::LagSample;
use pilot_core::plan::{Database, RestoreFromBackup, RestoreToPointInTime};
use pilot_shell::StepContext;
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{Backups, GlobalClusters, InRegion, InRegionReads, Replicas};
use promote_db::databases::Databases;
use serde_json::json;

/// The evidence's name for what a component's promotion loses.
pub fn evidence_name(component: &str) -> String {
    format!("data-loss#{component}")
}

/// Measures all of them at once.
///
/// # Errors
/// `AwsUnavailable` (tried again), `AwsRefused`, `JournalUnavailable`. That nobody can tell a loss is no error here.
pub async fn measure<L: Ledger, R: Replicas, G: GlobalClusters, C: InRegion, B: Backups, E>(
    context: &StepContext<'_, L>,
    databases: &Databases<'_, R, G, C, B, E>,
    assessment: &Assessment,
) -> Result<Vec<LossOf>, Failure> {
    let of = async |database: &Database| {
        let (from, to) = (assessment.incident_at - SignedDuration::from_secs(SAMPLE_AGE_SECONDS_MAX), context.now());
        let (resource, samples) = match database {
            Database::RdsReadReplica(replica) => {
                let id = &replica.replica_identifier;
                (id, databases.replicas.lag_samples(id, from, to).await)
            }
            Database::AuroraGlobalCluster(cluster) => {
                let (id, source_region) = (&cluster.recovery_cluster_identifier, &context.plan.regions.primary);
                (id, databases.global_clusters.rpo_lag_samples(id, source_region, from, to).await)
            }
            Database::AuroraCluster(cluster) => {
                let id = &cluster.cluster_identifier;
                return told(context, database.name(), id, Some(one_volume(assessment.incident_at))).await;
            }
            Database::RestoreToPointInTime(restore) => {
                return to_point_in_time(context, databases.in_region, restore, assessment).await;
            }
            Database::RestoreFromBackup(restore) => {
                return restored(context, databases.backups, restore, assessment).await;
            }
            Database::ElastiCache(cache) => {
                return Ok(of_cache(&cache.name, &cache.replication_group_id, assessment.incident_at));
            }
            Database::ElastiCacheGlobal(cache) => {
                return Ok(of_cache(&cache.name, &cache.global_replication_group_id, assessment.incident_at));
            }
        };
        let samples = samples.map_err(|error| error.into_failure("cloudwatch:GetMetricData", resource))?;
        estimated(context, database.name(), resource, &samples, assessment).await
    };
    try_join_all(context.plan.databases.iter().map(of)).await
}

/// A restore brings back what was written before its point in time.
async fn to_point_in_time<L: Ledger, C: InRegionReads>(
    context: &StepContext<'_, L>,
    points: &C,
    component: &RestoreToPointInTime,
    assessment: &Assessment,
) -> Result<LossOf, Failure> {
    let source = component.source_identifier();
    let original = points.restorable(component.restored_kind(), source).await;
    let original = original.map_err(|error| error.into_failure("the look at its restorable times", source))?;
    let point = point_in_time::choose(component, original.as_ref()).ok();
    let loss = point.map(|point| point_in_time::loss(point, assessment.incident_at, assessment.last_healthy_at));
    told(context, &component.name, &component.restored_identifier, loss).await
}

/// A restore brings back what was written before its recovery point was created.
async fn restored<L: Ledger, B: Backups>(
    context: &StepContext<'_, L>,
    backups: &B,
    component: &RestoreFromBackup,
    assessment: &Assessment,
) -> Result<LossOf, Failure> {
    let (vault, arn) = (component.vault_name.as_str(), component.resource_arn.as_str());
    let points = backups.recovery_points(vault, arn).await;
    let points = points.map_err(|error| error.into_failure("backup:ListRecoveryPointsByBackupVault", vault))?;
    let point = restore_job::choose(&points, component.not_after()).ok();
    let loss = point.map(|point| restore_job::loss(point, assessment.incident_at, assessment.last_healthy_at));
    if let Some(loss) = &loss {
        context.ledger.keep_evidence(&context.run.run_id, &evidence_name(&component.name), &json!(loss)).await?;
    }
    Ok(LossOf { component: component.name.clone(), resource: component.restored_identifier.clone(), loss })
}

/// A cache holds no record, so there is nothing to measure and no evidence to keep: the report counts the loss of databases only.
pub(crate) fn of_cache(component: &str, resource: &str, at: Timestamp) -> LossOf {
    LossOf { component: component.to_owned(), resource: resource.to_owned(), loss: Some(nothing_lost(at)) }
}

/// The loss is counted up to the first failing look: the later end of the doubt about when the incident began, so that the estimate is
/// not below the loss.
async fn estimated<L: Ledger>(
    context: &StepContext<'_, L>,
    component: &str,
    resource: &str,
    samples: &[LagSample],
    assessment: &Assessment,
) -> Result<LossOf, Failure> {
    let loss = data_loss::estimate(samples, assessment.incident_at, assessment.last_healthy_at);
    told(context, component, resource, loss).await
}

/// Keeps what is known of a loss.
async fn told<L: Ledger>(
    context: &StepContext<'_, L>,
    component: &str,
    resource: &str,
    loss: Option<DataLoss>,
) -> Result<LossOf, Failure> {
    if let Some(loss) = &loss {
        context.ledger.keep_evidence(&context.run.run_id, &evidence_name(component), &json!(loss)).await?;
    }
    Ok(LossOf { component: component.to_owned(), resource: resource.to_owned(), loss })
}
