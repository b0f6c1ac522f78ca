use jiff::SignedDuration;
use serde_json::json;

use super::*;

fn at() -> Timestamp {
    "2026-03-14T09:30:00Z".parse().unwrap()
}

fn asked(loss_seconds: Option<f64>) -> Asked {
    let expires_at = at() + SignedDuration::from_secs(60);
    let task_token = TaskToken::new("AQCE-secret".into());
    Asked { task_token, why: vec!["the plan wants it".into()], loss_seconds, asked_at: at(), expires_at }
}

fn answer(decision: ApprovalDecision, accept_loss_seconds: Option<f64>) -> ApprovalAnswer {
    ApprovalAnswer { decision, approver: "ana".into(), accept_loss_seconds, reason: None }
}

#[test]
fn what_an_approval_lacks() {
    let table = [
        (Some(12.0), Some(12.0), None),
        (Some(12.0), Some(600.0), None),
        (Some(0.0), None, None),
        (None, Some(5.0), None),
        (Some(12.0), Some(11.9), Some(Shortfall::TooLittle { accepted_seconds: 11.9, stated_seconds: 12.0 })),
        (Some(12.0), None, Some(Shortfall::Nothing { stated_seconds: 12.0 })),
        (None, None, Some(Shortfall::NothingOfUnknown)),
    ];
    for (stated, accepted, expected) in table {
        let asked = asked(stated);
        assert_eq!(asked.shortfall(&answer(ApprovalDecision::Approve, accepted)), expected, "{stated:?} {accepted:?}");
        assert_eq!(asked.shortfall(&answer(ApprovalDecision::Refuse, accepted)), None, "a no accepts nothing");
    }
}

#[test]
fn a_question_is_open_while_the_gate_waits_and_the_time_is_not_over() {
    let step =
        |name, outcome| StepRecord { name, started_at: at(), ended_at: None, outcome, components: vec![], error: None };
    let late = at() + SignedDuration::from_secs(60);
    let waiting = [step(Step::Fence, Status::Done), step(Step::Gate, Status::InProgress)];
    assert!(asked(None).is_open(&waiting, at()));
    assert!(!asked(None).is_open(&waiting, late));
    assert!(!asked(None).is_open(&[step(Step::Gate, Status::Done)], at()));
    assert!(!asked(None).is_open(&[step(Step::Fence, Status::InProgress)], at()));
}

#[test]
fn a_token_is_kept_and_not_shown() {
    let asked = asked(None);
    let stored = json!(asked);
    assert_eq!(stored["taskToken"], "AQCE-secret");
    assert_eq!(serde_json::from_value::<Asked>(stored).unwrap(), asked);
    assert!(!format!("{asked:?}").contains("secret"));
}
