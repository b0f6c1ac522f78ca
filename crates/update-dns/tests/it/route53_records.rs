//! Route 53 records, look by look, and their undo.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's panic is its report")]

use std::cell::Cell;

use crate::case::Case;
use futures::executor::block_on;
use pilot_core::FailureName;
use pilot_core::contract::{Mode, Status, Step};
use pilot_core::decide::records::{ChangeState, key_of};
use pilot_core::journal::{Entry, EntryOutcome};
use pilot_core::observed::RecordObserved;
use pilot_core::plan::{DnsRecord, Traffic};
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{Listed, Records, StopObjects};
use pilot_testkit::{FakePlans, Fault, Faults, Injected, fixture, now, told};
use serde_json::json;
use update_dns::handler::handle;
use update_dns::route53_records::undo;

const CHANGE: &str = "route53:ChangeResourceRecordSets";

/// A case whose STOP object is there already, so that the records' wave has come.
fn second_wave(faults: Faults) -> Case {
    let case = Case::new(faults);
    block_on(case.world.put(fixture::STOP_BUCKET, fixture::STOP_KEY, "by hand".into())).unwrap();
    case
}

fn line(records: &str) -> String {
    format!("done: the STOP object is there | {records}")
}

fn check(case: &Case, looks: &[(i64, &str)]) {
    let lines: Vec<String> = looks.iter().map(|(seconds, _)| case.look(*seconds)).collect();
    let expected: Vec<String> = looks
        .iter()
        .map(|(_, said)| if said.starts_with(char::is_uppercase) { (*said).to_owned() } else { line(said) })
        .collect();
    assert_eq!(lines, expected);
}

const WRITTEN: &str = "on its way: 2 records written (again in 2s)";
const WAITS: &str = "on its way: the change is on its way to the name servers (again in 2s)";
const IN_SYNC: &str = "done: 2 records, in sync";

#[test]
fn records_are_written_and_waited_for_until_they_are_everywhere() {
    let case = second_wave(Faults::none());
    check(&case, &[(0, WRITTEN), (2, WAITS), (2, IN_SYNC)]);
    let entry = case.entry("upsert-records").unwrap();
    assert!(
        matches!(&entry.outcome, Some(EntryOutcome::Accepted { detail, .. }) if detail == r#"["C1"]"#),
        "{entry:?}"
    );
    let api = json!({"name": "api.shop.test", "recordType": "CNAME",
                     "found": {"ttlSeconds": 300, "values": ["primary-lb.shop.test."]}});
    assert_eq!(entry.before, json!([api, {"name": "new.shop.test", "recordType": "A"}]));
}

#[test]
fn records_that_stand_already_are_done() {
    let case = second_wave(Faults::none());
    for record in wanted(&case) {
        case.world.put_record(fixture::ZONE, &record);
    }
    check(&case, &[(0, IN_SYNC)]);
    assert!(case.faults.mutating_calls().is_empty());
}

#[test]
fn a_change_that_route_53_lost_is_made_again() {
    let case = second_wave(Faults::none());
    check(&case, &[(0, WRITTEN)]);
    case.world.lose_changes();
    check(&case, &[(2, WRITTEN), (2, WAITS), (2, IN_SYNC)]);
    assert_eq!(case.world.changes_made(), 2);
}

#[test]
fn a_lost_answer_is_a_change_nobody_can_ask_for_so_it_is_made_again() {
    let lost = "AwsUnavailable: route53:ChangeResourceRecordSets: outcome unknown: the connection was reset (injected)";
    for fault in [Fault::UnknownBefore, Fault::UnknownAfter] {
        let case = second_wave(Faults::none().nth(CHANGE, 0, fault));
        check(&case, &[(0, lost), (1, WRITTEN), (2, WAITS), (2, IN_SYNC)]);
    }
}

#[test]
fn a_refusal_is_told_and_journalled_as_not_done() {
    let case = second_wave(Faults::none().every(CHANGE, Fault::Refused));
    let said =
        "TrafficFailed: route53:ChangeResourceRecordSets was refused with AccessDenied: not authorized (injected)";
    check(&case, &[(0, said)]);
    assert!(matches!(case.entry("upsert-records").unwrap().outcome, Some(EntryOutcome::NotDone { .. })));
}

#[test]
fn a_change_that_never_comes_everywhere_meets_the_deadline() {
    let case = second_wave(Faults::none());
    case.world.set_insync_looks(100);
    // The first wave's 60 seconds come before the records' own 300.
    check(
        &case,
        &[
            (0, WRITTEN),
            (359, WAITS),
            (
                1,
                "StepDeadlineExceeded: not there after 360 seconds, the plan allows 360: the change is on its way to the \
                 name servers",
            ),
        ],
    );
}

/// Route 53 that takes one batch and refuses the next.
struct TakesOneBatch<'a>(&'a Case, Cell<bool>);

