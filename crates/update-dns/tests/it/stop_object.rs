//! The STOP object, look by look, and its undo.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use crate::case::Case;
use futures::executor::block_on;
use pilot_core::FailureName;
use pilot_core::contract::Status;
use pilot_core::journal::EntryOutcome;
use pilot_core::plan::{StopObject, Traffic};
use pilot_shell::ports::StopObjects;
use pilot_testkit::{FakeWorld, Fault, Faults, Injected, fixture};
use serde_json::{Value, json};
use update_dns::stop_object::undo;

fn check(case: &Case, looks: &[(i64, &str)]) {
    let lines: Vec<String> = looks.iter().map(|(seconds, _)| case.look(*seconds)).collect();
    let expected: Vec<&str> = looks.iter().map(|(_, line)| *line).collect();
    assert_eq!(lines, expected);
}

fn component(case: &Case) -> StopObject {
    let named = case.plan().traffic.into_iter().find_map(|traffic| match traffic {
        Traffic::StopObject(object) => Some(object),
        _ => None,
    });
    named.unwrap()
}

#[test]
fn the_object_is_put_and_seen_to_be_there() {
    let case = Case::new(Faults::none());
    check(
        &case,
        &[
            (0, "on its way: the STOP object was put | on its way: waits for wave 1 (again in 1s)"),
            (1, "done: the STOP object is there | on its way: 2 records written (again in 2s)"),
        ],
    );
    let body: Value =
        serde_json::from_str(&case.world.peek_object(fixture::STOP_BUCKET, fixture::STOP_KEY).unwrap()).unwrap();
    assert_eq!((body["runId"].as_str(), body["workload"].as_str()), (Some("run-1"), Some("shop")));
    assert_eq!(case.entry("put-stop-object").unwrap().before, json!({"present": false}));
}

#[test]
fn an_object_that_is_there_already_is_done_and_stays_after_an_undo() {
    let case = Case::new(Faults::none());
    block_on(case.world.put(fixture::STOP_BUCKET, fixture::STOP_KEY, "by hand".into())).unwrap();
    check(&case, &[(0, "done: the STOP object is there | on its way: 2 records written (again in 2s)")]);
    assert!(case.entry("put-stop-object").is_none() && case.faults.count("s3:PutObject") == 0);
}

#[test]
fn faults_of_the_put_are_told_by_what_they_mean() {
    let refused = Case::new(Faults::none().every("s3:PutObject", Fault::Refused));
    check(
        &refused,
        &[(
            0,
            "TrafficFailed: s3:PutObject of the STOP object was refused with AccessDenied: not authorized (injected)",
        )],
    );
    assert!(matches!(refused.entry("put-stop-object").unwrap().outcome, Some(EntryOutcome::NotDone { .. })));
    let lost = Case::new(Faults::none().nth("s3:PutObject", 0, Fault::UnknownAfter));
    check(
        &lost,
        &[
            (0, "AwsUnavailable: s3:PutObject: outcome unknown: the connection was reset (injected)"),
            (1, "done: the STOP object is there | on its way: 2 records written (again in 2s)"),
        ],
    );
    assert_eq!(lost.faults.count("s3:PutObject"), 1);
    assert!(matches!(lost.entry("put-stop-object").unwrap().outcome, Some(EntryOutcome::Accepted { .. })));
}

#[test]
fn the_undo_removes_what_the_run_put_and_is_the_same_twice() {
    let case = Case::new(Faults::none());
    case.look(0);
    let (object, entry) = (component(&case), case.entry("put-stop-object").unwrap());
    for _ in 0..2 {
        let world = Injected::new(&case.world, &case.faults);
        let (progress, _) = block_on(undo(&world, &object, &entry)).unwrap();
        assert_eq!((progress.status, progress.detail.as_str()), (Status::Done, "the STOP object is gone"));
        assert!(case.world.peek_object(fixture::STOP_BUCKET, fixture::STOP_KEY).is_none());
    }
    assert_eq!(case.faults.count("s3:DeleteObject"), 1);
}

#[test]
fn the_undo_leaves_an_object_that_was_there_before() {
    let case = Case::new(Faults::none());
    case.look(0);
    let mut entry = case.entry("put-stop-object").unwrap();
    entry.before = json!({"present": true});
    let (progress, _) = block_on(undo(&case.world, &component(&case), &entry)).unwrap();
    assert_eq!(progress.status, Status::Done);
    assert!(case.world.peek_object(fixture::STOP_BUCKET, fixture::STOP_KEY).is_some());
}

#[test]
fn an_undo_that_is_refused_or_cannot_be_read_says_so() {
    let case = Case::new(Faults::none());
    case.look(0);
    let (object, mut entry) = (component(&case), case.entry("put-stop-object").unwrap());
    let refused = Faults::none().every("s3:DeleteObject", Fault::Refused);
    let failure = block_on(undo(&Injected::new(&case.world, &refused), &object, &entry)).unwrap_err();
    assert_eq!(failure.name, FailureName::RollbackIncomplete);
    entry.before = json!(7);
    assert_eq!(block_on(undo(&FakeWorld::new(), &object, &entry)).unwrap_err().name, FailureName::RollbackIncomplete);
}
