//! An ElastiCache global datastore on its way to having its primary in the recovery Region, and back again.
//!
//! AWS behaviour relied on (ElastiCache API reference, `FailoverGlobalReplicationGroup`, `GlobalReplicationGroup`): the group that is named
//! becomes primary and all others become secondary; a datastore that is not `available`, or is `primary-only`, refuses. The call only begins
//! the change: the datastore is `modifying` for as long as it lasts (ElastiCache user guide, "Using Global Datastores"). ElastiCache never
//! begins one by itself. Moved means: the group's role is `PRIMARY` **and** the datastore is `available` again.
//!
//! Nothing in a cache is a record, and the same call leads back: so this is **no pivot**. What was written in between may be lost by the way
//! back, as what had not arrived was lost by the way out.

use crate::decide::cache::{Standing, standing};
use crate::observed::{CacheObserved, DatastoreMember, DatastoreObserved};
use crate::plan::ElastiCacheGlobal;
use crate::{Failure, FailureName};

/// How long after an accepted call the datastore may still read as if nothing had been asked of it.
pub const ACCEPTED_GRACE_SECONDS: i64 = 120;

/// How long a call may stay unseen whose answer was lost, or that is to be undone.
pub const UNSEEN_GRACE_SECONDS: i64 = ACCEPTED_GRACE_SECONDS / 4;

/// What to do with the datastore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The recovery group is its primary, and nothing is on the move.
    Done,
    /// Fail it over to the recovery group.
    FailOver,
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

/// Whether anything may be asked of a datastore, by its status.
enum Rest {
    /// `available`.
    Available,
    /// `primary-only`: nobody follows its primary.
    Alone,
    /// It will not come back.
    Lost,
    /// Anything else, a word that nobody knows too.
    OnTheMove,
}

fn rest(datastore: &DatastoreObserved) -> Rest {
    match datastore.status.as_str() {
        "available" => Rest::Available,
        "primary-only" => Rest::Alone,
        "deleting" | "deleted" => Rest::Lost,
        _ => Rest::OnTheMove,
    }
}

/// Whether this group is primary, and nothing is on the move. One whose secondaries have left takes writes as well.
pub fn is_settled_primary(datastore: &DatastoreObserved, group: &str, region: &str) -> bool {
    let is_primary = datastore.member(group, region).is_some_and(|member| member.is_primary);
    is_primary && matches!(rest(datastore), Rest::Available | Rest::Alone)
}

/// Decides from the datastore as described (`None`: the recovery Region knows no such one), and the seconds since a failover was accepted in
/// this run, if one was.
pub fn decide(
    component: &ElastiCacheGlobal,
    recovery_region: &str,
    observed: Option<&DatastoreObserved>,
    accepted_seconds_ago: Option<i64>,
) -> Decision {
    let (id, recovery) = (&component.global_replication_group_id, &component.recovery_replication_group_id);
    let Some(datastore) = observed else {
        return fail(
            id,
            &unknown(recovery_region),
            "correct globalReplicationGroupId in the plan, or add a secondary there",
        );
    };
    if let Some(Unfit { what, next }) = no_member(component, recovery_region, datastore) {
        return fail(recovery, &what, &next);
    }
    if is_settled_primary(datastore, recovery, recovery_region) {
        return Decision::Done;
    }
    match (rest(datastore), accepted_seconds_ago) {
        (Rest::OnTheMove, _) => wait(format!("the global datastore is `{}`", datastore.status), 3),
        (Rest::Available, Some(ago)) if ago <= ACCEPTED_GRACE_SECONDS => {
            wait("the failover was accepted and has not begun to show".into(), 2)
        }
        (Rest::Available, Some(ago)) => fail(
            id,
            &format!("{ago} seconds after ElastiCache accepted the failover {recovery} is still a secondary"),
            "see the events of both replication groups in the ElastiCache console for why it was given up",
        ),
        (Rest::Available, None) => match fit(datastore.group.as_ref()) {
            Err(Unfit { what, next }) => fail(recovery, &what, &next),
            Ok(group) if group.status == "available" => Decision::FailOver,
            Ok(group) => wait(format!("{recovery} is `{}`, it can take over once it is `available`", group.status), 3),
        },
        (Rest::Alone | Rest::Lost, _) => {
            let Unfit { what, next } = gone(datastore);
            fail(id, &what, &next)
        }
    }
}

