//! The own look: the newest completed recovery point of every target, held against the plan's age.

use futures::future::join_all;
use jiff::Timestamp;
use pilot_core::Failure;
use pilot_core::decide::backup::{TargetStanding, judge_target, target_notice};
use pilot_core::plan::{BackupTarget, RecoveryPlan};
use pilot_shell::telemetry::{Metric, emf};
use serde::Serialize;
use serde_json::Value;

use crate::handler::{Notices, RecoveryPoints};

/// What the function returns of its own look.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reconciled {
    /// The workload.
    pub workload: String,
    /// Every target of the plan.
    pub targets: Vec<TargetResult>,
}

/// How one target stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetResult {
    /// The target's name.
    pub name: String,
    /// Whether its newest completed recovery point is young enough.
    pub within_objective: bool,
    /// That recovery point.
    pub recovery_point_arn: Option<String>,
    /// Its age.
    pub age_seconds: Option<i64>,
}

/// Looks at every target. One that cannot be looked at fails the invocation, but only after the others were reported.
///
/// # Errors
/// `AwsUnavailable`, `AwsRefused`: of the list or the notification.
pub async fn reconcile<R: RecoveryPoints, N: Notices>(
    plan: &RecoveryPlan,
    points: &R,
    notices: &N,
    publish: impl Fn(&Value),
    namespace: &str,
    now: Timestamp,
) -> Result<Reconciled, Failure> {
    let workload = &plan.metadata.name;
    let publish = &publish;
    let looks = plan.backups.iter().map(async |target: &BackupTarget| {
        let listed = points.list(&target.vault_name, &target.resource_arn).await;
        let listed = listed.map_err(|error| {
            error.into_failure(
                "backup:ListRecoveryPointsByBackupVault",
                &format!("{}/{}", target.vault_name, target.name),
            )
        })?;
        let standing = judge_target(target, &listed, now);
        let result = result(target, &standing);
        publish(&metrics(namespace, workload, &result, now));
        if let Some(notice) = target_notice(workload, target, &standing) {
            tracing::warn!(workload, target = target.name, "{}", notice.subject);
            notices.send(&notice).await?;
        }
        Ok(result)
    });
    let targets = join_all(looks).await.into_iter().collect::<Result<Vec<_>, Failure>>()?;
    Ok(Reconciled { workload: workload.clone(), targets })
}

fn result(target: &BackupTarget, standing: &TargetStanding) -> TargetResult {
    let (within_objective, point) = match standing {
        TargetStanding::Within { arn, age_seconds } => (true, Some((arn.clone(), *age_seconds))),
        TargetStanding::TooOld { arn, age_seconds } => (false, Some((arn.clone(), *age_seconds))),
        TargetStanding::Nothing => (false, None),
    };
    let (recovery_point_arn, age_seconds) = point.unzip();
    TargetResult { name: target.name.clone(), within_objective, recovery_point_arn, age_seconds }
}

/// Without a recovery point there is no age to publish: a missing value must not look like a young one.
fn metrics(namespace: &str, workload: &str, result: &TargetResult, now: Timestamp) -> Value {
    let within = f64::from(u8::from(result.within_objective));
    let mut metrics = vec![Metric { name: "RecoveryPointWithinObjective", unit: "Count", value: within }];
    if let Some(age_seconds) = result.age_seconds {
        metrics.push(Metric { name: "RecoveryPointAgeSeconds", unit: "Seconds", value: age_seconds as f64 });
    }
    emf(namespace, &[("Workload", workload), ("Target", &result.name)], &metrics, now)
}
