//! The ECS service, look by look, on the way up and at rest, and its undo.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use pilot_core::FailureName;
use pilot_core::contract::{Mode, Run, Status, Step};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::observed::{DeploymentObserved, ScalableTarget, ServiceBefore};
use pilot_shell::ledger::Ledger;
use pilot_testkit::{
    FakeGroup, FakeLedger, FakePlans, FakeService, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now,
    told,
};
use scale_compute::computes::Computes;
use scale_compute::ecs_service::undo;
use scale_compute::handler::handle;
use serde_json::{Value, json};

const REGISTER: &str = "application-autoscaling:RegisterScalableTarget";
const UPDATE: &str = "ecs:UpdateService";

const UP_TARGET: &str = "on its way: set to scalable target min 1, max 4 (again in 2s)";
const UP_DESIRED: &str = "on its way: set to desired count 2 (again in 2s)";
const NONE_YET: &str = "on its way: 0 of 2 tasks running and steady (again in 3s)";
const DONE: &str = "done: 2 tasks running, 2 wanted";

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

impl Case {
    fn of(service: FakeService, mode: Mode, faults: Faults) -> Self {
        let plans = FakePlans::new();
        let (head, rest) = fixture::PLAN_YAML.split_once("compute:").unwrap();
        let tail = rest.split_once("traffic:").unwrap().1;
        let plan = fixture::with_service(&format!("{head}compute:\ntraffic:{tail}"));
        let run = Run { mode, ..fixture::run(plans.put(fixture::PLAN, &plan)) };
        let world = fixture::world();
        world.put_service(fixture::SERVICE, service);
        let event = fixture::step_event(&run, Step::ScaleCompute, now(), None);
        Case { world, ledger: FakeLedger::held_by(&run), plans, run, faults, event }
    }

    fn new(service: FakeService, faults: Faults) -> Self {
        Self::of(service, Mode::Failover, faults)
    }

    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        let world = Injected::new(&self.world, &self.faults);
        let computes = Computes { groups: &world, services: &world, concurrencies: &world, hooks: &world };
        told(&block_on(handle(self.event.clone(), &self.ledger, &self.plans, &computes, &computes, now)))
    }

    fn journal(&self) -> Vec<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap()
    }

    fn entry(&self, action: Action) -> Entry {
        self.journal().into_iter().find(|entry| entry.action == action).unwrap()
    }

    fn settings(&self) -> ServiceBefore {
        self.world.peek_service(fixture::SERVICE).unwrap().settings()
    }

    fn acts(&self) -> Vec<&'static str> {
        self.faults.mutating_calls().iter().map(|call| call.name).collect()
    }
}

fn settings(target: Option<(u32, u32)>, desired: u32) -> ServiceBefore {
    ServiceBefore { desired, target: target.map(|(min, max)| ScalableTarget { min, max }) }
}

fn check(service: FakeService, faults: Faults, waits_seconds: &[i64], expected: &[&str]) -> Case {
    let case = Case::new(service, faults);
    let lines: Vec<String> = waits_seconds.iter().map(|seconds| case.look(*seconds)).collect();
    assert_eq!(lines, expected);
    case
}

#[test]
fn a_service_at_nothing_is_brought_up_target_first_and_its_tasks_are_counted() {
    let case = check(
        FakeService::of(0, Some((0, 0))),
        Faults::none(),
        &[0, 2, 2, 3, 3],
        &[UP_TARGET, UP_DESIRED, NONE_YET, NONE_YET, DONE],
    );
    assert_eq!(case.acts(), [REGISTER, UPDATE]);
    assert_eq!(case.settings(), settings(Some((1, 4)), 2));
    for action in [Action::SetScalableTarget, Action::SetDesiredCount] {
        let entry = case.entry(action);
        assert_eq!(entry.resource, "shop/api");
        // The target moved the desired count to 1: the second act's values before are not this run's own.
        assert_eq!(entry.before, json!({"desired": 0, "target": {"min": 0, "max": 0}}));
        assert!(matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })));
    }

    let none = FakeService::of(0, None);
    let case = check(none, Faults::none(), &[0, 2, 3, 3], &[UP_DESIRED, NONE_YET, NONE_YET, DONE]);
    assert_eq!(case.acts(), [UPDATE]);
    assert_eq!(case.entry(Action::SetDesiredCount).before, json!({"desired": 0, "target": null}));
}

#[test]
fn a_second_try_keeps_the_values_before_the_first() {
    let case = Case::new(FakeService::of(0, None), Faults::none());
    case.look(0);
    // Somebody takes the capacity away again while the run is under way, and registers a target.
    case.world.change_service(fixture::SERVICE, |service| {
        (service.desired, service.target) = (0, Some(ScalableTarget { min: 0, max: 1 }));
    });
    assert_eq!([case.look(2), case.look(2)], [UP_TARGET, UP_DESIRED]);
    for action in [Action::SetScalableTarget, Action::SetDesiredCount] {
        assert_eq!(case.entry(action).before, json!({"desired": 0, "target": null}));
    }
}

