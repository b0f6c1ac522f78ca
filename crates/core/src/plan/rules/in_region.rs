//! One Region: what may be recovered where it stands, and what else then has to hold.

use super::{PlanProblem, RecoveryPlan, names};
use crate::plan::{AuroraCluster, Compute, Database, FenceItem};

/// Whether the plan stays in one Region, as it may.
pub(super) fn is_one_region(plan: &RecoveryPlan) -> bool {
    plan.regions.primary == plan.regions.recovery
}

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    if is_one_region(plan) {
        match nowhere_to_go(plan) {
            Some(problem) => problems.push(problem),
            None => fence(plan, problems),
        }
    }
    let clusters = || {
        plan.databases.iter().enumerate().filter_map(|(i, database)| match database {
            Database::AuroraCluster(c) => Some((i, c)),
            _ => None,
        })
    };
    for (i, cluster) in clusters() {
        two_instances(plan, i, cluster, problems);
    }
    // RDS keeps identifiers in lower case, whatever was typed.
    let identifier = |(i, c): (usize, &AuroraCluster)| {
        (format!("/databases/{i}/clusterIdentifier"), c.cluster_identifier.to_ascii_lowercase())
    };
    names::unique(clusters().map(identifier), problems);
}

/// A database that lives by two Regions cannot be recovered within one, and without any there is nothing that moves.
fn nowhere_to_go(plan: &RecoveryPlan) -> Option<PlanProblem> {
    let elsewhere: Vec<&str> = plan.databases.iter().filter(|db| !db.is_in_region()).map(Database::name).collect();
    let why = if plan.databases.is_empty() {
        "the plan recovers no database".to_owned()
    } else if elsewhere.is_empty() {
        return None;
    } else {
        format!("what it recovers lives by two ({})", elsewhere.join(", "))
    };
    let message = format!("is the primary Region too, and {why}: name another Region to go to");
    Some(PlanProblem::new("/regions/recovery", message))
}

/// In one Region a fence could close what the same run brings up.
fn fence(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    for (i, item) in plan.fence.items.iter().enumerate() {
        let fenced = item.resource();
        let of_compute = plan.compute.iter().find(|compute| match (compute, item) {
            (Compute::AutoScalingGroup(c), FenceItem::AutoScalingGroup(_)) => c.group_name == fenced,
            (Compute::EcsService(c), FenceItem::EcsService(_)) => c.resource() == fenced,
            _ => false,
        });
        if let Some(compute) = of_compute {
            let message = format!(
                "is what {:?} brings up, in the same Region: it would be fenced and brought up at once",
                compute.name()
            );
            problems.push(PlanProblem::new(format!("/fence/items/{i}"), message));
        }
        let of_cluster = plan.databases.iter().find(|database| match (database, item) {
            (Database::AuroraCluster(c), FenceItem::RdsInstance(_)) => {
                [&c.primary_instance_identifier, &c.recovery_instance_identifier].into_iter().any(|id| *id == fenced)
            }
            _ => false,
        });
        if let Some(database) = of_cluster {
            // Aurora user guide, "Modifying an Amazon Aurora DB cluster": the security groups are the cluster's.
            let message = format!(
                "is an instance of {:?}: an Aurora cluster has one door for all its instances",
                database.name()
            );
            problems.push(PlanProblem::new(format!("/fence/items/{i}"), message));
        }
    }
}

fn two_instances(plan: &RecoveryPlan, i: usize, cluster: &AuroraCluster, problems: &mut Vec<PlanProblem>) {
    if !is_one_region(plan) {
        let message = format!(
            "moves a writer within one Region, and the plan leads from {} to {}; auroraGlobalCluster moves it between two",
            plan.regions.primary, plan.regions.recovery
        );
        problems.push(PlanProblem::new(format!("/databases/{i}/kind"), message));
    }
    if cluster.primary_instance_identifier.eq_ignore_ascii_case(&cluster.recovery_instance_identifier) {
        let message = "is the primary instance: the writer would stay where it is";
        problems.push(PlanProblem::new(format!("/databases/{i}/recoveryInstanceIdentifier"), message));
    }
}
