//! Signals: can the quorum be met, and do they look at this plan's primary?

use std::collections::BTreeSet;

use super::{PlanProblem, RecoveryPlan, address};
use crate::plan::{Database, Signal};

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    quorum(plan, problems);
    controls(plan, problems);
    for (i, signal) in plan.signals.iter().enumerate() {
        let path = format!("/signals/{i}");
        match signal {
            Signal::Http(http) => address::http(&http.url, format!("{path}/url"), problems),
            Signal::Alarm(_) => {}
            Signal::RdsInstance(instance) => {
                if instance.region != plan.regions.primary {
                    let message = format!("is {}, not the primary Region {}", instance.region, plan.regions.primary);
                    problems.push(PlanProblem::new(format!("{path}/region"), message));
                }
                let known = plan.databases.iter().map(|Database::RdsReadReplica(db)| db.primary_identifier.as_str());
                reference(&instance.identifier, known, "primaryIdentifier", &path, problems);
            }
            Signal::RdsReplication(replica) => {
                let known = plan.databases.iter().map(|Database::RdsReadReplica(db)| db.replica_identifier.as_str());
                reference(&replica.identifier, known, "replicaIdentifier", &path, problems);
            }
        }
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

/// A signal on a database that the plan does not recover is a slip of the pen more often than a wish. A plan without databases may
/// watch any.
fn reference<'a>(
    identifier: &str,
    known: impl Iterator<Item = &'a str>,
    field: &str,
    path: &str,
    problems: &mut Vec<PlanProblem>,
) {
    let known: Vec<&str> = known.collect();
    if !known.is_empty() && !known.contains(&identifier) {
        let message = format!("\"{identifier}\" is no database's {field} in this plan ({})", known.join(", "));
        problems.push(PlanProblem::new(format!("{path}/identifier"), message));
    }
}
