//! Restores: can the original be told, do the settings fit it, and does everything that names a Region name the right one?

use jiff::Timestamp;

use super::{PlanProblem, RecoveryPlan};
use crate::plan::{Database, RestoreFromBackup, RestoredKind, RestoredSettings};

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    for (i, component) in restores(plan) {
        one(plan, component, &format!("/databases/{i}"), problems);
    }
    home(plan, problems);
}

fn restores(plan: &RecoveryPlan) -> impl Iterator<Item = (usize, &RestoreFromBackup)> {
    plan.databases.iter().enumerate().filter_map(|(i, database)| match database {
        Database::RestoreFromBackup(component) => Some((i, component)),
        _ => None,
    })
}

fn one(plan: &RecoveryPlan, component: &RestoreFromBackup, path: &str, problems: &mut Vec<PlanProblem>) {
    let mut tell = |field: &str, message: String| problems.push(PlanProblem::new(format!("{path}/{field}"), message));
    let arn = component.resource_arn.as_str();
    let Some(kind) = RestoredKind::of(arn) else {
        let message = "must be the ARN of a DB instance (rds ...:db:NAME), an Aurora cluster (rds ...:cluster:NAME) or a \
                       DynamoDB table (dynamodb ...:table/NAME)";
        tell("resourceArn", format!("{message}, is {arn:?}"));
        return;
    };
    let region = region_of(arn);
    if region != plan.regions.primary {
        tell(
            "resourceArn",
            format!("lies in {region}, the original is in the primary Region {}", plan.regions.primary),
        );
    }
    if arn_part(&component.restore_role_arn, 2) != "iam" || !component.restore_role_arn.contains(":role/") {
        tell("restoreRoleArn", format!("must be a role's ARN, is {:?}", component.restore_role_arn));
    }
    if let Some(text) = component.not_after.as_deref().filter(|text| text.parse::<Timestamp>().is_err()) {
        tell("notAfter", format!("must be a time such as 2026-01-31T12:00:00Z, is {text:?}"));
    }
    if kind != RestoredKind::Table && component.restored_identifier.len() > 63 {
        tell("restoredIdentifier", "must have at most 63 characters: it names an RDS resource".into());
    }
    match (kind, component.instances.is_empty()) {
        (RestoredKind::Cluster, true) => {
            tell("instances", "is missing: a restored cluster has no instance, and serves nobody".into())
        }
        (RestoredKind::Instance | RestoredKind::Table, false) => {
            tell("instances", format!("must not be there: a restored {} has none", kind.as_str()));
        }
        _ => {}
    }
    settings(&component.settings, kind, &plan.regions.recovery, &format!("{path}/settings"), problems);
}

/// Settings that this kind does not have would be ignored in silence, and a key of another Region refused in the middle of a run.
pub(super) fn settings(
    settings: &RestoredSettings,
    kind: RestoredKind,
    recovery_region: &str,
    path: &str,
    problems: &mut Vec<PlanProblem>,
) {
    let rds_only = kind == RestoredKind::Table;
    let foreign = [
        ("subnetGroup", rds_only && settings.subnet_group.is_some()),
        ("parameterGroup", rds_only && settings.parameter_group.is_some()),
        ("securityGroupIds", rds_only && !settings.security_group_ids.is_empty()),
        ("clusterParameterGroup", kind != RestoredKind::Cluster && settings.cluster_parameter_group.is_some()),
    ];
    for (field, _) in foreign.iter().filter(|(_, foreign)| *foreign) {
        problems.push(PlanProblem::new(format!("{path}/{field}"), format!("is no setting of a {}", kind.as_str())));
    }
    let Some(key) = &settings.kms_key_id else { return };
    let field = format!("{path}/kmsKeyId");
    if kind == RestoredKind::Instance {
        let message = "cannot be chosen: RDS restores an instance with the key of its recovery point; copy the point with that key";
        problems.push(PlanProblem::new(field, message));
    } else if key.starts_with("alias/") || key.contains(":alias/") {
        problems
            .push(PlanProblem::new(field, "must be a key's id or ARN: what an alias stood for cannot be read back"));
    } else if kind == RestoredKind::Table && !key.starts_with("arn:") {
        problems.push(PlanProblem::new(field, "must be the key's ARN: a table is not restored with less"));
    } else if key.starts_with("arn:") && region_of(key) != recovery_region {
        let message = format!("lies in {}, not in the recovery Region {recovery_region}", region_of(key));
        problems.push(PlanProblem::new(field, message));
    }
}

/// A way home loses nothing and is proven; what was written after a recovery point is lost by every restore.
fn home(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    if plan.home.is_none() {
        return;
    }
    for (i, component) in restores(plan) {
        let message = format!(
            "{} is restored, so the two Regions share no data and there is no way home by `failback`: leave `home` out, and write a plan \
             of its own for the way back",
            component.name
        );
        problems.push(PlanProblem::new(format!("/databases/{i}/kind"), message));
    }
}

fn region_of(arn: &str) -> &str {
    arn_part(arn, 3)
}

fn arn_part(arn: &str, index: usize) -> &str {
    arn.split(':').nth(index).unwrap_or_default()
}
