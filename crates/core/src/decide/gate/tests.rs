use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::observed::SignalObserved;

fn at() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn loss(seconds: Option<f64>) -> LossOf {
    let loss = seconds.map(|seconds| DataLoss {
        recovery_point_at: at(),
        rpo_seconds: seconds,
        lag_seconds: seconds,
        doubt_seconds: 0.0,
    });
    LossOf { component: "db".into(), resource: "shop-db-replica".into(), loss }
}

fn policy(gate: Gate, approvers: &[&str]) -> Policy {
    let approvers = approvers.iter().map(|name| (*name).to_owned()).collect();
    Policy { gate, approvers, max_data_loss_seconds: 60, ..Policy::default() }
}

fn word(decision: &Decision) -> String {
    match decision {
        Decision::Pass => "pass".into(),
        Decision::Ask { why, loss_seconds } => format!("ask {loss_seconds:?}: {}", why.len()),
        Decision::Refuse(failure) => failure.name.to_string(),
    }
}

#[test]
fn what_the_gate_does() {
    use Gate::{Approval, Automatic};
    let none: &[&str] = &[];
    let rows = [
        ("within the bound", Automatic, none, Some(59.9), "pass"),
        ("exactly the bound", Automatic, none, Some(60.0), "pass"),
        ("above, and nobody to ask", Automatic, none, Some(60.5), "DataLossTooHigh"),
        ("unknown, and nobody to ask", Automatic, none, None, "DataLossTooHigh"),
        ("above, with approvers", Automatic, &["ana"], Some(60.5), "ask Some(60.5): 1"),
        ("unknown, with approvers", Automatic, &["ana"], None, "ask None: 1"),
        ("approval wanted, within the bound", Approval, none, Some(1.0), "ask Some(1.0): 1"),
        ("approval wanted, and above", Approval, none, Some(61.0), "ask Some(61.0): 2"),
    ];
    for (name, gate, approvers, seconds, expected) in rows {
        assert_eq!(word(&decide(&[loss(seconds)], &policy(gate, approvers))), expected, "{name}");
    }
    assert_eq!(decide(&[], &policy(Automatic, none)), Decision::Pass, "no database, no loss");
}

#[test]
fn what_nobody_saw_is_stated_but_does_not_stop_a_promotion() {
    // A minute between two looks and a minute between two samples, at a lag of one second: at most 51 s, of which 1 s is certain.
    let unseen = LossOf {
        loss: Some(DataLoss { recovery_point_at: at(), rpo_seconds: 90.0, lag_seconds: 1.0, doubt_seconds: 89.0 }),
        ..loss(None)
    };
    assert_eq!(decide(&[unseen], &policy(Gate::Automatic, &[])), Decision::Pass);
}

#[test]
fn what_a_persons_word_comes_to() {
    let answer = |decision, approver: &str, accept_loss_seconds| ApprovalAnswer {
        decision,
        approver: approver.into(),
        accept_loss_seconds,
        reason: None,
    };
    use ApprovalDecision::{Approve, Refuse};
    let rows = [
        ("yes, nothing to accept", answer(Approve, "ana", None), Some(1.0), "approved"),
        ("yes, and enough", answer(Approve, "ana", Some(120.0)), Some(119.5), "approved"),
        ("yes, but too little", answer(Approve, "ana", Some(100.0)), Some(119.5), "not enough"),
        ("yes, but no number", answer(Approve, "ana", None), Some(119.5), "not enough"),
        ("yes to the unknown, in numbers", answer(Approve, "ana", Some(600.0)), None, "approved"),
        ("yes to the unknown, without", answer(Approve, "ana", None), None, "not enough"),
        ("yes to the unknown, nonsense", answer(Approve, "ana", Some(f64::NAN)), None, "not enough"),
        ("no", answer(Refuse, "ana", None), Some(1.0), "refused"),
        ("a stranger's yes", answer(Approve, "eve", Some(600.0)), Some(1.0), "not enough"),
        ("a stranger's no", answer(Refuse, "eve", None), Some(1.0), "not enough"),
        ("nobody's yes", answer(Approve, " ", Some(600.0)), Some(1.0), "not enough"),
    ];
    for (name, answer, seconds, expected) in rows {
        let heard = answered(&answer, &policy(Gate::Approval, &["ana"]), &[loss(seconds)], at());
        let word = match &heard {
            Answered::Approved(approval) => {
                assert_eq!((approval.approver.as_str(), approval.stated_loss_seconds), ("ana", seconds), "{name}");
                "approved"
            }
            Answered::Refused(_) => "refused",
            Answered::NotEnough(_) => "not enough",
        };
        assert_eq!(word, expected, "{name}: {heard:?}");
    }
}

#[test]
fn the_primary_is_back_when_what_the_fence_left_to_ask_says_so() {
    use SignalState::{Failing, Healthy, Unknown};
    let judgement = |verdict, app, db| Judgement {
        verdict,
        fates: BTreeMap::new(),
        observer_network_ok: true,
        signals: [("app", app), ("db", db)]
            .map(|(name, state)| SignalObserved {
                name: name.into(),
                fate: name.into(),
                over_http: name == "app",
                state,
                evidence: String::new(),
            })
            .into(),
    };
    let rows = [
        ("not fenced, healthy", judgement(Verdict::Healthy, Healthy, Healthy), false, true),
        ("not fenced, impaired", judgement(Verdict::Impaired, Failing, Healthy), false, false),
        ("not fenced, down", judgement(Verdict::Down, Failing, Failing), false, false),
        ("not fenced, unknown", judgement(Verdict::Unknown, Unknown, Unknown), false, false),
        ("fenced, the database is back", judgement(Verdict::Impaired, Failing, Healthy), true, true),
        ("fenced, the database is dead", judgement(Verdict::Down, Failing, Failing), true, false),
        ("fenced, nobody sees the database", judgement(Verdict::Unknown, Failing, Unknown), true, false),
    ];
    for (name, judgement, fenced, expected) in rows {
        let failed_then: &[&str] = &["db"];
        assert_eq!(primary_recovered(&judgement, fenced.then_some(failed_then)), expected, "{name}");
        assert!(!primary_recovered(&judgement, Some(&[])), "{name}: nothing is left to ask");
    }
}

proptest! {
    #[test]
    fn nothing_above_the_bound_passes_without_a_person(lag in 0.0f64..1e6, bound in 0u32..1_000_000) {
        let policy = Policy { max_data_loss_seconds: bound, ..Policy::default() };
        if decide(&[loss(Some(lag))], &policy) == Decision::Pass {
            prop_assert!(lag <= f64::from(bound));
        }
    }

    #[test]
    fn no_approval_accepts_less_than_was_stated(stated in 60.1f64..1e6, accepted in 0.0f64..1e6) {
        let answer = ApprovalAnswer {
            decision: ApprovalDecision::Approve,
            approver: "ana".into(),
            accept_loss_seconds: Some(accepted),
            reason: None,
        };
        if let Answered::Approved(_) = answered(&answer, &policy(Gate::Approval, &[]), &[loss(Some(stated))], at()) {
            prop_assert!(accepted >= stated);
        }
    }
}
