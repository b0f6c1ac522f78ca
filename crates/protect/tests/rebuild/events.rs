//! What is refused at the door: a bad event changes nothing at all, not even the lease.

use futures::executor::block_on;
use pilot_core::FailureName;
use pilot_core::contract::{Mode, Run, Step};
use pilot_core::journal::Lease;
use pilot_shell::ledger::Ledger;
use pilot_testkit::{Faults, advance_seconds, fixture, now};

use crate::case::Case;
use crate::fake_rds::{FakeInstance, FakeRds};

fn case(plan_yaml: &str, mode: Mode) -> Case {
    let rds = FakeRds::default();
    rds.put("ap-southeast-1", fixture::REPLICA, FakeInstance::standing_alone("what serves"));
    rds.put("ap-southeast-2", fixture::INSTANCE, FakeInstance::standing_alone("the old primary's own"));
    Case::new(plan_yaml, mode, rds)
}

fn lease(case: &Case) -> Lease {
    block_on(case.ledger.lease(fixture::PLAN, case.run.mode)).unwrap().unwrap()
}

/// The failure's name; nothing was looked at, called, prolonged or written.
fn refused(case: &Case) -> FailureName {
    let (before, faults) = (lease(case), Faults::none());
    advance_seconds(100);
    let failure = case.invoke(&faults).unwrap_err();
    assert_eq!(lease(case), before, "{failure}");
    assert!(faults.calls().is_empty() && case.entries().is_empty(), "{failure}");
    assert!(block_on(case.ledger.steps(&case.run.run_id)).unwrap().is_empty(), "{failure}");
    failure.name
}

#[test]
fn only_protect_and_failback_protect() {
    for mode in [Mode::Failover, Mode::DryRun, Mode::Switchover] {
        let case = case(&fixture::plan_yaml_with_home(), mode);
        assert_eq!(refused(&case), FailureName::EventInvalid, "{mode:?}");
    }
}

#[test]
fn another_step_is_refused() {
    for step in [Step::Fence, Step::PromoteData, Step::Rest, Step::Rollback] {
        let mut case = case(&fixture::plan_yaml_with_home(), Mode::Protect);
        case.event = fixture::step_event(&case.run, step, now(), None);
        assert_eq!(refused(&case), FailureName::EventInvalid, "{step:?}");
    }
}

#[test]
fn a_plan_without_a_way_home_is_refused() {
    for mode in [Mode::Protect, Mode::Failback] {
        let case = case(fixture::PLAN_YAML, mode);
        assert_eq!(refused(&case), FailureName::PlanInvalid, "{mode:?}");
    }
}

#[test]
fn a_run_that_lost_its_lease_changes_nothing() {
    let mut case = case(&fixture::plan_yaml_with_home(), Mode::Protect);
    let late = Run { generation: 7, ..case.run.clone() };
    case.event = fixture::step_event(&late, Step::Protect, now(), None);
    let faults = Faults::none();
    assert_eq!(case.invoke(&faults).unwrap_err().name, FailureName::LeaseLost);
    assert!(faults.calls().is_empty());
}
