//! The Auto Scaling group, look by look, and its undo.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use pilot_core::FailureName;
use pilot_core::contract::{Run, Status, Step};
use pilot_core::journal::{Entry, EntryOutcome};
use pilot_core::plan::Capacity;
use pilot_shell::ledger::Ledger;
use pilot_testkit::{
    FakeGroup, FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now, told,
};
use scale_compute::auto_scaling_group::undo;
use scale_compute::computes::Computes;
use scale_compute::handler::handle;
use serde_json::{Value, json};

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

impl Case {
    fn new(group: FakeGroup, faults: Faults) -> Self {
        let (plans, pin) = fixture::plans();
        let run = fixture::run(pin);
        let world = fixture::world();
        world.put_group(fixture::GROUP, group);
        let event = fixture::step_event(&run, Step::ScaleCompute, now(), None);
        Case { world, ledger: FakeLedger::held_by(&run), plans, run, faults, event }
    }

    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        let world = Injected::new(&self.world, &self.faults);
        let computes = Computes { groups: &world, services: &world, concurrencies: &world, hooks: &world };
        told(&block_on(handle(self.event.clone(), &self.ledger, &self.plans, &computes, &computes, now)))
    }

    fn entry(&self) -> Option<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap().pop()
    }

    fn sizes(&self) -> (u32, u32, u32) {
        let Capacity { min, max, desired } = self.world.peek_group(fixture::GROUP).unwrap().sizes;
        (min, max, desired)
    }
}

fn check(group: FakeGroup, faults: Faults, waits_seconds: &[i64], expected: &[&str]) -> Case {
    let case = Case::new(group, faults);
    let lines: Vec<String> = waits_seconds.iter().map(|seconds| case.look(*seconds)).collect();
    assert_eq!(lines, expected);
    case
}

#[test]
fn a_group_at_nothing_is_brought_up_and_its_instances_are_counted() {
    let case = check(
        FakeGroup::of(0, 0, 0),
        Faults::none(),
        &[0, 2, 3, 3],
        &[
            "on its way: set to min 2, max 4, desired 2 (again in 2s)",
            "on its way: 0 of 2 instances in service (again in 3s)",
            "on its way: 0 of 2 instances in service (again in 3s)",
            "done: 2 instances in service, 2 wanted",
        ],
    );
    assert_eq!(case.entry().unwrap().before, json!({"min": 0, "max": 0, "desired": 0}));
}

#[test]
fn a_group_that_has_more_keeps_it() {
    let case = check(
        FakeGroup::of(1, 9, 5),
        Faults::none(),
        &[0, 2],
        &["on its way: set to min 2, max 9, desired 5 (again in 2s)", "done: 5 instances in service, 2 wanted"],
    );
    assert_eq!(case.sizes(), (2, 9, 5));
    let case = check(FakeGroup::of(2, 9, 5), Faults::none(), &[0], &["done: 5 instances in service, 2 wanted"]);
    assert!(case.faults.mutating_calls().is_empty() && case.entry().is_none());
}

#[test]
fn capacity_that_never_comes_is_not_believed() {
    let mut group = FakeGroup::of(0, 0, 0);
    group.launches = false;
    check(
        group,
        Faults::none(),
        &[0, 300, 300],
        &[
            "on its way: set to min 2, max 4, desired 2 (again in 2s)",
            "on its way: 0 of 2 instances in service (again in 3s)",
            "StepDeadlineExceeded: not there after 600 seconds, the plan allows 600: 0 of 2 instances in service",
        ],
    );
}

