//! The CodeBuild hook, look by look: started once, followed, timed, rehearsed - and stopped by its undo.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use pilot_core::FailureName;
use pilot_core::contract::{Mode, Run, Step};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_shell::ledger::Ledger;
use pilot_testkit::{
    FakeBuild, FakeGroup, FakeLedger, FakePlans, FakeProject, FakeWorld, Fault, Faults, Injected, advance_seconds,
    fixture, now, told,
};
use scale_compute::computes::Computes;
use scale_compute::handler::handle;
use scale_compute::hook_code_build::undo;
use serde_json::Value;

const START: &str = "codebuild:StartBuild";
const FIND: &str = "codebuild:ListBuildsForProject";

const STARTED: &str = "on its way: build shop-deploy:1 was started (again in 5s)";
const RUNS: &str = "on its way: build shop-deploy:1 is `IN_PROGRESS` at BUILD (again in 5s)";
const DONE: &str = "done: build shop-deploy:1 ended `SUCCEEDED`";

/// A plan whose only compute is the hook.
fn plan_yaml(more: &str) -> String {
    let (head, rest) = fixture::PLAN_YAML.split_once("compute:").unwrap();
    let tail = rest.split_once("traffic:").unwrap().1;
    let yaml = fixture::with_build(&format!("{head}compute:\ntraffic:{tail}"));
    yaml.replacen("projectName:", &format!("{more}projectName:"), 1)
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
    fn of(yaml: &str, mode: Mode, project: FakeProject, faults: Faults) -> Self {
        let plans = FakePlans::new();
        let run = Run { mode, ..fixture::run(plans.put(fixture::PLAN, yaml)) };
        let world = fixture::world();
        world.put_project(fixture::PROJECT, project);
        let event = fixture::step_event(&run, Step::ScaleCompute, now(), None);
        Case { world, ledger: FakeLedger::held_by(&run), plans, run, faults, event }
    }

    fn new(end: &str, faults: Faults) -> Self {
        Self::of(&plan_yaml(""), Mode::Failover, FakeProject::ending(end), faults)
    }

    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        let world = Injected::new(&self.world, &self.faults);
        let computes = Computes { groups: &world, services: &world, concurrencies: &world, hooks: &world };
        told(&block_on(handle(self.event.clone(), &self.ledger, &self.plans, &computes, &computes, now)))
    }

    fn looks(&self, waits_seconds: &[i64]) -> Vec<String> {
        waits_seconds.iter().map(|seconds| self.look(*seconds)).collect()
    }

    fn entry(&self) -> Entry {
        let entries = block_on(self.ledger.entries(&self.run.run_id)).unwrap();
        entries.into_iter().find(|entry| entry.action == Action::StartBuild).unwrap()
    }

    fn builds(&self) -> Vec<FakeBuild> {
        self.world.peek_project(fixture::PROJECT).unwrap().builds
    }

    /// Everything a later run of the same world needs: the lease, and the earlier one's entry.
    fn resumed(&self, run_id: &str) -> Case {
        advance_seconds(60);
        let run = Run {
            run_id: run_id.into(),
            started_at: now(),
            generation: 2,
            resumes: Some(self.run.run_id.clone()),
            ..self.run.clone()
        };
        let ledger = FakeLedger::held_by(&run);
        let adopted = Entry { adopted_from: Some(self.run.run_id.clone()), ..self.entry() };
        block_on(ledger.adopt(&run, &adopted)).unwrap();
        let world = fixture::world();
        world.put_project(fixture::PROJECT, self.world.peek_project(fixture::PROJECT).unwrap());
        let plans = FakePlans::new();
        plans.put(fixture::PLAN, &plan_yaml(""));
        let event = fixture::step_event(&run, Step::ScaleCompute, now(), None);
        Case { world, ledger, plans, run, faults: Faults::none(), event }
    }
}

