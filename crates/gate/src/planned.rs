//! The gate of a planned run: the primary is fenced, and the other Region must have every one of its writes.

use futures::future::try_join_all;
use pilot_core::contract::{ComponentProgress, Status, StepResponse};
use pilot_core::decide::caught_up::{CAUGHT_UP_TIMEOUT_SECONDS, caught_up, newest};
use pilot_core::decide::data_loss::one_volume;
use pilot_core::decide::gate::LossOf;
use pilot_core::plan::{Database, RdsReadReplica};
use pilot_core::{Failure, FailureName};
use pilot_shell::StepContext;
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::Replicas;
use serde_json::json;

use crate::handler::Looked;
use crate::losses::{evidence_name, of_cache};

const LOOK_AGAIN_SECONDS: u32 = 2;

/// One look at all databases.
///
/// # Errors
/// `NotCaughtUp` once the time is over, `AwsUnavailable` (tried again), `AwsRefused`, `JournalUnavailable`.
pub(crate) async fn look<L: Ledger, R: Replicas>(
    context: &StepContext<'_, L>,
    replicas: &R,
) -> Result<Looked, Failure> {
    let of = async |database: &Database| match database {
        Database::RdsReadReplica(replica) => arrived(context, replicas, replica).await,
        Database::AuroraGlobalCluster(cluster) => {
            switched_by_aws(context, &cluster.name, &cluster.recovery_cluster_identifier).await
        }
        // The instances of a cluster share one storage volume: whoever is the writer has every write that was confirmed.
        Database::AuroraCluster(cluster) => switched_by_aws(context, &cluster.name, &cluster.cluster_identifier).await,
        Database::RestoreFromBackup(restore) => Err(loses(&restore.restored_identifier)),
        Database::RestoreToPointInTime(restore) => Err(loses(&restore.restored_identifier)),
        Database::ElastiCache(cache) => Ok((of_cache(&cache.name, &cache.replication_group_id, context.now()), None)),
        Database::ElastiCacheGlobal(cache) => {
            Ok((of_cache(&cache.name, &cache.global_replication_group_id, context.now()), None))
        }
    };
    let seen = try_join_all(context.plan.databases.iter().map(of)).await?;
    let missing: Vec<String> = seen.iter().filter_map(|(_, missing)| missing.clone()).collect();
    if missing.is_empty() {
        return Ok(Looked::View(seen.into_iter().map(|(loss, _)| loss).collect()));
    }
    if context.waited_seconds() >= i64::from(CAUGHT_UP_TIMEOUT_SECONDS) {
        return Err(Failure::new(FailureName::NotCaughtUp, &context.plan.metadata.name, missing.join("; "))
            .now("nothing was promoted; what this run changed is put back")
            .next("see what holds replication back, or what still writes past the fence; then start again"));
    }
    let components = seen.into_iter().map(|(loss, missing)| {
        let status = if missing.is_some() { Status::InProgress } else { Status::Done };
        let detail = missing.unwrap_or_else(|| "has every write of the fenced primary".into());
        (ComponentProgress { name: loss.component, status, detail }, LOOK_AGAIN_SECONDS)
    });
    Ok(Looked::Over(StepResponse::of(components.collect())))
}

/// Whatever was written after the recovery point is lost, so nothing planned can go this way. The step `ready` says so before.
fn loses(resource: &str) -> Failure {
    let what = "a restore loses what was written after its recovery point, and a planned run loses nothing";
    Failure::new(FailureName::NotCaughtUp, resource, what)
        .now("nothing was restored; what this run changed is put back")
        .next("start a failover; a restore is for a disaster")
}

/// The loss of one promotion, and what is missing to know that it is none. The state machine entered this step after the fence was seen to
/// hold: whatever was confirmed to a client was written before.
async fn arrived<L: Ledger, R: Replicas>(
    context: &StepContext<'_, L>,
    replicas: &R,
    replica: &RdsReadReplica,
) -> Result<(LossOf, Option<String>), Failure> {
    let (fenced_at, identifier) = (context.step.started_at, replica.replica_identifier.clone());
    let samples = replicas.lag_samples(&identifier, fenced_at, context.now()).await;
    let samples = samples.map_err(|error| error.into_failure("cloudwatch:GetMetricData", &identifier))?;
    let loss = caught_up(&samples, fenced_at);
    let missing = match &loss {
        Some(loss) => {
            context.ledger.keep_evidence(&context.run.run_id, &evidence_name(&replica.name), &json!(loss)).await?;
            None
        }
        None => Some(format!("{identifier} is not known to have the last writes: {}", newest(&samples))),
    };
    Ok((LossOf { component: replica.name.clone(), resource: identifier, loss }, missing))
}

/// Aurora's own switchover stops the writes, waits for the last of them, and refuses where it cannot (Aurora user guide, "Performing
/// switchovers for Amazon Aurora global databases": recovery point objective 0).
async fn switched_by_aws<L: Ledger>(
    context: &StepContext<'_, L>,
    component: &str,
    resource: &str,
) -> Result<(LossOf, Option<String>), Failure> {
    let loss = one_volume(context.now());
    context.ledger.keep_evidence(&context.run.run_id, &evidence_name(component), &json!(loss)).await?;
    Ok((LossOf { component: component.to_owned(), resource: resource.to_owned(), loss: Some(loss) }, None))
}