/// Why a datastore or a group cannot take over, and what to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) what: String,
    pub(crate) next: String,
}

fn unfit(what: impl Into<String>, next: impl Into<String>) -> Unfit {
    Unfit { what: what.into(), next: next.into() }
}

pub(crate) fn unknown(region: &str) -> String {
    format!("ElastiCache in {region} knows no such global datastore")
}

/// What no waiting mends of a datastore whose primary lies elsewhere.
pub(crate) fn gone(datastore: &DatastoreObserved) -> Unfit {
    match rest(datastore) {
        Rest::Alone => unfit(
            "the global datastore is `primary-only`: no secondary follows its primary, so there is nobody to take over",
            "add a secondary replication group in the recovery Region, and see in its events why there is none",
        ),
        _ => unfit(
            format!("the global datastore is `{}`", datastore.status),
            "make it anew, or correct globalReplicationGroupId",
        ),
    }
}

/// Why the recovery group is not among the members: of the right name in another Region is the likelier slip. A datastore without any
/// secondary says that.
pub(crate) fn no_member(
    component: &ElastiCacheGlobal,
    recovery_region: &str,
    datastore: &DatastoreObserved,
) -> Option<Unfit> {
    let (id, recovery) = (&component.global_replication_group_id, &component.recovery_replication_group_id);
    if datastore.member(recovery, recovery_region).is_some() {
        return None;
    }
    if matches!(rest(datastore), Rest::Alone | Rest::Lost) {
        return Some(gone(datastore));
    }
    let namesakes =
        datastore.members.iter().filter(|member| member.replication_group_id.eq_ignore_ascii_case(recovery));
    let elsewhere: Vec<&str> = namesakes.map(|member| member.region.as_str()).collect();
    let what = if elsewhere.is_empty() {
        let members = datastore.members_said();
        format!("{id} has no member {recovery} in the recovery Region {recovery_region}, its members are {members}")
    } else {
        format!(
            "{recovery} of {id} lies in {}, not in the recovery Region {recovery_region}",
            elsewhere.join(" and in ")
        )
    };
    Some(unfit(what, "correct recoveryReplicationGroupId or regions.recovery in the plan, or add the group"))
}

/// Whether the replication group could take over at all, whatever it is busy with.
pub(crate) fn fit(group: Option<&CacheObserved>) -> Result<&CacheObserved, Unfit> {
    let Some(group) = group else {
        return Err(unfit(
            "its Region has no such replication group",
            "see what became of it in the ElastiCache console",
        ));
    };
    match group.status.as_str() {
        "create-failed" | "deleting" => {
            Err(unfit(format!("the replication group is `{}`", group.status), "make the secondary anew"))
        }
        _ => Ok(group),
    }
}

/// What is still to be seen of a group before it serves; `None`: it does.
pub fn unserving(group: Option<&CacheObserved>) -> Option<String> {
    match group.map(standing) {
        None => Some("its Region has no such replication group".into()),
        Some(Standing::OnItsWay(reason)) => Some(reason),
        Some(Standing::Available) => None,
    }
}

/// What the undo of a failover does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// Nothing is left to undo, and why.
    Done(String),
    /// Fail it over again, to the group that was primary before.
    FailBack,
    /// Look again: what it waits for.
    Wait(String),
    /// It cannot be undone: why.
    Fail(String),
}

