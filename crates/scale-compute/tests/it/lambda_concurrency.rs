//! A Lambda function's concurrency, look by look, on the way up and at rest, and its undo.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use pilot_core::FailureName;
use pilot_core::contract::{Mode, Run, Status, Step};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::observed::ConcurrencyBefore;
use pilot_shell::ledger::Ledger;
use pilot_testkit::{
    FakeFunction, FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now, told,
};
use scale_compute::computes::Computes;
use scale_compute::handler::handle;
use scale_compute::lambda_concurrency::undo;
use serde_json::{Value, json};

const RESERVE: &str = "lambda:PutFunctionConcurrency";
const UNRESERVE: &str = "lambda:DeleteFunctionConcurrency";
const PROVISION: &str = "lambda:PutProvisionedConcurrencyConfig";
const UNPROVISION: &str = "lambda:DeleteProvisionedConcurrencyConfig";

const UP_RESERVED: &str = "on its way: set to reserved concurrency 10 (again in 2s)";
const UP_PROVISIONED: &str = "on its way: set to provisioned concurrency 5 (again in 2s)";
const NONE_YET: &str = "on its way: 0 of 5 provisioned available and ready (again in 5s)";
const DONE: &str = "done: reserved concurrency 10, provisioned 5";

/// The function alone, of a plan that also says how it rests.
const COMPUTE: &str = "compute:
  - {kind: lambdaConcurrency, name: price, functionName: shop-price, qualifier: live,
     capacity: {reservedConcurrency: 10, provisionedConcurrency: 5}, restingCapacity: RESTING, timeoutSeconds: 600}
";

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

impl Case {
    fn of(function: FakeFunction, mode: Mode, step: Step, resting: &str, faults: Faults) -> Self {
        let plans = FakePlans::new();
        let (head, rest) = fixture::PLAN_YAML.split_once("databases:").unwrap();
        let tail = rest.split_once("traffic:").unwrap().1.split_once("  - kind: route53Records").unwrap().0;
        let compute = COMPUTE.replace("RESTING", resting);
        let validation = "validation: {endpoints: [{name: reads, url: 'https://lb.shop.test/health'}]}";
        let home = compute.replace("name: price,", "name: home-price,").replace('\n', "\n  ");
        let plan = format!("{head}{compute}traffic:{tail}{validation}\nhome:\n  {home}\n  {validation}\n");
        let run = Run { mode, ..fixture::run(plans.put(fixture::PLAN, &plan)) };
        let world = FakeWorld::new();
        world.put_function(fixture::FUNCTION, function);
        let event = fixture::step_event(&run, step, now(), None);
        Case { world, ledger: FakeLedger::held_by(&run), plans, run, faults, event }
    }

    fn new(function: FakeFunction, faults: Faults) -> Self {
        Self::of(function, Mode::Failover, Step::ScaleCompute, "{provisionedConcurrency: 0}", faults)
    }

    /// The function that served in the recovery Region comes to rest there.
    fn rest(function: FakeFunction, resting: &str, faults: Faults) -> Self {
        Self::of(function, Mode::Failback, Step::Rest, resting, faults)
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

    fn settings(&self) -> ConcurrencyBefore {
        self.world.peek_function(fixture::FUNCTION).unwrap().settings()
    }

    fn acts(&self) -> Vec<&'static str> {
        self.faults.mutating_calls().iter().map(|call| call.name).collect()
    }
}

fn settings(reserved: Option<u32>, provisioned: Option<u32>) -> ConcurrencyBefore {
    ConcurrencyBefore { reserved, provisioned }
}

fn check(function: FakeFunction, faults: Faults, waits_seconds: &[i64], expected: &[&str]) -> Case {
    let case = Case::new(function, faults);
    let lines: Vec<String> = waits_seconds.iter().map(|seconds| case.look(*seconds)).collect();
    assert_eq!(lines, expected);
    case
}

#[test]
fn a_throttled_function_is_brought_up_reservation_first_and_what_is_ready_is_counted() {
    let case = check(
        FakeFunction::of(Some(0), None),
        Faults::none(),
        &[0, 2, 2, 5, 5],
        &[UP_RESERVED, UP_PROVISIONED, NONE_YET, NONE_YET, DONE],
    );
    assert_eq!(case.acts(), [RESERVE, PROVISION]);
    assert_eq!(case.settings(), settings(Some(10), Some(5)));
    for action in [Action::SetReservedConcurrency, Action::SetProvisionedConcurrency] {
        let entry = case.entry(action);
        assert_eq!((entry.resource.as_str(), entry.irreversible), ("shop-price:live", false));
        // Before the second act the reservation is this run's own already.
        assert_eq!(entry.before, json!({"reserved": 0, "provisioned": null}));
        assert!(matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })));
    }
    assert_eq!(case.look(1), DONE);
    assert_eq!(case.acts().len(), 2);
}

