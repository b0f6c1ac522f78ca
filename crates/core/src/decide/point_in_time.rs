//! A restore to a point in time: may it be begun, has it been, and what does it lose?
//!
//! AWS behaviour relied on (RDS API reference, `RestoreDBClusterToPointInTime`; DynamoDB API reference, `RestoreTableToPointInTime`): the call
//! makes a new cluster or table beside the original and refuses a name that is taken, so a lost answer can be asked again without harm; a
//! time outside of the window of restorable times is refused. What comes after it is [`super::restored`].

use jiff::{SignedDuration, Timestamp};

use super::data_loss::{DOUBT_SECONDS_MAX, DataLoss};
use super::restored::{Next, Wanted, next};
use crate::observed::{RestorableObserved, RestorableWindow, RestoredObserved};
use crate::plan::RestoreToPointInTime;
use crate::{Failure, FailureName};

/// What the plan wants of the restored database.
pub fn wanted(component: &RestoreToPointInTime) -> Wanted<'_> {
    Wanted {
        kind: component.restored_kind(),
        identifier: &component.restored_identifier,
        instances: &component.instances,
        settings: &component.settings,
    }
}

/// The time that is restored to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The latest that AWS can restore to when it is asked; at least this one.
    Latest(Timestamp),
    /// The plan's.
    At(Timestamp),
}

impl Point {
    /// Everything that was written up to here is restored.
    pub fn at(self) -> Timestamp {
        match self {
            Point::Latest(at) | Point::At(at) => at,
        }
    }
}

/// Why there is no point to restore to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoPoint {
    /// It will be there: look again.
    NotYet(String),
    /// It will not, and what to mend.
    Never {
        /// What is wrong.
        what: String,
        /// What to do.
        next: &'static str,
    },
}

/// The point that the plan wants, if the original has it. `None`: there is no such original.
///
/// # Errors
/// Why there is none.
pub fn choose(component: &RestoreToPointInTime, observed: Option<&RestorableObserved>) -> Result<Point, NoPoint> {
    let (kind, source) = (component.restored_kind().as_str(), component.source_identifier());
    let never = |what: String, next| Err(NoPoint::Never { what, next });
    let Some(original) = observed else {
        return never(format!("the Region has no {kind} {source}"), "correct resourceArn in the plan");
    };
    let Some(RestorableWindow { earliest, latest }) = original.window else {
        return never(
            format!("the {kind} {source} keeps no points in time"),
            "switch point-in-time recovery on; until it has run nothing can be restored",
        );
    };
    match component.restore_to() {
        None => Ok(Point::Latest(latest)),
        Some(at) if at < earliest => never(
            format!("{source} can be restored to {earliest} and later, not to {at}"),
            "correct restoreTo, or restore from a backup that reaches so far back",
        ),
        Some(at) if at > latest => {
            Err(NoPoint::NotYet(format!("{source} can be restored up to {latest} so far, not yet to {at}")))
        }
        Some(at) => Ok(Point::At(at)),
    }
}

/// What restoring to this time loses: everything that was written from it up to the incident, which lies between the last good look and
/// the first failing one.
pub fn loss(point: Point, incident_at: Timestamp, last_healthy_at: Option<Timestamp>) -> DataLoss {
    let seconds = |from: Timestamp, to: Timestamp| {
        SignedDuration::from_millis(to.as_millisecond() - from.as_millisecond()).as_secs_f64().max(0.0)
    };
    let rpo_seconds = seconds(point.at(), incident_at);
    let unseen_seconds = last_healthy_at.map_or(0.0, |last| seconds(last, incident_at));
    let doubt_seconds = unseen_seconds.min(DOUBT_SECONDS_MAX).min(rpo_seconds);
    DataLoss { recovery_point_at: point.at(), rpo_seconds, lag_seconds: rpo_seconds - doubt_seconds, doubt_seconds }
}

/// How far the restore is, by the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It was not asked for, or that was refused.
    Not,
    /// It was asked for so many seconds ago, and the answer was lost.
    Unanswered {
        /// Since when.
        seconds_ago: i64,
    },
    /// It was accepted so many seconds ago.
    Accepted {
        /// Since when.
        seconds_ago: i64,
    },
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Ask for the restore to this point.
    Restore(Point),
    /// Ask once more for what the journal says.
    AskAgain,
    /// As with any restored database.
    Next(Next),
}

/// For so long an accepted restore may not be seen.
pub const UNSEEN_SECONDS_MAX: i64 = 180;
/// For so long a restore whose answer was lost is looked for before it is asked for again.
pub const UNANSWERED_GRACE_SECONDS: i64 = 60;

/// Decides from the original, the restored database and, in the order of the plan, its instances (`None`: not there).
pub fn decide(
    component: &RestoreToPointInTime,
    begun: Begun,
    original: Option<&RestorableObserved>,
    made: Option<&RestoredObserved>,
    instances: &[Option<RestoredObserved>],
) -> Decision {
    let wanted = wanted(component);
    let (kind, id) = (wanted.kind.as_str(), wanted.identifier);
    match (begun, made) {
        (Begun::Not, Some(_)) => fail(
            FailureName::PromotionRefused,
            id,
            &format!("a {kind} of that name is there already, and this run did not make it"),
            "nothing was restored",
            "name another restoredIdentifier in the plan, or take that one out of the way",
        ),
        // The name was free when it was asked for.
        (Begun::Unanswered { .. } | Begun::Accepted { .. }, Some(made)) => {
            Decision::Next(next(&wanted, made, instances))
        }
        (Begun::Not, None) => match choose(component, original) {
            Ok(point) => Decision::Restore(point),
            Err(NoPoint::NotYet(reason)) => wait(reason, 5),
            Err(NoPoint::Never { what, next }) => {
                fail(FailureName::PromotionFailed, component.source_identifier(), &what, "nothing was restored", next)
            }
        },
        (Begun::Unanswered { seconds_ago }, None) if seconds_ago <= UNANSWERED_GRACE_SECONDS => {
            wait("the restore was asked for, its answer was lost, and it is not to be seen yet".into(), 3)
        }
        (Begun::Unanswered { .. }, None) => Decision::AskAgain,
        (Begun::Accepted { seconds_ago }, None) if seconds_ago <= UNSEEN_SECONDS_MAX => {
            wait(format!("the restore was accepted, and {id} is not to be seen yet"), 2)
        }
        (Begun::Accepted { seconds_ago }, None) => fail(
            FailureName::PromotionFailed,
            id,
            &format!("{seconds_ago} seconds after the restore was accepted there is no such {kind}"),
            "the original is as it was; no second restore was tried",
            "see the events of the original, and who may have deleted the restored one",
        ),
    }
}

fn wait(reason: String, after_seconds: u32) -> Decision {
    Decision::Next(Next::Wait { reason, after_seconds })
}

fn fail(name: FailureName, resource: &str, what: &str, now: &str, next: &str) -> Decision {
    Decision::Next(Next::Fail(Box::new(Failure::new(name, resource, what).now(now).next(next))))
}

#[cfg(test)]
mod tests;
