//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as Lambda does.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use pilot_core::observed::{FunctionObserved, ProvisionedObserved, ProvisionedStatus};
use pilot_shell::CallError;
use pilot_shell::ports::Concurrencies;
use pilot_testkit::wire::{self, Service};
use scale_compute::lambda_adapter::AwsConcurrencies;
use serde_json::{Value, json};

const RESERVED: &str = "/functions/shop-price/concurrency";
const PROVISIONED: &str = "/functions/shop-price/provisioned-concurrency?Qualifier=live";
const CONFIGURATION: &str = "/functions/shop-price/configuration";

/// Status, error code and document.
type Reply = (u16, &'static str, Value);

/// From a request to the answer.
type Answer = wire::Answer<Reply>;

/// Lambda on a port of its own, and the adapter that asks it.
async fn lambda(answer: Answer) -> (AwsConcurrencies, Service) {
    let aws = Service::start(answer);
    (AwsConcurrencies::new(&aws.config("us-east-2").await), aws)
}

/// Each request as method and the path behind the API's date, which differs from operation to operation, and its document, if any.
fn asked(aws: &Service) -> Vec<(String, Value)> {
    let short = |request: &String| {
        let (method, path) = request.lines().next().unwrap().trim_end_matches(" HTTP/1.1").split_once(' ').unwrap();
        let document = serde_json::from_str(wire::body(request)).unwrap_or_default();
        (format!("{method} {}", &path[path.find("/functions").unwrap()..]), document)
    };
    aws.requests().iter().map(short).collect()
}

fn not_found(code: &'static str) -> Reply {
    (404, code, json!({"Type": "User", "Message": "not found"}))
}

#[tokio::test]
async fn a_function_is_described_with_what_is_reserved_and_what_its_qualifier_has() {
    let (functions, aws) = lambda(|request| {
        let answer = if request.contains(PROVISIONED) {
            json!({"RequestedProvisionedConcurrentExecutions": 5, "AvailableProvisionedConcurrentExecutions": 3,
                   "AllocatedProvisionedConcurrentExecutions": 4, "Status": "IN_PROGRESS"})
        } else if request.contains(RESERVED) {
            json!({"ReservedConcurrentExecutions": 10})
        } else {
            json!({"FunctionName": "shop-price", "Version": "7", "State": "Active"})
        };
        (200, "", answer)
    })
    .await;
    let seen = functions.describe("shop-price", Some("live")).await.unwrap();
    let provisioned = ProvisionedObserved { requested: 5, available: 3, status: ProvisionedStatus::InProgress };
    let expected = FunctionObserved { version: Some("7".into()), reserved: Some(10), provisioned: Some(provisioned) };
    assert_eq!(seen, Some(expected));
    let expected =
        [RESERVED, &format!("{CONFIGURATION}?Qualifier=live"), PROVISIONED].map(|path| format!("GET {path}"));
    assert_eq!(asked(&aws).into_iter().map(|(line, _)| line).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_function_without_reservation_and_qualifier_has_neither_number() {
    let (functions, aws) = lambda(|request| match request.contains(RESERVED) {
        true => (200, "", json!({})),
        false => (200, "", json!({"Version": "$LATEST"})),
    })
    .await;
    let seen = functions.describe("shop-price", None).await.unwrap();
    let expected = FunctionObserved { version: Some("$LATEST".into()), reserved: None, provisioned: None };
    assert_eq!(seen, Some(expected));
    assert_eq!(asked(&aws).len(), 2, "nothing is provisioned without a qualifier");
}

#[tokio::test]
async fn what_is_not_there_is_no_error_and_each_is_told_apart() {
    let (functions, aws) = lambda(|_| not_found("ResourceNotFoundException")).await;
    assert_eq!(functions.describe("shop-price", Some("live")).await.unwrap(), None);
    assert_eq!(asked(&aws).len(), 1, "the rest of what is not there was asked for");

    let (functions, aws) = lambda(|request| match request.contains(RESERVED) {
        true => (200, "", json!({"ReservedConcurrentExecutions": 0})),
        false => not_found("ResourceNotFoundException"),
    })
    .await;
    let no_alias = FunctionObserved { version: None, reserved: Some(0), provisioned: None };
    assert_eq!(functions.describe("shop-price", Some("live")).await.unwrap(), Some(no_alias));
    assert_eq!(asked(&aws).len(), 2);

    let (functions, _) = lambda(|request| match request.contains("provisioned") {
        true => not_found("ProvisionedConcurrencyConfigNotFoundException"),
        false => (200, "", json!({"Version": "7"})),
    })
    .await;
    let none = FunctionObserved { version: Some("7".into()), reserved: None, provisioned: None };
    assert_eq!(functions.describe("shop-price", Some("live")).await.unwrap(), Some(none));
}

#[tokio::test]
async fn the_statuses_are_read_with_the_reason_of_a_failure() {
    let failed = || ProvisionedStatus::Failed { reason: "FUNCTION_ERROR_INIT_FAILURE".into() };
    let rows: [(Answer, ProvisionedStatus); 3] = [
        (|_| (200, "", json!({"Version": "7", "Status": "READY"})), ProvisionedStatus::Ready),
        (
            |_| (200, "", json!({"Version": "7", "Status": "FAILED", "StatusReason": "FUNCTION_ERROR_INIT_FAILURE"})),
            failed(),
        ),
        (|_| (200, "", json!({"Version": "7", "Status": "A_WORD_OF_A_LATER_DAY"})), ProvisionedStatus::InProgress),
    ];
    for (answer, expected) in rows {
        let (functions, _) = lambda(answer).await;
        let seen = functions.describe("shop-price", Some("live")).await.unwrap().unwrap();
        assert_eq!(seen.provisioned.unwrap().status, expected);
    }
}

#[tokio::test]
async fn each_act_sets_its_own_part_and_none_is_a_delete() {
    let (functions, aws) = lambda(|request| match request.split(' ').next() {
        Some("DELETE") => (204, "", Value::Null),
        _ => (200, "", json!({})),
    })
    .await;
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
    assert_eq!(asked(&aws), expected);
}

#[tokio::test]
async fn a_conflict_is_tried_again_and_a_refusal_is_not() {
    let (functions, _) =
        lambda(|_| (409, "ResourceConflictException", json!({"Message": "another operation is in progress"}))).await;
    let error = functions.set_reserved("shop-price", Some(10)).await.unwrap_err();
    assert!(matches!(error, CallError::Throttled { .. }), "{error}");
    let (functions, _) =
        lambda(|_| (400, "InvalidParameterValueException", json!({"message": "below its minimum value of [100]"})))
            .await;
    let error = functions.set_provisioned("shop-price", "live", Some(10)).await.unwrap_err();
    assert!(matches!(&error, CallError::Refused { message, .. } if message.contains("[100]")), "{error}");
}
