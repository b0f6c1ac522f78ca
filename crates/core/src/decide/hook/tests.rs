use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::contract::Step;
use crate::journal::Action;
use crate::observed::AutomationObserved;

const BUILDS: HookService = HookService::CodeBuild;
const ID: &str = "deploy:1";

fn run_began() -> Timestamp {
    Timestamp::from_second(1_000).unwrap()
}

fn seen(status: &str, after_run_began_seconds: i64) -> HookRunObserved {
    HookRunObserved {
        id: ID.into(),
        status: status.into(),
        started_at: Some(run_began() + SignedDuration::from_secs(after_run_began_seconds)),
        doing: Some("BUILD".into()),
        reason: None,
        log: None,
    }
}

/// The decision in a word.
fn told(started: &Started<'_>, found: Option<&HookRunObserved>) -> String {
    match decide(BUILDS, "deploy", started, found, run_began()) {
        Decision::Start => "start".into(),
        Decision::Follow { doing } => format!("follow: {doing}"),
        Decision::Done { detail } => format!("done: {detail}"),
        Decision::Fail(failure) => format!("fail: {}", failure.what),
    }
}

#[test]
fn decisions() {
    let (own, earlier) = (5, -5);
    let failed = "fail: build deploy:1 ended `FAILED` at BUILD; its log is that of build deploy:1";
    let rows = [
        ("nothing was started", Started::Not, None, "start"),
        ("the answer was lost and nothing is listed", Started::MayBe, None, "start"),
        (
            "the answer was lost, and it runs",
            Started::MayBe,
            Some(("IN_PROGRESS", own)),
            "follow: build deploy:1 is `IN_PROGRESS` at BUILD",
        ),
        ("the answer was lost, and it failed", Started::MayBe, Some(("FAILED", own)), failed),
        ("started, not listed yet", Started::As(ID), None, "follow: build deploy:1 is not to be seen yet"),
        ("on its way", Started::As(ID), Some(("IN_PROGRESS", own)), "follow: build deploy:1 is `IN_PROGRESS` at BUILD"),
        (
            "a word of a later day",
            Started::As(ID),
            Some(("QUEUED_TWICE", own)),
            "follow: build deploy:1 is `QUEUED_TWICE` at BUILD",
        ),
        ("well", Started::As(ID), Some(("SUCCEEDED", own)), "done: build deploy:1 ended `SUCCEEDED`"),
        ("this run's failed: not started again", Started::As(ID), Some(("FAILED", own)), failed),
        ("an earlier run's failed: anew", Started::As(ID), Some(("FAILED", earlier)), "start"),
        ("an earlier run's was stopped: anew", Started::As(ID), Some(("STOPPED", earlier)), "start"),
        (
            "an earlier run's still runs",
            Started::As(ID),
            Some(("IN_PROGRESS", earlier)),
            "follow: build deploy:1 is `IN_PROGRESS` at BUILD",
        ),
        (
            "an earlier run's succeeded: not twice",
            Started::As(ID),
            Some(("SUCCEEDED", earlier)),
            "done: build deploy:1 ended `SUCCEEDED`",
        ),
    ];
    for (name, started, found, expected) in rows {
        let found = found.map(|(status, seconds)| seen(status, seconds));
        assert_eq!(told(&started, found.as_ref()), expected, "{name}");
    }
}

#[test]
fn every_documented_status_is_an_end_or_is_not() {
    let ends = [
        ("IN_PROGRESS", None),
        ("SUCCEEDED", Some(End::Well)),
        ("FAILED", Some(End::Badly)),
        ("FAULT", Some(End::Badly)),
        ("TIMED_OUT", Some(End::Badly)),
        ("STOPPED", Some(End::Badly)),
        ("", None),
    ];
    for (status, end) in ends {
        assert_eq!(BUILDS.end(status), end, "{status}");
    }
    let of = |words: &[&str], end| {
        words.iter().for_each(|word| assert_eq!(HookService::Automation.end(word), end, "{word}"))
    };
    of(&["Success", "CompletedWithSuccess"], Some(End::Well));
    of(&["Failed", "TimedOut", "Cancelled", "Rejected"], Some(End::Badly));
    of(&["CompletedWithFailure", "ChangeCalendarOverrideRejected"], Some(End::Badly));
    of(&["Pending", "InProgress", "Waiting", "Cancelling", "PendingApproval", "Approved", "Scheduled"], None);
    of(&["RunbookInProgress", "PendingChangeCalendarOverride", "ChangeCalendarOverrideApproved", "Exited"], None);
}

#[test]
fn only_what_still_runs_is_stopped() {
    assert!(matches!(decide_undo(BUILDS, None), Undo::Done { .. }));
    assert_eq!(decide_undo(BUILDS, Some(&seen("IN_PROGRESS", 1))), Undo::Stop { id: ID.into() });
    for status in ["SUCCEEDED", "FAILED", "STOPPED"] {
        let Undo::Done { detail } = decide_undo(BUILDS, Some(&seen(status, 1))) else { panic!("{status}") };
        assert!(detail.contains(status), "{detail}");
    }
}

