//! The way home: can it be gone, and does it lead home?

use super::{PlanProblem, RecoveryPlan, components, fence, hooks, names, proof, records as policies};
use crate::plan::{Database, FenceItem, Home, Traffic};

/// What the mirror image says of itself, and where that stands in the document.
const MIRRORED: &[&str] = &["/compute", "/fence", "/validation", "/traffic"];

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    let (Some(home), Some(mirror)) = (&plan.home, plan.mirrored()) else { return };
    let mut found = Vec::new();
    names::check(&mirror, &mut found);
    fence::check(&mirror, &mut found);
    components::check(&mirror, &mut found);
    hooks::check(&mirror, &mut found);
    policies::check(&mirror, &mut found);
    proof::check(&mirror, &mut found);
    // What both directions share was told already.
    let of_home = |problem: &PlanProblem| MIRRORED.iter().any(|part| problem.path.starts_with(part));
    problems.extend(found.into_iter().filter(of_home).map(|p| PlanProblem::new(format!("/home{}", p.path), p.message)));
    doors(plan, problems);
    writes(plan, home, problems);
    records(plan, home, problems);
}

/// A door that a fence closed must be opened by somebody.
fn doors(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    for (i, item) in plan.fence.items.iter().enumerate() {
        let open = match item {
            FenceItem::LoadBalancer(item) => &item.open_security_group_ids,
            FenceItem::RdsInstance(item) => &item.open_security_group_ids,
            FenceItem::AutoScalingGroup(_) | FenceItem::EcsService(_) => continue,
        };
        if open.is_empty() {
            problems.push(PlanProblem::new(
                format!("/fence/items/{i}/openSecurityGroupIds"),
                "is missing: on the way home nobody would know how to open this door again",
            ));
        }
    }
}

/// A replica is promoted without loss only once nothing writes to its source any more.
fn writes(plan: &RecoveryPlan, home: &Home, problems: &mut Vec<PlanProblem>) {
    let replicas = plan.databases.iter().any(|database| matches!(database, Database::RdsReadReplica(_)));
    if replicas && home.fence.items.is_empty() {
        problems.push(PlanProblem::new(
            "/home/fence/items",
            "is empty: nothing would stop the recovery Region's writes before the way home",
        ));
    }
    for (i, item) in home.fence.items.iter().enumerate() {
        if !item.is_compute() {
            problems.push(PlanProblem::new(
                format!("/home/fence/items/{i}/kind"),
                "must be compute: a door of the recovery Region is needed for the next failover",
            ));
        }
    }
}

/// Records are rewritten on the way out, so they must be on the way home.
fn records(plan: &RecoveryPlan, home: &Home, problems: &mut Vec<PlanProblem>) {
    for (i, traffic) in home.traffic.iter().enumerate() {
        if matches!(traffic, Traffic::StopObject(_)) {
            let message = "a STOP object of /traffic is removed on the way home; it is not named again here";
            problems.push(PlanProblem::new(format!("/home/traffic/{i}/kind"), message));
        }
        if matches!(traffic, Traffic::RoutingControl(_)) {
            let message =
                "routing controls of /traffic are turned round on the way home; they are not named again here";
            problems.push(PlanProblem::new(format!("/home/traffic/{i}/kind"), message));
        }
    }
    for traffic in plan.traffic.iter().filter(|traffic| matches!(traffic, Traffic::Route53Records(_))) {
        if !home.traffic.iter().any(|back| back.name() == traffic.name()) {
            let message =
                format!("has no {:?}: its records would lead to the recovery Region for ever", traffic.name());
            problems.push(PlanProblem::new("/home/traffic", message));
        }
    }
}