impl Records for TakesOneBatch<'_> {
    async fn list(&self, zone_id: &str, wanted: &[DnsRecord]) -> Result<Listed, CallError> {
        self.0.world.list(zone_id, wanted).await
    }

    async fn upsert(&self, zone_id: &str, batch: &[DnsRecord]) -> Result<String, CallError> {
        if self.1.replace(true) {
            return Err(CallError::Refused { code: "InvalidChangeBatch".into(), message: "not this one".into() });
        }
        self.0.world.upsert(zone_id, batch).await
    }

    async fn delete(&self, zone_id: &str, records: &[DnsRecord]) -> Result<String, CallError> {
        Records::delete(&self.0.world, zone_id, records).await
    }

    async fn change_state(&self, change_id: &str) -> Result<ChangeState, CallError> {
        self.0.world.change_state(change_id).await
    }
}

#[test]
fn a_refusal_after_a_batch_was_taken_is_half_done_and_not_undone_by_name() {
    let mut case = second_wave(Faults::none());
    // Each record is more than half a batch, so two need two batches.
    let text = format!("'\"{}\"'", "x".repeat(250));
    let values = format!("[{}]", [text.as_str(); 40].join(", "));
    let yaml = fixture::PLAN_YAML
        .replace("recordType: A,", "recordType: TXT,")
        .replace("recordType: CNAME,", "recordType: TXT,")
        .replace("[192.0.2.7]", &values)
        .replace("[recovery-lb.shop.test]", &values);
    case.plans = FakePlans::new();
    case.run.plan = case.plans.put(fixture::PLAN, &yaml);
    let event = fixture::step_event(&case.run, Step::ShiftTraffic, now(), None);
    let route53 = TakesOneBatch(&case, Cell::new(false));
    let said = told(&block_on(handle(event, &case.ledger, &case.plans, &case.world, &route53, &case.world, now)));
    assert_eq!(
        said,
        "TrafficFailed: route53:ChangeResourceRecordSets was refused with InvalidChangeBatch: not this one"
    );
    let entry = case.entry("upsert-records").unwrap();
    assert_eq!(entry.outcome, None, "one batch stands: the rollback must undo it");
    undo_to_the_end(&case, &entry, 3);
    assert_eq!(case.world.values().zones, fixture::world().values().zones);
}

fn undo_to_the_end(case: &Case, entry: &Entry, looks_max: usize) {
    for _ in 0..looks_max {
        let world = Injected::new(&case.world, &case.faults);
        match block_on(undo(&case.ledger, &case.run.run_id, &world, entry)) {
            Ok((progress, _)) if progress.status == Status::Done => return,
            Ok(_) => {}
            Err(failure) => assert_eq!(failure.name, FailureName::AwsUnavailable),
        }
    }
    panic!("not undone after {looks_max} looks");
}

fn wanted(case: &Case) -> Vec<DnsRecord> {
    case.plan()
        .traffic
        .into_iter()
        .find_map(|traffic| match traffic {
            Traffic::Route53Records(component) => Some(component.records),
            _ => None,
        })
        .unwrap()
}

#[test]
fn the_undo_writes_back_deletes_and_waits_and_is_the_same_twice() {
    let case = second_wave(Faults::none());
    let before = case.world.values();
    check(&case, &[(0, WRITTEN)]);
    let entry = case.entry("upsert-records").unwrap();
    let said = || {
        let (progress, _) = block_on(undo(&case.ledger, &case.run.run_id, &case.world, &entry)).unwrap();
        progress.detail
    };
    let on_its_way = "the values before are on their way to the name servers";
    let lines: Vec<String> = (0..5).map(|_| said()).collect();
    let back = "2 records are back at the values before";
    assert_eq!(lines, ["the values before were written back", on_its_way, back, back, back]);
    assert_eq!(case.world.values(), before);
    assert_eq!(case.world.changes_made(), 3, "one UPSERT by the run; one UPSERT and one DELETE by the undo");
}

