//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as Lambda does.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_lambda::config::Credentials;
use pilot_core::observed::{FunctionObserved, ProvisionedObserved, ProvisionedStatus};
use pilot_shell::CallError;
use pilot_shell::ports::Concurrencies;
use scale_compute::lambda_adapter::AwsConcurrencies;
use serde_json::{Value, json};

/// What was asked: method and path, and the body.
type Requests = Arc<Mutex<Vec<(String, Value)>>>;

/// What Lambda answers with: status, error code (`X-Amzn-ErrorType`), body.
struct Reply(u16, &'static str, Value);

/// From method and path to the answer.
type Answer = fn(&str) -> Reply;

/// Lambda on a port of its own.
fn lambda(answer: Answer) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (line, body) = read(&mut stream);
            let Reply(status, code, reply) = answer(&line);
            seen.lock().unwrap().push((line, body));
            let reply = if status == 204 { String::new() } else { reply.to_string() };
            let error = if code.is_empty() { String::new() } else { format!("x-amzn-errortype: {code}\r\n") };
            let head =
                format!("HTTP/1.1 {status} X\r\n{error}content-length: {}\r\nconnection: close\r\n\r\n", reply.len());
            stream.write_all(format!("{head}{reply}").as_bytes()).unwrap();
        }
    });
    (url, requests)
}

/// One request: method and path, and the body.
fn read(stream: &mut TcpStream) -> (String, Value) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
                return (line, serde_json::from_str(body).unwrap_or_default());
            }
        }
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "the request ended early: {text}");
        bytes.extend(&chunk[..count]);
    }
}

async fn config(url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-2"))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .load()
        .await
}

const RESERVED: &str = "/functions/shop-price/concurrency";
const PROVISIONED: &str = "/functions/shop-price/provisioned-concurrency?Qualifier=live";
const CONFIGURATION: &str = "/functions/shop-price/configuration";

/// Each request as method and the path behind the API's date, which differs from operation to operation.
fn asked(requests: &Requests) -> Vec<(String, Value)> {
    let short = |(line, body): &(String, Value)| {
        let (method, path) = line.split_once(' ').unwrap();
        (format!("{method} {}", &path[path.find("/functions").unwrap()..]), body.clone())
    };
    requests.lock().unwrap().iter().map(short).collect()
}

fn not_found(code: &'static str) -> Reply {
    Reply(404, code, json!({"Type": "User", "Message": "not found"}))
}

