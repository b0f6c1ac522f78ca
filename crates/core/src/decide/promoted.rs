//! A promoted database on its way to being what the plan says: parameter groups, security groups, retention, deletion protection, tags.
//!
//! AWS behaviour relied on (RDS user guide, "Working with read replicas", "Working with parameter groups"; Aurora user guide, "Getting
//! started with Aurora global databases"): replica and secondary have these of their own, and keep them through a promotion. All can be
//! changed on a running database; a parameter group gets its new name at once and its static parameters with the next reboot
//! (`pending-reboot`). **Nothing is rebooted for it here**: that would be an outage of a primary that was just made one, and nobody asked for it.

use crate::Failure;
use crate::FailureName;
use crate::decide::restored::{Change, is_lost, lacking, of_member};
use crate::observed::RestoredObserved;
use crate::plan::{AuroraGlobalCluster, RdsReadReplica, RestoredKind, RestoredSettings};

/// How long a change that RDS accepted may stay unseen before it is asked for again, which does no harm.
pub const ACCEPTED_GRACE_SECONDS: i64 = 60;
const LOOK_SECONDS: u32 = 2;

/// What the plan wants of a promoted database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// An instance or a cluster.
    pub kind: RestoredKind,
    /// Its identifier.
    pub identifier: &'a str,
    /// What it is to be set to; of a cluster, its instances too.
    pub settings: RestoredSettings,
}

impl<'a> Wanted<'a> {
    /// Of a read replica, in the Region that is brought up. Its retention is the one that the promotion gave it.
    pub fn of_replica(component: &'a RdsReadReplica) -> Self {
        let mut settings = RestoredSettings::clone(&component.promoted_settings);
        if !settings.is_empty() {
            settings.backup_retention_days = Some(component.backup_retention_days);
        }
        Wanted { kind: RestoredKind::Instance, identifier: &component.replica_identifier, settings }
    }

    /// Of an Aurora global database: its cluster in the Region that is brought up.
    pub fn of_cluster(component: &'a AuroraGlobalCluster) -> Self {
        let settings = RestoredSettings::clone(&component.promoted_settings);
        Wanted { kind: RestoredKind::Cluster, identifier: &component.recovery_cluster_identifier, settings }
    }

    /// What the cluster's instances have of their own: nothing, if it is no cluster.
    pub fn of_instances(&self) -> RestoredSettings {
        if self.kind == RestoredKind::Cluster { of_member(&self.settings) } else { RestoredSettings::default() }
    }

    fn of_itself(&self) -> RestoredSettings {
        let parameter_group = self.settings.parameter_group.clone().filter(|_| self.kind != RestoredKind::Cluster);
        RestoredSettings { parameter_group, ..self.settings.clone() }
    }
}

/// A promoted database, or an instance of one, as described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its identifier.
    pub identifier: String,
    /// As described; `None`: not there.
    pub observed: Option<RestoredObserved>,
}

/// What comes next for a promoted database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It is as the plan says. Whose parameter group waits for a reboot.
    Done {
        /// Identifiers.
        pending_reboot: Vec<String>,
    },
    /// Look again: why, and after how many seconds.
    Wait {
        /// What it waits for.
        reason: String,
        /// After how many seconds.
        after_seconds: u32,
    },
    /// A setting is missing.
    Change {
        /// Of the database itself or of one of its instances.
        identifier: String,
        /// The call.
        change: Change,
    },
    /// It will not get there.
    Fail(Box<Failure>),
}

/// Decides from the database and, of a cluster, its instances.
pub fn next(wanted: &Wanted<'_>, database: &Described, instances: &[Described]) -> Next {
    let members = wanted.of_instances();
    let own = step(wanted.kind, &wanted.of_itself(), database);
    let theirs = instances.iter().filter_map(|instance| step(RestoredKind::Instance, &members, instance));
    if let Some(next) = own.into_iter().chain(theirs).next() {
        return next;
    }
    let group = |kind| match kind {
        RestoredKind::Cluster => wanted.settings.cluster_parameter_group.is_some(),
        RestoredKind::Instance | RestoredKind::Table => wanted.settings.parameter_group.is_some(),
    };
    let all = std::iter::once((wanted.kind, database)).chain(instances.iter().map(|i| (RestoredKind::Instance, i)));
    let waits = all.filter(|(kind, described)| {
        group(*kind) && described.observed.as_ref().is_some_and(|observed| observed.pending_reboot)
    });
    Next::Done { pending_reboot: waits.map(|(_, described)| described.identifier.clone()).collect() }
}

/// What one of them lacks; `None`: nothing. What lacks nothing is not asked for its status: its own kind did that.
fn step(kind: RestoredKind, settings: &RestoredSettings, described: &Described) -> Option<Next> {
    if settings.is_empty() {
        return None;
    }
    let id = described.identifier.as_str();
    let Some(observed) = &described.observed else {
        return Some(wait(format!("{id} is not seen")));
    };
    let lacking = lacking(settings, &observed.settings);
    if lacking.is_empty() {
        return None;
    }
    if is_lost(kind, &observed.status) {
        return Some(lost(kind, id, &observed.status));
    }
    if observed.status != "available" {
        return Some(wait(format!("{id} is `{}`, it is set as the plan says once it is `available`", observed.status)));
    }
    let change = change(kind, id, lacking, &observed.arn);
    Some(Next::Change { identifier: id.to_owned(), change })
}

/// One call for all settings, then one for the tags.
fn change(kind: RestoredKind, id: &str, lacking: RestoredSettings, arn: &str) -> Change {
    let set = RestoredSettings { tags: Default::default(), ..lacking.clone() };
    match kind {
        _ if set.is_empty() => {
            let settings = RestoredSettings { tags: lacking.tags, ..RestoredSettings::default() };
            Change::Tags { arn: arn.to_owned(), settings }
        }
        RestoredKind::Cluster => Change::Cluster(set),
        RestoredKind::Instance | RestoredKind::Table => Change::Instance { identifier: id.to_owned(), settings: set },
    }
}

/// What is said of a database that is as the plan says; `None`: the plan states nothing.
pub fn said(wanted: &Wanted<'_>, pending_reboot: &[String]) -> Option<String> {
    if wanted.settings.is_empty() {
        return None;
    }
    let stated = crate::decide::restored::stated(&wanted.settings);
    Some(if pending_reboot.is_empty() {
        format!("set to {stated}")
    } else {
        let whose = pending_reboot.join(", ");
        format!(
            "set to {stated}; the parameter group of {whose} is `pending-reboot`: its static parameters come with the next reboot"
        )
    })
}

fn wait(reason: String) -> Next {
    Next::Wait { reason, after_seconds: LOOK_SECONDS }
}

fn lost(kind: RestoredKind, id: &str, status: &str) -> Next {
    let what = format!("the promoted {} is `{status}`, from which it does not come back by itself", kind.as_str());
    let failure = Failure::new(FailureName::PromotionFailed, id, what)
        .now("it is promoted, and not set as the plan says; no client was led to it by this run")
        .next("see its events in the RDS console; mend it and go on with this run");
    Next::Fail(Box::new(failure))
}

#[cfg(test)]
mod tests;
