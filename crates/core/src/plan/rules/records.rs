//! Records' routing policies: Route 53 would refuse a whole batch for one record that mixes them (developer guide, "Choosing a routing
//! policy"; API reference, `ResourceRecordSet`).

use std::collections::BTreeMap;

use super::{PlanProblem, RecoveryPlan};
use crate::decide::records::key_of;
use crate::plan::{DnsRecord, FailoverRole, Traffic};

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    for (i, traffic) in plan.traffic.iter().enumerate() {
        if let Traffic::Route53Records(component) = traffic {
            let path = format!("/traffic/{i}/records");
            for (j, record) in component.records.iter().enumerate() {
                policy(record, &format!("{path}/{j}"), problems);
            }
            together(&component.records, &path, problems);
        }
    }
}

/// What one record says of its own policy.
fn policy(record: &DnsRecord, path: &str, problems: &mut Vec<PlanProblem>) {
    let has_policy = record.weight.is_some() || record.failover.is_some();
    let mut tell = |field: &str, message: &str| problems.push(PlanProblem::new(format!("{path}{field}"), message));
    if record.weight.is_some() && record.failover.is_some() {
        tell("", "has weight and failover: a record has one routing policy");
    }
    match (has_policy, &record.set_identifier) {
        (true, None) => tell("/setIdentifier", "is missing: a record with weight or failover needs one"),
        (false, Some(_)) => tell("/setIdentifier", "needs weight or failover: a simple record has none"),
        _ => {}
    }
    if record.health_check_id.is_some() && !has_policy {
        tell("/healthCheckId", "needs weight or failover: a simple record is answered whatever its health");
    }
}

/// What the records of one name and type say together.
fn together(records: &[DnsRecord], path: &str, problems: &mut Vec<PlanProblem>) {
    let word = |record: &DnsRecord| match (record.weight, record.failover) {
        (None, None) => "simple",
        (Some(_), _) => "weighted",
        (None, Some(_)) => "failover",
    };
    let mut words: BTreeMap<(String, String), (usize, &str)> = BTreeMap::new();
    let mut newest: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut roles: BTreeMap<(String, String, FailoverRole), usize> = BTreeMap::new();
    for (j, record) in records.iter().enumerate() {
        let (name, record_type, _) = key_of(record);
        let (first, others) = *words.entry((name.clone(), record_type.clone())).or_insert((j, word(record)));
        if others != word(record) {
            let message =
                format!("is {}, {path}/{first} of its name and type is {others}: they share one policy", word(record));
            problems.push(PlanProblem::new(format!("{path}/{j}"), message));
        }
        if let Some(before) = newest.insert((name.clone(), record_type.clone()), j)
            && before + 1 != j
        {
            let message = format!(
                "stands apart from {path}/{before} of its name and type: put them together, they change at once"
            );
            problems.push(PlanProblem::new(format!("{path}/{j}"), message));
        }
        let Some(role) = record.failover else { continue };
        if let Some(first) = roles.insert((name, record_type, role), j) {
            let message = format!("{} is {path}/{first} already", role.as_str());
            problems.push(PlanProblem::new(format!("{path}/{j}/failover"), message));
        }
    }
}
