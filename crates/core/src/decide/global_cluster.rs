//! An Aurora global database on its way to having its writer in the recovery Region.
//!
//! AWS behaviour relied on (RDS API reference, `FailoverGlobalCluster`, `SwitchoverGlobalCluster`, `GlobalCluster`): neither call can be
//! undone; both only begin the change, which shows in `FailoverState` for as long as it lasts. A cluster that reads `available` proves
//! nothing. Moved means: the target's `IsWriter` is true **and** `FailoverState` is empty (that a write works is proven by `validate`).
//! A secondary without an instance, or of another engine version than the writer, is no target.

use crate::observed::{ClusterObserved, GlobalClusterObserved, GlobalMember};
use crate::{Failure, FailureName};

/// What the plan wants, and how.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The global database's identifier.
    pub global_cluster: &'a str,
    /// The recovery cluster's identifier.
    pub recovery_cluster: &'a str,
    /// The recovery Region.
    pub recovery_region: &'a str,
    /// A switchover, which needs a healthy global database and loses nothing; otherwise a failover, which allows data loss.
    pub planned: bool,
}

/// What to do with the global database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The recovery cluster is its writer, and nothing is on the move.
    Done,
    /// Ask for a failover to this cluster, in the recovery Region.
    FailOver {
        /// The recovery cluster's ARN.
        target_arn: String,
    },
    /// Ask for a switchover to this cluster, in the Region of the writer.
    SwitchOver {
        /// The recovery cluster's ARN.
        target_arn: String,
        /// Where the writer is now.
        writer_region: String,
    },
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

/// How long after an accepted call the global database may still read as if nothing had been asked of it.
pub const ACCEPTED_GRACE_SECONDS: i64 = 180;

/// Decides from the global database as described (`None`: RDS knows no such one), and the seconds since a change was accepted in this
/// run, if one was.
pub fn decide(
    target: &Target<'_>,
    observed: Option<&GlobalClusterObserved>,
    accepted_seconds_ago: Option<i64>,
) -> Decision {
    let Some(global) = observed else {
        let what = "RDS knows no such global cluster in the recovery Region";
        return fail(target.global_cluster, what, UNTOUCHED, "correct globalClusterIdentifier in the plan");
    };
    if let Some(state) = &global.failover_state {
        let to = state.to_arn.as_deref().map_or(String::new(), |arn| format!(", to {arn}"));
        return wait(format!("the global cluster is on the move: `{}`{to}", state.status), 2);
    }
    let Some(member) = global.member(target.recovery_cluster, target.recovery_region) else {
        return fail(target.recovery_cluster, &no_member(target, global), UNTOUCHED, NO_MEMBER_NEXT);
    };
    match accepted_seconds_ago {
        _ if member.is_writer => Decision::Done,
        Some(ago) if ago <= ACCEPTED_GRACE_SECONDS => {
            wait("the change was accepted and has not begun to show".into(), 1)
        }
        Some(ago) => fail(
            target.global_cluster,
            &format!("{ago} seconds after RDS accepted the change {} is still a secondary", target.recovery_cluster),
            "nothing is on the move; no second change was tried",
            "see the events of both clusters in the RDS console for why RDS gave the change up",
        ),
        None => begin(target, global, member),
    }
}

const UNTOUCHED: &str = "the global cluster is as it was; nothing was promoted";
const NO_MEMBER_NEXT: &str = "correct recoveryClusterIdentifier or regions.recovery in the plan, or add the cluster";

/// Nothing was asked for yet: may it be?
fn begin(target: &Target<'_>, global: &GlobalClusterObserved, member: &GlobalMember) -> Decision {
    let recovery = match fit(global) {
        Ok(recovery) => recovery,
        Err(Unfit { what, next }) => return fail(target.recovery_cluster, &what, UNTOUCHED, &next),
    };
    if recovery.status != "available" {
        return wait(format!("still `{}`, it can take over once it is `available`", recovery.status), 3);
    }
    let target_arn = member.arn.clone();
    if !target.planned {
        return Decision::FailOver { target_arn };
    }
    // AWS switches over a healthy global database only.
    if global.status != "available" {
        return wait(format!("the global cluster is `{}`, a switchover needs it `available`", global.status), 3);
    }
    match member.synchronization.as_deref() {
        Some("connected") => {}
        word => return wait(format!("the secondary is {}, a switchover needs it `connected`", quoted(word)), 3),
    }
    match global.members.iter().find(|member| member.is_writer) {
        Some(writer) => Decision::SwitchOver { target_arn, writer_region: writer.region().to_owned() },
        None => fail(
            target.global_cluster,
            "none of its clusters is the writer, a switchover has nothing to switch from",
            UNTOUCHED,
            "see the global cluster in the RDS console; a failover (with data loss) needs no writer",
        ),
    }
}

/// Why a recovery cluster cannot take over, and what to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) what: String,
    pub(crate) next: String,
}

/// Whether the recovery cluster could take over at all, whatever it is busy with.
pub(crate) fn fit(global: &GlobalClusterObserved) -> Result<&ClusterObserved, Unfit> {
    let unfit = |what: String, next: &str| Err(Unfit { what, next: next.to_owned() });
    let Some(recovery) = &global.recovery else {
        return unfit("the recovery Region has no such DB cluster".into(), NO_MEMBER_NEXT);
    };
    if is_lost(&recovery.status) {
        return unfit(format!("the cluster is `{}`", recovery.status), "mend the cluster or make the secondary anew");
    }
    if recovery.instances.is_empty() {
        let what = "the secondary has no instance: Aurora does not fail over to it".to_owned();
        return unfit(what, "add a DB instance to the cluster");
    }
    match (&recovery.engine_version, &global.engine_version) {
        (Some(secondary), Some(writer)) if secondary != writer => unfit(
            format!("the secondary runs engine version {secondary}, the global cluster {writer}"),
            "upgrade the clusters of the global database to one version",
        ),
        _ => Ok(recovery),
    }
}

/// Why the recovery cluster is not among the members: of the right name in another Region is the likelier slip.
pub(crate) fn no_member(target: &Target<'_>, global: &GlobalClusterObserved) -> String {
    let (cluster, region) = (target.recovery_cluster, target.recovery_region);
    let id = target.global_cluster;
    let namesakes = global.members.iter().filter(|member| member.identifier().eq_ignore_ascii_case(cluster));
    let elsewhere: Vec<&str> = namesakes.map(GlobalMember::region).collect();
    if elsewhere.is_empty() {
        let members = global.members_said();
        return format!("{id} has no member {cluster} in the recovery Region {region}, its members are {members}");
    }
    format!("{cluster} of {id} lies in {}, not in the recovery Region {region}", elsewhere.join(" and in "))
}

/// Statuses from which a cluster does not come back by itself (Aurora user guide, "Viewing DB cluster status").
pub(crate) fn is_lost(status: &str) -> bool {
    matches!(status, "cloning-failed" | "deleting" | "migration-failed" | "stopped" | "stopping")
        || status.starts_with("inaccessible-")
}

fn quoted(word: Option<&str>) -> String {
    word.map_or("without a synchronization status".into(), |word| format!("`{word}`"))
}

fn wait(reason: String, after_seconds: u32) -> Decision {
    Decision::Wait { reason, after_seconds }
}

fn fail(resource: &str, what: &str, now: &str, next: &str) -> Decision {
    Decision::Fail(Box::new(Failure::new(FailureName::PromotionFailed, resource, what).now(now).next(next)))
}

#[cfg(test)]
mod tests;
