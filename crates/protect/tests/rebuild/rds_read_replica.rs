//! An RDS pair: the old primary set aside once, a replica made once, whatever call fails.

use pilot_core::FailureName;
use pilot_core::contract::Mode;
use pilot_core::journal::{Action, EntryOutcome};
use pilot_testkit::{Fault, Faults, fixture};
use serde_json::json;

use crate::case::Case;
use crate::fake_rds::{FakeInstance, FakeRds, arn};

const PRIMARY: &str = "ap-southeast-2";
const RECOVERY: &str = "ap-southeast-1";

/// After a failover: the promoted replica serves, the old primary has what it wrote alone.
fn parted() -> FakeRds {
    let rds = FakeRds::default();
    rds.put(RECOVERY, fixture::REPLICA, FakeInstance::standing_alone("what serves"));
    rds.put(PRIMARY, fixture::INSTANCE, FakeInstance::standing_alone("the old primary's own"));
    rds
}

fn case() -> Case {
    Case::new(&fixture::plan_yaml_with_home(), Mode::Protect, parted())
}

const DONE: &str = "done: shop-db follows, and replicates; the old primary is kept as shop-db-aside-1 and costs what it did: Pilot Light \
                    never deletes it. Whoever answers for that does, with a final snapshot: `aws rds modify-db-instance --region \
                    ap-southeast-2 --db-instance-identifier shop-db-aside-1 --no-deletion-protection --apply-immediately`, then `aws rds \
                    delete-db-instance --region ap-southeast-2 --db-instance-identifier shop-db-aside-1 --no-skip-final-snapshot \
                    --final-db-snapshot-identifier shop-db-aside-1-final`";

/// Set aside once, with its data; one replica under the old name.
fn assert_rebuilt(case: &Case) {
    let serving = arn(RECOVERY, fixture::REPLICA);
    assert_eq!(
        case.rds.accepted(),
        [format!("{PRIMARY}: shop-db renamed to shop-db-aside-1"), format!("{PRIMARY}: shop-db made of {serving}")]
    );
    assert_eq!(
        case.rds.data(),
        [
            "ap-southeast-1 shop-db-replica: what serves",
            "ap-southeast-2 shop-db: what serves",
            "ap-southeast-2 shop-db-aside-1: the old primary's own",
        ]
    );
    let outcomes: Vec<(Action, bool)> = case
        .entries()
        .iter()
        .map(|entry| (entry.action, matches!(entry.outcome, Some(EntryOutcome::Accepted { .. }))))
        .collect();
    assert_eq!(outcomes, [(Action::SetAside, true), (Action::CreateReplica, true)]);
}

#[test]
fn the_old_primary_is_set_aside_and_a_replica_takes_its_name() {
    let case = case();
    let waits_seconds = [0, 3, 5, 5, 5, 3, 5, 5, 5, 5];
    let lines: Vec<String> = waits_seconds.iter().map(|seconds| case.look(*seconds, &Faults::none())).collect();
    assert_eq!(
        lines,
        [
            "on its way: shop-db is being renamed (again in 3s)",
            "on its way: the old primary's new name is not seen yet (again in 5s)",
            "on its way: the old primary's new name is not seen yet (again in 5s)",
            "on its way: the old primary is `renaming` (again in 5s)",
            "on its way: shop-db is being made (again in 3s)",
            "on its way: the new replica is not seen yet (again in 5s)",
            "on its way: the new replica is `creating` (again in 5s)",
            "on its way: the new replica is `creating` (again in 5s)",
            "on its way: the new replica is `modifying` (again in 5s)",
            DONE,
        ]
    );
    assert_rebuilt(&case);
    let set_aside = case.entry(Action::SetAside).unwrap();
    assert_eq!(
        set_aside.before,
        json!({"identifier": "shop-db", "setAsideAs": "shop-db-aside-1", "status": "available", "deleteWith": [
            "aws rds modify-db-instance --region ap-southeast-2 --db-instance-identifier shop-db-aside-1 --no-deletion-protection \
             --apply-immediately",
            "aws rds delete-db-instance --region ap-southeast-2 --db-instance-identifier shop-db-aside-1 --no-skip-final-snapshot \
             --final-db-snapshot-identifier shop-db-aside-1-final",
        ]})
    );
    let created = case.entry(Action::CreateReplica).unwrap();
    assert_eq!(created.before, json!({"source": arn(RECOVERY, fixture::REPLICA)}));
    assert!(set_aside.irreversible && created.irreversible, "neither has an undo");
    let settings = case.rds.instance(PRIMARY, fixture::INSTANCE).settings.unwrap();
    assert_eq!(settings.security_group_ids, [fixture::OPEN_DOORS[1]], "those of the plan's primarySettings");
    assert!(settings.deletion_protection);
}

