//! A database that was restored, on its way to being what the plan says: its settings, and the instances of an Aurora cluster.
//!
//! AWS behaviour relied on (Aurora user guide, "Restoring from a DB cluster snapshot"; RDS user guide, "Restoring to a DB instance";
//! DynamoDB developer guide, "Restoring a table"): a restored cluster has no instance; a restore sets hardly anything as it was at the
//! original; subnet group and key are chosen by the restore and cannot be changed after it; a parameter group that is changed on a running
//! instance waits for a reboot (`pending-reboot`). So a cluster is set before it gets its instances, which then start with the right group.

use crate::observed::RestoredObserved;
use crate::plan::{RestoredInstance, RestoredKind, RestoredSettings};
use crate::{Failure, FailureName};

/// What the plan wants of a restored database.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What it is.
    pub kind: RestoredKind,
    /// Its identifier, or the table's name.
    pub identifier: &'a str,
    /// The instances of a cluster.
    pub instances: &'a [RestoredInstance],
    /// What it must be set to.
    pub settings: &'a RestoredSettings,
}

/// What comes next for a restored database that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It is as the plan says.
    Done,
    /// Look again: why, and after how many seconds.
    Wait {
        /// What it waits for.
        reason: String,
        /// After how many seconds.
        after_seconds: u32,
    },
    /// This instance of the plan is missing: create it.
    CreateInstance(usize),
    /// A setting is missing.
    Change(Change),
    /// It will not get there.
    Fail(Box<Failure>),
}

/// One call that brings a restored database nearer to the plan. Each does no harm when it is made twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `rds:ModifyDBCluster` with these settings.
    Cluster(RestoredSettings),
    /// `rds:ModifyDBInstance` with these settings.
    Instance {
        /// The instance.
        identifier: String,
        /// What it lacks.
        settings: RestoredSettings,
    },
    /// `rds:RebootDBInstance`: its parameter group waits for that. Nobody is served by it yet.
    Reboot {
        /// The instance.
        identifier: String,
    },
    /// `rds:AddTagsToResource` or `dynamodb:TagResource`.
    Tags {
        /// What is tagged.
        arn: String,
        /// The tags it lacks; only their names and values here.
        settings: RestoredSettings,
    },
    /// `dynamodb:UpdateTable` with this deletion protection.
    ProtectTable(bool),
    /// `dynamodb:UpdateContinuousBackups`: point-in-time recovery, kept for so many days.
    KeepTablePoints(u32),
}

impl Change {
    /// The change for people, to follow "would be" in a dry run: `set to backup retention of 7 days`.
    pub fn said(&self) -> String {
        match self {
            Change::Cluster(settings) => format!("set to {}", stated(settings)),
            Change::Instance { identifier, settings } => format!("set on {identifier} to {}", stated(settings)),
            Change::Reboot { identifier } => format!("rebooted ({identifier}) so that its parameter group is in force"),
            Change::Tags { arn, settings } => format!("tagged ({arn}) with {}", stated(settings)),
            Change::ProtectTable(on) => format!("set to deletion protection {}", on_off(*on)),
            Change::KeepTablePoints(days) => format!("set to point-in-time recovery of {days} days"),
        }
    }
}

/// Decides from the restored database and, in the order of the plan, its instances as described (`None`: not there).
pub fn next(wanted: &Wanted<'_>, observed: &RestoredObserved, instances: &[Option<RestoredObserved>]) -> Next {
    let id = wanted.identifier;
    if let Some(open) = not_available(wanted.kind, id, observed) {
        return open;
    }
    let settings = of_itself(wanted);
    if let Some(open) = unchangeable(id, &settings, observed) {
        return open;
    }
    if let Some(change) = change(wanted.kind, id, &settings, observed) {
        return Next::Change(change);
    }
    if wanted.kind != RestoredKind::Cluster {
        return Next::Done;
    }
    members(wanted, instances)
}

