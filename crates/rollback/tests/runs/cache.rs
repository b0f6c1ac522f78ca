//! Whole runs with a cache that is created anew: every call fails in turn, and a rollback deletes what the run made and nothing else.

use pilot_core::contract::Disposition;
use pilot_testkit::fixture::cache::{CACHE, component, with_cache};
use pilot_testkit::{FakeCache, Faults, fixture};

use crate::drive::{Course, Drive, End};
use crate::every_call_fails::{fail_every_call, is_transient};

const CREATE: &str = "elasticache:CreateReplicationGroup";
const DELETE: &str = "elasticache:DeleteReplicationGroup";
/// The last step fails, so that the run is rolled back.
const FAILS_LATE: Course = Course { twice: false, verify_fails: true };

fn plan_without_pivot() -> String {
    with_cache(&fixture::plan_yaml_without_database())
}

#[test]
fn a_run_without_faults_creates_the_cache_and_one_that_fails_late_deletes_it() {
    let drive = Drive::new(&plan_without_pivot(), Faults::none());
    assert!(matches!(drive.to_the_end(Course::default()), End::Recovered));
    assert_eq!(drive.world.peek_cache(CACHE).unwrap().status, "available");

    let drive = Drive::new(&plan_without_pivot(), Faults::none());
    let before = drive.world.values();
    let end = drive.to_the_end(FAILS_LATE);
    assert!(matches!(end, End::RolledBack { disposition: Disposition::RolledBack, .. }), "{end:?}");
    assert_eq!((drive.faults.count(CREATE), drive.faults.count(DELETE)), (1, 1));
    assert_eq!(drive.world.values(), before);
}

#[test]
fn a_cache_that_was_there_before_outlives_a_rollback() {
    let drive = Drive::new(&plan_without_pivot(), Faults::none());
    drive.world.put_cache(CACHE, FakeCache::of(&component()));
    let end = drive.to_the_end(FAILS_LATE);
    assert!(matches!(end, End::RolledBack { disposition: Disposition::RolledBack, .. }), "{end:?}");
    assert_eq!((drive.faults.count(CREATE), drive.faults.count(DELETE)), (0, 0));
    assert_eq!(drive.world.peek_cache(CACHE), Some(FakeCache::of(&component())));
}

#[test]
fn a_cache_is_no_pivot_and_past_one_it_stays() {
    let drive = Drive::new(&with_cache(fixture::PLAN_YAML), Faults::none());
    let end = drive.to_the_end(FAILS_LATE);
    assert!(matches!(end, End::RolledBack { disposition: Disposition::PivotPassed, .. }), "{end:?}");
    assert!(drive.world.peek_cache(CACHE).is_some() && drive.faults.count(DELETE) == 0);
}

#[test]
fn any_one_passing_fault_ends_recovered() {
    fail_every_call(&plan_without_pivot(), Course::default(), Faults::none, |drive, end, fault, case| {
        if is_transient(fault) {
            assert!(matches!(end, End::Recovered), "{case}: {end:?}");
            assert_eq!(drive.world.peek_cache(CACHE).unwrap().status, "available", "{case}");
        }
    });
}

#[test]
fn whatever_fails_the_region_goes_back_to_what_it_was() {
    for twice in [false, true] {
        let course = Course { twice, verify_fails: true };
        fail_every_call(&plan_without_pivot(), course, Faults::none, |_, end, fault, case| {
            if is_transient(fault) {
                assert!(matches!(end, End::RolledBack { disposition: Disposition::RolledBack, .. }), "{case}: {end:?}");
            }
        });
    }
}
