//! Lambda functions that are hooks, against a listener that answers as Lambda does.

use std::net::TcpListener;

use pilot_core::observed::{HookFunctionObserved, Invoked};
use pilot_shell::CallError;
use pilot_shell::ports::{FunctionCall, HookFunctions};
use pilot_testkit::wire::{self, Answer};
use scale_compute::hooks_adapter::AwsHooks;
use serde_json::{Value, json};

use super::answering;

const ARN: &str = "arn:aws:lambda:us-east-2:111122223333:function:shop-hook";

fn call(function: &str, qualifier: Option<&str>) -> FunctionCall {
    FunctionCall {
        function: function.into(),
        qualifier: qualifier.map(str::to_owned),
        event: json!({"action": "run", "payload": {"secret": "hunter2"}}),
        timeout_seconds: 1,
    }
}

/// Status, error code and document: Lambda names its errors in a header.
type Refusal = Answer<(u16, &'static str, Value)>;

async fn invoked(answer: Refusal) -> Result<Invoked, CallError> {
    let (hooks, _) = answering(answer).await;
    hooks.invoke(&call("shop-hook", None)).await
}

#[tokio::test]
async fn a_call_is_synchronous_of_the_qualifier_and_made_once() {
    let (hooks, aws) = answering(|_| (200, r#"{"status":"done"}"#.to_owned())).await;
    let answer = hooks.invoke(&call(ARN, Some("live"))).await.unwrap();
    assert_eq!(answer, Invoked { function_error: None, payload: br#"{"status":"done"}"#.to_vec() });
    let requests = aws.requests();
    let [request] = &requests[..] else { panic!("{requests:?}") };
    let (head, _) = request.split_once("\r\n\r\n").unwrap();
    let line = head.lines().next().unwrap().to_ascii_lowercase();
    assert!(line.starts_with("post /2015-03-31/functions/arn%3aaws%3alambda"), "{line}");
    assert!(line.contains("/invocations?qualifier=live "), "{line}");
    assert!(head.to_ascii_lowercase().contains("x-amz-invocation-type: requestresponse"), "{head}");
    assert_eq!(wire::document(request), call(ARN, None).event);
    assert!(!format!("{:?}", call(ARN, None)).contains("hunter2"));
}

#[tokio::test]
async fn what_is_refused_what_comes_later_and_what_is_unknown_are_told_apart() {
    let throttled: Refusal = |_| (429, "", json!({"Type": "User", "message": "Rate Exceeded."}));
    let busy: Refusal = |_| (409, "ResourceConflictException", json!({"Message": "Pending"}));
    let waking: Refusal = |_| (502, "ResourceNotReadyException", json!({"Message": "waking"}));
    let missing: Refusal = |_| (404, "ResourceNotFoundException", json!({"Message": "none"}));
    let broken: Refusal = |_| (500, "ServiceException", json!({"Message": "sorry"}));
    assert!(
        matches!(invoked(busy).await, Err(CallError::Throttled { code, .. }) if code == "ResourceConflictException")
    );
    assert!(
        matches!(invoked(missing).await, Err(CallError::Refused { code, .. }) if code == "ResourceNotFoundException")
    );
    for answer in [waking, broken] {
        assert!(matches!(invoked(answer).await, Err(CallError::Unknown { .. })));
    }
    assert!(invoked(throttled).await.is_err());
}

#[tokio::test]
async fn no_answer_within_the_calls_time_is_an_unknown_outcome_and_no_second_call() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // The connection is taken by the system and nobody ever answers.
    let hooks = AwsHooks::new(&wire::config("us-east-2", &url).await);
    let error = hooks.invoke(&call("shop-hook", None)).await.unwrap_err();
    assert!(matches!(error, CallError::Unknown { .. }), "{error}");
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.incoming().take_while(Result::is_ok).count(), 1);
}

#[tokio::test]
async fn a_function_is_looked_at_and_a_missing_one_is_no_error() {
    let (hooks, aws) =
        answering(|_| (200, r#"{"FunctionName":"shop-hook","State":"Failed","StateReason":"no image"}"#.to_owned()))
            .await;
    let seen = hooks.hook_function("shop-hook", Some("live")).await.unwrap();
    assert_eq!(seen, Some(HookFunctionObserved { state: "Failed".into(), state_reason: Some("no image".into()) }));
    let asked = aws.requests()[0].lines().next().unwrap().to_owned();
    assert!(asked.starts_with("GET /2015-03-31/functions/shop-hook/configuration?Qualifier=live "), "{asked}");
    let missing: Refusal = |_| (404, "ResourceNotFoundException", json!({"Message": "none"}));
    let (hooks, _) = answering(missing).await;
    assert_eq!(hooks.hook_function("shop-hok", None).await.unwrap(), None);
}
