//! `pilot approve` and `pilot refuse`.

use pilot_core::contract::{ApprovalAnswer, ApprovalDecision};
use serde_json::json;

use super::fake::{Fake, RUN, TOKEN, unreachable};
use super::screens::Recorded;
use super::told;
use crate::approval::run;
use crate::stack::StackError;

async fn answered(stack: &Fake, decision: ApprovalDecision, accepted: Option<f64>) -> String {
    let reason = (decision == ApprovalDecision::Refuse).then(|| "the primary is coming back".to_owned());
    let answer = ApprovalAnswer { decision, approver: "ada".into(), accept_loss_seconds: accepted, reason };
    let text = told(&Recorded::default(), &run(stack, RUN, answer).await);
    assert!(!text.contains(TOKEN), "the token is shown: {text}");
    text
}

async fn approved(stack: &Fake, accepted: Option<f64>) -> String {
    answered(stack, ApprovalDecision::Approve, accepted).await
}

#[tokio::test]
async fn an_approval_says_what_is_asked_and_carries_what_is_accepted() {
    let stack = Fake::asking(Some(130.2));
    insta::assert_snapshot!(approved(&stack, Some(131.0)).await);
    let answered = stack.answered.borrow();
    assert_eq!(answered[0].0.reveal(), TOKEN);
    assert_eq!(json!(answered[0].1), json!({"decision": "approve", "approver": "ada", "acceptLossSeconds": 131.0}));
}

#[tokio::test]
async fn too_small_a_number_is_warned_of_and_sent() {
    let stack = Fake::asking(Some(130.2));
    insta::assert_snapshot!(approved(&stack, Some(60.0)).await);
    assert_eq!(stack.answered.borrow().len(), 1);
}

#[tokio::test]
async fn no_number_is_warned_of_and_sent() {
    let stack = Fake::asking(Some(130.2));
    insta::assert_snapshot!(approved(&stack, None).await);
    assert_eq!(stack.answered.borrow().len(), 1);
}

#[tokio::test]
async fn no_number_for_a_loss_that_nobody_can_tell_is_warned_of() {
    insta::assert_snapshot!(approved(&Fake::asking(None), None).await);
    assert!(!approved(&Fake::asking(None), Some(3600.0)).await.contains("warning"));
}

#[tokio::test]
async fn where_nothing_is_lost_nothing_is_warned_of() {
    assert!(!approved(&Fake::asking(Some(0.0)), None).await.contains("warning"));
}

#[tokio::test]
async fn a_refusal_carries_its_reason() {
    let stack = Fake::asking(Some(130.2));
    insta::assert_snapshot!(answered(&stack, ApprovalDecision::Refuse, None).await);
    let answer = json!(stack.answered.borrow()[0].1);
    assert_eq!(answer, json!({"decision": "refuse", "approver": "ada", "reason": "the primary is coming back"}));
}

#[tokio::test]
async fn nobody_waits_any_more() {
    let stack = Fake { answer_refused: Some(StackError::NobodyWaits), ..Fake::asking(Some(130.2)) };
    insta::assert_snapshot!(approved(&stack, Some(131.0)).await);
}

#[tokio::test]
async fn an_answer_that_may_have_got_lost_is_told() {
    let stack = Fake { answer_refused: Some(unreachable("states:SendTaskSuccess")), ..Fake::asking(Some(130.2)) };
    insta::assert_snapshot!(approved(&stack, Some(131.0)).await);
}

#[tokio::test]
async fn a_run_that_asked_nobody_is_told() {
    insta::assert_snapshot!(approved(&Fake::default(), None).await);
}

#[test]
fn the_token_is_not_even_in_debug_output() {
    assert!(!format!("{:?}", Fake::asking(None)).contains(TOKEN));
}