#[test]
fn a_function_that_has_more_keeps_it() {
    let done = "done: reserved concurrency 20, provisioned 9";
    let case = check(FakeFunction::of(Some(20), Some(9)), Faults::none(), &[0], &[done]);
    assert!(case.acts().is_empty() && case.journal().is_empty());
}

#[test]
fn concurrency_that_never_comes_is_not_believed() {
    let slow = FakeFunction { allocation_looks: 1_000, ..FakeFunction::of(Some(10), None) };
    let late = "StepDeadlineExceeded: not there after 600 seconds, the plan allows 600: 0 of 5 provisioned available and ready";
    check(slow, Faults::none(), &[0, 300, 300], &[UP_PROVISIONED, NONE_YET, late]);
}

#[test]
fn an_allocation_that_fails_is_told_with_its_reason_and_one_of_earlier_is_asked_for_again() {
    let reason = "FUNCTION_ERROR_INIT_FAILURE".to_owned();
    let failing =
        || FakeFunction { fails: Some(reason.clone()), allocation_looks: 0, ..FakeFunction::of(Some(10), None) };
    let told = "ComputeFailed: its provisioned concurrency of 5 failed: FUNCTION_ERROR_INIT_FAILURE";
    let case = check(failing(), Faults::none(), &[0, 2], &[UP_PROVISIONED, told]);
    // Mended, and gone forward again: the state machine enters the step anew.
    case.world.change_function(fixture::FUNCTION, |function| function.fails = None);
    advance_seconds(5);
    let event = fixture::step_event(&case.run, Step::ScaleCompute, now(), None);
    let case = Case { event, ..case };
    case.world.change_function(fixture::FUNCTION, |function| {
        function.provisioned.get_mut("live").unwrap().looks_left = 1;
    });
    assert_eq!(case.look(0), UP_PROVISIONED);
    assert_eq!(case.look(2), DONE);
    assert_eq!(case.entry(Action::SetProvisionedConcurrency).before, json!({"reserved": 10, "provisioned": null}));
}

#[test]
fn a_function_that_cannot_be_brought_up_is_told_before_anything_is_changed() {
    let mut no_alias = FakeFunction::of(Some(0), None);
    no_alias.qualifiers.clear();
    let mut latest = FakeFunction::of(Some(0), None);
    latest.qualifiers.insert("live".into(), "$LATEST".into());
    let rows = [(no_alias, "no alias or version live"), (latest, "leads to $LATEST")];
    for (function, expected) in rows {
        let case = Case::new(function, Faults::none());
        let line = case.look(0);
        assert!(line.starts_with("ComputeFailed: ") && line.contains(expected), "{line}");
        assert!(case.acts().is_empty() && case.journal().is_empty());
    }
    let missing = Case { world: FakeWorld::new(), ..Case::new(FakeFunction::default(), Faults::none()) };
    assert_eq!(missing.look(0), "ComputeFailed: the Region has no Lambda function shop-price");
}

#[test]
fn faults_of_each_call_are_told_by_what_they_mean() {
    for (call, reserved, up, set, action) in [
        (RESERVE, 0, UP_RESERVED, "reserved concurrency 10", Action::SetReservedConcurrency),
        (PROVISION, 10, UP_PROVISIONED, "provisioned concurrency 5", Action::SetProvisionedConcurrency),
    ] {
        let before = || FakeFunction::of(Some(reserved), None);
        let throttled = format!("AwsUnavailable: {call} was throttled with Throttling: Rate exceeded (injected)");
        check(before(), Faults::none().nth(call, 0, Fault::Throttled), &[0, 1], &[throttled.as_str(), up]);
        let refused =
            format!("ComputeFailed: {call} for {set} was refused with AccessDenied: not authorized (injected)");
        let case = check(before(), Faults::none().nth(call, 0, Fault::Refused), &[0], &[refused.as_str()]);
        assert!(matches!(case.entry(action).outcome, Some(EntryOutcome::NotDone { .. })));
        let lost = format!("AwsUnavailable: {call}: outcome unknown: the connection was reset (injected)");
        check(before(), Faults::none().nth(call, 0, Fault::UnknownBefore), &[0, 1], &[lost.as_str(), up]);
        let faults = Faults::none().nth(call, 0, Fault::UnknownAfter);
        let mut lines = vec![lost.as_str(), UP_PROVISIONED, NONE_YET, NONE_YET, DONE];
        if call == PROVISION {
            lines.remove(1);
        }
        let looks: Vec<i64> = (0..).take(lines.len()).collect();
        let case = check(before(), faults, &looks, &lines);
        assert!(matches!(case.entry(action).outcome, Some(EntryOutcome::Accepted { .. })), "the journal is complete");
    }
}

