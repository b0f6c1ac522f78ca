//! An Aurora global database: the old primary comes back by itself, and what it had not replicated is kept.

use pilot_core::FailureName;
use pilot_core::contract::Mode;
use pilot_core::journal::{Action, EntryOutcome};
use pilot_core::observed::{ClusterSnapshotObserved, GlobalClusterObserved, GlobalMember};
use pilot_testkit::{Fault, Faults, fixture};

use crate::case::Case;
use crate::fake_rds::FakeRds;

const LOST: &str = "rds:unplanned-global-failover-shop-aurora-2026-02-01-00-00";
const KEPT: &str = "kept-unplanned-global-failover-shop-aurora-2026-02-01-00-00";

fn snapshot(identifier: &str) -> ClusterSnapshotObserved {
    let arn = format!("arn:aws:rds:ap-southeast-2:111122223333:cluster-snapshot:{identifier}");
    ClusterSnapshotObserved { identifier: identifier.into(), arn, status: "creating".into() }
}

/// After a failover: the recovery cluster is the writer, the old one is behind.
fn failed_over(coming_back: &[&'static str]) -> FakeRds {
    let member = |arn: &str, is_writer| GlobalMember { arn: arn.into(), is_writer, synchronization: None };
    let global = GlobalClusterObserved {
        status: "available".into(),
        engine_version: Some("15.4".into()),
        members: vec![member(fixture::RECOVERY_CLUSTER_ARN, true), member(fixture::PRIMARY_CLUSTER_ARN, false)],
        failover_state: None,
        recovery: None,
    };
    let rds = FakeRds::default();
    rds.global.replace(Some(global));
    rds.coming_back.replace(coming_back.to_vec());
    rds
}

fn case(rds: FakeRds) -> Case {
    Case::new(&fixture::with_home(&fixture::plan_yaml_with_global_cluster()), Mode::Protect, rds)
}

/// A cluster that comes back with lost data, and a snapshot of another kind.
fn with_lost_data() -> Case {
    let rds = failed_over(&["pending-resync"; 4]);
    rds.snapshots.replace(vec![(snapshot("rds:shop-aurora-2026-01-31"), vec![]), (snapshot(LOST), vec!["creating"])]);
    case(rds)
}

fn assert_kept_once(case: &Case) {
    assert_eq!(case.rds.accepted(), [format!("{} copied to {KEPT}", snapshot(LOST).arn)]);
    let entry = case.entry(Action::KeepLostData).unwrap();
    assert!(matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })), "{entry:?}");
    assert_eq!((entry.resource.as_str(), entry.before["source"].as_str()), (KEPT, Some(snapshot(LOST).arn.as_str())));
}

#[test]
fn a_cluster_that_comes_back_is_waited_for() {
    let (case, faults) = (case(failed_over(&["pending-resync", "pending-resync"])), Faults::none());
    let lines: Vec<String> = [0, 5, 5].iter().map(|seconds| case.look(*seconds, &faults)).collect();
    let waits = "on its way: shop-aurora comes back by itself, it is `pending-resync` (again in 5s)";
    let done = "done: shop-aurora follows; no snapshot of data that was not replicated was found";
    assert_eq!(lines, [waits, waits, done]);
    assert!(faults.mutating_calls().is_empty() && case.entries().is_empty());
    let (late, faults) = (self::case(failed_over(&["pending-resync"])), Faults::none());
    let failure = late.look(4 * 900, &faults);
    assert!(failure.starts_with("StepDeadlineExceeded: "), "{failure}");
}

#[test]
fn lost_data_is_copied_once_and_named_when_all_is_done() {
    let (case, faults) = (with_lost_data(), Faults::none());
    let lines: Vec<String> = [0, 5, 3, 5, 5].iter().map(|seconds| case.look(*seconds, &faults)).collect();
    let waits = "on its way: shop-aurora comes back by itself, it is `pending-resync` (again in 5s)";
    assert_eq!(
        lines,
        [
            waits.to_owned(),
            format!("on its way: {KEPT} is being copied (again in 3s)"),
            waits.to_owned(),
            waits.to_owned(),
            format!("done: shop-aurora follows; what it had not replicated is kept in {KEPT}"),
        ]
    );
    assert_kept_once(&case);
}

#[test]
fn a_copy_that_is_not_whole_is_waited_for() {
    let rds = failed_over(&[]);
    rds.snapshots.replace(vec![(snapshot(LOST), vec![])]);
    let (case, faults) = (case(rds), Faults::none());
    let lines: Vec<String> = [0, 3].iter().map(|seconds| case.look(*seconds, &faults)).collect();
    assert_eq!(
        lines,
        [
            format!("on its way: {KEPT} is being copied (again in 3s)"),
            format!("on its way: snapshot {KEPT} is `copying` (again in 5s)"),
        ]
    );
    case.walk(&faults).unwrap();
    assert_kept_once(&case);
}

fn calls_of_a_walk() -> usize {
    let (case, faults) = (with_lost_data(), Faults::none());
    case.walk(&faults).unwrap();
    faults.calls().len()
}

#[test]
fn whatever_answer_is_lost_the_data_is_copied_once() {
    for number in 0..calls_of_a_walk() {
        for fault in [Fault::Throttled, Fault::UnknownBefore, Fault::UnknownAfter] {
            let (case, faults) = (with_lost_data(), Faults::none().at(number, fault));
            let response = case.walk(&faults);
            assert!(response.is_ok() && faults.any_injected(), "{fault:?} at call {number}: {response:?}");
            assert_kept_once(&case);
        }
    }
}

#[test]
fn a_refused_copy_is_told_and_copied_by_the_next_run() {
    for number in 0..calls_of_a_walk() {
        let (case, faults) = (with_lost_data(), Faults::none().at(number, Fault::Refused));
        let failure = case.walk(&faults).unwrap_err();
        let call = faults.calls().pop().unwrap();
        let expected = if call.mutating { FailureName::ProtectFailed } else { FailureName::AwsRefused };
        assert_eq!(failure.name, expected, "{}: {failure}", call.name);
        case.walk(&Faults::none()).unwrap();
        assert_kept_once(&case);
    }
}

#[test]
fn a_cluster_that_will_not_come_back_is_told() {
    let rds = failed_over(&[]);
    rds.global.borrow_mut().as_mut().unwrap().members.pop();
    let failure = case(rds).invoke(&Faults::none()).unwrap_err();
    assert_eq!(failure.name, FailureName::ProtectFailed);
    assert!(failure.what.contains("is no member of global cluster shop-global any more"), "{failure}");
}
