//! `pilot run status`.

use std::cell::RefCell;
use std::collections::VecDeque;

use pilot_core::contract::Mode;
use serde_json::{Value, json};

use super::fake::{Fake, RUN, failed, of};
use super::screens::Recorded;
use super::{now, told};
use crate::run_status::{Of, run};

async fn status(stack: &Fake, whose: Of<'_>) -> String {
    told(&Recorded::default(), &run(stack, whose, now()).await)
}

fn lease(phase: &str, expires_at: &str, more: Value) -> Fake {
    let mut lease = json!({"workload": "shop", "runId": RUN, "generation": 4, "phase": phase, "expiresAt": expires_at});
    lease.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Fake { lease: Some(of(lease)), ..Fake::asking(Some(130.2)) }
}

fn with_steps_of_the_report(stack: Fake) -> Fake {
    let report: Value = serde_json::from_str(include_str!("../../tests/data/report.json")).unwrap();
    let mut steps: Vec<Value> = report["steps"].as_array().unwrap().clone();
    steps.push(json!({"name": "gate", "startedAt": "2026-03-14T09:30:00Z", "outcome": "inProgress", "components": []}));
    let steps = steps.into_iter().map(of).collect();
    let acts = report["journal"].as_array().unwrap().iter().cloned().map(of).collect();
    Fake { steps: RefCell::new(VecDeque::from([steps])), acts, ..stack }
}

#[tokio::test]
async fn a_run_that_waits_for_a_person_says_so() {
    let stack = with_steps_of_the_report(lease("acting", "2026-03-14T10:32:00Z", json!({})));
    insta::assert_snapshot!(status(&stack, Of::Run(RUN)).await);
}

#[tokio::test]
async fn a_stuck_workload_says_how_to_go_on() {
    let more = json!({"cooldownUntil": "2026-03-14T10:00:00Z", "previousRunId": "shop-1", "previousPhase": "acting"});
    let stack = lease("released", "2026-03-14T09:32:00Z", more);
    let stack = Fake {
        unfinished: Some(of(json!({"runId": RUN}))),
        looks: RefCell::new(VecDeque::from([failed("Stuck", "{}")])),
        ..stack
    };
    insta::assert_snapshot!(status(&stack, Of::Plan("shop")).await);
}

#[tokio::test]
async fn a_lease_that_ran_out_may_be_taken_over() {
    let stack = Fake { runs: vec![], ..lease("rollingBack", "2026-03-14T09:39:59Z", json!({})) };
    insta::assert_snapshot!(status(&stack, Of::Plan("shop")).await);
}

#[tokio::test]
async fn a_question_whose_time_ran_out_is_not_told() {
    let mut stack = with_steps_of_the_report(lease("acting", "2026-03-14T10:32:00Z", json!({})));
    stack.asked.as_mut().unwrap().expires_at = now();
    assert!(!status(&stack, Of::Run(RUN)).await.contains("pilot approve"));
}

#[tokio::test]
async fn a_plan_that_never_ran_and_a_run_that_is_not_there_are_told() {
    insta::assert_snapshot!(
        status(&Fake::default(), Of::Plan("shop")).await + &status(&Fake::default(), Of::Run("x")).await
    );
}

#[tokio::test]
async fn a_dry_run_has_a_lease_of_its_own() {
    let dry = Fake::with_run(Mode::DryRun, [failed("Refused", "{}")]);
    let held = lease("acting", "2026-03-14T10:32:00Z", json!({})).lease;
    let text = status(&Fake { lease: held, ..dry }, Of::Run(RUN)).await;
    assert!(text.starts_with("shop: no run has taken the lease of dry runs yet\n"), "{text}");
}