#[test]
fn a_service_that_has_more_keeps_it() {
    let case = check(
        FakeService::of(5, Some((0, 9))),
        Faults::none(),
        &[0, 2],
        &["on its way: set to scalable target min 1, max 9 (again in 2s)", "done: 5 tasks running, 2 wanted"],
    );
    assert_eq!(case.settings(), settings(Some((1, 9)), 5));
    let case = check(FakeService::of(5, Some((2, 9))), Faults::none(), &[0], &["done: 5 tasks running, 2 wanted"]);
    assert!(case.acts().is_empty() && case.journal().is_empty());
}

#[test]
fn capacity_that_never_comes_is_not_believed() {
    let service = FakeService { launches: false, ..FakeService::of(0, None) };
    check(
        service,
        Faults::none(),
        &[0, 300, 300],
        &[
            UP_DESIRED,
            NONE_YET,
            "StepDeadlineExceeded: not there after 600 seconds, the plan allows 600: 0 of 2 tasks running and steady",
        ],
    );
    let deploying = FakeService { deployment: DeploymentObserved::InProgress, ..FakeService::of(2, None) };
    let case = check(deploying, Faults::none(), &[0], &["on its way: 2 of 2 tasks running and steady (again in 3s)"]);
    case.world.change_service(fixture::SERVICE, |service| service.deployment = DeploymentObserved::Steady);
    assert_eq!(case.look(3), DONE);
}

#[test]
fn a_deployment_that_the_circuit_breaker_gave_up_fails_with_its_reason() {
    let case = Case::new(FakeService::of(0, None), Faults::none());
    case.look(0);
    let reason = "ECS deployment circuit breaker: tasks failed to start.".to_owned();
    case.world.change_service(fixture::SERVICE, |service| {
        service.deployment = DeploymentObserved::Failed { reason: reason.clone() };
    });
    let line = case.look(2);
    assert!(line.starts_with("ComputeFailed: ") && line.contains(&reason), "{line}");
}

#[test]
fn a_service_that_is_not_there_or_is_being_deleted_is_told() {
    for status in ["INACTIVE", "DRAINING"] {
        let case = Case::new(FakeService { status: status.into(), ..FakeService::of(0, None) }, Faults::none());
        let line = case.look(0);
        assert!(line.starts_with("ComputeFailed: ") && line.contains(status), "{line}");
        assert!(case.acts().is_empty());
    }
    let case = Case::new(FakeService::of(0, None), Faults::none());
    let missing = Case { world: FakeWorld::new(), ..case };
    assert_eq!(missing.look(0), "ComputeFailed: the Region has no such ECS service");
}

#[test]
fn faults_of_each_call_are_told_by_what_they_mean() {
    for (call, target, up, set, action) in [
        (REGISTER, Some((0, 0)), UP_TARGET, "scalable target min 1, max 4", Action::SetScalableTarget),
        (UPDATE, None, UP_DESIRED, "desired count 2", Action::SetDesiredCount),
    ] {
        let zero = || FakeService::of(0, target);
        let throttled = format!("AwsUnavailable: {call} was throttled with Throttling: Rate exceeded (injected)");
        check(zero(), Faults::none().nth(call, 0, Fault::Throttled), &[0, 1], &[throttled.as_str(), up]);
        let refused =
            format!("ComputeFailed: {call} to {set} was refused with AccessDenied: not authorized (injected)");
        let case = check(zero(), Faults::none().nth(call, 0, Fault::Refused), &[0], &[refused.as_str()]);
        assert!(matches!(case.entry(action).outcome, Some(EntryOutcome::NotDone { .. })));
        let lost = format!("AwsUnavailable: {call}: outcome unknown: the connection was reset (injected)");
        check(zero(), Faults::none().nth(call, 0, Fault::UnknownBefore), &[0, 1], &[lost.as_str(), up]);
        let faults = Faults::none().nth(call, 0, Fault::UnknownAfter);
        let mut lines = vec![lost.as_str(), UP_DESIRED, NONE_YET, NONE_YET, DONE];
        if call == UPDATE {
            lines.remove(1);
        }
        let looks: Vec<i64> = (0..).take(lines.len()).collect();
        let case = check(zero(), faults, &looks, &lines);
        assert!(matches!(case.entry(action).outcome, Some(EntryOutcome::Accepted { .. })), "the journal is complete");
    }
}

#[test]
fn a_dry_run_says_all_of_it_and_changes_nothing() {
    let case = Case::of(FakeService::of(0, Some((0, 0))), Mode::DryRun, Faults::none());
    assert_eq!(case.look(0), "done: dry run: would be set to scalable target min 1, max 4, desired count 2");
    assert!(case.acts().is_empty() && case.journal().is_empty());
    assert_eq!(case.settings(), settings(Some((0, 0)), 0));
}

