use jiff::Timestamp;

use super::*;
use crate::contract::Step;
use crate::journal::Action;

const OWN: &str = "run-2";

fn invoked(payload: &str) -> Invoked {
    Invoked { function_error: None, payload: payload.as_bytes().to_vec() }
}

fn erred(payload: &str) -> Invoked {
    Invoked { function_error: Some("Unhandled".into()), ..invoked(payload) }
}

/// The decision in a word.
fn told(invoked: &Invoked, own: bool) -> String {
    match decide("deploy", &read(invoked), own) {
        Decision::Follow { doing } => format!("follow: {doing}"),
        Decision::Done { detail } => format!("done: {detail}"),
        Decision::Anew => "anew".into(),
        Decision::Fail(failure) => format!("fail: {}", failure.what),
    }
}

#[test]
fn decisions() {
    let strange = "it must answer {\"status\": \"running\", \"done\" or \"failed\", \"message\": a text}";
    let log = "its log is that of the function deploy";
    let form = format!("fail: its answer is not of the form that a hook answers in; {strange}; {log}");
    let rows = [
        (invoked(r#"{"status":"running","message":"2 of 3"}"#), "follow: the function is `running`: 2 of 3".to_owned()),
        (invoked(r#"{"status":"running"}"#), "follow: the function is `running`".into()),
        (invoked(r#"{"status":"done","message":"v7","more":[1.5]}"#), "done: the function answered `done`: v7".into()),
        (invoked(r#"{"status":"done","message":null}"#), "done: the function answered `done`".into()),
        (invoked(r#"{"status":"failed","message":"no v7"}"#), format!("fail: it answered `failed`: no v7; {log}")),
        (
            invoked(r#"{"status":"DONE"}"#),
            format!("fail: its answer has a status that is none of a hook's; {strange}; {log}"),
        ),
        (invoked("null"), form.clone()),
        (invoked(""), form.clone()),
        (invoked(r#""done""#), form.clone()),
        (invoked(r#"{"statusCode":200}"#), form),
        (
            erred(r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: x Error: Task timed out"}"#),
            format!("fail: its invocation ended in an error of the type Sandbox.Timedout (Unhandled); {log}"),
        ),
        (erred("{}"), format!("fail: its invocation ended in an error (Unhandled); {log}")),
        (erred(r#"{"status":"done"}"#), format!("fail: its invocation ended in an error (Unhandled); {log}")),
    ];
    for (invoked, expected) in rows {
        assert_eq!(told(&invoked, true), expected, "{}", String::from_utf8_lossy(&invoked.payload));
        let earlier = if expected.starts_with("fail") { "anew" } else { &expected };
        assert_eq!(told(&invoked, false), earlier, "what an earlier run started");
    }
}

#[test]
fn what_it_returned_is_never_repeated_but_for_a_cut_message() {
    let secret = "hunter2";
    let returned = [
        erred(&format!(r#"{{"errorType":"Error: {secret}","errorMessage":"{secret}","stackTrace":["{secret}"]}}"#)),
        erred(&format!(r#"{{"errorType":"{}","errorMessage":"{secret}"}}"#, "hunter2".repeat(20))),
        invoked(&format!(r#"{{"status":"{secret}","password":"{secret}"}}"#)),
        invoked(&format!(r#"{{"password":"{secret}"}}"#)),
        invoked(secret),
        invoked(&format!(r#"{{"status":"done","message":"first\n{secret}","password":"{secret}"}}"#)),
    ];
    for invoked in returned {
        assert!(!told(&invoked, true).contains(secret), "{}", told(&invoked, true));
        assert!(!format!("{invoked:?}").contains(secret), "{invoked:?}");
    }
    let long = invoked(&format!(r#"{{"status":"done","message":"{}"}}"#, "x".repeat(1_000)));
    assert!(told(&long, true).len() < 400);
}

#[test]
fn it_is_asked_under_the_token_of_what_was_started() {
    let at = Timestamp::UNIX_EPOCH;
    let entry = |outcome: Option<EntryOutcome>, adopted_from: Option<&str>| Entry {
        step: Step::ScaleCompute,
        component: "deploy".into(),
        action: Action::CallFunction,
        resource: "deploy".into(),
        intent_at: at,
        generation: 1,
        irreversible: false,
        before: Value::Null,
        outcome,
        undone_at: None,
        adopted_from: adopted_from.map(str::to_owned),
    };
    let accepted = |run_id: &str| Some(EntryOutcome::Accepted { at, detail: format!("of {run_id}") });
    let not_done = Some(EntryOutcome::NotDone { at, detail: "throttled".into() });
    let rows = [
        ("never called", None, None, &[][..]),
        ("refused for certain", Some(entry(not_done, None)), None, &[]),
        ("answered", Some(entry(accepted(OWN), None)), Some("of run-2"), &["of run-2"]),
        (
            "answered to an earlier run",
            Some(entry(accepted("run-1"), Some("run-1"))),
            Some("of run-1"),
            &["of run-1", "of run-2"],
        ),
        ("called anew", Some(entry(accepted(OWN), Some("run-1"))), Some("of run-2"), &["of run-2", "of run-1"]),
        ("whose answer was lost", Some(entry(None, None)), Some("of run-2"), &["of run-2"]),
        (
            "whose answer an earlier run lost",
            Some(entry(None, Some("run-1"))),
            Some("of run-1"),
            &["of run-1", "of run-2"],
        ),
    ];
    for (name, entry, asked, undone) in rows {
        let token_of = |run_id: &str| format!("of {run_id}");
        assert_eq!(asked_under(entry.as_ref(), OWN, token_of).as_deref(), asked, "{name}");
        let tokens = entry.map(|entry| undone_under(&entry, OWN, token_of)).unwrap_or_default();
        assert_eq!(tokens, undone, "{name}");
    }
}
