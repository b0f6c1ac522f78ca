//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as Step Functions does.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use aws_config::retry::RetryConfig;
use on_demand::adapter::AwsStateMachine;
use on_demand::ports::{Begun, Delivery, ExecutionStatus, StateMachine};
use pilot_core::approval::TaskToken;
use pilot_core::contract::{ApprovalAnswer, ApprovalDecision, Mode, StartRequest};
use pilot_shell::CallError;
use pilot_testkit::wire::{Service, document, target};
use serde_json::{Value, json};

const MACHINE: &str = "arn:aws:states:ap-southeast-1:111122223333:stateMachine:pilot-light-recovery";
const EXECUTION: &str = "arn:aws:states:ap-southeast-1:111122223333:execution:pilot-light-recovery:run-1";
const TOKEN: &str = "AQCEAAAAKgAAAAMSECRET";

/// A state machine behind a Step Functions that gives every call the same answer. Each call is made once.
async fn machine(status: u16, body: Value) -> (AwsStateMachine, Service) {
    let aws = Service::start(move |_| (status, body.to_string()));
    let once = RetryConfig::standard().with_max_attempts(1);
    let config = aws.config("ap-southeast-1").await.into_builder().retry_config(once).build();
    (AwsStateMachine::new(&config, MACHINE.into()), aws)
}

/// The last request's operation and document.
fn asked(aws: &Service) -> (String, Value) {
    let request = aws.requests().pop().unwrap();
    (target(&request).to_owned(), document(&request))
}

fn start() -> StartRequest {
    StartRequest { plan: "shop".into(), mode: Mode::Failover, reason: Some("dark".into()), resume: None, trigger: None }
}

fn answer() -> ApprovalAnswer {
    let approver = "arn:aws:iam::111122223333:user/ana".into();
    ApprovalAnswer { decision: ApprovalDecision::Approve, approver, accept_loss_seconds: Some(60.0), reason: None }
}

fn refusal(code: &str, message: &str) -> Value {
    json!({"__type": format!("com.amazonaws.sfn#{code}"), "message": message})
}

#[tokio::test]
async fn a_start_names_its_execution() {
    let (machine, aws) = machine(200, json!({"executionArn": EXECUTION, "startDate": 1.5})).await;
    assert_eq!(machine.start("run-1", &start()).await, Ok(Begun::Underway(EXECUTION.into())));
    let (operation, body) = asked(&aws);
    assert_eq!(operation, "AWSStepFunctions.StartExecution");
    assert_eq!((&body["stateMachineArn"], &body["name"]), (&json!(MACHINE), &json!("run-1")));
    let input: Value = serde_json::from_str(body["input"].as_str().unwrap()).unwrap();
    assert_eq!(input, json!({"plan": "shop", "mode": "failover", "reason": "dark"}));
}

#[tokio::test]
async fn a_name_that_was_used_is_no_failure_and_anything_else_is() {
    let (taken, _) = machine(400, refusal("ExecutionAlreadyExists", "there is one")).await;
    assert_eq!(taken.start("run-1", &start()).await, Ok(Begun::NameTaken));
    let (denied, _) = machine(400, refusal("AccessDeniedException", "no")).await;
    let error = denied.start("run-1", &start()).await.unwrap_err();
    assert_eq!(error, CallError::Refused { code: "AccessDeniedException".into(), message: "no".into() });
    let (broken, _) = machine(500, refusal("InternalFailure", "oh")).await;
    assert!(!broken.start("run-1", &start()).await.unwrap_err().certainly_not_done());
}

#[tokio::test]
async fn an_execution_is_described_in_every_state() {
    for (status, expected) in [
        ("RUNNING", ExecutionStatus::Running),
        ("PENDING_REDRIVE", ExecutionStatus::Running),
        ("SUCCEEDED", ExecutionStatus::Succeeded),
        ("FAILED", ExecutionStatus::Ended("FAILED".into())),
        ("TIMED_OUT", ExecutionStatus::Ended("TIMED_OUT".into())),
        ("ABORTED", ExecutionStatus::Ended("ABORTED".into())),
    ] {
        let described = json!({"executionArn": EXECUTION, "stateMachineArn": MACHINE, "startDate": 1.5, "status": status, "input": "{}", "error": "E", "cause": "C"});
        let (machine, _) = machine(200, described).await;
        let found = machine.execution(EXECUTION).await.unwrap().unwrap();
        assert_eq!((found.status, found.input.as_deref()), (expected, Some("{}")), "{status}");
        assert_eq!((found.error.as_deref(), found.cause.as_deref(), found.output), (Some("E"), Some("C"), None));
    }
    let (none, _) = machine(400, refusal("ExecutionDoesNotExist", "no")).await;
    assert_eq!(none.execution(EXECUTION).await, Ok(None));
}

#[tokio::test]
async fn an_answer_carries_the_token_and_no_error_repeats_it() {
    let token = TaskToken::new(TOKEN.into());
    let (waiting, aws) = machine(200, json!({})).await;
    assert_eq!(waiting.answer(&token, &answer()).await, Ok(Delivery::Delivered));
    let (operation, body) = asked(&aws);
    assert_eq!((operation.as_str(), &body["taskToken"]), ("AWSStepFunctions.SendTaskSuccess", &json!(TOKEN)));
    let output: Value = serde_json::from_str(body["output"].as_str().unwrap()).unwrap();
    assert_eq!(
        output,
        json!({"decision": "approve", "approver": "arn:aws:iam::111122223333:user/ana", "acceptLossSeconds": 60.0})
    );
    for code in ["TaskDoesNotExist", "TaskTimedOut", "InvalidToken"] {
        let (over, _) = machine(400, refusal(code, "no")).await;
        assert_eq!(over.answer(&token, &answer()).await, Ok(Delivery::NobodyWaits), "{code}");
    }
    let (odd, _) = machine(400, refusal("ValidationException", &format!("value {TOKEN} at taskToken"))).await;
    let error = odd.answer(&token, &answer()).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("SECRET"), "{error}");
}