#[test]
fn a_failure_names_what_failed_and_its_log_and_repeats_little_of_what_it_wrote() {
    let secret = "x".repeat(1_000);
    let observed = HookRunObserved {
        reason: Some(format!("COMMAND_EXECUTION_ERROR: exit status 1 {secret}\nPASSWORD=hunter2")),
        log: Some("https://console.test/log".into()),
        ..seen("FAILED", 1)
    };
    let Decision::Fail(failure) = decide(BUILDS, "deploy", &Started::As(ID), Some(&observed), run_began()) else {
        panic!("a failed build is a failure")
    };
    assert_eq!((failure.name, failure.resource.as_str()), (FailureName::HookFailed, "deploy"));
    assert!(failure.what.contains("COMMAND_EXECUTION_ERROR: exit status 1"), "{failure}");
    assert!(failure.what.contains("https://console.test/log"), "{failure}");
    assert!(!failure.what.contains("hunter2"), "{failure}");
    assert!(failure.what.len() < SAID_CHARACTERS_MAX + 150, "{failure}");
}

#[test]
fn what_is_repeated_is_one_line_and_short() {
    assert_eq!(first_line("\n  first \nsecond"), "first");
    assert_eq!(first_line(""), "");
    let long = "ä".repeat(SAID_CHARACTERS_MAX + 1);
    assert_eq!(first_line(&long), format!("{}…", "ä".repeat(SAID_CHARACTERS_MAX)));
    let fits = "ä".repeat(SAID_CHARACTERS_MAX);
    assert_eq!(first_line(&fits), fits);
}

fn entry(outcome: Option<EntryOutcome>) -> Entry {
    Entry {
        step: Step::ScaleCompute,
        component: "deploy".into(),
        action: Action::StartBuild,
        resource: "deploy".into(),
        intent_at: run_began(),
        generation: 1,
        irreversible: false,
        before: json!(null),
        outcome,
        undone_at: None,
        adopted_from: None,
    }
}

#[test]
fn the_journal_says_what_was_started() {
    let at = run_began();
    let rows = [
        (None, Started::Not),
        (Some(entry(None)), Started::MayBe),
        (Some(entry(Some(EntryOutcome::NotDone { at, detail: "refused".into() }))), Started::Not),
        (Some(entry(Some(EntryOutcome::Accepted { at, detail: ID.into() }))), Started::As(ID)),
    ];
    for (entry, expected) in &rows {
        assert_eq!(&Started::of(entry.as_ref()), expected);
    }
}

fn handed(run_id: &str, component: &str) -> Handed {
    Handed {
        run_id: run_id.into(),
        plan: "shop".into(),
        component: component.into(),
        primary_region: "us-east-1".into(),
        recovery_region: "us-west-2".into(),
        mode: "failover",
        generation: 7,
        dry_run: false,
    }
}

#[test]
fn the_token_is_a_uuid_of_run_and_component() {
    let token = handed("run-1", "deploy").token();
    assert_eq!(token, handed("run-1", "deploy").token());
    let others = [handed("run-2", "deploy"), handed("run-1", "deploy2"), handed("run-1#", "deploy")];
    assert!(others.iter().all(|other| other.token() != token));
    let lengths: Vec<usize> = token.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{token}");
    assert!(token.chars().all(|c| c == '-' || c.is_ascii_hexdigit()), "{token}");
}

#[test]
fn a_build_is_told_all_of_the_run() {
    let environment = Handed { dry_run: true, mode: "dryRun", ..handed("run-1", "deploy") }.environment();
    let told: Vec<String> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        told,
        [
            "PILOT_RUN_ID=run-1",
            "PILOT_PLAN=shop",
            "PILOT_COMPONENT=deploy",
            "PILOT_PRIMARY_REGION=us-east-1",
            "PILOT_RECOVERY_REGION=us-west-2",
            "PILOT_MODE=dryRun",
            "PILOT_GENERATION=7",
            "PILOT_DRY_RUN=true",
        ]
    );
}

#[test]
fn an_automation_is_told_the_same_by_other_names() {
    let handed = handed("run-1", "deploy");
    let parameters = handed.parameters();
    assert_eq!(parameters.keys().map(String::as_str).collect::<Vec<_>>(), {
        let mut names = Handed::PARAMETERS.to_vec();
        names.sort_unstable();
        names
    });
    let values = |pairs: Vec<String>| pairs.into_iter().collect::<std::collections::BTreeSet<_>>();
    let told = parameters.into_values().flatten().collect();
    assert_eq!(values(told), values(handed.environment().into_iter().map(|(_, value)| value).collect()));
}

#[test]
fn a_lost_automation_is_told_from_those_of_others() {
    let parameters = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect()
    };
    let one = |id: &str, seconds, pairs: &[(&str, &str)]| AutomationObserved {
        run: HookRunObserved { id: id.into(), ..seen("InProgress", seconds) },
        parameters: parameters(pairs),
    };
    let executions = [
        one("other run", 9, &[("Stage", "dr"), ("PilotRunId", "run-2")]),
        one("other component", 8, &[("Stage", "dr"), ("PilotRunId", "run-1"), ("PilotComponent", "b")]),
        one("other stage", 7, &[("Stage", "test")]),
        one("newest", 6, &[("Stage", "dr"), ("PilotRunId", "run-1"), ("Default", "x")]),
        one("older", 5, &[("Stage", "dr")]),
    ];
    let found =
        |runs: &[&str], pairs| of_runs(&executions, "a", runs, &parameters(pairs)).map(|one| one.run.id.as_str());
    assert_eq!(found(&["run-1"], &[("Stage", "dr")]), Some("newest"));
    assert_eq!(found(&["run-1", "run-2"], &[("Stage", "dr")]), Some("other run"));
    assert_eq!(found(&["run-3"], &[("Stage", "dr")]), Some("older"));
    assert_eq!(found(&["run-1"], &[("Stage", "prod")]), None);
}
