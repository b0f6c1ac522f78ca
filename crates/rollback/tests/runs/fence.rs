//! Whole runs that fence the primary first: what was closed is opened again, and a Region that is gone stops nobody.

use futures::executor::block_on;
use pilot_core::FailureName;
use pilot_core::contract::{Disposition, Status, Step};
use pilot_core::decide::fence::{FenceEvidence, ItemState};
use pilot_shell::ledger::Ledger;
use pilot_testkit::{Fault, Faults, fixture};

use crate::drive::{Course, Drive, End};
use crate::every_call_fails::{fail_every_call, is_transient};

fn evidence(drive: &Drive) -> FenceEvidence {
    let evidence = block_on(drive.ledger.evidence(&drive.run.run_id)).unwrap();
    serde_json::from_value(evidence["fence"].clone()).unwrap()
}

#[test]
fn a_fenced_run_recovers_and_leaves_the_primary_closed() {
    let drive = Drive::new(&fixture::plan_yaml_with_fence("required"), Faults::none());
    let end = drive.to_the_end(Course::default());
    assert!(matches!(end, End::Recovered), "{end:?}");
    assert!(evidence(&drive).achieved);
    let values = drive.world.values();
    let sizes = values.primary_groups[fixture::PRIMARY_GROUP];
    assert_eq!((sizes.min, sizes.max, sizes.desired), (0, 0, 0));
    assert_eq!(values.doors[fixture::LOAD_BALANCER], [fixture::CLOSED_DOOR]);
    assert_eq!(values.doors[fixture::INSTANCE], [fixture::CLOSED_DOOR]);
    let recovery = values.groups[fixture::GROUP];
    assert_eq!(
        (recovery.min, recovery.max, recovery.desired),
        (2, 4, 2),
        "the group of the same name in the other Region"
    );
}

#[test]
fn a_primary_that_is_gone_stops_nobody_unless_the_plan_says_so() {
    let drive = Drive::new(&fixture::plan_yaml_with_fence("bestEffort"), Faults::none());
    let before = drive.world.values();
    drive.world.set_primary_reachable(false);
    let end = drive.to_the_end(Course::default());
    assert!(matches!(end, End::Recovered), "{end:?}");
    assert!(evidence(&drive).items.iter().all(|item| item.state == ItemState::Unreachable && item.looks == 2));
    assert_eq!(drive.world.values().doors, before.doors);

    let drive = Drive::new(&fixture::plan_yaml_with_fence("required"), Faults::none());
    drive.world.set_primary_reachable(false);
    let End::RolledBack { after, disposition } = drive.to_the_end(Course::default()) else {
        panic!("a required fence was not required");
    };
    assert_eq!((after.name, disposition), (FailureName::FenceNotAchieved, Disposition::Untouched));
    assert_eq!(drive.world.values(), before);
    assert!(evidence(&drive).seconds >= 30, "it was tried for all of the fence's time");
}

#[test]
fn any_one_passing_fault_of_a_fenced_run_ends_recovered() {
    for policy in ["bestEffort", "required"] {
        let plan = fixture::plan_yaml_with_fence(policy);
        fail_every_call(&plan, Course::default(), Faults::none, |_, end, fault, case| {
            if is_transient(fault) {
                assert!(matches!(end, End::Recovered), "{policy}: {case}: {end:?}");
            }
        });
    }
}

#[test]
fn what_the_primary_refuses_is_recorded_and_the_run_goes_on() {
    for refused in
        ["elasticloadbalancing:SetSecurityGroups", "elasticloadbalancing:DescribeLoadBalancers", "rds:ModifyDBInstance"]
    {
        let drive =
            Drive::new(&fixture::plan_yaml_with_fence("bestEffort"), Faults::none().every(refused, Fault::Refused));
        let end = drive.to_the_end(Course::default());
        assert!(matches!(end, End::Recovered), "{refused}: {end:?}");
        let states: Vec<ItemState> = evidence(&drive).items.iter().map(|item| item.state).collect();
        assert_eq!(states.iter().filter(|state| **state == ItemState::Refused).count(), 1, "{refused}: {states:?}");
        assert_eq!(states.iter().filter(|state| **state == ItemState::Done).count(), 2, "{refused}: {states:?}");
    }
}

#[test]
fn a_promotion_refused_after_the_fence_opens_everything_again_whatever_else_fails() {
    let refused = || Faults::none().every("rds:PromoteReadReplica", Fault::Refused);
    let plan = fixture::plan_yaml_with_fence("bestEffort");
    fail_every_call(&plan, Course::default(), refused, |_, end, fault, case| {
        if is_transient(fault) {
            let End::RolledBack { after, disposition } = end else { panic!("{case}: {end:?}") };
            assert_eq!(after.name, FailureName::PromotionRefused, "{case}");
            // A refusal that could not be written down leaves the promotion open, and that is the pivot.
            let pivot =
                case.contains("ledger:") && ["promote-data#db", fixture::REPLICA].iter().any(|of| case.contains(of));
            assert!(pivot || *disposition == Disposition::RolledBack, "{case}: {end:?}");
        }
    });
}

#[test]
fn a_fenced_run_of_which_everything_is_undone_goes_back_whatever_fails_and_twice_is_once() {
    let plan = fixture::fenced(&fixture::plan_yaml_without_database(), "bestEffort");
    for twice in [false, true] {
        let course = Course { verify_fails: true, twice };
        fail_every_call(&plan, course, Faults::none, |_, end, fault, case| {
            if is_transient(fault) {
                assert!(matches!(end, End::RolledBack { disposition: Disposition::RolledBack, .. }), "{case}: {end:?}");
            }
        });
    }
    let [once, twice] = [false, true].map(|twice| {
        let drive = Drive::new(&plan, Faults::none());
        let end = drive.to_the_end(Course { twice, verify_fails: true });
        (format!("{end:?}"), drive.world.values(), drive.faults.mutating_calls())
    });
    assert_eq!(once, twice);
}

#[test]
fn the_fence_is_opened_last_and_a_primary_that_died_meanwhile_is_no_silent_success() {
    let plan = fixture::fenced(&fixture::plan_yaml_without_database(), "required");
    let drive = Drive::new(&plan, Faults::none());
    let event = drive.event(Step::Fence);
    while block_on(drive.step(event.clone())).unwrap().status != Status::Done {}
    drive.world.set_primary_reachable(false);
    let failure = block_on(drive.rollback(drive.event(Step::Rollback))).unwrap_err();
    assert_eq!(failure.name, FailureName::AwsUnavailable, "{failure}");
    assert!(drive.journal().iter().all(|entry| entry.undone_at.is_none()));
    drive.world.set_primary_reachable(true);
    let response = block_on(drive.rollback(drive.event(Step::Rollback))).unwrap();
    assert_eq!((response.status, response.disposition), (Status::Done, Disposition::RolledBack));

    let drive = Drive::new(&plan, Faults::none());
    drive.to_the_end(Course { verify_fails: true, ..Course::default() });
    let acts: Vec<&str> = drive.faults.mutating_calls().iter().map(|call| call.name).collect();
    let fence =
        ["rds:ModifyDBInstance", "elasticloadbalancing:SetSecurityGroups", "autoscaling:UpdateAutoScalingGroup"];
    let mut first: Vec<&str> = acts[..3].to_vec();
    first.reverse();
    assert_eq!(first, fence, "{acts:?}");
    let mut last: Vec<&str> = acts[acts.len() - 3..].to_vec();
    last.sort_unstable_by_key(|name| fence.iter().position(|fenced| fenced == name));
    assert_eq!(last, fence, "{acts:?}");
}
