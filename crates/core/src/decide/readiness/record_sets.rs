//! Could Route 53 records be rewritten as the plan wants? What Route 53 would refuse must be known before the pivot, for records are
//! written after it.
//!
//! AWS behaviour relied on (API reference, `ChangeResourceRecordSets`): the records of one name and type share one routing policy, and of a
//! failover pair one is the primary and one the secondary; a batch that would have it otherwise is refused whole.

use std::collections::{BTreeMap, BTreeSet};

use super::Readiness;
use crate::decide::records::{RecordKey, key, key_of, told};
use crate::observed::RecordObserved;
use crate::plan::{DnsRecord, FailoverRole};

/// The health checks that the plan gives to records that do not have them yet: those that stand in the zone exist.
pub fn new_health_checks<'a>(
    wanted: &'a [DnsRecord],
    listed: &BTreeMap<RecordKey, RecordObserved>,
) -> BTreeSet<&'a str> {
    let stand: BTreeSet<&str> = listed.values().filter_map(|record| record.health_check_id.as_deref()).collect();
    wanted.iter().filter_map(|record| record.health_check_id.as_deref()).filter(|id| !stand.contains(id)).collect()
}

/// Whether every record that would be rewritten is there - a name nobody uses yet is more likely a typing error than a plan - and has the
/// policy that the plan gives it. `gone` are health checks that do not exist.
pub fn records(
    zone_id: &str,
    wanted: &[DnsRecord],
    listed: &BTreeMap<RecordKey, RecordObserved>,
    gone: &BTreeSet<&str>,
) -> Readiness {
    let missing: Vec<String> = wanted.iter().filter(|record| !listed.contains_key(&key_of(record))).map(told).collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Readiness::Problem(format!("zone {zone_id} has no record {missing}; make it, or correct the plan"));
    }
    let found = wanted.iter().filter_map(|record| Some((record, listed.get(&key_of(record))?)));
    let mut wrong: Vec<String> = found.filter_map(|(record, found)| refused(record, found, wanted)).collect();
    wrong.extend(wanted.iter().filter_map(|record| {
        let id = record.health_check_id.as_deref().filter(|id| gone.contains(id))?;
        Some(format!(
            "{} names health check {id}, which does not exist; make it, or correct healthCheckId",
            told(record)
        ))
    }));
    if wrong.is_empty() {
        Readiness::Ready(format!("{} records listed in zone {zone_id}", wanted.len()))
    } else {
        Readiness::Problem(format!("zone {zone_id}: {}", wrong.join("; ")))
    }
}

/// Why Route 53 would not take a record in the place of the one that is there.
fn refused(wanted: &DnsRecord, found: &RecordObserved, plan: &[DnsRecord]) -> Option<String> {
    let (is, becomes) = (policy(found.weight, found.failover), policy(wanted.weight, wanted.failover));
    let record = told(wanted);
    if is != becomes {
        return Some(format!(
            "{record} is {is}, the plan's is {becomes}; an UPSERT cannot change the policy: correct the plan"
        ));
    }
    let (role, before) = (wanted.failover?, found.failover?);
    (role != before && !has_other(wanted, role, plan)).then(|| {
        format!(
            "{record} would be {} beside another one; name both records of the pair in the plan, so that they exchange their roles at once",
            role.as_str()
        )
    })
}

fn policy(weight: Option<u8>, failover: Option<FailoverRole>) -> &'static str {
    match (weight, failover) {
        (Some(_), _) => "weighted",
        (None, Some(_)) => "failover",
        (None, None) => "simple",
    }
}

/// Whether the plan gives the other role of the pair to another record of its name and type.
fn has_other(record: &DnsRecord, role: FailoverRole, plan: &[DnsRecord]) -> bool {
    let set = |record: &DnsRecord| key(&record.name, record.record_type.as_str(), None);
    plan.iter().any(|other| set(other) == set(record) && other.failover.is_some_and(|others| others != role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::RecordType;

    fn record(identifier: Option<&str>, weight: Option<u8>, failover: Option<FailoverRole>) -> DnsRecord {
        let simple = DnsRecord::simple("shop.example.com", RecordType::Cname, 5, vec!["lb.example.com".into()]);
        DnsRecord { set_identifier: identifier.map(Into::into), weight, failover, ..simple }
    }

    #[test]
    fn what_route_53_would_refuse_after_the_pivot_is_a_problem_before_it() {
        use FailoverRole::{Primary, Secondary};
        let weighted = |id, weight| record(Some(id), Some(weight), None);
        let failover = |id, role| record(Some(id), None, Some(role));
        let pair = vec![failover("a", Primary), failover("b", Secondary)];
        let weights = vec![weighted("a", 100), weighted("b", 0)];
        // What the plan does, what the zone has, what the plan wants, and what is said of it if Route 53 would refuse it.
        type Case<'a> = (&'a str, &'a [DnsRecord], Vec<DnsRecord>, Option<&'a str>);
        let simple = record(None, None, None);
        let cases: [Case<'_>; 9] = [
            ("weights move", &weights, vec![weighted("a", 0), weighted("b", 100)], None),
            ("one weight moves", &weights, vec![weighted("b", 100)], None),
            ("roles are exchanged", &pair, vec![failover("a", Secondary), failover("b", Primary)], None),
            ("another value", &pair, vec![failover("a", Primary)], None),
            ("simple", std::slice::from_ref(&simple), vec![simple.clone()], None),
            ("weight on a pair", &pair, vec![weighted("a", 1)], Some("is failover, the plan's is weighted")),
            ("roles for weights", &weights, vec![failover("b", Primary)], Some("is weighted, the plan's is failover")),
            ("a second primary", &pair, vec![failover("b", Primary)], Some("name both records of the pair")),
            ("a third one", &pair, vec![failover("c", Primary)], Some("no record shop.example.com CNAME (c)")),
        ];
        for (what, zone, wanted, expected) in cases {
            let listed = zone.iter().map(|record| (key_of(record), RecordObserved::from(record))).collect();
            match (records("Z1", &wanted, &listed, &BTreeSet::new()), expected) {
                (Readiness::Ready(_), None) => {}
                (Readiness::Problem(text), Some(said)) => assert!(text.contains(said), "{what}: {text}"),
                (seen, expected) => panic!("{what}: {seen:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn a_health_check_that_is_gone_is_a_problem_and_one_that_stands_is_not_asked_for() {
        let checked = |id: &str, check: &str| DnsRecord {
            health_check_id: Some(check.into()),
            ..record(Some(id), Some(1), None)
        };
        let zone = [checked("a", "stands"), record(Some("b"), Some(1), None)];
        let listed = zone.iter().map(|record| (key_of(record), RecordObserved::from(record))).collect();
        let wanted = [checked("a", "stands"), checked("b", "new")];
        assert_eq!(new_health_checks(&wanted, &listed), BTreeSet::from(["new"]));
        assert!(matches!(records("Z1", &wanted, &listed, &BTreeSet::new()), Readiness::Ready(_)));
        let seen = records("Z1", &wanted, &listed, &BTreeSet::from(["new"]));
        assert!(
            matches!(&seen, Readiness::Problem(text) if text.contains("(b) names health check new, which does not")),
            "{seen:?}"
        );
    }
}
