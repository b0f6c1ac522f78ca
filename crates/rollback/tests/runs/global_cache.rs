//! Whole runs with a global datastore: every call fails in turn, and a rollback leads its primary back.

use pilot_core::contract::Disposition;
use pilot_testkit::fixture::datastore::{DATASTORE, PRIMARY_MEMBER, RECOVERY_MEMBER, with_datastore};
use pilot_testkit::{Faults, fixture};

use crate::drive::{Course, Drive, End};
use crate::every_call_fails::{fail_every_call, is_transient};

const FAIL_OVER: &str = "elasticache:FailoverGlobalReplicationGroup";
/// The last step fails, so that the run is rolled back.
const FAILS_LATE: Course = Course { twice: false, verify_fails: true };

fn plan_without_pivot() -> String {
    with_datastore(&fixture::plan_yaml_without_database())
}

/// Where the primary is once nothing moves any more, and how often it was asked to move.
fn primary(drive: &Drive) -> (String, u32) {
    let datastore = drive.world.peek_datastore(DATASTORE).unwrap();
    assert_eq!(datastore.moving_to, None, "still on the move");
    (datastore.primary_region().unwrap().to_owned(), datastore.failovers)
}

#[test]
fn a_run_without_faults_moves_the_primary_and_one_that_fails_late_moves_it_back() {
    let drive = Drive::new(&plan_without_pivot(), Faults::none());
    assert!(matches!(drive.to_the_end(Course::default()), End::Recovered));
    assert_eq!(primary(&drive), (RECOVERY_MEMBER.1.to_owned(), 1));

    let drive = Drive::new(&plan_without_pivot(), Faults::none());
    let before = drive.world.values();
    let end = drive.to_the_end(FAILS_LATE);
    assert!(matches!(end, End::RolledBack { disposition: Disposition::RolledBack, .. }), "{end:?}");
    assert_eq!((primary(&drive), drive.faults.count(FAIL_OVER)), ((PRIMARY_MEMBER.1.to_owned(), 2), 2));
    assert_eq!(drive.world.values(), before);
}

#[test]
fn a_datastore_is_no_pivot_and_past_one_it_stays() {
    let drive = Drive::new(&with_datastore(fixture::PLAN_YAML), Faults::none());
    let end = drive.to_the_end(FAILS_LATE);
    assert!(matches!(end, End::RolledBack { disposition: Disposition::PivotPassed, .. }), "{end:?}");
    assert_eq!(primary(&drive), (RECOVERY_MEMBER.1.to_owned(), 1));
}

#[test]
fn a_refused_promotion_beside_it_leads_its_primary_back() {
    let refused = Faults::none().every("rds:PromoteReadReplica", pilot_testkit::Fault::Refused);
    let drive = Drive::new(&with_datastore(fixture::PLAN_YAML), refused);
    let before = drive.world.values();
    let end = drive.to_the_end(Course::default());
    assert!(matches!(end, End::RolledBack { disposition: Disposition::RolledBack, .. }), "{end:?}");
    assert_eq!(drive.world.values(), before);
}

#[test]
fn any_one_passing_fault_ends_recovered_with_one_failover() {
    fail_every_call(&plan_without_pivot(), Course::default(), Faults::none, |drive, end, fault, case| {
        if is_transient(fault) {
            assert!(matches!(end, End::Recovered), "{case}: {end:?}");
            assert_eq!(primary(drive), (RECOVERY_MEMBER.1.to_owned(), 1), "{case}");
        }
    });
}

#[test]
fn whatever_fails_the_primary_goes_back_to_where_it_was() {
    for twice in [false, true] {
        let course = Course { twice, verify_fails: true };
        fail_every_call(&plan_without_pivot(), course, Faults::none, |drive, end, fault, case| {
            if is_transient(fault) {
                assert!(matches!(end, End::RolledBack { disposition: Disposition::RolledBack, .. }), "{case}: {end:?}");
                assert_eq!(primary(drive), (PRIMARY_MEMBER.1.to_owned(), 2), "{case}");
            }
        });
    }
}
