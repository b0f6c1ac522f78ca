//! The automation hook, look by look: what it hands over, and that it is started once, followed, rehearsed and cancelled. What it shares with
//! the CodeBuild hook is tried there.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use pilot_core::contract::{Mode, Run, Step};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_shell::ledger::Ledger;
use pilot_testkit::{
    FakeAutomation, FakeDocument, FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture,
    now, told,
};
use scale_compute::computes::Computes;
use scale_compute::handler::handle;
use scale_compute::hook_automation::undo;
use serde_json::Value;

const START: &str = "ssm:StartAutomationExecution";
const ROLE: &str = "arn:aws:iam::111122223333:role/runbook";

const STARTED: &str = "on its way: automation shop-runbook-1 was started (again in 5s)";
const RUNS: &str = "on its way: automation shop-runbook-1 is `InProgress` at deploy (again in 5s)";
const DONE: &str = "done: automation shop-runbook-1 ended `Success`";

/// A plan whose only compute is the hook.
fn plan_yaml(more: &str) -> String {
    let (head, rest) = fixture::PLAN_YAML.split_once("compute:").unwrap();
    let tail = rest.split_once("traffic:").unwrap().1;
    let yaml = fixture::with_automation(&format!("{head}compute:\ntraffic:{tail}"));
    yaml.replacen("documentName:", &format!("{more}documentName:"), 1)
}

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

impl Case {
    fn of(yaml: &str, mode: Mode, document: FakeDocument, faults: Faults) -> Self {
        let plans = FakePlans::new();
        let run = Run { mode, ..fixture::run(plans.put(fixture::PLAN, yaml)) };
        let world = fixture::world();
        world.put_document(fixture::DOCUMENT, document);
        let event = fixture::step_event(&run, Step::ScaleCompute, now(), None);
        Case { world, ledger: FakeLedger::held_by(&run), plans, run, faults, event }
    }

    fn new(end: &str, faults: Faults) -> Self {
        Self::of(&plan_yaml(""), Mode::Failover, FakeDocument::ending(end, &["Stage", "PilotRunId"]), faults)
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
        entries.into_iter().find(|entry| entry.action == Action::StartAutomation).unwrap()
    }

    fn executions(&self) -> Vec<FakeAutomation> {
        self.world.peek_document(fixture::DOCUMENT).unwrap().executions
    }

    fn undone(&self) -> String {
        let world = Injected::new(&self.world, &self.faults);
        match block_on(undo(&world, &self.run.run_id, &self.entry())) {
            Ok((progress, _)) => progress.detail,
            Err(failure) => failure.to_string(),
        }
    }
}

#[test]
fn an_automation_is_started_once_with_what_its_document_declares_and_followed_to_its_end() {
    let case = Case::new("Success", Faults::none());
    assert_eq!(case.looks(&[0, 5, 5, 5, 5]), [STARTED, RUNS, RUNS, DONE, DONE]);
    let [execution] = &case.executions()[..] else { panic!("not one execution") };
    let parameters: Vec<(&str, &str)> =
        execution.start.parameters.iter().map(|(name, values)| (name.as_str(), values[0].as_str())).collect();
    assert_eq!(parameters, [("PilotRunId", "run-1"), ("Stage", "recovery")]);
    assert_eq!(execution.start.version, None);
    assert!(matches!(case.entry().outcome, Some(EntryOutcome::Accepted { detail, .. }) if detail == "shop-runbook-1"));

    let yaml = plan_yaml(&format!("documentVersion: '3', assumeRoleArn: '{ROLE}', "));
    let document = FakeDocument::ending("Success", &["Stage", "AutomationAssumeRole"]);
    let case = Case::of(&yaml, Mode::Failover, document, Faults::none());
    assert_eq!(case.looks(&[0]), [STARTED]);
    let [execution] = &case.executions()[..] else { panic!("not one execution") };
    assert_eq!(execution.start.parameters["AutomationAssumeRole"], [ROLE]);
    assert_eq!(execution.start.version.as_deref(), Some("3"));
}

#[test]
fn a_failed_automation_fails_the_step_with_its_id_and_reason() {
    let case = Case::new("Failed", Faults::none());
    let lines = case.looks(&[0, 5, 5, 5, 5]);
    for line in &lines[3..] {
        for said in
            ["HookFailed", "ended `Failed` at deploy: Step fails", "its log is that of automation shop-runbook-1"]
        {
            assert!(line.contains(said), "{said}: {line}");
        }
    }
    assert_eq!(case.executions().len(), 1);
}

#[test]
fn a_lost_answer_starts_nothing_twice() {
    for document in [&["Stage", "PilotRunId"][..], &["Stage"]] {
        for fault in [Fault::UnknownAfter, Fault::UnknownBefore] {
            let document = FakeDocument::ending("Success", document);
            let case = Case::of(&plan_yaml(""), Mode::Failover, document, Faults::none().nth(START, 0, fault));
            let lines = case.looks(&[0, 1, 5, 5, 5, 5]);
            assert!(lines[0].contains("AwsUnavailable") && lines[5] == DONE, "{lines:?}");
            assert_eq!(case.executions().len(), 1, "{fault:?}");
        }
    }
}

#[test]
fn a_document_that_does_not_fit_the_plan_starts_nothing() {
    let lacks_dry_run = (plan_yaml("dryRunCall: true, "), FakeDocument::ending("Success", &["Stage"]), "PilotDryRun");
    let wants_more = (plan_yaml(""), FakeDocument::ending("Success", &["Stage", "Size"]), "wants the parameter Size");
    let lacks = (plan_yaml(""), FakeDocument::ending("Success", &[]), "declares no parameter Stage");
    for (yaml, document, said) in [lacks_dry_run, wants_more, lacks] {
        let case = Case::of(&yaml, Mode::Failover, document, Faults::none());
        let line = case.looks(&[0]).remove(0);
        assert!(line.contains("HookFailed") && line.contains(said), "{line}");
        assert_eq!(case.faults.mutating_calls(), []);
    }
}

#[test]
fn a_dry_run_looks_at_the_document_and_starts_it_only_if_it_knows_one() {
    let case = Case::of(&plan_yaml(""), Mode::DryRun, FakeDocument::ending("Success", &["Stage"]), Faults::none());
    assert_eq!(case.looks(&[0]), ["done: dry run: would be started: one automation of shop-runbook"]);
    assert_eq!(case.faults.mutating_calls(), []);
    let document = FakeDocument::ending("Success", &["Stage", "PilotDryRun"]);
    let case = Case::of(&plan_yaml("dryRunCall: true, "), Mode::DryRun, document, Faults::none());
    assert_eq!(case.looks(&[0, 5, 5, 5]), [STARTED, RUNS, RUNS, DONE]);
    assert_eq!(case.executions()[0].start.parameters["PilotDryRun"], ["true"]);
}

#[test]
fn the_undo_cancels_what_runs_also_if_its_start_was_never_answered() {
    for faults in [Faults::none(), Faults::none().nth(START, 0, Fault::UnknownAfter)] {
        let case = Case::new("Success", faults);
        case.looks(&[0]);
        assert_eq!(case.undone(), "automation shop-runbook-1 is being stopped");
        let cancelled = "automation shop-runbook-1 ended `Cancelled` and runs no more; what it made stays";
        assert_eq!([case.undone(), case.undone()], [cancelled, cancelled]);
    }
    let case = Case::new("Success", Faults::none().nth(START, 0, Fault::UnknownBefore));
    case.looks(&[0]);
    assert_eq!(case.undone(), "no automation of this run is to be seen: there is nothing to stop");
}
