//! The Lambda hook, look by look: what its function is told, that it is asked under one token until it is done, and no longer.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use pilot_core::contract::{Mode, Run, Step};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::plan::{Compute, LambdaHook, RecoveryPlan, check};
use pilot_shell::ledger::Ledger;
use pilot_testkit::{
    FakeHookFunction, FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now, told,
};
use scale_compute::computes::Computes;
use scale_compute::handler::handle;
use scale_compute::hook_function::undo;
use serde_json::{Value, json};

const CALL: &str = "lambda:InvokeFunction";

const STARTED: &str = "on its way: the function is `running`: 2 to go (again in 5s)";
const RUNS: &str = "on its way: the function is `running`: 1 to go (again in 5s)";
const DONE: &str = "done: the function answered `done`: v7";

/// A plan whose only compute is the hook.
fn plan_yaml(more: &str) -> String {
    let (head, rest) = fixture::PLAN_YAML.split_once("compute:").unwrap();
    let tail = rest.split_once("traffic:").unwrap().1;
    let yaml = fixture::with_called(&format!("{head}compute:\ntraffic:{tail}"));
    yaml.replacen("functionName:", &format!("{more}functionName:"), 1)
}

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    plan: RecoveryPlan,
    run: Run,
    faults: Faults,
    event: Value,
}

impl Case {
    fn of(yaml: &str, mode: Mode, function: FakeHookFunction, faults: Faults) -> Self {
        let plans = FakePlans::new();
        let run = Run { mode, ..fixture::run(plans.put(fixture::PLAN, yaml)) };
        let world = fixture::world();
        world.put_hook_function(fixture::HOOK_FUNCTION, function);
        let event = fixture::step_event(&run, Step::ScaleCompute, now(), None);
        let plan = check(yaml.as_bytes()).unwrap();
        Case { world, ledger: FakeLedger::held_by(&run), plans, plan, run, faults, event }
    }

    fn new(end: &str, faults: Faults) -> Self {
        Self::of(&plan_yaml(""), Mode::Failover, FakeHookFunction::ending(end), faults)
    }

    /// Another run that goes on with this one's journal.
    fn taken_up(self) -> Self {
        let run = Run { run_id: "run-2".into(), generation: self.run.generation + 1, ..self.run.clone() };
        let ledger = FakeLedger::held_by(&run);
        let adopted = Entry { adopted_from: Some(self.run.run_id.clone()), ..self.entry() };
        block_on(ledger.adopt(&run, &adopted)).unwrap();
        let event = fixture::step_event(&run, Step::ScaleCompute, now(), None);
        Case { run, ledger, event, ..self }
    }

    fn looks(&self, waits_seconds: &[i64]) -> Vec<String> {
        let look = |seconds: &i64| {
            advance_seconds(*seconds);
            let world = Injected::new(&self.world, &self.faults);
            let computes = Computes { groups: &world, services: &world, concurrencies: &world, hooks: &world };
            told(&block_on(handle(self.event.clone(), &self.ledger, &self.plans, &computes, &computes, now)))
        };
        waits_seconds.iter().map(look).collect()
    }

    fn entry(&self) -> Entry {
        let entries = block_on(self.ledger.entries(&self.run.run_id)).unwrap();
        entries.into_iter().find(|entry| entry.action == Action::CallFunction).unwrap()
    }

    fn function(&self) -> FakeHookFunction {
        self.world.peek_hook_function(fixture::HOOK_FUNCTION).unwrap()
    }

    fn hook(&self) -> &LambdaHook {
        match &self.plan.compute[0] {
            Compute::LambdaHook(hook) => hook,
            other => unreachable!("the plan has no other compute: {other:?}"),
        }
    }

    fn undone(&self) -> String {
        let world = Injected::new(&self.world, &self.faults);
        match block_on(undo(&world, &self.run, &self.plan, self.hook(), &self.entry())) {
            Ok((progress, _)) => progress.detail,
            Err(failure) => failure.to_string(),
        }
    }
}

#[test]
fn it_is_asked_under_one_token_until_it_is_done_and_then_no_more() {
    let case = Case::new("done", Faults::none());
    assert_eq!(case.looks(&[0, 5, 5, 5, 5]), [STARTED, RUNS, DONE, DONE, DONE]);
    let events = case.function().events;
    assert_eq!(events.len(), 3, "not asked again once it is done: {events:?}");
    let token = events[0]["token"].clone();
    let expected = json!({
        "action": "run", "token": token, "runId": "run-1", "plan": "shop", "component": "call",
        "primaryRegion": "ap-southeast-2", "recoveryRegion": "ap-southeast-1", "mode": "failover",
        "generation": case.run.generation, "dryRun": false, "payload": {"ratio": 0.5}
    });
    assert!(events.iter().all(|event| *event == expected), "{events:?}");
    assert!(
        matches!(case.entry().outcome, Some(EntryOutcome::Accepted { detail, .. }) if Some(detail.as_str()) == token.as_str())
    );
}

#[test]
fn a_function_that_ends_in_an_error_or_says_that_it_failed_fails_the_step() {
    for (end, said) in [("error", "an error of the type ValueError"), ("failed", "it answered `failed`: v7")] {
        let case = Case::new(end, Faults::none());
        let line = case.looks(&[0, 5, 5]).remove(2);
        for said in ["HookFailed", said, "its log is that of the function shop-hook"] {
            assert!(line.contains(said), "{said}: {line}");
        }
        assert!(!line.contains("hunter2"), "what it returned is the owner's: {line}");
    }
}

