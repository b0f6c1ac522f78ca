//! Fails every call in turn, in every way, and looks at what is true at the end: recovered, rolled back to the exact values before, or
//! past the pivot and said so - and never two promotions.

use crate::drive::{Course, Drive, End};
use futures::executor::block_on;
use pilot_core::FailureName;
use pilot_core::contract::{Disposition, Status, Step};
use pilot_core::decide::routing::ControlState;
use pilot_core::journal::EntryOutcome;
use pilot_testkit::{FakePlans, Fault, Faults, WorldValues, fixture};
use proptest::prelude::*;

/// Whatever befell the run, this holds.
fn assert_clean(drive: &Drive, before: &WorldValues, end: &End, case: &str) {
    let after = drive.world.values();
    let (status, source, promotions) = &after.replicas[fixture::REPLICA];
    assert!(*promotions <= 1, "{case}: promoted {promotions} times");
    let (writer, failovers, switchovers) = &after.global_clusters[fixture::GLOBAL_CLUSTER];
    assert!(*failovers <= 1 && *switchovers == 0, "{case}: {failovers} failovers, {switchovers} switchovers");
    match end {
        End::Recovered => {
            assert_recovered(drive, case);
            assert!(drive.world.newest_change_seen_in_sync(), "{case}: recovered before the change was everywhere");
            let with_database = drive.faults.count("rds:PromoteReadReplica") > 0;
            if with_database {
                assert_eq!((status.as_str(), source.is_none(), *promotions), ("available", true, 1), "{case}");
            }
            if drive.faults.count("rds:FailoverGlobalCluster") > 0 {
                let moved = (Some(fixture::RECOVERY_CLUSTER_ARN), 1);
                assert_eq!((writer.as_deref(), *failovers), moved, "{case}");
                let seen = drive.world.peek_global_cluster(fixture::GLOBAL_CLUSTER).unwrap().observed;
                assert_eq!(seen.failover_state, None, "{case}: recovered while it was on the move");
            }
        }
        End::RolledBack { disposition: Disposition::RolledBack | Disposition::Untouched, .. } => {
            assert_eq!(&after, before, "{case}: not the exact values before ({end:?})");
            assert!(drive.world.newest_change_seen_in_sync(), "{case}: rolled back before the change was everywhere");
            for entry in drive.journal() {
                let not_done = matches!(entry.outcome, Some(EntryOutcome::NotDone { .. }));
                assert!(not_done || entry.undone_at.is_some(), "{case}: {} is not undone", entry.key());
            }
        }
        End::RolledBack { disposition: Disposition::PivotPassed, .. } => {
            let pivot = drive.journal().into_iter().find(|entry| entry.irreversible).unwrap();
            assert!(!matches!(pivot.outcome, Some(EntryOutcome::NotDone { .. })), "{case}: {pivot:?}");
            assert!(drive.journal().iter().all(|entry| entry.undone_at.is_none()), "{case}: undone past the pivot");
        }
        // Loud: a failure with a name, for a person. Only what cannot be tried again may end so.
        End::Stuck { failure, .. } => {
            let lasting = [FailureName::RollbackIncomplete, FailureName::JournalUnavailable];
            assert!(lasting.contains(&failure.name), "{case}: {failure}");
        }
    }
    if let End::RolledBack { after, .. } | End::Stuck { after, .. } = end {
        assert!(after.name != FailureName::LeaseLost, "{case}: nobody took the lease: {after}");
        assert!(!after.resource.is_empty() && !after.next.is_empty(), "{case}: no help to the person on call: {after}");
    }
}