#[test]
fn a_build_is_started_once_and_followed_to_its_end() {
    let case = Case::new("SUCCEEDED", Faults::none());
    assert_eq!(case.looks(&[0, 5, 5, 5, 5]), [STARTED, RUNS, RUNS, DONE, DONE]);
    assert_eq!(case.faults.count(START), 1);
    let [build] = &case.builds()[..] else { panic!("not one build") };
    let told = |name: &str| build.environment[name].as_str();
    assert_eq!(told("STAGE"), "recovery");
    assert_eq!((told("PILOT_RUN_ID"), told("PILOT_PLAN"), told("PILOT_COMPONENT")), ("run-1", "shop", "deploy"));
    assert_eq!((told("PILOT_PRIMARY_REGION"), told("PILOT_RECOVERY_REGION")), ("ap-southeast-2", "ap-southeast-1"));
    assert_eq!((told("PILOT_MODE"), told("PILOT_GENERATION"), told("PILOT_DRY_RUN")), ("failover", "1", "false"));
    let entry = case.entry();
    assert_eq!((entry.resource.as_str(), entry.irreversible), (fixture::PROJECT, false));
    assert!(matches!(entry.outcome, Some(EntryOutcome::Accepted { detail, .. }) if detail == "shop-deploy:1"));
}

#[test]
fn a_build_that_fails_fails_the_step_and_is_not_started_again() {
    for end in ["FAILED", "FAULT", "TIMED_OUT", "STOPPED"] {
        let case = Case::new(end, Faults::none());
        let lines = case.looks(&[0, 5, 5, 5, 5]);
        for line in &lines[3..] {
            assert!(line.contains("HookFailed") && line.contains(&format!("ended `{end}`")), "{line}");
            assert!(line.contains("https://console.test/shop-deploy:1"), "no way to its log: {line}");
        }
        assert_eq!(case.builds().len(), 1, "{end}");
    }
}

#[test]
fn a_lost_answer_starts_nothing_twice_whenever_it_is_asked_again() {
    // Within the token's five minutes, and long after them.
    for wait_seconds in [1, 500] {
        let case = Case::new("SUCCEEDED", Faults::none().nth(START, 0, Fault::UnknownAfter));
        let lost = case.look(0);
        assert!(lost.contains("AwsUnavailable"), "{lost}");
        assert!(case.entry().outcome.is_none());
        assert_eq!(case.looks(&[wait_seconds, 5, 5]), [RUNS, RUNS, DONE]);
        assert_eq!((case.builds().len(), case.faults.count(START)), (1, 1));
        assert!(
            matches!(case.entry().outcome, Some(EntryOutcome::Accepted { detail, .. }) if detail == "shop-deploy:1")
        );
    }
    // Asked for in vain: it is asked for again, with the same token.
    let case = Case::new("SUCCEEDED", Faults::none().nth(START, 0, Fault::UnknownBefore));
    case.look(0);
    assert_eq!(case.looks(&[1, 5]), [STARTED, RUNS]);
    assert_eq!((case.builds().len(), case.faults.count(START), case.faults.count(FIND)), (1, 2, 1));
}

#[test]
fn a_build_that_takes_too_long_ends_the_step() {
    let case = Case::of(
        &plan_yaml(""),
        Mode::Failover,
        FakeProject { looks: 1_000, ..FakeProject::ending("SUCCEEDED") },
        Faults::none(),
    );
    assert_eq!(case.looks(&[0, 599]), [STARTED, RUNS]);
    let late = case.look(2);
    assert!(late.contains("StepDeadlineExceeded") && late.contains("shop-deploy:1"), "{late}");
}

