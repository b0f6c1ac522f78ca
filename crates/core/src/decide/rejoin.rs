//! An old Aurora primary comes back by itself after a failover: has it, and is what it had not replicated safe? Pure, total.
//!
//! Aurora keeps the data that was written and not replicated in an automated snapshot, for as long as backup retention lasts (Aurora user
//! guide, "Recovering an Amazon Aurora global database from an unplanned outage"): a copy made by hand stays until somebody deletes it.

use crate::observed::{ClusterSnapshotObserved, GlobalClusterObserved};
use crate::plan::sha256_hex;
use crate::{Failure, FailureName};

/// How the snapshots of lost data are called.
const LOST_DATA: &str = "rds:unplanned-global-failover-";
/// How their copies are called.
const KEPT: &str = "kept-unplanned-global-failover-";
/// A snapshot made by hand has a shorter name than an automated one may have (RDS API reference, `CopyDBClusterSnapshot`).
const IDENTIFIER_CHARS_MAX: usize = 63;
/// So much of a hash tells two names apart that were cut to the same end.
const HASH_CHARS: usize = 8;
const LOOK_SECONDS: u32 = 5;

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It follows, and every snapshot of lost data has a copy.
    Done {
        /// The copies.
        kept: Vec<String>,
    },
    /// Look again.
    Wait {
        /// What it waits for.
        reason: String,
        /// When to look again.
        after_seconds: u32,
    },
    /// Copy this snapshot under this identifier.
    Copy {
        /// The automated one's ARN.
        source_arn: String,
        /// The copy's identifier.
        identifier: String,
    },
    /// It cannot be done.
    Fail(Box<Failure>),
}

/// Decides from the global cluster, and from the snapshots of the cluster that is to follow. `follower` is its identifier, in `region`.
pub fn decide(
    global_cluster: &str,
    (follower, region): (&str, &str),
    observed: Option<&GlobalClusterObserved>,
    snapshots: &[ClusterSnapshotObserved],
) -> Decision {
    let Some(global) = observed else {
        return fail(global_cluster, "there is no such global cluster".into(), "correct the plan");
    };
    // Before anything else: retention does not wait for the cluster.
    if let Some(copy) = to_copy(snapshots) {
        return copy;
    }
    if let Some(moving) = &global.failover_state {
        return wait(format!("the global cluster is still `{}`", moving.status));
    }
    match global.member(follower, region) {
        None => fail(
            follower,
            format!("is no member of global cluster {global_cluster} any more: it will not come back by itself"),
            "delete the old cluster once its data is kept, and add a new secondary of that name; then run protect again",
        ),
        Some(member) if member.is_writer => fail(
            follower,
            "is the writer: the workload was not failed over".into(),
            "nothing, if that is as it should be",
        ),
        Some(member) if member.synchronization.as_deref() == Some("connected") => match unfinished(snapshots) {
            Some(reason) => wait(reason),
            None => Decision::Done { kept: copies(snapshots).map(|copy| copy.identifier.clone()).collect() },
        },
        Some(member) => wait(format!(
            "{follower} comes back by itself, it is `{}`",
            member.synchronization.as_deref().unwrap_or("not reported")
        )),
    }
}

/// The identifier of the copy of an automated snapshot: without the colon, which only automated ones have, and always the same for the
/// same snapshot. Of a name that is too long the end stays, which is the time.
fn copy_of(snapshot: &ClusterSnapshotObserved) -> Option<String> {
    let rest = snapshot.identifier.strip_prefix(LOST_DATA)?;
    let whole = format!("{KEPT}{rest}");
    if whole.len() <= IDENTIFIER_CHARS_MAX {
        return Some(whole);
    }
    let hash: String = sha256_hex(rest.as_bytes()).chars().take(HASH_CHARS).collect();
    let room = IDENTIFIER_CHARS_MAX - KEPT.len() - HASH_CHARS - 1;
    let end: String = rest.chars().skip(rest.chars().count().saturating_sub(room)).collect();
    Some(format!("{KEPT}{hash}-{}", end.trim_start_matches('-')))
}

fn to_copy(snapshots: &[ClusterSnapshotObserved]) -> Option<Decision> {
    let there = |identifier: &String| snapshots.iter().any(|snapshot| snapshot.identifier == *identifier);
    snapshots.iter().filter(|snapshot| snapshot.status == "available").find_map(|snapshot| {
        let identifier = copy_of(snapshot).filter(|identifier| !there(identifier))?;
        Some(Decision::Copy { source_arn: snapshot.arn.clone(), identifier })
    })
}

fn copies(snapshots: &[ClusterSnapshotObserved]) -> impl Iterator<Item = &ClusterSnapshotObserved> {
    snapshots.iter().filter(|snapshot| snapshot.identifier.starts_with(KEPT))
}

/// A snapshot, or a copy of one, that is still being made.
fn unfinished(snapshots: &[ClusterSnapshotObserved]) -> Option<String> {
    let ours =
        |snapshot: &&ClusterSnapshotObserved| copy_of(snapshot).is_some() || copies(snapshots).any(|c| c == *snapshot);
    let open = snapshots.iter().filter(ours).find(|snapshot| snapshot.status != "available")?;
    Some(format!("snapshot {} is `{}`", open.identifier, open.status))
}

fn wait(reason: String) -> Decision {
    Decision::Wait { reason, after_seconds: LOOK_SECONDS }
}

fn fail(resource: &str, what: String, next: &str) -> Decision {
    let failure = Failure::new(FailureName::ProtectFailed, resource, what)
        .now("the workload serves as before, without a replica in the other Region")
        .next(next);
    Decision::Fail(Box::new(failure))
}

#[cfg(test)]
mod tests;