/// Decides the undo of a failover, as the recovery Region sees the datastore. `before`: the group that was primary, and its Region.
/// `asked_seconds_ago`: since the failover that is undone was asked for, which may not have begun to show.
pub fn decide_undo(observed: Option<&DatastoreObserved>, before: (&str, &str), asked_seconds_ago: i64) -> Undo {
    let (group, region) = before;
    let Some(datastore) = observed else {
        return Undo::Fail("the recovery Region knows no such global datastore any more".into());
    };
    match rest(datastore) {
        Rest::OnTheMove => Undo::Wait(format!("the global datastore is `{}`", datastore.status)),
        _ if is_settled_primary(datastore, group, region) => {
            if matches!(rest(datastore), Rest::Available) && asked_seconds_ago <= UNSEEN_GRACE_SECONDS {
                return Undo::Wait(format!("{group} is primary; the failover that is undone may yet begin to show"));
            }
            Undo::Done(format!("{group} of {region} is primary, as before the run"))
        }
        Rest::Available => match datastore.member(group, region) {
            Some(_) => Undo::FailBack,
            None => Undo::Fail(format!(
                "{group} of {region}, which was primary, is no member any more: its members are {}",
                datastore.members_said()
            )),
        },
        Rest::Alone | Rest::Lost => Undo::Fail(format!(
            "the global datastore is `{}`: {group} of {region} cannot take it back",
            datastore.status
        )),
    }
}

/// How the old primary's group stands, once the other Region serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejoin {
    /// It follows.
    Done,
    /// Look again: what it waits for.
    Wait(String),
    /// It will not follow by itself.
    Fail(Box<Failure>),
}

/// Decides from the datastore as the follower's own Region sees it. `component` is the mirror image: its recovery group is the follower.
/// ElastiCache makes the old primary a secondary by itself, so there is nothing to rebuild.
pub fn rejoin(component: &ElastiCacheGlobal, region: &str, observed: Option<&DatastoreObserved>) -> Rejoin {
    let (id, follower) = (&component.global_replication_group_id, &component.recovery_replication_group_id);
    let Some(datastore) = observed else {
        return not_protected(
            id,
            unknown(region),
            "correct the plan, or add a secondary in that Region; then run protect again",
        );
    };
    match (rest(datastore), datastore.member(follower, region).map(DatastoreMember::is_follower)) {
        (Rest::OnTheMove, _) => Rejoin::Wait(format!("the global datastore is `{}`", datastore.status)),
        (Rest::Alone | Rest::Lost, _) => {
            let Unfit { what, next } = gone(datastore);
            not_protected(id, what, &next)
        }
        (Rest::Available, None) => not_protected(
            follower,
            format!(
                "is no member of {id} any more: it will not follow by itself, the members are {}",
                datastore.members_said()
            ),
            "delete the old group, and add a new secondary of that name; then run protect again",
        ),
        (Rest::Available, Some(false)) => not_protected(
            follower,
            format!("is the primary of {id}: it was not failed over"),
            "nothing, if that is as it should be",
        ),
        (Rest::Available, Some(true)) => match fit(datastore.group.as_ref()) {
            Err(Unfit { what, next }) => not_protected(follower, what, &next),
            Ok(_) => unserving(datastore.group.as_ref())
                .map_or(Rejoin::Done, |why| Rejoin::Wait(format!("{follower}: {why}"))),
        },
    }
}

fn not_protected(resource: &str, what: String, next: &str) -> Rejoin {
    let failure = Failure::new(FailureName::ProtectFailed, resource, what)
        .now("the cache serves as before, without a secondary in the other Region")
        .next(next);
    Rejoin::Fail(Box::new(failure))
}

fn wait(reason: String, after_seconds: u32) -> Decision {
    Decision::Wait { reason, after_seconds }
}

fn fail(resource: &str, what: &str, next: &str) -> Decision {
    let failure = Failure::new(FailureName::PromotionFailed, resource, what);
    Decision::Fail(Box::new(failure.now("the global datastore was left as it is").next(next)))
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