#[test]
fn the_undo_brings_exactly_the_values_before_whichever_act_it_is_for_and_is_the_same_twice() {
    for (target, desired) in [(Some((0, 0)), 0), (Some((0, 1)), 1), (Some((0, 9)), 5), (None, 0), (None, 1)] {
        let case = Case::new(FakeService::of(desired, target), Faults::none());
        for seconds in [0, 2, 2, 3, 3] {
            case.look(seconds);
        }
        let before = settings(target, desired);
        assert_ne!(case.settings(), before);
        let world = Injected::new(&case.world, &case.faults);
        for entry in case.journal() {
            for _ in 0..2 {
                let (progress, _) = block_on(undo(&world, &entry)).unwrap();
                assert_eq!((progress.status, progress.detail), (Status::Done, format!("back at {before}")));
                assert_eq!(case.settings(), before);
            }
        }
    }
}

#[test]
fn an_undo_that_is_refused_says_what_is_true() {
    for (call, target) in [(REGISTER, Some((0, 0))), (UPDATE, None)] {
        let case = Case::new(FakeService::of(0, target), Faults::none());
        case.look(0);
        let entry = case.journal().remove(0);
        let refused = Faults::none().every(call, Fault::Refused);
        let failure = block_on(undo(&Injected::new(&case.world, &refused), &entry)).unwrap_err();
        assert_eq!(failure.name, FailureName::RollbackIncomplete);
        assert_eq!(failure.now_true, "the service keeps what the run set");
        let throttled = Faults::none().every(call, Fault::Throttled);
        let failure = block_on(undo(&Injected::new(&case.world, &throttled), &entry)).unwrap_err();
        assert_eq!(failure.name, FailureName::AwsUnavailable);
        assert_eq!(block_on(undo(&FakeWorld::new(), &entry)).unwrap_err().name, FailureName::RollbackIncomplete);
        let unreadable = Entry { before: json!(null), ..entry.clone() };
        assert_eq!(block_on(undo(&case.world, &unreadable)).unwrap_err().name, FailureName::RollbackIncomplete);
        let nameless = Entry { resource: "api".into(), ..entry };
        assert_eq!(block_on(undo(&case.world, &nameless)).unwrap_err().name, FailureName::RollbackIncomplete);
    }
}

/// A way home: the service that served in the recovery Region comes to rest there.
fn home(service: FakeService, faults: Faults) -> Case {
    let case = Case::of(service, Mode::Failback, faults);
    let compute = "compute:
  - {kind: ecsService, name: tasks, clusterName: shop, serviceName: api, capacity: {min: 2, max: 4, desired: 2},
     restingCapacity: {min: 0, max: 1, desired: 0}, timeoutSeconds: 600}
traffic:";
    let (head, rest) = fixture::PLAN_YAML.split_once("databases:").unwrap();
    let tail = rest.split_once("traffic:").unwrap().1;
    let tail = tail.split_once("  - kind: route53Records").unwrap().0;
    let plan = format!(
        "{head}{compute}{tail}validation:
  endpoints: [{{name: reads, url: 'https://recovery-lb.shop.test/health'}}]
home:
  compute:
    - {{kind: ecsService, name: home-tasks, clusterName: shop, serviceName: api, capacity: {{min: 1, max: 2, desired: 1}}}}
  validation:
    endpoints: [{{name: reads, url: 'https://primary-lb.shop.test/health'}}]
"
    );
    let run = Run { mode: Mode::Failback, ..fixture::run(case.plans.put(fixture::PLAN, &plan)) };
    let event = fixture::step_event(&run, Step::Rest, now(), None);
    Case { ledger: FakeLedger::held_by(&run), run, event, ..case }
}

#[test]
fn at_rest_it_is_exactly_as_the_plan_says_target_first() {
    let case = home(FakeService { stop_looks: 1, ..FakeService::of(3, Some((2, 4))) }, Faults::none());
    case.world.put_group(fixture::GROUP, FakeGroup::of(2, 4, 2));
    let lines = [0, 2, 2, 3].map(|seconds| case.look(seconds));
    assert_eq!(
        lines,
        [
            "on its way: set to scalable target min 0, max 1 (again in 2s)",
            "on its way: set to desired count 0 (again in 2s)",
            "on its way: 3 tasks still running, 0 rest (again in 3s)",
            "done: rests at scalable target min 0, max 1, desired count 0",
        ]
    );
    assert_eq!(case.acts(), [REGISTER, UPDATE]);
    let before = json!({"desired": 3, "target": {"min": 2, "max": 4}});
    for entry in case.journal() {
        assert_eq!((entry.step, &entry.before), (Step::Rest, &before));
        assert!(matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })));
    }
    assert_eq!(case.look(1), lines[3]);
    assert_eq!(case.acts().len(), 2);
}