#[test]
fn an_undo_whose_answer_was_lost_is_still_waited_for() {
    for nth in [1, 2] {
        for fault in [Fault::UnknownBefore, Fault::UnknownAfter, Fault::Throttled] {
            let case = second_wave(Faults::none().nth(CHANGE, nth, fault));
            let before = case.world.values();
            check(&case, &[(0, WRITTEN)]);
            let entry = case.entry("upsert-records").unwrap();
            undo_to_the_end(&case, &entry, 6);
            assert!(case.faults.any_injected());
            assert_eq!(case.world.values(), before, "{fault:?} at change {nth}");
        }
    }
}

#[test]
fn an_undo_that_is_refused_says_what_is_true() {
    let case = second_wave(Faults::none().nth(CHANGE, 1, Fault::Refused));
    check(&case, &[(0, WRITTEN)]);
    let entry = case.entry("upsert-records").unwrap();
    let world = Injected::new(&case.world, &case.faults);
    let failure = block_on(undo(&case.ledger, &case.run.run_id, &world, &entry)).unwrap_err();
    assert_eq!(failure.name, FailureName::RollbackIncomplete);
    assert_eq!(failure.now_true, "some records may still lead to the recovery Region");
}

#[test]
fn an_undo_of_an_act_that_never_had_an_effect_changes_nothing() {
    let case = second_wave(Faults::none().nth(CHANGE, 0, Fault::UnknownBefore));
    case.look(0);
    let entry = case.entry("upsert-records").unwrap();
    undo_to_the_end(&case, &entry, 1);
    assert_eq!(case.world.changes_made(), 0);
    assert!(block_on(case.ledger.evidence(&case.run.run_id)).unwrap().is_empty());
}

/// A weighted pair that is turned round and a failover record that is not there yet, and hundreds of simple ones that fill two batches.
fn many_yaml() -> String {
    let simple = "      - {name: api.shop.test, recordType: CNAME, ttlSeconds: 5, values: [recovery-lb.shop.test]}\n";
    let policies = "      - {name: w.shop.test, recordType: A, ttlSeconds: 5, values: [192.0.2.1], setIdentifier: home, weight: 0}
      - {name: w.shop.test, recordType: A, ttlSeconds: 5, values: [192.0.2.2], setIdentifier: away, weight: 255}
      - {name: f.shop.test, recordType: A, ttlSeconds: 5, values: [192.0.2.2], setIdentifier: away, failover: PRIMARY, healthCheckId: h-1}
";
    let many: String = (0..600)
        .map(|i| format!("      - {{name: r{i:03}.shop.test, recordType: A, ttlSeconds: 5, values: [192.0.2.2]}}\n"))
        .collect();
    assert!(fixture::PLAN_YAML.contains(simple));
    fixture::PLAN_YAML.replacen(simple, &format!("{simple}{policies}{many}"), 1)
}

#[test]
fn hundreds_of_records_of_every_policy_go_there_and_exactly_back() {
    let case = Case::of(&many_yaml(), Mode::Failover, Faults::none());
    block_on(case.world.put(fixture::STOP_BUCKET, fixture::STOP_KEY, "by hand".into())).unwrap();
    for record in wanted(&case).into_iter().filter(|record| record.name.starts_with(['r', 'w'])) {
        let weight = record.weight.map(|weight| 255 - weight);
        // Half of the simple ones are there before.
        if weight.is_some() || record.name.as_str() < "r300" {
            case.world.put_record(fixture::ZONE, &DnsRecord { weight, values: vec!["192.0.2.9".into()], ..record });
        }
    }
    let before = case.world.values();
    let written = "on its way: 605 records written (again in 2s)";
    check(&case, &[(0, written), (2, WAITS)]);
    assert_eq!(case.world.changes_made(), 2, "500 and 105");
    let zone = case.world.peek_zone(fixture::ZONE);
    for record in wanted(&case) {
        assert_eq!(zone[&key_of(&record)], RecordObserved::from(&record));
    }
    let entry = case.entry("upsert-records").unwrap();
    undo_to_the_end(&case, &entry, 6);
    assert_eq!(case.world.values(), before);
    assert_eq!(case.world.changes_made(), 4, "one UPSERT of what was there, one DELETE of what was not");
}
