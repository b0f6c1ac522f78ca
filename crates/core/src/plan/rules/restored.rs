//! What restores make: each has a name of its own, whichever kind of restore makes it.

use super::{PlanProblem, RecoveryPlan, names};
use crate::plan::{Database, RestoredInstance, RestoredKind};

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    let made = made(plan).map(|made| {
        // RDS keeps identifiers in lower case, whatever was typed; a table's name is as it stands.
        let name = match made.kind {
            RestoredKind::Table => made.identifier.to_owned(),
            _ => made.identifier.to_ascii_lowercase(),
        };
        (format!("/databases/{}/restoredIdentifier", made.index), format!("{} {name}", made.kind.as_str()))
    });
    names::unique(made, problems);
    let instances = self::made(plan).flat_map(|made| {
        let named = move |(j, instance): (usize, &RestoredInstance)| {
            (format!("/databases/{}/instances/{j}/identifier", made.index), instance.identifier.to_ascii_lowercase())
        };
        made.instances.iter().enumerate().map(named)
    });
    names::unique(instances, problems);
}

/// What one component restores.
struct Made<'a> {
    index: usize,
    kind: RestoredKind,
    identifier: &'a str,
    instances: &'a [RestoredInstance],
}

fn made(plan: &RecoveryPlan) -> impl Iterator<Item = Made<'_>> {
    plan.databases.iter().enumerate().filter_map(|(index, database)| {
        let (kind, identifier, instances) = match database {
            Database::RestoreFromBackup(c) => (c.restored_kind(), &c.restored_identifier, &c.instances),
            Database::RestoreToPointInTime(c) => (c.restored_kind(), &c.restored_identifier, &c.instances),
            _ => return None,
        };
        Some(Made { index, kind, identifier, instances })
    })
}
