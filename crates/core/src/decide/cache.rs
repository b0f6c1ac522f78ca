//! An ElastiCache replication group on its way into being, and out of it again.
//!
//! AWS behaviour relied on (ElastiCache API reference, `CreateReplicationGroup`, `DescribeReplicationGroups`, `DeleteReplicationGroup`): a
//! group is `creating` without node groups, then `available`; a second one of the same id is refused; only one that is `available` (or
//! `create-failed`) can be deleted, and it is `deleting` until it is gone. Ids are kept in lower case.
//!
//! Nothing in a cache is a record: making one anew loses nothing that counts, and deleting the one that this run made undoes it whole. So
//! this is **no pivot**.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::decide::data_loss::DataLoss;
use crate::observed::CacheObserved;
use crate::plan::ElastiCache;
use crate::{Failure, FailureName};

/// The tag that says which run made a group. Its value is a run's id.
pub const RUN_TAG: &str = "pilot-light:run";

/// How long after an accepted call the group may still read as if it were not there.
pub const ACCEPTED_GRACE_SECONDS: i64 = 120;

/// What to do with the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is there, available with every node group, and as the plan says.
    Done,
    /// Create it.
    Create,
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

/// Decides from the group as described (`None`: ElastiCache knows no such one), and the seconds since its creation was accepted in this run,
/// if it was.
pub fn decide(
    component: &ElastiCache,
    observed: Option<&CacheObserved>,
    accepted_seconds_ago: Option<i64>,
) -> Decision {
    let id = &component.replication_group_id;
    let Some(group) = observed else {
        return match accepted_seconds_ago {
            None => Decision::Create,
            Some(ago) if ago <= ACCEPTED_GRACE_SECONDS => {
                wait("the creation was accepted and has not begun to show".into(), 2)
            }
            Some(ago) => fail(
                id,
                &format!("{ago} seconds after ElastiCache accepted the creation there is no such group"),
                "the group is not there; no second one was created",
                "see the events of the group in the ElastiCache console for who deleted it",
            ),
        };
    };
    if let Some(Unfit { what, next }) = unfit(component, group) {
        return fail(id, &what, "the group was left as it is", &next);
    }
    if group.status == "deleting" {
        return wait("a group of that id is being deleted, its id is free after that".into(), 10);
    }
    match standing(group) {
        Standing::Available => Decision::Done,
        Standing::OnItsWay(reason) => wait(reason, 5),
    }
}

/// What the making of a cache loses: nothing that counts. `at`: up to when.
pub fn nothing_lost(at: Timestamp) -> DataLoss {
    DataLoss { recovery_point_at: at, rpo_seconds: 0.0, lag_seconds: 0.0, doubt_seconds: 0.0 }
}

/// Whether a group serves.
pub(crate) enum Standing {
    Available,
    OnItsWay(String),
}

pub(crate) fn standing(group: &CacheObserved) -> Standing {
    if group.status != "available" {
        return Standing::OnItsWay(format!("the group is `{}`", group.status));
    }
    match group.node_groups.iter().find(|shard| shard.status != "available") {
        _ if group.node_groups.is_empty() => {
            Standing::OnItsWay("the group is `available` and tells no node group yet".into())
        }
        Some(shard) => Standing::OnItsWay(format!("node group {} is `{}`", shard.id, shard.status)),
        None => Standing::Available,
    }
}

/// Why the group that is there will not do, and what to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) what: String,
    pub(crate) next: String,
}

/// What no waiting mends. Settings are compared once nothing is on the move.
pub(crate) fn unfit(component: &ElastiCache, group: &CacheObserved) -> Option<Unfit> {
    let unfit = |what: String, next: &str| Some(Unfit { what, next: next.to_owned() });
    if group.status == "create-failed" {
        let next = "see the group's events for why (subnets, limits, capacity of the node type), and delete it";
        return unfit("the group is `create-failed`".into(), next);
    }
    if let Some(datastore) = &group.secondary_of {
        let next = "disassociate it, or name another replicationGroupId in the plan";
        return unfit(
            format!("the group is a secondary of the global datastore {datastore} and takes no writes"),
            next,
        );
    }
    if matches!(standing(group), Standing::OnItsWay(_)) {
        return None;
    }
    let differences = differences(component, group);
    if differences.is_empty() {
        return None;
    }
    let what = format!("the group that is there is not as the plan says: {}", differences.join("; "));
    unfit(what, "change the group or the plan, or delete the group: it is created anew then")
}

