//! Whole runs with hooks: every call fails in turn, and whatever was started is started once, and stopped if the run is undone.

use pilot_core::contract::Disposition;
use pilot_testkit::{FakeWork, Faults, fixture};

use crate::drive::{Course, Drive, End};
use crate::every_call_fails::{fail_every_call, is_transient};

fn plan_yaml() -> String {
    hooked(fixture::PLAN_YAML)
}

/// A plan with a hook of each kind beside its group.
fn hooked(plan_yaml: &str) -> String {
    fixture::with_called(&fixture::with_automation(&fixture::with_build(plan_yaml)))
}

/// Each hook was started once, and with one end.
fn assert_once(drive: &Drive, case: &str) {
    let builds = drive.world.peek_project(fixture::PROJECT).unwrap().builds;
    assert_eq!(builds.len(), 1, "{case}: {builds:?}");
    assert_eq!(builds[0].status, "SUCCEEDED", "{case}");
    let automations = drive.world.peek_document(fixture::DOCUMENT).unwrap().executions;
    assert_eq!(automations.len(), 1, "{case}: {automations:?}");
    assert_eq!(automations[0].observed.run.status, "Success", "{case}");
    let works = drive.world.peek_hook_function(fixture::HOOK_FUNCTION).unwrap().works;
    let works: Vec<FakeWork> = works.into_values().collect();
    assert_eq!(works, [FakeWork { looks_left: 0, undone: false }], "{case}");
}

#[test]
fn any_one_passing_fault_ends_recovered_with_every_hook_started_once() {
    fail_every_call(&plan_yaml(), Course::default(), Faults::none, |drive, end, fault, case| {
        if is_transient(fault) {
            assert!(matches!(end, End::Recovered), "{case}: {end:?}");
        }
        if matches!(end, End::Recovered) {
            assert_once(drive, case);
        }
    });
    let twice = Drive::new(&plan_yaml(), Faults::none());
    let end = twice.to_the_end(Course { twice: true, verify_fails: false });
    assert!(matches!(end, End::Recovered), "{end:?}");
    assert_once(&twice, "every invocation twice");
}

#[test]
fn a_run_that_is_undone_leaves_no_hook_running_whatever_fails() {
    let plan = hooked(&fixture::plan_yaml_without_database());
    for twice in [false, true] {
        let course = Course { verify_fails: true, twice };
        fail_every_call(&plan, course, Faults::none, |_, end, fault, case| {
            if is_transient(fault) {
                assert!(matches!(end, End::RolledBack { disposition: Disposition::RolledBack, .. }), "{case}: {end:?}");
            }
        });
    }
}

#[test]
fn a_hook_that_still_runs_when_another_part_fails_is_stopped() {
    let plan = hooked(&fixture::plan_yaml_without_database());
    let drive = Drive::new(&plan, Faults::none());
    drive.world.change_project(fixture::PROJECT, |project| project.looks = 1_000);
    drive.world.change_document(fixture::DOCUMENT, |document| document.looks = 1_000);
    drive.world.change_hook_function(fixture::HOOK_FUNCTION, |function| function.looks = 1_000);
    drive.world.change_group(fixture::GROUP, |group| group.launches = false);
    let end = drive.to_the_end(Course::default());
    assert!(matches!(end, End::RolledBack { disposition: Disposition::RolledBack, .. }), "{end:?}");
    let builds = drive.world.peek_project(fixture::PROJECT).unwrap().builds;
    assert_eq!(builds.iter().map(|build| build.status.as_str()).collect::<Vec<_>>(), ["STOPPED"]);
    let automations = drive.world.peek_document(fixture::DOCUMENT).unwrap().executions;
    let statuses: Vec<&str> = automations.iter().map(|one| one.observed.run.status.as_str()).collect();
    assert_eq!(statuses, ["Cancelled"]);
    let function = drive.world.peek_hook_function(fixture::HOOK_FUNCTION).unwrap();
    assert_eq!((function.works.len(), function.standing()), (1, 0), "{:?}", function.events);
}
