//! `pilot run start`.

use pilot_core::contract::Mode;
use serde_json::json;

use super::fake::{Fake, MACHINE, unreachable};
use super::screens::Recorded;
use super::{now, told};
use crate::run_start::{Start, run};
use crate::stack::StackError;

async fn started(stack: &Fake, mode: Mode, reason: Option<&str>) -> String {
    let mut screen = Recorded::default();
    let start = Start { state_machine_arn: MACHINE, plan: "shop", mode, reason: reason.map(str::to_owned) };
    let answer = run(stack, &mut screen, start, false, now()).await;
    told(&screen, &answer)
}

#[tokio::test]
async fn a_start_tells_run_and_execution() {
    let stack = Fake::default();
    insta::assert_snapshot!(started(&stack, Mode::Failover, Some("the Region is dark")).await);
    let started = stack.started.borrow();
    assert_eq!(started.len(), 1);
    assert_eq!(started[0].state_machine_arn, MACHINE);
    let input = json!({"plan": "shop", "mode": "failover", "reason": "the Region is dark"});
    assert_eq!(json!(started[0].input), input);
}

#[tokio::test]
async fn a_dry_run_is_asked_for_by_its_name_on_the_wire() {
    let stack = Fake::default();
    started(&stack, Mode::DryRun, None).await;
    assert_eq!(json!(stack.started.borrow()[0].input), json!({"plan": "shop", "mode": "dryRun"}));
}

#[tokio::test]
async fn two_people_at_once_do_not_start_two_runs() {
    let stack = Fake { start_refused: Some(StackError::NameTaken), ..Fake::default() };
    insta::assert_snapshot!(started(&stack, Mode::Failover, None).await);
}

#[tokio::test]
async fn an_unreachable_region_is_told() {
    let stack = Fake { start_refused: Some(unreachable("states:StartExecution")), ..Fake::default() };
    insta::assert_snapshot!(started(&stack, Mode::Failover, None).await);
}
