//! Global datastores: one component a datastore, and no group that another component would create.

use super::{PlanProblem, RecoveryPlan, names};
use crate::plan::Database;

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    // ElastiCache keeps ids in lower case, whatever was typed.
    let datastores = plan.databases.iter().enumerate().filter_map(|(i, database)| match database {
        Database::ElastiCacheGlobal(c) => {
            let path = format!("/databases/{i}/globalReplicationGroupId");
            Some((path, c.global_replication_group_id.to_ascii_lowercase()))
        }
        _ => None,
    });
    names::unique(datastores, problems);
    for (i, id) in members(plan) {
        if plan
            .databases
            .iter()
            .any(|other| matches!(other, Database::ElastiCache(c) if c.replication_group_id.eq_ignore_ascii_case(id)))
        {
            let message = format!(
                "{id:?} is created by an elastiCache of this plan: a member of a global datastore is there before"
            );
            problems.push(PlanProblem::new(format!("/databases/{i}/recoveryReplicationGroupId"), message));
        }
    }
    // A replication group is in one global datastore at most; ids are a Region's own.
    let members =
        members(plan).map(|(i, id)| (format!("/databases/{i}/recoveryReplicationGroupId"), id.to_ascii_lowercase()));
    names::unique(members, problems);
}

/// The groups in the recovery Region.
fn members(plan: &RecoveryPlan) -> impl Iterator<Item = (usize, &str)> {
    plan.databases.iter().enumerate().filter_map(|(i, database)| match database {
        Database::ElastiCacheGlobal(c) => Some((i, c.recovery_replication_group_id.as_str())),
        _ => None,
    })
}