#[test]
fn what_cannot_be_started_fails_by_name_and_a_limit_is_waited_for() {
    let case = Case::new("SUCCEEDED", Faults::none().nth(START, 0, Fault::Refused));
    let refused = case.look(0);
    assert!(refused.contains("HookFailed") && refused.contains("AccessDenied"), "{refused}");
    assert!(matches!(case.entry().outcome, Some(EntryOutcome::NotDone { .. })));
    assert_eq!(case.look(1), STARTED, "a refusal that was mended meanwhile");

    let missing = Case::of(
        &plan_yaml("").replace(fixture::PROJECT, "no-such-project"),
        Mode::Failover,
        FakeProject::ending("SUCCEEDED"),
        Faults::none(),
    );
    let line = missing.look(0);
    assert!(line.contains("HookFailed") && line.contains("no such CodeBuild project"), "{line}");
    assert_eq!(missing.faults.mutating_calls(), []);

    let full = FakeProject { limit_reached: true, ..FakeProject::ending("SUCCEEDED") };
    let case = Case::of(&plan_yaml(""), Mode::Failover, full, Faults::none());
    let waits = case.look(0);
    assert!(waits.starts_with("on its way: codebuild:StartBuild was refused with AccountLimitExceeded"), "{waits}");
    case.world.change_project(fixture::PROJECT, |project| project.limit_reached = false);
    assert_eq!(case.look(20), STARTED);
    let case = Case::of(
        &plan_yaml(""),
        Mode::Failover,
        FakeProject { limit_reached: true, ..FakeProject::ending("SUCCEEDED") },
        Faults::none(),
    );
    case.look(0);
    assert!(case.look(601).contains("StepDeadlineExceeded"));
}

#[test]
fn a_later_run_takes_up_what_succeeded_follows_what_runs_and_starts_anew_what_failed() {
    let done = Case::new("SUCCEEDED", Faults::none());
    done.looks(&[0, 5, 5, 5]);
    let later = done.resumed("run-2");
    assert_eq!(later.look(1), DONE);
    assert_eq!(later.builds().len(), 1);

    let runs = Case::new("SUCCEEDED", Faults::none());
    runs.look(0);
    let later = runs.resumed("run-2");
    assert_eq!(later.looks(&[1, 5, 5]), [RUNS, RUNS, DONE]);
    assert_eq!(later.builds().len(), 1);

    let failed = Case::new("FAILED", Faults::none());
    failed.looks(&[0, 5, 5, 5]);
    let later = failed.resumed("run-2");
    later.world.change_project(fixture::PROJECT, |project| project.end = "SUCCEEDED".into());
    let second = |line: &str| line.replace("shop-deploy:1", "shop-deploy:2");
    assert_eq!(later.looks(&[1, 5, 5, 5]), [second(STARTED), second(RUNS), second(RUNS), second(DONE)]);
    assert_eq!(later.builds()[1].environment["PILOT_RUN_ID"], "run-2");

    // The earlier run never heard what its start came to: the build is found by what it was handed.
    let lost = Case::new("SUCCEEDED", Faults::none().nth(START, 0, Fault::UnknownAfter));
    lost.look(0);
    let later = lost.resumed("run-2");
    assert_eq!(later.looks(&[1, 5, 5]), [RUNS, RUNS, DONE]);
    assert_eq!(later.builds().len(), 1);
}

#[test]
fn a_dry_run_only_looks_it_up() {
    let case = Case::of(&plan_yaml(""), Mode::DryRun, FakeProject::ending("SUCCEEDED"), Faults::none());
    assert_eq!(case.look(0), "done: dry run: would be started: one build of shop-deploy");
    assert_eq!(case.faults.mutating_calls(), []);
    assert_eq!(case.faults.count("codebuild:BatchGetProjects"), 1);
    let missing = plan_yaml("").replace(fixture::PROJECT, "no-such-project");
    let case = Case::of(&missing, Mode::DryRun, FakeProject::ending("SUCCEEDED"), Faults::none());
    let line = case.look(0);
    assert!(line.starts_with("done: dry run: a real run would end here: HookFailed"), "{line}");
}

