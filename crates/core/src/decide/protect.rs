//! How replication is rebuilt towards the Region that does not serve: pure, total.
//!
//! What was the primary there has data of its own since the Regions parted, so nothing can follow in its place: it is set aside under
//! another name - it is never deleted - and a new replica of the serving instance takes its name.

use crate::decide::readiness::is_source;
use crate::decide::replica::is_lost;
use crate::observed::InstanceObserved;
use crate::{Failure, FailureName};

/// How long an accepted call may stay unseen before it counts as lost: RDS shows `renaming` and `creating` within seconds.
pub const ACCEPTED_GRACE_SECONDS: i64 = 60;
const LOOK_SECONDS: u32 = 5;

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It replicates.
    Done(String),
    /// Look again.
    Wait {
        /// What it waits for.
        reason: String,
        /// When to look again.
        after_seconds: u32,
    },
    /// Give the old primary another name.
    SetAside,
    /// Make a replica under its name.
    CreateReplica,
    /// It cannot be done.
    Fail(Box<Failure>),
}

/// What is known of one pair.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The serving instance's identifier.
    pub source_identifier: &'a str,
    /// The serving instance.
    pub source: Option<&'a InstanceObserved>,
    /// The identifier of the replica to be, which is the old primary's.
    pub follower_identifier: &'a str,
    /// Who has that identifier.
    pub follower: Option<&'a InstanceObserved>,
    /// For how many seconds a renaming has been on its way, by the journal.
    pub set_aside_seconds_ago: Option<i64>,
    /// For how many seconds the making of a replica has been on its way, by the journal.
    pub created_seconds_ago: Option<i64>,
}

/// Decides from both instances.
pub fn decide(pair: &Pair<'_>) -> Decision {
    if let Some(decision) = source_stands_in_the_way(pair) {
        return decision;
    }
    let recent = |ago: Option<i64>| ago.is_some_and(|ago| ago <= ACCEPTED_GRACE_SECONDS);
    let Some(follower) = pair.follower else {
        return if recent(pair.created_seconds_ago) {
            wait("the new replica is not seen yet")
        } else {
            Decision::CreateReplica
        };
    };
    let state = &follower.state;
    if is_lost(&state.status) {
        return fail(
            pair.follower_identifier,
            format!("is `{}`: it can neither follow nor be renamed", state.status),
            "mend it, or rename it by hand, and run protect again",
        );
    }
    match &state.source {
        Some(source) if is_source(source, pair.source_identifier) => {
            follows(state.status.as_str(), state.replication.as_deref())
        }
        Some(source) => fail(
            pair.follower_identifier,
            format!("replicates {source}, not {}", pair.source_identifier),
            "correct the plan, or set the instance aside by hand",
        ),
        None => match state.status.as_str() {
            "available" if recent(pair.set_aside_seconds_ago) => wait("the old primary's new name is not seen yet"),
            "available" => Decision::SetAside,
            "stopped" => fail(
                pair.follower_identifier,
                "is `stopped`: RDS renames only what is available".into(),
                "start it, and run protect again",
            ),
            status => wait(format!("the old primary is `{status}`")),
        },
    }
}

/// Who serves must be a whole primary, or a replica of it would be worth nothing.
fn source_stands_in_the_way(pair: &Pair<'_>) -> Option<Decision> {
    let id = pair.source_identifier;
    let Some(source) = pair.source else {
        return Some(fail(id, "there is no such DB instance in the Region that serves".into(), "correct the plan"));
    };
    if let Some(of) = &source.state.source {
        let what = format!("is itself a replica of {of}: there is nothing to protect");
        return Some(fail(id, what, "nothing, if the workload was not failed over"));
    }
    if source.state.backup_retention_days == 0 {
        let what = "has no automated backups, and RDS makes no replica of such an instance".into();
        return Some(fail(id, what, "give it a backup retention of at least 1 day, and run protect again"));
    }
    // A source that is busy (a backup) may have replicas, but a new one waits for it.
    (source.state.status != "available" && pair.follower.is_none())
        .then(|| wait(format!("{id} is `{}`", source.state.status)))
}

fn follows(status: &str, replication: Option<&str>) -> Decision {
    match (status, replication) {
        ("available", Some("replicating")) => Decision::Done("follows, and replicates".into()),
        ("available", other) => wait(format!("replication is `{}`", other.unwrap_or("not reported"))),
        (status, _) => wait(format!("the new replica is `{status}`")),
    }
}

fn wait(reason: impl Into<String>) -> Decision {
    Decision::Wait { reason: reason.into(), after_seconds: LOOK_SECONDS }
}

fn fail(resource: &str, what: String, next: &str) -> Decision {
    let failure = Failure::new(FailureName::ProtectFailed, resource, what)
        .now("the workload serves as before, without a replica in the other Region")
        .next(next);
    Decision::Fail(Box::new(failure))
}

/// The name an old primary is set aside under: its own, and the generation of the run that did it, in RDS's 63 characters.
pub fn aside_identifier(identifier: &str, generation: u64) -> String {
    let suffix = format!("-aside-{generation}");
    let kept: String = identifier.chars().take(63 - suffix.len()).collect();
    // RDS refuses a double hyphen.
    format!("{}{suffix}", kept.trim_end_matches('-'))
}

/// How a person deletes an instance that was set aside: deletion protection lifted, then deleted with a final snapshot. No role of Pilot Light
/// may delete one, so whoever does it answers for it by name (CloudTrail), and RDS deletes nothing before the snapshot is whole
/// (RDS API reference, `DeleteDBInstance`).
pub fn delete_commands(region: &str, identifier: &str) -> [String; 2] {
    let rds = |command: &str| format!("aws rds {command} --region {region} --db-instance-identifier {identifier}");
    [
        format!("{} --no-deletion-protection --apply-immediately", rds("modify-db-instance")),
        format!(
            "{} --no-skip-final-snapshot --final-db-snapshot-identifier {identifier}-final",
            rds("delete-db-instance")
        ),
    ]
}

#[cfg(test)]
mod tests;