/// What of the settings is the restored database's own: an Aurora cluster's parameter group of instances is theirs.
fn of_itself(wanted: &Wanted<'_>) -> RestoredSettings {
    match wanted.kind {
        RestoredKind::Cluster => RestoredSettings { parameter_group: None, ..wanted.settings.clone() },
        RestoredKind::Instance | RestoredKind::Table => wanted.settings.clone(),
    }
}

/// What of the settings an instance of a restored cluster has: all the rest is the cluster's.
pub fn of_member(settings: &RestoredSettings) -> RestoredSettings {
    RestoredSettings {
        parameter_group: settings.parameter_group.clone(),
        tags: settings.tags.clone(),
        ..RestoredSettings::default()
    }
}

/// All instances are made before any is waited for: each takes minutes.
fn members(wanted: &Wanted<'_>, instances: &[Option<RestoredObserved>]) -> Next {
    let mut pairs = Vec::new();
    for (i, instance) in wanted.instances.iter().enumerate() {
        match instances.get(i).and_then(Option::as_ref) {
            None => return Next::CreateInstance(i),
            Some(seen) => pairs.push((instance.identifier.as_str(), seen)),
        }
    }
    for (id, seen) in &pairs {
        let cluster = seen.cluster.as_deref().unwrap_or("none");
        if !cluster.eq_ignore_ascii_case(wanted.identifier) {
            let what =
                format!("a DB instance of that name is there, and its cluster is {cluster}, not {}", wanted.identifier);
            return fail(
                id,
                &what,
                "name another instance in the plan, or move that one out of the way; then go on with this run",
            );
        }
    }
    if let Some(open) = pairs.iter().find_map(|(id, seen)| not_available(RestoredKind::Instance, id, seen)) {
        return open;
    }
    let settings = of_member(wanted.settings);
    let lacking = pairs.iter().find_map(|(id, seen)| change(RestoredKind::Instance, id, &settings, seen));
    lacking.map_or(Next::Done, Next::Change)
}

fn not_available(kind: RestoredKind, id: &str, observed: &RestoredObserved) -> Option<Next> {
    let status = observed.status.as_str();
    let there = if kind == RestoredKind::Table { "ACTIVE" } else { "available" };
    if status == there {
        return None;
    }
    if is_lost(kind, status) {
        let what = format!("the restored {} is `{status}`, from which it does not come back by itself", kind.as_str());
        return Some(fail(id, &what, "see its events; mend it and go on with this run"));
    }
    Some(Next::Wait { reason: format!("{id} is `{status}`"), after_seconds: 5 })
}

pub(super) fn is_lost(kind: RestoredKind, status: &str) -> bool {
    match kind {
        RestoredKind::Instance => super::replica::is_lost(status),
        RestoredKind::Cluster => super::global_cluster::is_lost(status),
        RestoredKind::Table => {
            matches!(status, "DELETING" | "INACCESSIBLE_ENCRYPTION_CREDENTIALS" | "ARCHIVING" | "ARCHIVED")
        }
    }
}

/// What the restore chose for good.
fn unchangeable(id: &str, wanted: &RestoredSettings, observed: &RestoredObserved) -> Option<Next> {
    let now = &observed.settings;
    let subnets = wanted.subnet_group.as_ref().filter(|w| !same_name(w, now.subnet_group.as_deref()));
    let key = wanted.kms_key_id.as_ref().filter(|w| !same_key(w, now.kms_key_id.as_deref()));
    let told = |what: &str, wanted: &str, now: &Option<String>| {
        let now = now.as_deref().unwrap_or("none");
        let what = format!("it was restored with {what} {now}, not {wanted}, and that cannot be changed any more");
        fail(id, &what, "take the restored database out of the way and restore again, or correct the plan")
    };
    match (subnets, key) {
        (Some(wanted), _) => Some(told("subnet group", wanted, &now.subnet_group)),
        (None, Some(wanted)) => Some(told("key", wanted, &now.kms_key_id)),
        (None, None) => None,
    }
}

