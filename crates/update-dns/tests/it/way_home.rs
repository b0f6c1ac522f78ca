//! The switch on the way home: the STOP object goes, and its undo puts it back.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use pilot_core::FailureName;
use pilot_core::contract::{Mode, Run, Status, Step};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::plan::{StopObject, Traffic};
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use pilot_shell::ports::StopObjects;
use pilot_testkit::{FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now, told};
use serde_json::{Value, json};
use update_dns::handler::handle;
use update_dns::stop_object::undo_removal;

const DELETE: &str = "s3:DeleteObject";
const PUT: &str = "s3:PutObject";

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

impl Case {
    /// The workload away: the STOP object is there.
    fn new(faults: Faults) -> Self {
        let (plans, run, ledger) = fixture::there_and_back(&fixture::plan_yaml_with_home(), Mode::Failback);
        let world = fixture::world();
        block_on(world.put(fixture::STOP_BUCKET, fixture::STOP_KEY, "put by a failover".into())).unwrap();
        let event = fixture::step_event(&run, Step::ShiftTraffic, now(), None);
        Case { world, ledger, plans, run, faults, event }
    }

    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        let world = Injected::new(&self.world, &self.faults);
        told(&block_on(handle(self.event.clone(), &self.ledger, &self.plans, &world, &world, &world, now)))
    }

    fn there(&self) -> bool {
        self.world.peek_object(fixture::STOP_BUCKET, fixture::STOP_KEY).is_some()
    }

    fn entry(&self) -> Entry {
        let entries = block_on(self.ledger.entries(&self.run.run_id)).unwrap();
        entries.into_iter().find(|entry| entry.action == Action::RemoveStopObject).unwrap()
    }

    fn component(&self) -> StopObject {
        let plan = block_on(self.plans.of_run(&self.run)).unwrap();
        let named = plan.traffic.into_iter().find_map(|traffic| match traffic {
            Traffic::StopObject(object) => Some(object),
            _ => None,
        });
        named.unwrap()
    }
}

#[test]
fn the_stop_object_goes_and_the_records_lead_home() {
    let case = Case::new(Faults::none());
    let lines: Vec<String> = [0, 1, 2].iter().map(|seconds| case.look(*seconds)).collect();
    assert_eq!(
        lines[..2],
        [
            "on its way: the STOP object was removed | on its way: waits for wave 1 (again in 1s)",
            "done: the STOP object is gone | on its way: 2 records written (again in 2s)",
        ]
    );
    assert!(!case.there());
    assert_eq!((case.faults.count(DELETE), case.faults.count(PUT)), (1, 0));
    let entry = case.entry();
    assert_eq!((entry.before.clone(), entry.irreversible), (json!({"present": true}), false));
    assert!(matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })));
    let written = format!("{:?}", case.world.values().zones[fixture::ZONE]);
    assert!(written.contains("primary-lb.shop.test") && written.contains("192.0.2.8"), "{written}");
    assert!(!written.contains("recovery-lb"), "{written}");
}

#[test]
fn an_object_that_is_gone_is_done() {
    let case = Case::new(Faults::none());
    block_on(StopObjects::delete(&case.world, fixture::STOP_BUCKET, fixture::STOP_KEY)).unwrap();
    assert!(case.look(0).starts_with("done: the STOP object is gone"));
    assert_eq!(case.faults.count(DELETE), 0);
}

#[test]
fn faults_of_the_removal_are_told_by_what_they_mean() {
    let refused = Case::new(Faults::none().every(DELETE, Fault::Refused));
    assert_eq!(
        refused.look(0),
        "TrafficFailed: s3:DeleteObject of the STOP object was refused with AccessDenied: not authorized (injected)"
    );
    assert!(refused.there() && matches!(refused.entry().outcome, Some(EntryOutcome::NotDone { .. })));
    let lost = Case::new(Faults::none().nth(DELETE, 0, Fault::UnknownAfter));
    assert!(lost.look(0).starts_with("AwsUnavailable: s3:DeleteObject: outcome unknown"));
    assert!(lost.entry().outcome.is_none());
    assert!(lost.look(1).starts_with("done: the STOP object is gone"));
    assert!(matches!(lost.entry().outcome, Some(EntryOutcome::Accepted { .. })));
    assert_eq!(lost.faults.count(DELETE), 1);
}

#[test]
fn the_undo_puts_it_back_and_is_the_same_twice() {
    let case = Case::new(Faults::none());
    case.look(0);
    let world = Injected::new(&case.world, &case.faults);
    for _ in 0..2 {
        let (progress, _) = block_on(undo_removal(&world, &case.component(), &case.entry())).unwrap();
        assert_eq!(progress.status, Status::Done);
        assert!(case.there());
    }
    assert_eq!(case.faults.count(PUT), 1);
}

#[test]
fn an_undo_of_the_removal_that_is_refused_or_cannot_be_read_says_so() {
    let case = Case::new(Faults::none());
    case.look(0);
    let (object, mut entry) = (case.component(), case.entry());
    let refused = Faults::none().every(PUT, Fault::Refused);
    let failure = block_on(undo_removal(&Injected::new(&case.world, &refused), &object, &entry)).unwrap_err();
    assert_eq!(failure.name, FailureName::RollbackIncomplete);
    let lost = Faults::none().nth(PUT, 0, Fault::UnknownAfter);
    let failure = block_on(undo_removal(&Injected::new(&case.world, &lost), &object, &entry)).unwrap_err();
    assert_eq!(failure.name, FailureName::AwsUnavailable);
    let again = Injected::new(&case.world, &lost);
    assert_eq!(block_on(undo_removal(&again, &object, &entry)).unwrap().0.status, Status::Done);
    assert_eq!(lost.count(PUT), 1);
    entry.before = json!(7);
    let unread = block_on(undo_removal(&case.world, &object, &entry)).unwrap_err();
    assert_eq!(unread.name, FailureName::RollbackIncomplete);
}
