//! Lambda functions that are hooks, against a listener that answers as Lambda does.

use std::net::TcpListener;

use pilot_core::observed::{HookFunctionObserved, Invoked};
use pilot_shell::CallError;
use pilot_shell::ports::{FunctionCall, HookFunctions};
use scale_compute::hooks_adapter::AwsHooks;
use serde_json::json;

use super::wire::{Answer, aws, config};

const ARN: &str = "arn:aws:lambda:us-east-2:111122223333:function:shop-hook";

fn call(function: &str, qualifier: Option<&str>) -> FunctionCall {
    FunctionCall {
        function: function.into(),
        qualifier: qualifier.map(str::to_owned),
        event: json!({"action": "run", "payload": {"secret": "hunter2"}}),
        timeout_seconds: 1,
    }
}

async fn invoked(answer: Answer) -> Result<Invoked, CallError> {
    let (url, _) = aws(answer);
    AwsHooks::new(&config(&url).await).invoke(&call("shop-hook", None)).await
}

#[tokio::test]
async fn a_call_is_synchronous_of_the_qualifier_and_made_once() {
    let (url, requests) = aws(|_| (200, r#"{"status":"done"}"#.to_owned()));
    let hooks = AwsHooks::new(&config(&url).await);
    let answer = hooks.invoke(&call(ARN, Some("live"))).await.unwrap();
    assert_eq!(answer, Invoked { function_error: None, payload: br#"{"status":"done"}"#.to_vec() });
    let requests = requests.lock().unwrap();
    let [request] = &requests[..] else { panic!("{requests:?}") };
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let line = head.lines().next().unwrap().to_ascii_lowercase();
    assert!(line.starts_with("post /2015-03-31/functions/arn%3aaws%3alambda"), "{line}");
    assert!(line.contains("/invocations?qualifier=live "), "{line}");
    assert!(head.to_ascii_lowercase().contains("x-amz-invocation-type: requestresponse"), "{head}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap(), call(ARN, None).event);
    assert!(!format!("{:?}", call(ARN, None)).contains("hunter2"));
}

#[tokio::test]
async fn what_is_refused_what_comes_later_and_what_is_unknown_are_told_apart() {
    let throttled: Answer = |_| (429, r#"{"Type":"User","message":"Rate Exceeded."}"#.to_owned());
    // Lambda names its errors in a header; the listener has none, so the body does.
    let busy: Answer = |_| (409, r#"{"__type":"ResourceConflictException","Message":"Pending"}"#.to_owned());
    let waking: Answer = |_| (502, r#"{"__type":"ResourceNotReadyException","Message":"waking"}"#.to_owned());
    let missing: Answer = |_| (404, r#"{"__type":"ResourceNotFoundException","Message":"none"}"#.to_owned());
    let broken: Answer = |_| (500, r#"{"__type":"ServiceException","Message":"sorry"}"#.to_owned());
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
    let error = AwsHooks::new(&config(&url).await).invoke(&call("shop-hook", None)).await.unwrap_err();
    assert!(matches!(error, CallError::Unknown { .. }), "{error}");
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.incoming().take_while(Result::is_ok).count(), 1);
}

#[tokio::test]
async fn a_function_is_looked_at_and_a_missing_one_is_no_error() {
    let (url, requests) =
        aws(|_| (200, r#"{"FunctionName":"shop-hook","State":"Failed","StateReason":"no image"}"#.to_owned()));
    let seen = AwsHooks::new(&config(&url).await).hook_function("shop-hook", Some("live")).await.unwrap();
    assert_eq!(seen, Some(HookFunctionObserved { state: "Failed".into(), state_reason: Some("no image".into()) }));
    let asked = requests.lock().unwrap()[0].lines().next().unwrap().to_owned();
    assert!(asked.starts_with("GET /2015-03-31/functions/shop-hook/configuration?Qualifier=live "), "{asked}");
    let missing: Answer = |_| (404, r#"{"__type":"ResourceNotFoundException","Message":"none"}"#.to_owned());
    let (url, _) = aws(missing);
    assert_eq!(AwsHooks::new(&config(&url).await).hook_function("shop-hok", None).await.unwrap(), None);
}