#[test]
fn whatever_is_lost_on_the_way_it_is_one_work() {
    for nth in 0..3 {
        for fault in [Fault::UnknownAfter, Fault::UnknownBefore, Fault::Throttled] {
            let case = Case::new("done", Faults::none().nth(CALL, nth, fault));
            let lines = case.looks(&[0, 5, 5, 5]);
            assert!(lines[nth].starts_with("on its way: "), "{lines:?}");
            assert_eq!(lines[3], DONE, "{fault:?}");
            assert_eq!(case.function().works.len(), 1, "{fault:?}");
        }
    }
    let late = Case::new("done", Faults::none().every(CALL, Fault::UnknownBefore));
    let lines = late.looks(&[0, 599, 5]);
    assert!(lines[1].contains("no answer of the function within 10 s (callTimeoutSeconds)"), "{lines:?}");
    assert!(lines[2].contains("StepDeadlineExceeded"), "{lines:?}");
}

#[test]
fn a_later_run_takes_up_what_is_done_follows_what_runs_and_calls_anew_what_failed() {
    let done = Case::new("done", Faults::none());
    done.looks(&[0, 5, 5]);
    let done = done.taken_up();
    assert_eq!(done.looks(&[0]), [DONE]);
    assert_eq!(done.function().works.len(), 1);

    let running = Case::new("done", Faults::none());
    running.looks(&[0]);
    let running = running.taken_up();
    assert_eq!(running.looks(&[0, 5]), [RUNS, DONE]);
    assert_eq!(running.function().works.len(), 1);

    let failed = Case::new("failed", Faults::none());
    failed.looks(&[0, 5, 5]);
    let failed = failed.taken_up();
    // Told once more under the old token, and begun under a new one.
    assert_eq!(failed.looks(&[0]), [STARTED]);
    failed.world.change_hook_function(fixture::HOOK_FUNCTION, |function| function.end = "done".into());
    assert_eq!(failed.looks(&[5, 5]), [RUNS, DONE]);
    assert_eq!(failed.function().works.len(), 2, "a token of its own");
}

#[test]
fn what_cannot_be_called_is_told() {
    let case = Case::new("done", Faults::none());
    case.world.change_hook_function(fixture::HOOK_FUNCTION, |function| function.state = "Failed".into());
    let missing = plan_yaml("").replace(fixture::HOOK_FUNCTION, "shop-hok");
    let missing = Case::of(&missing, Mode::Failover, FakeHookFunction::ending("done"), Faults::none());
    for (case, said) in [(case, "the Lambda function is Failed"), (missing, "correct functionName")] {
        let line = case.looks(&[0]).remove(0);
        assert!(line.contains("HookFailed") && line.contains(said), "{line}");
        assert_eq!(case.faults.mutating_calls(), []);
    }
    let refused = Case::new("done", Faults::none().every(CALL, Fault::Refused));
    let line = refused.looks(&[0]).remove(0);
    assert!(line.contains("HookFailed") && line.contains("was refused with AccessDenied"), "{line}");
    assert!(matches!(refused.entry().outcome, Some(EntryOutcome::NotDone { .. })));
}

#[test]
fn a_dry_run_looks_at_the_function_and_calls_it_only_if_it_knows_one() {
    let case = Case::of(&plan_yaml(""), Mode::DryRun, FakeHookFunction::ending("done"), Faults::none());
    let would = "done: dry run: would be called: the function shop-hook, until it is done";
    assert_eq!(case.looks(&[0]), [would]);
    assert_eq!(case.faults.mutating_calls(), []);
    let knows = plan_yaml("dryRunCall: true, ");
    let case = Case::of(&knows, Mode::DryRun, FakeHookFunction::ending("done"), Faults::none());
    assert_eq!(case.looks(&[0, 5, 5]), [STARTED, RUNS, DONE]);
    assert!(case.function().events.iter().all(|event| event["dryRun"] == true));
}

#[test]
fn the_undo_calls_it_only_if_it_knows_one_whatever_was_answered_before() {
    for faults in [Faults::none(), Faults::none().nth(CALL, 0, Fault::UnknownAfter)] {
        let case = Case::new("done", faults);
        case.looks(&[0]);
        let said = [case.undone(), case.undone()];
        assert_eq!(
            said,
            ["the function takes back what it made: stopped", "the function took back what it made: gone"]
        );
        assert_eq!(case.undone(), "the function took back what it made: nothing was made");
        assert_eq!(case.function().standing(), 0);
        let event = case.function().events.pop().unwrap();
        assert_eq!((&event["action"], &event["token"]), (&json!("undo"), &case.function().events[0]["token"]));
    }
    let lost = Case::new("done", Faults::none().nth(CALL, 0, Fault::UnknownBefore));
    lost.looks(&[0]);
    assert_eq!(lost.undone(), "the function took back what it made: nothing was made");

    let stays = plan_yaml("").replace("undoCall: true, ", "");
    let stays = Case::of(&stays, Mode::Failover, FakeHookFunction::ending("done"), Faults::none());
    stays.looks(&[0]);
    assert!(stays.undone().contains("what it made stays"));
    assert_eq!((stays.function().events.len(), stays.function().standing()), (1, 1));
}
