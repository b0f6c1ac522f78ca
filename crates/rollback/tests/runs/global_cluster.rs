//! A run whose pivot is the failover of an Aurora global database: every call fails in turn.

use crate::drive::{Course, Drive, End};
use crate::every_call_fails::{fail_every_call, is_transient};
use pilot_core::FailureName;
use pilot_core::contract::Disposition;
use pilot_testkit::{Fault, Faults, fixture};

const FAILOVER: &str = "rds:FailoverGlobalCluster";

#[test]
fn a_run_without_faults_recovers_with_one_failover() {
    let drive = Drive::new(&fixture::plan_yaml_with_global_cluster(), Faults::none());
    let end = drive.to_the_end(Course::default());
    assert!(matches!(end, End::Recovered), "{end:?}");
    let acts: Vec<&str> = drive.faults.mutating_calls().iter().map(|call| call.name).collect();
    let expected = [FAILOVER, "autoscaling:UpdateAutoScalingGroup", "s3:PutObject", "route53:ChangeResourceRecordSets"];
    assert_eq!(acts, expected);
}

#[test]
fn any_one_fault_ends_well_or_loudly_and_a_passing_one_ends_recovered() {
    let plan = fixture::plan_yaml_with_global_cluster();
    fail_every_call(&plan, Course::default(), Faults::none, |_, end, fault, case| {
        assert_eq!(matches!(end, End::Recovered), is_transient(fault), "{case}: {end:?}");
    });
}

#[test]
fn a_refused_failover_ends_in_the_exact_values_before_whatever_else_fails() {
    let refused = || Faults::none().every(FAILOVER, Fault::Refused);
    let plan = fixture::plan_yaml_with_global_cluster();
    fail_every_call(&plan, Course::default(), refused, |drive, end, fault, case| {
        assert!(!matches!(end, End::Recovered), "{case}");
        assert_eq!(drive.world.peek_global_cluster(fixture::GLOBAL_CLUSTER).unwrap().failovers, 0, "{case}");
        if is_transient(fault) {
            let End::RolledBack { after, .. } = end else { panic!("{case}: {end:?}") };
            assert_eq!(after.name, FailureName::PromotionRefused, "{case}");
        }
    });
}

#[test]
fn past_the_pivot_it_stays_where_it_is_whatever_fails() {
    let course = Course { verify_fails: true, ..Course::default() };
    fail_every_call(&fixture::plan_yaml_with_global_cluster(), course, Faults::none, |_, end, fault, case| {
        if is_transient(fault) {
            assert!(matches!(end, End::RolledBack { disposition: Disposition::PivotPassed, .. }), "{case}: {end:?}");
        }
    });
}
