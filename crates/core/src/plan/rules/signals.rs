//! Signals: can the quorum be met, and do they look at this plan's primary?

use std::collections::BTreeSet;

use super::{PlanProblem, RecoveryPlan, address};
use crate::plan::{AuroraGlobalCluster, Database, RdsReadReplica, Signal};

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    quorum(plan, problems);
    controls(plan, problems);
    for (i, signal) in plan.signals.iter().enumerate() {
        let path = format!("/signals/{i}");
        match signal {
            Signal::Http(http) => address::http(&http.url, format!("{path}/url"), problems),
            Signal::Alarm(_) => {}
            Signal::RdsInstance(instance) => {
                in_primary_region(plan, &instance.region, &path, problems);
                let known = replicas(plan).map(|db| db.primary_identifier.as_str());
                reference(&instance.identifier, known, "primaryIdentifier", format!("{path}/identifier"), problems);
            }
            Signal::RdsReplication(replica) => {
                let known = replicas(plan).map(|db| db.replica_identifier.as_str());
                reference(&replica.identifier, known, "replicaIdentifier", format!("{path}/identifier"), problems);
            }
            Signal::RdsCluster(cluster) => {
                in_primary_region(plan, &cluster.region, &path, problems);
                let known = global_clusters(plan).map(|db| db.primary_cluster_identifier.as_str());
                let path = format!("{path}/identifier");
                reference(&cluster.identifier, known, "primaryClusterIdentifier", path, problems);
            }
            Signal::AuroraReplication(signal) => {
                let field = "globalClusterIdentifier";
                let known = global_clusters(plan).map(|db| db.global_cluster_identifier.as_str());
                let of_global =
                    |db: &&AuroraGlobalCluster| db.global_cluster_identifier == signal.global_cluster_identifier;
                reference(&signal.global_cluster_identifier, known, field, format!("{path}/{field}"), problems);
                let field = "recoveryClusterIdentifier";
                let known = global_clusters(plan).filter(of_global).map(|db| db.recovery_cluster_identifier.as_str());
                reference(&signal.recovery_cluster_identifier, known, field, format!("{path}/{field}"), problems);
            }
        }
    }
}

fn replicas(plan: &RecoveryPlan) -> impl Iterator<Item = &RdsReadReplica> {
    plan.databases.iter().filter_map(|database| match database {
        Database::RdsReadReplica(db) => Some(db),
        _ => None,
    })
}

fn global_clusters(plan: &RecoveryPlan) -> impl Iterator<Item = &AuroraGlobalCluster> {
    plan.databases.iter().filter_map(|database| match database {
        Database::AuroraGlobalCluster(db) => Some(db),
        _ => None,
    })
}

fn in_primary_region(plan: &RecoveryPlan, region: &str, path: &str, problems: &mut Vec<PlanProblem>) {
    if region != plan.regions.primary {
        let message = format!("is {region}, not the primary Region {}", plan.regions.primary);
        problems.push(PlanProblem::new(format!("{path}/region"), message));
    }
}

fn quorum(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    let fates: BTreeSet<&str> = plan.signals.iter().map(Signal::fate).collect();
    if (fates.len() as u64) < u64::from(plan.policy.quorum) {
        let names: Vec<&str> = fates.iter().copied().collect();
        let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        problems.push(PlanProblem::new(
            "/policy/quorum",
            format!(
                "asks for {} fates, the signals have {}{names}: it could never be met",
                plan.policy.quorum,
                fates.len()
            ),
        ));
    }
}

fn controls(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    for (i, url) in plan.observer.control_urls.iter().enumerate() {
        address::http(url, format!("/observer/controlUrls/{i}"), problems);
    }
    let has_http = plan.signals.iter().any(|signal| matches!(signal, Signal::Http(_)));
    if has_http && plan.observer.control_urls.is_empty() {
        problems.push(PlanProblem::new(
            "/observer/controlUrls",
            "is empty: without a control the observer's own network failing would read as the primary failing",
        ));
    }
}

/// A signal on a database that the plan does not recover is a slip of the pen more often than a wish. A plan without databases of
/// that kind may watch any.
fn reference<'a>(
    identifier: &str,
    known: impl Iterator<Item = &'a str>,
    field: &str,
    path: String,
    problems: &mut Vec<PlanProblem>,
) {
    let known: Vec<&str> = known.collect();
    if !known.is_empty() && !known.contains(&identifier) {
        let message = format!("\"{identifier}\" is no database's {field} in this plan ({})", known.join(", "));
        problems.push(PlanProblem::new(path, message));
    }
}