#[test]
fn what_follows_already_is_left_alone() {
    let case = case();
    case.walk(&Faults::none()).unwrap();
    let faults = Faults::none();
    assert!(case.look(60, &faults).starts_with("done: shop-db follows"));
    assert!(faults.mutating_calls().is_empty());
    assert_rebuilt(&case);
}

#[test]
fn after_the_way_home_the_recovery_region_follows() {
    let rds = FakeRds::default();
    rds.put(PRIMARY, fixture::INSTANCE, FakeInstance::standing_alone("what serves at home"));
    rds.put(RECOVERY, fixture::REPLICA, FakeInstance::standing_alone("what served away"));
    let case = Case::new(&fixture::plan_yaml_with_home(), Mode::Failback, rds);
    case.walk(&Faults::none()).unwrap();
    assert_eq!(
        case.rds.accepted(),
        [
            format!("{RECOVERY}: shop-db-replica renamed to shop-db-replica-aside-1"),
            format!("{RECOVERY}: shop-db-replica made of {}", arn(PRIMARY, fixture::INSTANCE))
        ]
    );
}

/// The numbers of the calls that a walk without faults makes.
fn calls_of_a_walk() -> usize {
    let (case, faults) = (case(), Faults::none());
    case.walk(&faults).unwrap();
    faults.calls().len()
}

#[test]
fn whatever_answer_is_lost_there_is_one_renaming_and_one_replica() {
    for number in 0..calls_of_a_walk() {
        for fault in [Fault::Throttled, Fault::UnknownBefore, Fault::UnknownAfter] {
            let (case, faults) = (case(), Faults::none().at(number, fault));
            let response = case.walk(&faults);
            assert!(response.is_ok(), "{fault:?} at call {number}: {response:?}");
            assert!(faults.any_injected(), "{fault:?} at call {number} never came");
            assert_rebuilt(&case);
        }
    }
}

#[test]
fn a_refused_call_is_told_and_the_next_run_goes_on_from_what_it_finds() {
    for number in 0..calls_of_a_walk() {
        let (case, faults) = (case(), Faults::none().at(number, Fault::Refused));
        let failure = case.walk(&faults).unwrap_err();
        let call = faults.calls().pop().unwrap();
        let expected = if call.mutating { FailureName::ProtectFailed } else { FailureName::AwsRefused };
        assert_eq!(failure.name, expected, "call {number}, {}: {failure}", call.name);
        assert!(failure.to_string().contains(call.name), "{failure}");
        case.walk(&Faults::none()).unwrap();
        assert_rebuilt(&case);
    }
}

#[test]
fn an_instance_that_is_busy_is_waited_for() {
    let case = case();
    case.rds.change(PRIMARY, fixture::INSTANCE, |instance| instance.status = "backing-up");
    let faults = Faults::none();
    assert_eq!(case.look(0, &faults), "on its way: the old primary is `backing-up` (again in 5s)");
    assert!(faults.mutating_calls().is_empty());
    let failure = case.look(4 * 900, &faults);
    assert!(failure.starts_with("StepDeadlineExceeded: "), "four times the plan's 900 seconds: {failure}");
    case.rds.change(PRIMARY, fixture::INSTANCE, |instance| instance.status = "available");
    let late = case.look(0, &faults);
    assert!(late.starts_with("StepDeadlineExceeded: ") && faults.mutating_calls().is_empty(), "{late}");
}

#[test]
fn what_cannot_be_protected_is_told_and_nothing_is_called() {
    type Change = fn(&FakeRds);
    let rows: [(Change, &str); 5] = [
        (
            |rds| rds.change(RECOVERY, fixture::REPLICA, |i| i.source = Some(arn(PRIMARY, "shop-db"))),
            "is itself a replica of",
        ),
        (|rds| rds.change(RECOVERY, fixture::REPLICA, |i| i.backup_retention_days = 0), "has no automated backups"),
        (|rds| rds.change(PRIMARY, fixture::INSTANCE, |i| i.status = "stopped"), "is `stopped`"),
        (|rds| rds.change(PRIMARY, fixture::INSTANCE, |i| i.status = "failed"), "is `failed`"),
        (|rds| rds.change(PRIMARY, fixture::INSTANCE, |i| i.source = Some(arn(RECOVERY, "other"))), "replicates"),
    ];
    for (change, says) in rows {
        let (case, faults) = (case(), Faults::none());
        change(&case.rds);
        let failure = case.invoke(&faults).unwrap_err();
        assert_eq!(failure.name, FailureName::ProtectFailed);
        assert!(failure.what.contains(says), "{failure}");
        assert!(faults.mutating_calls().is_empty() && case.entries().is_empty(), "{failure}");
    }
}