#[tokio::test]
async fn a_function_is_described_with_what_is_reserved_and_what_its_qualifier_has() {
    let (url, requests) = lambda(|line| {
        let answer = if line.contains(PROVISIONED) {
            json!({"RequestedProvisionedConcurrentExecutions": 5, "AvailableProvisionedConcurrentExecutions": 3,
                   "AllocatedProvisionedConcurrentExecutions": 4, "Status": "IN_PROGRESS"})
        } else if line.contains(RESERVED) {
            json!({"ReservedConcurrentExecutions": 10})
        } else {
            json!({"FunctionName": "shop-price", "Version": "7", "State": "Active"})
        };
        Reply(200, "", answer)
    });
    let functions = AwsConcurrencies::new(&config(&url).await);
    let seen = functions.describe("shop-price", Some("live")).await.unwrap();
    let provisioned = ProvisionedObserved { requested: 5, available: 3, status: ProvisionedStatus::InProgress };
    let expected = FunctionObserved { version: Some("7".into()), reserved: Some(10), provisioned: Some(provisioned) };
    assert_eq!(seen, Some(expected));
    let expected =
        [RESERVED, &format!("{CONFIGURATION}?Qualifier=live"), PROVISIONED].map(|path| format!("GET {path}"));
    assert_eq!(asked(&requests).into_iter().map(|(line, _)| line).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_function_without_reservation_and_qualifier_has_neither_number() {
    let (url, requests) = lambda(|line| match line.contains(RESERVED) {
        true => Reply(200, "", json!({})),
        false => Reply(200, "", json!({"Version": "$LATEST"})),
    });
    let functions = AwsConcurrencies::new(&config(&url).await);
    let seen = functions.describe("shop-price", None).await.unwrap();
    let expected = FunctionObserved { version: Some("$LATEST".into()), reserved: None, provisioned: None };
    assert_eq!(seen, Some(expected));
    assert_eq!(asked(&requests).len(), 2, "nothing is provisioned without a qualifier");
}

#[tokio::test]
async fn what_is_not_there_is_no_error_and_each_is_told_apart() {
    let (url, requests) = lambda(|_| not_found("ResourceNotFoundException"));
    let functions = AwsConcurrencies::new(&config(&url).await);
    assert_eq!(functions.describe("shop-price", Some("live")).await.unwrap(), None);
    assert_eq!(asked(&requests).len(), 1, "the rest of what is not there was asked for");

    let (url, requests) = lambda(|line| match line.contains(RESERVED) {
        true => Reply(200, "", json!({"ReservedConcurrentExecutions": 0})),
        false => not_found("ResourceNotFoundException"),
    });
    let functions = AwsConcurrencies::new(&config(&url).await);
    let no_alias = FunctionObserved { version: None, reserved: Some(0), provisioned: None };
    assert_eq!(functions.describe("shop-price", Some("live")).await.unwrap(), Some(no_alias));
    assert_eq!(asked(&requests).len(), 2);

    let (url, _) = lambda(|line| match line.contains("provisioned") {
        true => not_found("ProvisionedConcurrencyConfigNotFoundException"),
        false => Reply(200, "", json!({"Version": "7"})),
    });
    let functions = AwsConcurrencies::new(&config(&url).await);
    let none = FunctionObserved { version: Some("7".into()), reserved: None, provisioned: None };
    assert_eq!(functions.describe("shop-price", Some("live")).await.unwrap(), Some(none));
}

#[tokio::test]
async fn the_statuses_are_read_with_the_reason_of_a_failure() {
    let failed = || ProvisionedStatus::Failed { reason: "FUNCTION_ERROR_INIT_FAILURE".into() };
    let rows: [(Answer, ProvisionedStatus); 3] = [
        (|_| Reply(200, "", json!({"Version": "7", "Status": "READY"})), ProvisionedStatus::Ready),
        (
            |_| {
                Reply(
                    200,
                    "",
                    json!({"Version": "7", "Status": "FAILED", "StatusReason": "FUNCTION_ERROR_INIT_FAILURE"}),
                )
            },
            failed(),
        ),
        (|_| Reply(200, "", json!({"Version": "7", "Status": "A_WORD_OF_A_LATER_DAY"})), ProvisionedStatus::InProgress),
    ];
    for (answer, expected) in rows {
        let (url, _) = lambda(answer);
        let functions = AwsConcurrencies::new(&config(&url).await);
        let seen = functions.describe("shop-price", Some("live")).await.unwrap().unwrap();
        assert_eq!(seen.provisioned.unwrap().status, expected);
    }
}

#[tokio::test]
async fn each_act_sets_its_own_part_and_none_is_a_delete() {
    let (url, requests) = lambda(|line| match line.split(' ').next() {
        Some("DELETE") => Reply(204, "", Value::Null),
        _ => Reply(200, "", json!({})),
    });
    let functions = AwsConcurrencies::new(&config(&url).await);
    functions.set_reserved("shop-price", Some(0)).await.unwrap();
    functions.set_reserved("shop-price", None).await.unwrap();
    functions.set_provisioned("shop-price", "live", Some(5)).await.unwrap();
    functions.set_provisioned("shop-price", "live", None).await.unwrap();
    let expected = [
        (format!("PUT {RESERVED}"), json!({"ReservedConcurrentExecutions": 0})),
        (format!("DELETE {RESERVED}"), Value::Null),
        (format!("PUT {PROVISIONED}"), json!({"ProvisionedConcurrentExecutions": 5})),
        (format!("DELETE {PROVISIONED}"), Value::Null),
    ];
    assert_eq!(asked(&requests), expected);
}

#[tokio::test]
async fn a_conflict_is_tried_again_and_a_refusal_is_not() {
    let (url, _) =
        lambda(|_| Reply(409, "ResourceConflictException", json!({"Message": "another operation is in progress"})));
    let functions = AwsConcurrencies::new(&config(&url).await);
    let error = functions.set_reserved("shop-price", Some(10)).await.unwrap_err();
    assert!(matches!(error, CallError::Throttled { .. }), "{error}");
    let (url, _) = lambda(|_| {
        Reply(400, "InvalidParameterValueException", json!({"message": "below its minimum value of [100]"}))
    });
    let functions = AwsConcurrencies::new(&config(&url).await);
    let error = functions.set_provisioned("shop-price", "live", Some(10)).await.unwrap_err();
    assert!(matches!(&error, CallError::Refused { message, .. } if message.contains("[100]")), "{error}");
}
