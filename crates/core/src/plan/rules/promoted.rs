//! What a promoted database is set to: only what a running database can be set to, and each value in one place.

use super::{PlanProblem, RecoveryPlan, restore};
use crate::plan::{Database, RestoredKind, RestoredSettings};

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    for (i, database) in plan.databases.iter().enumerate() {
        let (kind, promoted, home) = match database {
            Database::RdsReadReplica(c) => (RestoredKind::Instance, &c.promoted_settings, &c.home_settings),
            Database::AuroraGlobalCluster(c) => (RestoredKind::Cluster, &c.promoted_settings, &c.home_settings),
            _ => continue,
        };
        for (field, settings) in [("promotedSettings", promoted), ("homeSettings", home)] {
            one(settings, kind, &format!("/databases/{i}/{field}"), problems);
        }
    }
}

fn one(settings: &RestoredSettings, kind: RestoredKind, path: &str, problems: &mut Vec<PlanProblem>) {
    let mut tell = |field: &str, message: &str| problems.push(PlanProblem::new(format!("{path}/{field}"), message));
    if settings.subnet_group.is_some() {
        tell("subnetGroup", "cannot be changed by a promotion: it is chosen when the replica or the secondary is made");
    }
    if settings.kms_key_id.is_some() {
        tell("kmsKeyId", "cannot be changed by a promotion: it is chosen when the replica or the secondary is made");
    }
    if kind == RestoredKind::Instance && settings.backup_retention_days.is_some() {
        tell(
            "backupRetentionDays",
            "is said beside it: the promotion itself takes the component's backupRetentionDays",
        );
    }
    // Told above: no key is asked about its Region.
    let changeable = RestoredSettings { kms_key_id: None, subnet_group: None, ..settings.clone() };
    restore::settings(&changeable, kind, "", path, problems);
}
