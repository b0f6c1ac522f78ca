//! Whole runs with a Lambda function's concurrency: every call fails in turn.

use pilot_core::contract::Disposition;
use pilot_core::observed::ConcurrencyBefore;
use pilot_testkit::{Faults, fixture};

use crate::drive::{Course, Drive, End};
use crate::every_call_fails::{fail_every_call, is_transient};

const UP: ConcurrencyBefore = ConcurrencyBefore { reserved: Some(10), provisioned: Some(5) };
const DOWN: ConcurrencyBefore = ConcurrencyBefore { reserved: Some(2), provisioned: None };

#[test]
fn any_one_passing_fault_ends_recovered() {
    let plan = fixture::with_function(fixture::PLAN_YAML);
    fail_every_call(&plan, Course::default(), Faults::none, |drive, end, fault, case| {
        if is_transient(fault) {
            assert!(matches!(end, End::Recovered), "{case}: {end:?}");
            assert_eq!(drive.world.values().functions[fixture::FUNCTION], UP, "{case}");
        }
    });
}

#[test]
fn a_run_without_a_pivot_goes_back_to_the_exact_values_before_whatever_fails() {
    let plan = fixture::with_function(&fixture::plan_yaml_without_database());
    for twice in [false, true] {
        let course = Course { verify_fails: true, twice };
        fail_every_call(&plan, course, Faults::none, |drive, end, fault, case| {
            if is_transient(fault) {
                assert!(matches!(end, End::RolledBack { disposition: Disposition::RolledBack, .. }), "{case}: {end:?}");
                assert_eq!(drive.world.values().functions[fixture::FUNCTION], DOWN, "{case}");
            }
        });
    }
    let drive = Drive::new(&plan, Faults::none());
    drive.to_the_end(Course { verify_fails: true, twice: false });
    let acts: Vec<&str> = drive.faults.mutating_calls().iter().map(|call| call.name).collect();
    let of_function: Vec<&str> = acts.iter().copied().filter(|call| call.starts_with("lambda:")).collect();
    let up = ["lambda:PutFunctionConcurrency", "lambda:PutProvisionedConcurrencyConfig"];
    let down = ["lambda:DeleteProvisionedConcurrencyConfig", "lambda:PutFunctionConcurrency"];
    assert_eq!(of_function, [up, down].concat(), "{acts:?}");
}