#[test]
fn a_dry_run_says_all_of_it_and_changes_nothing() {
    let resting = "{provisionedConcurrency: 0}";
    let function = FakeFunction::of(Some(0), None);
    let case = Case::of(function, Mode::DryRun, Step::ScaleCompute, resting, Faults::none());
    assert_eq!(case.look(0), "done: dry run: would be set to reserved concurrency 10, provisioned 5");
    assert!(case.acts().is_empty() && case.journal().is_empty());
    assert_eq!(case.settings(), settings(Some(0), None));
}

#[test]
fn the_undo_brings_exactly_the_values_before_whichever_act_it_is_for_and_is_the_same_twice() {
    for (reserved, provisioned) in
        [(Some(0), None), (None, None), (Some(3), Some(3)), (None, Some(2)), (Some(10), None)]
    {
        let case = Case::new(FakeFunction::of(reserved, provisioned), Faults::none());
        for seconds in [0, 2, 2, 5, 5] {
            case.look(seconds);
        }
        let before = settings(reserved, provisioned);
        assert_eq!(case.settings(), settings(Some(10), Some(5)));
        let undoing = Faults::none();
        let world = Injected::new(&case.world, &undoing);
        for entry in case.journal() {
            for _ in 0..2 {
                let (progress, _) = block_on(undo(&world, &entry)).unwrap();
                assert_eq!((progress.status, progress.detail), (Status::Done, format!("back at {before}")));
                assert_eq!(case.settings(), before);
            }
        }
        let first = undoing.mutating_calls()[0].name;
        assert_eq!(
            first,
            if provisioned.is_some() { PROVISION } else { UNPROVISION },
            "lowered before the reservation"
        );
    }
}

#[test]
fn an_undo_that_is_refused_says_what_is_true() {
    for (call, reserved, provisioned) in
        [(UNRESERVE, None, Some(5)), (UNPROVISION, Some(10), None), (RESERVE, Some(5), Some(5))]
    {
        let case = Case::new(FakeFunction::of(reserved, provisioned), Faults::none());
        case.look(0);
        let entry = case.journal().remove(0);
        let refused = Faults::none().every(call, Fault::Refused);
        let failure = block_on(undo(&Injected::new(&case.world, &refused), &entry)).unwrap_err();
        assert_eq!(failure.name, FailureName::RollbackIncomplete);
        assert_eq!(failure.now_true, "the function keeps what the run set");
        let throttled = Faults::none().every(call, Fault::Throttled);
        let failure = block_on(undo(&Injected::new(&case.world, &throttled), &entry)).unwrap_err();
        assert_eq!(failure.name, FailureName::AwsUnavailable);
        assert_eq!(block_on(undo(&FakeWorld::new(), &entry)).unwrap_err().name, FailureName::RollbackIncomplete);
        let unreadable = Entry { before: json!(null), ..entry };
        assert_eq!(block_on(undo(&case.world, &unreadable)).unwrap_err().name, FailureName::RollbackIncomplete);
    }
}

#[test]
fn at_rest_it_is_exactly_as_the_plan_says_provisioned_first() {
    let up = || FakeFunction::of(Some(10), Some(5));
    let case = Case::rest(up(), "{reservedConcurrency: 0, provisionedConcurrency: 0}", Faults::none());
    let lines = [0, 2, 2].map(|seconds| case.look(seconds));
    assert_eq!(
        lines,
        [
            "on its way: set to no provisioned concurrency (again in 2s)",
            "on its way: set to reserved concurrency 0 (again in 2s)",
            "done: rests at reserved concurrency 0, provisioned none",
        ]
    );
    assert_eq!(case.acts(), [UNPROVISION, RESERVE]);
    let before = json!({"reserved": 10, "provisioned": 5});
    for entry in case.journal() {
        assert_eq!((entry.step, &entry.before), (Step::Rest, &before));
    }

    let case = Case::rest(up(), "{unreserved: true, provisionedConcurrency: 2}", Faults::none());
    for seconds in [0, 2, 2, 5, 5] {
        case.look(seconds);
    }
    assert_eq!(case.look(0), "done: rests at reserved concurrency none, provisioned 2");
    assert_eq!(case.acts(), [PROVISION, UNRESERVE]);
}

#[test]
fn what_the_resting_capacity_does_not_state_stays() {
    let case = Case::rest(FakeFunction::of(Some(10), Some(5)), "{}", Faults::none());
    assert_eq!(case.look(0), "done: rests at reserved concurrency 10, provisioned 5");
    assert!(case.acts().is_empty() && case.journal().is_empty());
}