#[test]
fn a_dry_run_starts_and_follows_a_hook_that_knows_one() {
    let yaml = plan_yaml("dryRunCall: true, ");
    let case = Case::of(&yaml, Mode::DryRun, FakeProject::ending("SUCCEEDED"), Faults::none());
    assert_eq!(case.looks(&[0, 5, 5, 5, 5]), [STARTED, RUNS, RUNS, DONE, DONE]);
    let [build] = &case.builds()[..] else { panic!("not one build") };
    assert_eq!(
        (build.environment["PILOT_DRY_RUN"].as_str(), build.environment["PILOT_MODE"].as_str()),
        ("true", "dryRun")
    );
    let case = Case::of(&yaml, Mode::DryRun, FakeProject::ending("FAILED"), Faults::none());
    let lines = case.looks(&[0, 5, 5, 5]);
    assert!(lines[3].starts_with("done: dry run: a real run would end here: HookFailed"), "{lines:?}");
    // In earnest it is no dry run.
    let case = Case::of(&yaml, Mode::Failover, FakeProject::ending("SUCCEEDED"), Faults::none());
    case.look(0);
    assert_eq!(case.builds()[0].environment["PILOT_DRY_RUN"], "false");
}

#[test]
fn a_rehearsed_hook_behind_a_wave_that_a_dry_run_does_not_bring_up_is_not_waited_for() {
    let yaml =
        fixture::with_build(fixture::PLAN_YAML).replacen("projectName:", "wave: 2, dryRunCall: true, projectName:", 1);
    let case = Case::of(&yaml, Mode::DryRun, FakeProject::ending("SUCCEEDED"), Faults::none());
    // The group has its sizes, and its instances never come: a real run would wait for them.
    let mut group = FakeGroup::of(2, 4, 2);
    (group.in_service, group.launches) = (0, false);
    case.world.put_group(fixture::GROUP, group);
    let line = case.look(0);
    assert!(line.starts_with("done: ") && line.contains("would wait: waits for wave 1"), "{line}");
    assert_eq!(case.builds(), []);
}

fn undone(case: &Case, times: usize) -> Vec<String> {
    let world = Injected::new(&case.world, &case.faults);
    (0..times)
        .map(|_| match block_on(undo(&world, &case.run.run_id, &case.entry())) {
            Ok((progress, _)) => progress.detail,
            Err(failure) => failure.to_string(),
        })
        .collect()
}

#[test]
fn the_undo_stops_what_runs_and_sees_it_stopped() {
    let case = Case::new("SUCCEEDED", Faults::none());
    case.look(0);
    let stopped = "build shop-deploy:1 ended `STOPPED` and runs no more; what it made stays";
    assert_eq!(undone(&case, 3), ["build shop-deploy:1 is being stopped", stopped, stopped]);
    assert_eq!(case.faults.count("codebuild:StopBuild"), 1);
}

#[test]
fn the_undo_finds_a_build_whose_start_was_never_answered_and_leaves_an_ended_one() {
    let case = Case::new("SUCCEEDED", Faults::none().nth(START, 0, Fault::UnknownAfter));
    case.look(0);
    assert_eq!(undone(&case, 2)[0], "build shop-deploy:1 is being stopped");
    assert_eq!(case.builds()[0].status, "STOPPED");

    let case = Case::new("SUCCEEDED", Faults::none().nth(START, 0, Fault::UnknownBefore));
    case.look(0);
    assert_eq!(undone(&case, 1), ["no build of this run is to be seen: there is nothing to stop"]);

    let case = Case::new("SUCCEEDED", Faults::none());
    case.looks(&[0, 5, 5, 5]);
    assert_eq!(undone(&case, 1), ["build shop-deploy:1 ended `SUCCEEDED` and runs no more; what it made stays"]);
    assert_eq!(case.faults.count("codebuild:StopBuild"), 0);
}

#[test]
fn a_build_that_cannot_be_stopped_is_told() {
    let case = Case::new("SUCCEEDED", Faults::none().every("codebuild:StopBuild", Fault::Refused));
    case.look(0);
    let told = undone(&case, 1).remove(0);
    assert!(told.starts_with(FailureName::RollbackIncomplete.as_str()), "{told}");
    assert!(told.contains("shop-deploy:1 by hand"), "{told}");
}