#[test]
fn faults_of_the_resize_are_told_by_what_they_mean() {
    let resize = "autoscaling:UpdateAutoScalingGroup";
    let zero = FakeGroup::of(0, 0, 0);
    let up = "on its way: set to min 2, max 4, desired 2 (again in 2s)";
    check(
        zero,
        Faults::none().nth(resize, 0, Fault::Throttled),
        &[0, 1],
        &[
            "AwsUnavailable: autoscaling:UpdateAutoScalingGroup was throttled with Throttling: Rate exceeded (injected)",
            up,
        ],
    );
    let case = check(
        zero,
        Faults::none().nth(resize, 0, Fault::Refused),
        &[0],
        &[
            "ComputeFailed: autoscaling:UpdateAutoScalingGroup to min 2, max 4, desired 2 was refused with AccessDenied: \
           not authorized (injected)",
        ],
    );
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::NotDone { .. })));
    let lost =
        "AwsUnavailable: autoscaling:UpdateAutoScalingGroup: outcome unknown: the connection was reset (injected)";
    check(zero, Faults::none().nth(resize, 0, Fault::UnknownBefore), &[0, 1], &[lost, up]);
    let case = check(
        zero,
        Faults::none().nth(resize, 0, Fault::UnknownAfter),
        &[0, 1, 3, 3],
        &[
            lost,
            "on its way: 0 of 2 instances in service (again in 3s)",
            "on its way: 0 of 2 instances in service (again in 3s)",
            "done: 2 instances in service, 2 wanted",
        ],
    );
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::Accepted { .. })), "the journal is complete");
}

#[test]
fn a_second_try_keeps_the_values_before_the_first() {
    let case = Case::new(FakeGroup::of(0, 1, 1), Faults::none());
    case.look(0);
    // Somebody takes the capacity away again while the run is under way.
    case.world.change_group(fixture::GROUP, |group| group.sizes = Capacity { min: 0, max: 3, desired: 0 });
    assert_eq!(case.look(2), "on its way: set to min 2, max 4, desired 2 (again in 2s)");
    assert_eq!(case.entry().unwrap().before, json!({"min": 0, "max": 1, "desired": 1}));
}

#[test]
fn a_missing_group_is_told() {
    let case = Case::new(FakeGroup::of(0, 0, 0), Faults::none());
    let empty = FakeWorld::new();
    let computes = Computes { groups: &empty, services: &empty, concurrencies: &empty, hooks: &empty };
    let failure =
        block_on(handle(case.event.clone(), &case.ledger, &case.plans, &computes, &computes, now)).unwrap_err();
    assert_eq!(failure.name, FailureName::ComputeFailed);
}

#[test]
fn the_undo_brings_exactly_the_values_before_and_is_the_same_twice() {
    for before in [(0, 0, 0), (0, 1, 1), (1, 9, 5), (3, 3, 3)] {
        let case = Case::new(FakeGroup::of(before.0, before.1, before.2), Faults::none());
        case.look(0);
        let Some(entry) = case.entry() else {
            panic!("{before:?} was not resized");
        };
        assert_ne!(case.sizes(), before);
        let world = Injected::new(&case.world, &case.faults);
        for _ in 0..2 {
            let (progress, _) = block_on(undo(&world, &entry)).unwrap();
            assert_eq!(progress.status, Status::Done, "{}", progress.detail);
            assert_eq!(case.sizes(), before);
        }
        assert_eq!(case.faults.mutating_calls().len(), 2, "one act, one undo; the second undo found nothing to do");
    }
}

#[test]
fn an_undo_that_is_refused_says_what_is_true() {
    let case = Case::new(FakeGroup::of(0, 0, 0), Faults::none());
    case.look(0);
    let entry = case.entry().unwrap();
    let refused = Faults::none().every("autoscaling:UpdateAutoScalingGroup", Fault::Refused);
    let failure = block_on(undo(&Injected::new(&case.world, &refused), &entry)).unwrap_err();
    assert_eq!(failure.name, FailureName::RollbackIncomplete);
    assert_eq!(failure.now_true, "the group keeps the sizes the run gave it");
    assert_eq!(block_on(undo(&FakeWorld::new(), &entry)).unwrap_err().name, FailureName::RollbackIncomplete);
}
