//! Whole runs with an ECS service, in the recovery Region and in the primary's fence: every call fails in turn.

use pilot_core::contract::Disposition;
use pilot_core::observed::{ScalableTarget, ServiceBefore};
use pilot_testkit::{Faults, fixture};

use crate::drive::{Course, Drive, End};
use crate::every_call_fails::{fail_every_call, is_transient};

const REGISTER: &str = "application-autoscaling:RegisterScalableTarget";
const UPDATE: &str = "ecs:UpdateService";

fn settings(min: u32, max: u32, desired: u32) -> ServiceBefore {
    ServiceBefore { desired, target: Some(ScalableTarget { min, max }) }
}

#[test]
fn a_run_without_faults_brings_the_service_up_target_first_and_leaves_the_primarys_at_nothing() {
    let plan = fixture::fenced_service(&fixture::with_service(fixture::PLAN_YAML), "required");
    let drive = Drive::new(&plan, Faults::none());
    let end = drive.to_the_end(Course::default());
    assert!(matches!(end, End::Recovered), "{end:?}");
    let values = drive.world.values();
    assert_eq!(values.services[fixture::SERVICE], settings(1, 4, 2));
    assert_eq!(drive.world.peek_service(fixture::SERVICE).unwrap().running, 2);
    assert_eq!(values.primary_services[fixture::PRIMARY_SERVICE], settings(0, 0, 0));
    let acts: Vec<&str> = drive.faults.mutating_calls().iter().map(|call| call.name).collect();
    let of_services: Vec<&str> = acts.iter().copied().filter(|call| [REGISTER, UPDATE].contains(call)).collect();
    assert_eq!(of_services, [REGISTER, REGISTER, UPDATE], "{acts:?}: the fence, then the service");
}

#[test]
fn any_one_passing_fault_ends_recovered() {
    let plan = fixture::fenced_service(&fixture::with_service(fixture::PLAN_YAML), "required");
    fail_every_call(&plan, Course::default(), Faults::none, |drive, end, fault, case| {
        if is_transient(fault) {
            assert!(matches!(end, End::Recovered), "{case}: {end:?}");
            assert_eq!(drive.world.values().services[fixture::SERVICE], settings(1, 4, 2), "{case}");
        }
    });
}

#[test]
fn a_run_without_a_pivot_goes_back_to_the_exact_values_before_whatever_fails() {
    let plan = fixture::with_service(&fixture::plan_yaml_without_database());
    let plan = fixture::fenced_service(&plan, "bestEffort");
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
