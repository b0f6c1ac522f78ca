//! Names: the journal, the report and the metrics tell things apart by them.

use std::collections::BTreeMap;

use super::{PlanProblem, RecoveryPlan};

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    let databases = plan.databases.iter().enumerate().map(|(i, c)| (format!("/databases/{i}/name"), c.name()));
    let compute = plan.compute.iter().enumerate().map(|(i, c)| (format!("/compute/{i}/name"), c.name()));
    let traffic = plan.traffic.iter().enumerate().map(|(i, c)| (format!("/traffic/{i}/name"), c.name()));
    let fence = plan.fence.items.iter().enumerate().map(|(i, c)| (format!("/fence/items/{i}/name"), c.name()));
    // The components of all lists share one journal.
    unique(fence.chain(databases).chain(compute).chain(traffic), problems);
    unique(plan.signals.iter().enumerate().map(|(i, s)| (format!("/signals/{i}/name"), s.name())), problems);
    let endpoints = plan.validation.endpoints.iter().enumerate();
    unique(endpoints.map(|(i, e)| (format!("/validation/endpoints/{i}/name"), e.name.as_str())), problems);
    unique(plan.backups.iter().enumerate().map(|(i, b)| (format!("/backups/{i}/name"), b.name.as_str())), problems);
}

/// Tells every value that an earlier one has already, and where that one stands.
pub(super) fn unique<V: Ord + ToString>(values: impl Iterator<Item = (String, V)>, problems: &mut Vec<PlanProblem>) {
    let mut seen: BTreeMap<V, String> = BTreeMap::new();
    for (path, value) in values {
        match seen.get(&value) {
            Some(first) => {
                problems.push(PlanProblem::new(path, format!("\"{}\" is taken by {first}", value.to_string())));
            }
            None => {
                seen.insert(value, path);
            }
        }
    }
}
