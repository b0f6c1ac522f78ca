//! What each promotion of the plan would lose, measured once and kept as evidence.

use futures::future::try_join_all;
use jiff::SignedDuration;
use pilot_core::Failure;
use pilot_core::contract::Assessment;
use pilot_core::decide::data_loss::{self, SAMPLE_AGE_SECONDS_MAX};
use pilot_core::decide::gate::LossOf;
use pilot_core::plan::{Database, RdsReadReplica};
use pilot_shell::StepContext;
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::Replicas;
use serde_json::json;

/// The evidence's name for what a component's promotion loses.
pub fn evidence_name(component: &str) -> String {
    format!("data-loss#{component}")
}

/// Measures all of them at once.
///
/// # Errors
/// `AwsUnavailable` (tried again), `AwsRefused`, `JournalUnavailable`. That nobody can tell a loss is no error here.
pub async fn measure<L: Ledger, R: Replicas>(
    context: &StepContext<'_, L>,
    replicas: &R,
    assessment: &Assessment,
) -> Result<Vec<LossOf>, Failure> {
    let of = |database: &Database| match database {
        Database::RdsReadReplica(replica) => of_replica(context, replicas, replica.clone(), assessment),
    };
    try_join_all(context.plan.databases.iter().map(of)).await
}

/// The loss is counted up to the first failing look: the later end of the doubt about when the incident began, so that the estimate is
/// not below the loss.
async fn of_replica<L: Ledger, R: Replicas>(
    context: &StepContext<'_, L>,
    replicas: &R,
    replica: RdsReadReplica,
    assessment: &Assessment,
) -> Result<LossOf, Failure> {
    let identifier = replica.replica_identifier;
    let from = assessment.incident_at - SignedDuration::from_secs(SAMPLE_AGE_SECONDS_MAX);
    let samples = replicas.lag_samples(&identifier, from, context.now()).await;
    let samples = samples.map_err(|error| error.into_failure("cloudwatch:GetMetricData", &identifier))?;
    let loss = data_loss::estimate(&samples, assessment.incident_at, assessment.last_healthy_at);
    if let Some(loss) = &loss {
        context.ledger.keep_evidence(&context.run.run_id, &evidence_name(&replica.name), &json!(loss)).await?;
    }
    Ok(LossOf { component: replica.name, resource: identifier, loss })
}