/// Every setting that the plan states and the group has not, for people.
pub(crate) fn differences(component: &ElastiCache, group: &CacheObserved) -> Vec<String> {
    let text = |field: &str, stated: Option<&str>, seen: Option<&str>, same: fn(&str, &str) -> bool| {
        let stated = stated?;
        (!seen.is_some_and(|seen| same(stated, seen)))
            .then(|| format!("{field} is {}, must be {stated}", seen.unwrap_or("unknown")))
    };
    let flag = |field: &str, stated: Option<bool>, seen: Option<bool>| {
        let stated = stated.filter(|stated| seen != Some(*stated))?;
        Some(format!("{field} is {}, must be {stated}", seen.map_or("unknown".to_owned(), |seen| seen.to_string())))
    };
    let same = |stated: &str, seen: &str| stated.eq_ignore_ascii_case(seen);
    [
        text("engine", Some(component.engine.as_str()), group.engine.as_deref(), same),
        text("engineVersion", component.engine_version.as_deref(), group.engine_version.as_deref(), is_version),
        text("nodeType", Some(&component.node_type), group.node_type.as_deref(), same),
        node_groups(component, group),
        text("subnetGroup", component.subnet_group.as_deref(), group.subnet_group.as_deref(), same),
        text("parameterGroup", component.parameter_group.as_deref(), group.parameter_group.as_deref(), same),
        security_groups(component, group),
        flag("automaticFailover", component.automatic_failover, group.automatic_failover),
        flag("multiAz", component.multi_az, group.multi_az),
        flag("transitEncryption", component.transit_encryption, group.transit_encryption),
        flag("atRestEncryption", component.at_rest_encryption, group.at_rest_encryption),
        text("kmsKeyId", component.kms_key_id.as_deref(), group.kms_key_id.as_deref(), is_key),
        tags(component, group),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `7.2` is met by `7.2.6`, `6.x` by `6.2`: ElastiCache completes a version that leaves its last number out.
fn is_version(stated: &str, seen: &str) -> bool {
    let stated = stated.strip_suffix(".x").unwrap_or(stated);
    seen.strip_prefix(stated).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A key by its ARN is that key by its id.
fn is_key(stated: &str, seen: &str) -> bool {
    let id = |key: &str| key.rsplit('/').next().unwrap_or(key).to_owned();
    if stated.starts_with("arn:") && seen.starts_with("arn:") { stated == seen } else { id(stated) == id(seen) }
}

fn node_groups(component: &ElastiCache, group: &CacheObserved) -> Option<String> {
    let (shards, replicas) = (component.num_node_groups, component.replicas_per_node_group);
    let seen = u32::try_from(group.node_groups.len()).unwrap_or(u32::MAX);
    if seen != shards {
        return Some(format!("numNodeGroups is {seen}, must be {shards}"));
    }
    let other = group.node_groups.iter().find(|shard| shard.nodes != replicas.saturating_add(1))?;
    let seen = other.nodes.saturating_sub(1);
    Some(format!("replicasPerNodeGroup is {seen} in node group {}, must be {replicas}", other.id))
}

fn security_groups(component: &ElastiCache, group: &CacheObserved) -> Option<String> {
    let stated: BTreeSet<&str> = component.security_group_ids.iter().map(String::as_str).collect();
    let seen: BTreeSet<&str> = group.security_group_ids.iter().map(String::as_str).collect();
    let said = |ids: BTreeSet<&str>| if ids.is_empty() { "none".into() } else { Vec::from_iter(ids).join(", ") };
    (!stated.is_empty() && stated != seen)
        .then(|| format!("securityGroupIds are {}, must be {}", said(seen), said(stated)))
}

/// More tags than the plan's do no harm.
fn tags(component: &ElastiCache, group: &CacheObserved) -> Option<String> {
    let has = |key: &String, value: &String| group.tags.as_ref().is_some_and(|tags| tags.get(key) == Some(value));
    let missing: Vec<&str> =
        component.tags.iter().filter(|(key, value)| !has(key, value)).map(|(key, _)| key.as_str()).collect();
    (!missing.is_empty()).then(|| format!("tags lack {}, or have another value", missing.join(", ")))
}

/// What the undo of a creation does with a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// Nothing is left to undo, and why.
    Done(String),
    /// Delete it.
    Delete,
    /// Look again: what it waits for.
    Wait(String),
    /// It cannot be undone: why.
    Fail(String),
}

/// Decides the undo of a creation. `made_by`: the run id that the creation tagged the group with; `accepted`: whether ElastiCache is known to
/// have accepted it. A group that somebody else made is left, whatever the journal says.
pub fn decide_undo(observed: Option<&CacheObserved>, made_by: &str, accepted: bool) -> Undo {
    let Some(group) = observed else { return Undo::Done("not there, as before the run".into()) };
    let tag = group.tags.as_ref().map(|tags| tags.get(RUN_TAG).map(String::as_str));
    match (tag, group.status.as_str()) {
        (_, "deleting") => Undo::Wait("being deleted".into()),
        (Some(maker), _) if maker != Some(made_by) => {
            Undo::Done("left: it does not bear this run's tag, so somebody else made it".into())
        }
        (None, "available" | "create-failed") if !accepted => {
            let what = "neither the journal nor the group's tags tell whether this run made the group";
            Undo::Fail(what.into())
        }
        (_, "available" | "create-failed") => Undo::Delete,
        (_, status) => Undo::Wait(format!("`{status}`, it can be deleted once it is `available`")),
    }
}

fn wait(reason: String, after_seconds: u32) -> Decision {
    Decision::Wait { reason, after_seconds }
}

fn fail(resource: &str, what: &str, now: &str, next: &str) -> Decision {
    Decision::Fail(Box::new(Failure::new(FailureName::PromotionFailed, resource, what).now(now).next(next)))
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
