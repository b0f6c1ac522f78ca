//! A restore by AWS Backup: which recovery point is taken, whether to begin, and how far the job is. What follows it is [`super::restored`].
//!
//! AWS behaviour relied on (AWS Backup API reference, `StartRestoreJob`, `DescribeRestoreJob`, `ListRecoveryPointsByBackupVault`): a
//! recovery point restores only once it is `COMPLETED` (`PARTIAL`, `EXPIRED`, `STOPPED`, `CREATING`, `DELETING` do not, and `AVAILABLE` is a
//! continuous backup); a second call with the same idempotency token takes no action and hands back the first one's job; a job makes a new
//! resource and never touches the original; it ends `COMPLETED`, `FAILED` or `ABORTED`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::decide::backup::RecoveryPointSeen;
use crate::decide::data_loss::{DOUBT_SECONDS_MAX, DataLoss};
use crate::decide::deadline::seconds_between;
use crate::decide::restored::{Next, Wanted, next};
use crate::observed::{RestoreJobObserved, RestoredObserved};
use crate::{Failure, FailureName};

/// How long a job that was accepted may be unknown to AWS Backup, and a database it completed to RDS or DynamoDB.
pub const GRACE_SECONDS: i64 = 180;

/// What the journal and AWS Backup know of this run's restore.
#[derive(Debug, Clone, Copy)]
pub enum Begun<'a> {
    /// Nothing was asked for, or AWS refused it for certain: the recovery points of this resource in the vault.
    Not {
        /// All of them.
        points: &'a [RecoveryPointSeen],
        /// The newest time a point may be of.
        not_after: Option<Timestamp>,
    },
    /// It was asked for, and the answer was lost.
    Unanswered,
    /// AWS Backup accepted it.
    Accepted {
        /// The job's id.
        job_id: &'a str,
        /// When it was accepted.
        at: Timestamp,
        /// The job; `None`: AWS Backup knows no such one.
        job: Option<&'a RestoreJobObserved>,
    },
}

/// When it is.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Now.
    pub now: Timestamp,
    /// When the state machine entered this step: a job that failed before it belongs to an earlier try.
    pub step_started_at: Timestamp,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Restore this recovery point.
    Start(RecoveryPointSeen),
    /// Ask once more for what was asked for, with the same token: AWS Backup hands back the job if there is one.
    AskAgain,
    /// The job of an earlier try came to nothing: restore the same recovery point by a new one.
    StartAnew {
        /// The job that failed, or whose database was taken out of the way.
        spent_job_id: String,
    },
    /// What comes after the job.
    Next(Next),
}

/// Decides. `made`: what has the restored identifier now; `instances`: those of the plan, in its order.
pub fn decide(
    wanted: &Wanted<'_>,
    begun: &Begun<'_>,
    made: Option<&RestoredObserved>,
    instances: &[Option<RestoredObserved>],
    times: Times,
) -> Decision {
    match begun {
        Begun::Not { .. } if made.is_some() => taken(wanted),
        Begun::Not { points, not_after } => match choose(points, *not_after) {
            Ok(point) => Decision::Start(point.clone()),
            Err(what) => fail(
                FailureName::PromotionFailed,
                wanted,
                &what,
                NOTHING,
                "see the vault in AWS Backup; correct vaultName, resourceArn or notAfter in the plan",
            ),
        },
        Begun::Unanswered => Decision::AskAgain,
        Begun::Accepted { job_id, at, job: None } => {
            let ago = seconds_between(*at, times.now);
            if ago <= GRACE_SECONDS {
                return wait(format!("restore job {job_id} was accepted and does not show yet"), 2);
            }
            let what = format!("AWS Backup knows no restore job {job_id}, {ago} seconds after it accepted it");
            fail(
                FailureName::PromotionFailed,
                wanted,
                &what,
                NOTHING,
                "see the restore jobs in AWS Backup; then go on with this run",
            )
        }
        Begun::Accepted { job_id, job: Some(job), .. } => of_job(wanted, job_id, job, made, instances, times),
    }
}

const NOTHING: &str = "nothing was restored; the original and its recovery points are as they were";

fn of_job(
    wanted: &Wanted<'_>,
    job_id: &str,
    job: &RestoreJobObserved,
    made: Option<&RestoredObserved>,
    instances: &[Option<RestoredObserved>],
    times: Times,
) -> Decision {
    match (job.status.as_str(), made) {
        ("COMPLETED", Some(made)) => Decision::Next(next(wanted, made, instances)),
        ("COMPLETED", None) => {
            let ago = job.completed_at.map_or(0, |at| seconds_between(at, times.now));
            if ago <= GRACE_SECONDS {
                return wait(format!("restore job {job_id} is through, {} does not show yet", wanted.identifier), 3);
            }
            if is_of_an_earlier_try(job, times) {
                return Decision::StartAnew { spent_job_id: job_id.to_owned() };
            }
            let what = format!("restore job {job_id} made it {ago} seconds ago, and it is not there: it was deleted");
            let next = "find out who deleted it, and go on with this run: it restores anew";
            fail(FailureName::PromotionFailed, wanted, &what, "there is no restored database", next)
        }
        ("FAILED" | "ABORTED", made) => ended_badly(wanted, job_id, job, made, times),
        (status, _) => {
            let percent = job.percent_done.as_ref().map_or(String::new(), |done| format!(", {done} done"));
            // A restore takes minutes to hours: the longer it has taken, the longer the pause between two looks.
            let waited_seconds = seconds_between(times.step_started_at, times.now);
            let pause_seconds = u32::try_from(waited_seconds / 20).unwrap_or(0).clamp(3, 30);
            wait(format!("restore job {job_id} is `{status}`{percent}"), pause_seconds)
        }
    }
}