fn assert_recovered(drive: &Drive, case: &str) {
    let after = drive.world.values();
    let sizes = after.groups[fixture::GROUP];
    assert_eq!((sizes.min, sizes.max, sizes.desired), (2, 4, 2), "{case}");
    assert_eq!(drive.world.peek_group(fixture::GROUP).unwrap().in_service, 2, "{case}");
    let stopped = drive.world.peek_object(fixture::STOP_BUCKET, fixture::STOP_KEY).is_some();
    let turned = [fixture::PRIMARY_CONTROL, fixture::RECOVERY_CONTROL].map(|control| after.controls[control]);
    assert!(stopped || turned == [ControlState::Off, ControlState::On], "{case}: no switch was moved");
    let zone = drive.world.peek_zone(fixture::ZONE);
    let values = |name: &str, kind: &str| zone[&(name.to_owned(), kind.to_owned(), None)].values.clone();
    assert_eq!(values("api.shop.test", "CNAME"), ["recovery-lb.shop.test"], "{case}");
    assert_eq!(values("new.shop.test", "A"), ["192.0.2.7"], "{case}");
    // What could not be fenced is left open or refused, and the run went on without.
    for entry in drive.journal().into_iter().filter(|entry| entry.step != Step::Fence) {
        assert!(
            matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })),
            "{case}: the journal is not complete: {entry:?}"
        );
    }
}

/// Runs the course with a fault at the first call, at the second ... until a run is through before its fault's turn comes.
pub fn fail_every_call(
    plan_yaml: &str,
    course: Course,
    faults: impl Fn() -> Faults,
    check: impl Fn(&Drive, &End, Fault, &str),
) {
    for fault in Fault::ALL {
        for number in 0.. {
            assert!(number < 2_000, "a run of so many calls does not end");
            let drive = Drive::new(plan_yaml, faults().at(number, fault));
            let before = drive.world.values();
            let end = drive.to_the_end(course);
            let calls = drive.faults.calls();
            let Some(failed) = calls.get(number) else { break };
            let case = format!("{fault:?} at call {number}, {} of {}", failed.name, failed.resource);
            assert_clean(&drive, &before, &end, &case);
            check(&drive, &end, fault, &case);
        }
    }
}

pub fn is_transient(fault: Fault) -> bool {
    fault != Fault::Refused
}

#[test]
fn a_run_without_faults_recovers_with_one_call_for_each_act() {
    let drive = Drive::new(fixture::PLAN_YAML, Faults::none());
    let end = drive.to_the_end(Course::default());
    assert!(matches!(end, End::Recovered), "{end:?}");
    assert_recovered(&drive, "no fault");
    let acts: Vec<&str> = drive.faults.mutating_calls().iter().map(|call| call.name).collect();
    assert_eq!(
        acts,
        [
            "rds:PromoteReadReplica",
            "autoscaling:UpdateAutoScalingGroup",
            "s3:PutObject",
            "route53:ChangeResourceRecordSets"
        ]
    );
}

#[test]
fn any_one_fault_on_the_way_forward_ends_well_or_loudly_and_a_passing_one_ends_recovered() {
    fail_every_call(fixture::PLAN_YAML, Course::default(), Faults::none, |_, end, fault, case| {
        assert_eq!(matches!(end, End::Recovered), is_transient(fault), "{case}: {end:?}");
    });
}

#[test]
fn a_promoted_database_is_set_as_the_plan_says_whatever_fails() {
    for plan in [fixture::PLAN_YAML.to_owned(), fixture::plan_yaml_with_global_cluster()] {
        let plan = fixture::with_promoted_settings(&plan);
        let is_replica = plan.contains("rdsReadReplica");
        fail_every_call(&plan, Course::default(), Faults::none, |drive, end, fault, case| {
            assert_eq!(matches!(end, End::Recovered), is_transient(fault), "{case}: {end:?}");
            if matches!(end, End::Recovered) {
                let id = if is_replica { fixture::REPLICA } else { "reader-1" };
                let set = drive.world.peek_restored(id).unwrap().settings;
                assert_eq!(set.parameter_group.as_deref(), Some(fixture::PROMOTED.0), "{case}");
                assert_eq!(set.tags.len(), 1, "{case}");
            }
            assert_eq!(drive.faults.count("rds:RebootDBInstance"), 0, "{case}");
        });
    }
}

#[test]
fn a_refused_promotion_ends_in_the_exact_values_before_whatever_else_fails() {
    let refused = || Faults::none().every("rds:PromoteReadReplica", Fault::Refused);
    fail_every_call(fixture::PLAN_YAML, Course::default(), refused, |drive, end, fault, case| {
        assert!(!matches!(end, End::Recovered), "{case}");
        assert_eq!(drive.world.peek_replica(fixture::REPLICA).unwrap().promotions, 0, "{case}");
        if is_transient(fault) {
            let End::RolledBack { after, .. } = end else { panic!("{case}: {end:?}") };
            assert_eq!(after.name, FailureName::PromotionRefused, "{case}");
        }
    });
}

