//! An Aurora global database after a failover: the old primary comes back by itself, which takes minutes to hours. What it had not
//! replicated is kept in a snapshot that retention takes away, so it is copied first.

use pilot_core::decide::rejoin::{Decision, decide};
use pilot_core::journal::Action;
use pilot_core::plan::AuroraGlobalCluster;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::json;

use crate::ports::Clusters;

/// The plan's time is for a failover; a cluster that comes back copies what it missed.
const TIMES_A_FAILOVER: u32 = 4;
const LOOK_SECONDS: u32 = 3;

/// Brings one global database a step on towards having its old primary as a secondary. `following` is the Region that is to follow, with its name.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, R: Clusters>(
    context: &StepContext<'_, L>,
    (following, region): (&R, &str),
    component: &AuroraGlobalCluster,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let (global, follower) =
        (component.global_cluster_identifier.as_str(), component.recovery_cluster_identifier.as_str());
    let observed = following.global_cluster(global, follower).await;
    let observed = observed.map_err(|error| error.into_failure("rds:DescribeGlobalClusters", global))?;
    let snapshots = following.snapshots(follower).await;
    let snapshots = snapshots.map_err(|error| error.into_failure("rds:DescribeDBClusterSnapshots", follower))?;
    match decide(global, (follower, region), observed.as_ref(), &snapshots) {
        Decision::Done { kept } => {
            let earlier = context.earlier(&component.name, Action::KeepLostData).await?;
            context.settle(earlier.as_ref(), "its answer was lost; seen to be copied").await?;
            Ok(done(&component.name, followed(follower, &kept)))
        }
        Decision::Wait { reason, after_seconds } => {
            context.check_deadline(follower, &reason, allowed_seconds.saturating_mul(TIMES_A_FAILOVER))?;
            Ok(in_progress(&component.name, reason, after_seconds))
        }
        Decision::Copy { source_arn, identifier } => {
            keep(context, following, component, (&source_arn, &identifier)).await
        }
        Decision::Fail(failure) => Err(*failure),
    }
}

fn followed(follower: &str, kept: &[String]) -> String {
    if kept.is_empty() {
        return format!("{follower} follows; no snapshot of data that was not replicated was found");
    }
    format!("{follower} follows; what it had not replicated is kept in {}", kept.join(", "))
}

async fn keep<L: Ledger, R: Clusters>(
    context: &StepContext<'_, L>,
    following: &R,
    component: &AuroraGlobalCluster,
    (source_arn, identifier): (&str, &str),
) -> Result<Progress, Failure> {
    let earlier = context.earlier(&component.name, Action::KeepLostData).await?;
    let act = Act {
        component: component.name.clone(),
        action: Action::KeepLostData,
        resource: identifier.to_owned(),
        irreversible: true,
        before: json!({"source": source_arn}),
        intention: format!("copied from {source_arn}"),
    };
    let call = || async { following.copy_snapshot(source_arn, identifier).await.map(|()| identifier.to_owned()) };
    match context.act(act, earlier.as_ref(), call).await? {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(_) => Ok(in_progress(&component.name, format!("{identifier} is being copied"), LOOK_SECONDS)),
        // Copied by the try whose answer was lost: the next look sees it.
        Acted::Failed(CallError::Refused { code, message }) if code.starts_with("DBClusterSnapshotAlreadyExists") => {
            Ok(in_progress(&component.name, format!("{identifier} is there already: {message}"), LOOK_SECONDS))
        }
        Acted::Failed(error @ CallError::Refused { .. }) => Err(Failure::new(
            FailureName::ProtectFailed,
            identifier,
            format!("rds:CopyDBClusterSnapshot of {source_arn} was {error}"),
        )
        .now("the data is in the automated snapshot for as long as its retention lasts")
        .next("copy it by hand before that, or mend protect's role; then run protect again")),
        Acted::Failed(error) => Err(error.into_failure("rds:CopyDBClusterSnapshot", identifier)),
    }
}
