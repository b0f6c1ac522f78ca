//! Whole runs with routing controls as the switch: every call fails in turn.

use pilot_core::contract::Disposition;
use pilot_core::decide::routing::ControlState::{Off, On};
use pilot_testkit::{Faults, fixture};

use crate::drive::{Course, Drive, End};
use crate::every_call_fails::{fail_every_call, is_transient};

const UPDATE: &str = "route53-recovery-cluster:UpdateRoutingControlStates";

#[test]
fn a_run_without_faults_turns_both_in_one_call() {
    let drive = Drive::new(&fixture::with_routing_controls(fixture::PLAN_YAML), Faults::none());
    let end = drive.to_the_end(Course::default());
    assert!(matches!(end, End::Recovered), "{end:?}");
    let states = drive.world.values().controls;
    assert_eq!((states[fixture::PRIMARY_CONTROL], states[fixture::RECOVERY_CONTROL]), (Off, On));
    assert_eq!(drive.faults.count(UPDATE), 1);
}

#[test]
fn any_one_passing_fault_ends_recovered() {
    let plan = fixture::with_routing_controls(fixture::PLAN_YAML);
    fail_every_call(&plan, Course::default(), Faults::none, |_, end, fault, case| {
        if is_transient(fault) {
            assert!(matches!(end, End::Recovered), "{case}: {end:?}");
        }
    });
}

#[test]
fn a_run_without_a_pivot_goes_back_to_the_exact_states_before_whatever_fails() {
    let plan = fixture::with_routing_controls(&fixture::plan_yaml_without_database());
    for twice in [false, true] {
        let course = Course { verify_fails: true, twice };
        fail_every_call(&plan, course, Faults::none, |_, end, fault, case| {
            if is_transient(fault) {
                assert!(matches!(end, End::RolledBack { disposition: Disposition::RolledBack, .. }), "{case}: {end:?}");
            }
        });
    }
}
