//! The schedule: could we fail over now? Asked while the primary is well, so that a failover finds no surprise.

use futures::future::{join_all, join3};
use jiff::{SignedDuration, Timestamp};
use pilot_core::Failure;
use pilot_core::decide::last_known::LastKnown;
use pilot_core::decide::readiness::{self, Readiness, global_cluster};
use pilot_core::plan::{
    AuroraGlobalCluster, Compute, Database, RdsReadReplica, RecoveryPlan, RoutingControl, StopObject, Traffic,
};
use pilot_shell::CallError;
use pilot_shell::telemetry::{Metric, emf};
use serde::Serialize;
use serde_json::Value;

use crate::caches;
use crate::look::{Seen, global_cluster_with_lag, groups_and_traffic, replica_with_lag, say_shares};
use crate::ports::Region;
use crate::restores;
use crate::{global_caches, in_region, point_in_time, promoted};

/// How far back a lag sample may lie: RDS publishes one a minute, some late.
const LAG_WINDOW_SECONDS: i64 = 300;

/// What the function returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadinessReport {
    /// The workload.
    pub workload: String,
    /// Whether a failover could begin now.
    pub ready: bool,
    /// What stands in its way, each with what to mend.
    pub problems: Vec<String>,
    /// What stands in nobody's way, and should be seen to before it is needed.
    pub warnings: Vec<String>,
    /// What is as it should be.
    pub in_order: Vec<String>,
}

/// Asks everything, publishes `Ready`.
///
/// # Errors
/// `AwsUnavailable`: something could not be seen. `Ready` is not published then; a zero would say that somebody looked.
pub async fn report<R: Region>(
    plan: &RecoveryPlan,
    region: &R,
    known: &LastKnown,
    now: Timestamp,
    publish: impl Fn(&Value),
    namespace: &str,
) -> Result<ReadinessReport, Failure> {
    let workload = &plan.metadata.name;
    let databases = join_all(plan.databases.iter().map(async |database: &Database| {
        let seen = match database {
            Database::RdsReadReplica(replica) => replicates(replica, plan.objectives.rpo_seconds, region, now).await,
            Database::AuroraGlobalCluster(cluster) => is_connected(cluster, plan, region, now).await,
            Database::AuroraCluster(cluster) => in_region::cluster_readiness(cluster, region).await,
            Database::RestoreToPointInTime(restore) => {
                point_in_time::now(restore, region, plan.policy.max_data_loss_seconds, now).await
            }
            Database::RestoreFromBackup(restore) => {
                restores::now(restore, region, plan.policy.max_data_loss_seconds, now).await
            }
            Database::ElastiCache(cache) => caches::readiness(cache, region).await,
            Database::ElastiCacheGlobal(cache) => global_caches::now(cache, &plan.regions, region).await,
        };
        (database.name().to_owned(), seen)
    }));
    let switches = join_all(plan.traffic.iter().map(async |traffic| match traffic {
        Traffic::StopObject(stop) => Some(untouched(stop, region).await),
        Traffic::RoutingControl(component) => Some(unturned(component, region).await),
        Traffic::Route53Records(_) => None,
    }));
    let fixed = known.fixed(plan);
    let (databases, switches, mut others) = join3(databases, switches, groups_and_traffic(&fixed, region)).await;
    say_shares(&mut others, plan, known, now);
    let warned = |component: &Compute| Some(format!("{}: {}", component.name(), known.warning(component, now)?));
    let mut report = ReadinessReport {
        workload: workload.clone(),
        ready: true,
        problems: Vec::new(),
        warnings: plan.compute.iter().filter_map(warned).collect(),
        in_order: Vec::new(),
    };
    for (name, seen) in databases.into_iter().chain(others).chain(switches.into_iter().flatten()) {
        match seen {
            // A replica that is busy with a backup is one that works.
            Ok(Readiness::Ready(detail) | Readiness::Wait(detail)) => report.in_order.push(format!("{name}: {detail}")),
            Ok(Readiness::Problem(problem)) => report.problems.push(format!("{name}: {problem}")),
            Err(error @ CallError::Refused { .. }) => {
                report.problems.push(format!("{name}: AWS refused to tell, {error}"))
            }
            Err(error) => return Err(error.into_failure("the look at the recovery Region", &name)),
        }
    }
    report.ready = report.problems.is_empty();
    if !report.ready {
        tracing::warn!(workload, "not ready: {}", report.problems.join("; "));
    }
    if !report.warnings.is_empty() {
        tracing::warn!(workload, "to be seen to: {}", report.warnings.join("; "));
    }
    let metric = Metric { name: "Ready", unit: "Count", value: f64::from(u8::from(report.ready)) };
    publish(&emf(namespace, &[("Workload", workload)], &[metric], now));
    Ok(report)
}

