//! Restores to a point in time: can the original be told, does it lie in the Region, do the settings fit it?

use jiff::Timestamp;

use super::{PlanProblem, RecoveryPlan, restore};
use crate::plan::{Database, RestoreToPointInTime, RestoredKind};

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    for (i, component) in restores(plan) {
        one(plan, component, &format!("/databases/{i}"), problems);
        if plan.home.is_some() {
            let message = format!(
                "{} is restored beside its original, and no run leads back: leave `home` out, and write a plan of its own for the way back",
                component.name
            );
            problems.push(PlanProblem::new(format!("/databases/{i}/kind"), message));
        }
    }
}

fn restores(plan: &RecoveryPlan) -> impl Iterator<Item = (usize, &RestoreToPointInTime)> {
    plan.databases.iter().enumerate().filter_map(|(i, database)| match database {
        Database::RestoreToPointInTime(component) => Some((i, component)),
        _ => None,
    })
}

fn one(plan: &RecoveryPlan, component: &RestoreToPointInTime, path: &str, problems: &mut Vec<PlanProblem>) {
    let mut tell = |field: &str, message: String| problems.push(PlanProblem::new(format!("{path}/{field}"), message));
    let arn = component.resource_arn.as_str();
    let kind = match RestoredKind::of(arn) {
        Some(kind @ (RestoredKind::Cluster | RestoredKind::Table)) => kind,
        _ => {
            let message = "must be the ARN of an Aurora cluster (rds ...:cluster:NAME) or a DynamoDB table (dynamodb ...:table/NAME)";
            tell("resourceArn", format!("{message}, is {arn:?}"));
            return;
        }
    };
    let (region, recovery) = (arn.split(':').nth(3).unwrap_or_default(), &plan.regions.recovery);
    if region != recovery {
        tell(
            "resourceArn",
            format!("lies in {region}; a point in time is restored to within the recovery Region {recovery}"),
        );
    }
    if component.restored_identifier.eq_ignore_ascii_case(component.source_identifier()) {
        tell("restoredIdentifier", "is the original's name: a restore makes another beside it".into());
    }
    if kind == RestoredKind::Cluster && component.restored_identifier.len() > 63 {
        tell("restoredIdentifier", "must have at most 63 characters: it names an RDS resource".into());
    }
    if let Some(text) = component.restore_to.as_deref().filter(|text| text.parse::<Timestamp>().is_err()) {
        tell("restoreTo", format!("must be a time such as 2026-01-31T12:00:00Z, is {text:?}"));
    }
    match (kind, component.instances.is_empty()) {
        (RestoredKind::Cluster, true) => {
            tell("instances", "is missing: a restored cluster has no instance, and serves nobody".into());
        }
        (RestoredKind::Table, false) => tell("instances", "must not be there: a restored table has none".into()),
        _ => {}
    }
    restore::settings(&component.settings, kind, recovery, &format!("{path}/settings"), problems);
}