#[test]
fn a_whole_run_without_a_pivot_goes_back_whatever_fails() {
    let plan = fixture::plan_yaml_without_database();
    let course = Course { verify_fails: true, ..Course::default() };
    fail_every_call(&plan, course, Faults::none, |_, end, fault, case| {
        if is_transient(fault) {
            assert!(matches!(end, End::RolledBack { disposition: Disposition::RolledBack, .. }), "{case}: {end:?}");
        }
    });
}

#[test]
fn a_whole_run_past_the_pivot_stays_where_it_is_whatever_fails() {
    let course = Course { verify_fails: true, ..Course::default() };
    fail_every_call(fixture::PLAN_YAML, course, Faults::none, |_, end, fault, case| {
        if is_transient(fault) {
            assert!(matches!(end, End::RolledBack { disposition: Disposition::PivotPassed, .. }), "{case}: {end:?}");
        }
    });
}

#[test]
fn every_invocation_twice_is_the_same_as_once() {
    for (plan, verify_fails) in [
        (fixture::PLAN_YAML.to_owned(), false),
        (fixture::PLAN_YAML.to_owned(), true),
        (fixture::plan_yaml_without_database(), true),
        (fixture::plan_yaml_with_global_cluster(), false),
        (fixture::with_promoted_settings(fixture::PLAN_YAML), false),
        (fixture::with_promoted_settings(&fixture::plan_yaml_with_global_cluster()), false),
        (fixture::plan_yaml_with_global_cluster(), true),
    ] {
        let [once, twice] = [false, true].map(|twice| {
            let drive = Drive::new(&plan, Faults::none());
            let end = drive.to_the_end(Course { twice, verify_fails });
            (format!("{end:?}"), drive.world.values(), drive.faults.mutating_calls())
        });
        assert_eq!(once, twice);
    }
}

#[test]
fn an_invocation_after_the_end_changes_nothing() {
    let drive = Drive::new(fixture::PLAN_YAML, Faults::none());
    assert!(matches!(drive.to_the_end(Course::default()), End::Recovered));
    let acts = drive.faults.mutating_calls();
    for step in [Step::PromoteData, Step::ScaleCompute, Step::ShiftTraffic] {
        let response = block_on(drive.step(drive.event(step))).unwrap();
        assert_eq!(response.status, Status::Done, "{step:?}");
    }
    assert_eq!(drive.faults.mutating_calls(), acts);

    let drive = Drive::new(&fixture::plan_yaml_without_database(), Faults::none());
    drive.to_the_end(Course { verify_fails: true, ..Course::default() });
    let acts = drive.faults.mutating_calls();
    let response = block_on(drive.rollback(drive.event(Step::Rollback))).unwrap();
    assert_eq!((response.status, response.disposition), (Status::Done, Disposition::RolledBack));
    assert_eq!(drive.faults.mutating_calls(), acts);
}

#[test]
fn every_invocation_twice_ends_well_whatever_fails() {
    let course = Course { twice: true, ..Course::default() };
    fail_every_call(fixture::PLAN_YAML, course, Faults::none, |_, _, _, _| {});
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(Fault::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn several_faults_at_once_end_well_or_loudly(
        faults in prop::collection::vec((0_usize..120, any_fault()), 1..8),
        database in prop::sample::select(vec!["none", "replica", "global cluster"]),
        fenced in any::<bool>(),
        twice in any::<bool>(),
        verify_fails in any::<bool>(),
    ) {
        let plan = match database {
            "none" => fixture::plan_yaml_without_database(),
            "replica" => fixture::PLAN_YAML.to_owned(),
            _ => fixture::plan_yaml_with_global_cluster(),
        };
        let plan = if fenced { fixture::fenced(&plan, "bestEffort") } else { plan };
        let injected = faults.iter().fold(Faults::none(), |all, (number, fault)| all.at(*number, *fault));
        let drive = Drive::over(FakePlans::new(), &plan, injected);
        let before = drive.world.values();
        let end = drive.to_the_end(Course { twice, verify_fails });
        assert_clean(&drive, &before, &end, &format!("{faults:?}"));
    }
}
