//! `pilot run resume`.

use pilot_core::contract::Mode;
use serde_json::json;

use super::fake::{Fake, MACHINE, RUN, failed, running, succeeded};
use super::screens::Recorded;
use super::{now, told};
use crate::run_resume::run;

async fn resumed(stack: &Fake, run_id: &str, reason: Option<&str>) -> String {
    let mut screen = Recorded::default();
    let answer = run(stack, &mut screen, run_id, reason.map(str::to_owned), false, now()).await;
    told(&screen, &answer)
}

#[tokio::test]
async fn a_stuck_run_is_gone_on_with_in_its_own_state_machine() {
    let stack = Fake::with_run(Mode::Failover, [failed("Stuck", "{}")]);
    insta::assert_snapshot!(resumed(&stack, RUN, Some("the quota is raised")).await);
    let started = stack.started.borrow();
    assert_eq!(started[0].state_machine_arn, MACHINE);
    let input = json!({"plan": "shop", "mode": "failover", "resume": RUN, "reason": "the quota is raised"});
    assert_eq!(json!(started[0].input), input);
}

#[tokio::test]
async fn without_a_reason_the_run_is_the_reason() {
    let stack = Fake::with_run(Mode::Failover, [failed("Stuck", "{}")]);
    resumed(&stack, RUN, None).await;
    assert_eq!(stack.started.borrow()[0].input.reason, Some(format!("go on after run {RUN}")));
}

#[tokio::test]
async fn a_way_home_is_gone_on_with_as_one() {
    let stack = Fake::with_run(Mode::Failback, [failed("Stuck", "{}")]);
    resumed(&stack, RUN, None).await;
    assert_eq!(stack.started.borrow()[0].input.mode, Mode::Failback);
}

#[tokio::test]
async fn a_running_run_is_not_taken_over() {
    let stack = Fake::with_run(Mode::Failover, [running()]);
    insta::assert_snapshot!(resumed(&stack, RUN, None).await);
    assert!(stack.started.borrow().is_empty());
}

#[tokio::test]
async fn a_run_that_succeeded_is_over() {
    let stack = Fake::with_run(Mode::Failover, [succeeded(&json!({}))]);
    insta::assert_snapshot!(resumed(&stack, RUN, None).await);
    assert!(stack.started.borrow().is_empty());
}

#[tokio::test]
async fn a_dry_run_does_not_become_a_failover() {
    let stack = Fake::with_run(Mode::DryRun, [failed("Refused", "{}")]);
    insta::assert_snapshot!(resumed(&stack, RUN, None).await);
    assert!(stack.started.borrow().is_empty());
}

#[tokio::test]
async fn a_run_that_cannot_be_seen_is_not_taken_over() {
    let stack = Fake::with_run(Mode::Failover, []);
    insta::assert_snapshot!(resumed(&stack, RUN, None).await);
    assert!(stack.started.borrow().is_empty());
}

#[tokio::test]
async fn an_unknown_run_is_told() {
    insta::assert_snapshot!(resumed(&Fake::default(), "shpo", None).await);
}
