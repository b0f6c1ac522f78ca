//! An RDS read replica on its way to being a primary.
//!
//! AWS behaviour relied on (RDS API reference, `PromoteReadReplica`): it cannot be undone, reboots the instance, is refused while
//! `backing-up`; right after the call the status may still read `available`. Promoted means: the source is absent **and** the status
//! is `available` (that a write works is proven by `validate`).

use crate::observed::ReplicaObserved;
use crate::{Failure, FailureName};

/// What to do with the replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is promoted and available.
    Done,
    /// Promote it now.
    Promote,
    /// Look again: why, and after how many seconds.
    Wait {
        /// What it waits for.
        reason: String,
        /// After how many seconds.
        after_seconds: u32,
    },
    /// It will not get there.
    Fail(Box<Failure>),
}

/// How long after an accepted promotion the instance may still read as an idle replica.
pub const ACCEPTED_GRACE_SECONDS: i64 = 180;

/// Decides from the replica as described (`None`: RDS knows no such instance), and the seconds since a promotion was
/// accepted in this run, if one was.
pub fn decide(identifier: &str, observed: Option<&ReplicaObserved>, accepted_seconds_ago: Option<i64>) -> Decision {
    let Some(replica) = observed else {
        return Decision::Fail(Box::new(
            Failure::new(FailureName::PromotionFailed, identifier, "the recovery Region has no such DB instance")
                .now("nothing was promoted")
                .next("correct replicaIdentifier in the plan, or make the replica anew"),
        ));
    };
    let wait = |reason: String, after_seconds| Decision::Wait { reason, after_seconds };
    if is_lost(&replica.status) {
        return Decision::Fail(Box::new(
            Failure::new(FailureName::PromotionFailed, identifier, format!("the instance is `{}`", replica.status))
                .now(match &replica.source {
                    Some(_) => "it is still a replica and cannot be promoted in this state",
                    None => "it is no replica any more and cannot serve in this state",
                })
                .next("see the instance's events in the RDS console; restore from a recovery point if it cannot be mended"),
        ));
    }
    match (&replica.source, replica.status.as_str(), accepted_seconds_ago) {
        (None, "available", _) => Decision::Done,
        (None, status, _) => wait(format!("promoted, now `{status}`"), 2),
        (Some(_), "available", None) => Decision::Promote,
        (Some(_), "available", Some(ago)) if ago <= ACCEPTED_GRACE_SECONDS => {
            wait("the promotion was accepted and has not begun to show".into(), 1)
        }
        (Some(_), "available", Some(ago)) => Decision::Fail(Box::new(
            Failure::new(
                FailureName::PromotionFailed,
                identifier,
                format!("{ago} seconds after RDS accepted the promotion the instance is a replica again"),
            )
            .now("the instance still replicates; no second promotion was tried")
            .next("see the instance's events in the RDS console for why RDS gave the promotion up"),
        )),
        (Some(_), status, Some(_)) => wait(format!("being promoted, now `{status}`"), 2),
        (Some(_), status, None) => wait(format!("still `{status}`, it can be promoted once it is `available`"), 3),
    }
}

/// Statuses from which an instance does not come back by itself (RDS user guide, "Viewing DB instance status").
pub(crate) fn is_lost(status: &str) -> bool {
    matches!(
        status,
        "failed"
            | "deleting"
            | "inaccessible-encryption-credentials"
            | "incompatible-network"
            | "incompatible-option-group"
            | "incompatible-parameters"
            | "incompatible-restore"
            | "storage-full"
    )
}

#[cfg(test)]
mod tests;