fn ended_badly(
    wanted: &Wanted<'_>,
    job_id: &str,
    job: &RestoreJobObserved,
    made: Option<&RestoredObserved>,
    times: Times,
) -> Decision {
    let (status, said) = (&job.status, job.message.as_deref().unwrap_or("no reason given"));
    let what = format!("restore job {job_id} is `{status}`: {said}");
    if let Some(made) = made {
        let now = format!("{} is there, `{}`, left by the job", made.arn, made.status);
        let next = "take it out of the way by hand, mend the cause, and go on with this run: it restores anew";
        return fail(FailureName::PromotionFailed, wanted, &what, &now, next);
    }
    if is_of_an_earlier_try(job, times) {
        return Decision::StartAnew { spent_job_id: job_id.to_owned() };
    }
    let next = "see the job in AWS Backup and the restore role's permissions; mend the cause and go on with this run: it restores anew";
    fail(FailureName::PromotionFailed, wanted, &what, NOTHING, next)
}

/// Past the pivot a run goes forward again, or a person goes on with it: that is a new try, with a cause that may be mended.
fn is_of_an_earlier_try(job: &RestoreJobObserved, times: Times) -> bool {
    job.completed_at.is_some_and(|at| at < times.step_started_at)
}

fn taken(wanted: &Wanted<'_>) -> Decision {
    let what = format!("there is a {} of that name already, and this run did not make it", wanted.kind.as_str());
    let next = "name another restoredIdentifier in the plan, or take that one out of the way";
    fail(FailureName::PromotionRefused, wanted, &what, NOTHING, next)
}

/// The newest completed recovery point, at or before a time if one is given.
///
/// # Errors
/// Why there is none, in a sentence.
pub fn choose(points: &[RecoveryPointSeen], not_after: Option<Timestamp>) -> Result<&RecoveryPointSeen, String> {
    let in_time = |point: &&RecoveryPointSeen| not_after.is_none_or(|limit| point.created_at <= limit);
    let usable = points.iter().filter(|point| point.status == "COMPLETED");
    // Of two of the same second the one whose name sorts last, so that every look takes the same.
    let newest = usable.filter(in_time).max_by_key(|point| (point.created_at, &point.arn));
    newest.ok_or_else(|| {
        let limit = not_after.map_or(String::new(), |limit| format!(" at or before {limit}"));
        format!("the vault has no completed recovery point of it{limit}; it has {}", told(points))
    })
}

/// What there is, by status: `2 PARTIAL, 1 EXPIRED`.
fn told(points: &[RecoveryPointSeen]) -> String {
    let mut by_status: BTreeMap<&str, u32> = BTreeMap::new();
    for point in points {
        *by_status.entry(point.status.as_str()).or_default() += 1;
    }
    let said: Vec<String> = by_status.iter().map(|(status, count)| format!("{count} {status}")).collect();
    if said.is_empty() { "none at all".into() } else { said.join(", ") }
}

/// What restoring this point loses: everything that was written from its creation up to the incident, which lies between the last good look
/// and the first failing one.
pub fn loss(point: &RecoveryPointSeen, incident_at: Timestamp, last_healthy_at: Option<Timestamp>) -> DataLoss {
    let seconds = |from: Timestamp, to: Timestamp| {
        SignedDuration::from_millis(to.as_millisecond() - from.as_millisecond()).as_secs_f64().max(0.0)
    };
    let rpo_seconds = seconds(point.created_at, incident_at);
    let unseen_seconds = last_healthy_at.map_or(0.0, |last| seconds(last, incident_at));
    let doubt_seconds = unseen_seconds.min(DOUBT_SECONDS_MAX).min(rpo_seconds);
    let lag_seconds = rpo_seconds - doubt_seconds;
    DataLoss { recovery_point_at: point.created_at, rpo_seconds, lag_seconds, doubt_seconds }
}

fn wait(reason: String, after_seconds: u32) -> Decision {
    Decision::Next(Next::Wait { reason, after_seconds })
}

fn fail(name: FailureName, wanted: &Wanted<'_>, what: &str, now: &str, next: &str) -> Decision {
    Decision::Next(Next::Fail(Box::new(Failure::new(name, wanted.identifier, what).now(now).next(next))))
}

#[cfg(test)]
mod tests;