async fn replicates<R: Region>(
    component: &RdsReadReplica,
    rpo_seconds: u32,
    region: &R,
    now: Timestamp,
) -> Result<Readiness, CallError> {
    let from = now - SignedDuration::from_secs(LAG_WINDOW_SECONDS);
    let (observed, samples) = replica_with_lag(component, region, from, now).await?;
    let id = &component.replica_identifier;
    let readiness = readiness::replica(component, observed.as_ref());
    let Some(replica) = observed.filter(|_| !matches!(readiness, Readiness::Problem(_))) else { return Ok(readiness) };
    if replica.source.is_none() {
        return Ok(Readiness::Problem(format!(
            "{id}: is no replica any more: there is nothing to fail over to; make a new replica"
        )));
    }
    match readiness::replication_now(id, &replica, &samples, rpo_seconds) {
        Ok(detail) => promoted::replica_readiness(Readiness::Ready(detail), component, region).await,
        Err(problem) => Ok(Readiness::Problem(problem)),
    }
}

async fn is_connected<R: Region>(
    component: &AuroraGlobalCluster,
    plan: &RecoveryPlan,
    region: &R,
    now: Timestamp,
) -> Result<Readiness, CallError> {
    let (regions, from) = (&plan.regions, now - SignedDuration::from_secs(LAG_WINDOW_SECONDS));
    let (observed, samples) = global_cluster_with_lag(component, &regions.primary, region, from, now).await?;
    let readiness = global_cluster::cluster(component, regions, observed.as_ref());
    let (Readiness::Ready(_), Some(global)) = (&readiness, observed) else { return Ok(readiness) };
    let (id, recovery) = (&component.global_cluster_identifier, &component.recovery_cluster_identifier);
    if global.member(recovery, &regions.recovery).is_some_and(|member| member.is_writer) {
        return Ok(Readiness::Problem(format!(
            "{id}: {recovery} is its writer already: there is nothing to fail over to; switch it over to the primary Region"
        )));
    }
    let rpo_seconds = plan.objectives.rpo_seconds;
    match global_cluster::replication_now(component, regions, &global, &samples, rpo_seconds) {
        Ok(detail) => promoted::cluster_readiness(Readiness::Ready(detail), component, Some(&global), region).await,
        Err(problem) => Ok(Readiness::Problem(problem)),
    }
}

/// Routing controls that are turned already.
async fn unturned<R: Region>(component: &RoutingControl, region: &R) -> Seen<Readiness> {
    let seen = region.routing_controls(component).await;
    (component.name.clone(), seen.map(|states| readiness::routing::unturned(component, &states)))
}

/// A STOP object that is there already: clients are in the recovery Region, or will be with the next primary.
async fn untouched<R: Region>(stop: &StopObject, region: &R) -> Seen<Readiness> {
    let seen = region.stop_object(&stop.bucket, &stop.key).await;
    let readiness = seen.map(|present| {
        if present {
            Readiness::Problem(format!(
                "s3://{}/{} is there: the traffic is switched already; delete it once clients may go back",
                stop.bucket, stop.key
            ))
        } else {
            Readiness::Ready(format!("s3://{}/{} is not there", stop.bucket, stop.key))
        }
    });
    (stop.name.clone(), readiness)
}