/// The next call that brings a database or instance nearer to these settings.
fn change(kind: RestoredKind, id: &str, wanted: &RestoredSettings, observed: &RestoredObserved) -> Option<Change> {
    let lacking = lacking(wanted, &observed.settings);
    let set = RestoredSettings { tags: Default::default(), ..lacking.clone() };
    if kind == RestoredKind::Table {
        if let Some(on) = set.deletion_protection {
            return Some(Change::ProtectTable(on));
        }
        if let Some(days) = set.backup_retention_days {
            return Some(Change::KeepTablePoints(days));
        }
    } else if !set.is_empty() {
        return Some(match kind {
            RestoredKind::Cluster => Change::Cluster(set),
            _ => Change::Instance { identifier: id.to_owned(), settings: set },
        });
    } else if observed.pending_reboot && wanted.parameter_group.is_some() {
        return Some(Change::Reboot { identifier: id.to_owned() });
    }
    let tags = RestoredSettings { tags: lacking.tags, ..RestoredSettings::default() };
    (!tags.is_empty()).then(|| Change::Tags { arn: observed.arn.clone(), settings: tags })
}

/// What is wanted and not in force, of what can be changed.
pub fn lacking(wanted: &RestoredSettings, now: &RestoredSettings) -> RestoredSettings {
    let group = |wanted: &Option<String>, now: &Option<String>| {
        wanted.clone().filter(|wanted| !same_name(wanted, now.as_deref()))
    };
    let mut groups = (wanted.security_group_ids.clone(), now.security_group_ids.clone());
    groups.0.sort();
    groups.1.sort();
    let doors = !wanted.security_group_ids.is_empty() && groups.0 != groups.1;
    let tags = wanted.tags.iter().filter(|(key, value)| now.tags.get(*key) != Some(value));
    RestoredSettings {
        subnet_group: None,
        kms_key_id: None,
        cluster_parameter_group: group(&wanted.cluster_parameter_group, &now.cluster_parameter_group),
        parameter_group: group(&wanted.parameter_group, &now.parameter_group),
        security_group_ids: if doors { wanted.security_group_ids.clone() } else { Vec::new() },
        backup_retention_days: wanted.backup_retention_days.filter(|days| now.backup_retention_days != Some(*days)),
        deletion_protection: wanted.deletion_protection.filter(|on| now.deletion_protection != Some(*on)),
        tags: tags.map(|(key, value)| (key.clone(), value.clone())).collect(),
    }
}

/// RDS keeps the names of groups in lower case.
pub(super) fn same_name(wanted: &str, now: Option<&str>) -> bool {
    now.is_some_and(|now| now.eq_ignore_ascii_case(wanted))
}

/// AWS tells a key by its ARN; a plan may name it by its id.
fn same_key(wanted: &str, now: Option<&str>) -> bool {
    now.is_some_and(|now| now == wanted || now.rsplit('/').next() == Some(wanted))
}

/// Settings in words; of tags only the names.
pub fn stated(settings: &RestoredSettings) -> String {
    let named = |what: &str, name: &Option<String>| name.as_ref().map(|name| format!("{what} {name}"));
    let doors = &settings.security_group_ids;
    let tags: Vec<&str> = settings.tags.keys().map(String::as_str).collect();
    let all = [
        named("subnet group", &settings.subnet_group),
        named("cluster parameter group", &settings.cluster_parameter_group),
        named("parameter group", &settings.parameter_group),
        (!doors.is_empty()).then(|| format!("security groups {}", doors.join(", "))),
        settings.backup_retention_days.map(|days| format!("backup retention of {days} days")),
        settings.deletion_protection.map(|on| format!("deletion protection {}", on_off(on))),
        named("key", &settings.kms_key_id),
        (!tags.is_empty()).then(|| format!("tags {}", tags.join(", "))),
    ];
    all.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn fail(resource: &str, what: &str, next: &str) -> Next {
    let now = "the data is restored and stays; no client was led to it";
    Next::Fail(Box::new(Failure::new(FailureName::PromotionFailed, resource, what).now(now).next(next)))
}

#[cfg(test)]
mod tests;
