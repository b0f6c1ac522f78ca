use std::collections::BTreeMap;

use super::*;
use crate::plan::Method;

fn endpoint() -> Endpoint {
    Endpoint {
        name: "reads".into(),
        method: Method::Get,
        url: "https://recovery.example.com/health".into(),
        json_body: None,
        expect_status: 200,
        expect_body: Some("\"writable\":true".into()),
        expect_headers: BTreeMap::from([("X-Region".into(), "ap-southeast-1".into())]),
        timeout_seconds: 3,
    }
}

fn answer(status: u16, region: &str, body: &str) -> HttpAnswer {
    HttpAnswer { status, headers: BTreeMap::from([("x-region".into(), region.into())]), body: body.as_bytes().to_vec() }
}

#[test]
fn status_header_and_body_must_all_hold() {
    let good = r#"{"status":"ok","writable":true}"#;
    let cases = [
        (Ok(answer(200, "ap-southeast-1", good)), None),
        (Ok(answer(503, "ap-southeast-1", good)), Some("HTTP 503, expected 200")),
        (Ok(answer(200, "ap-southeast-2", good)), Some("header X-Region is not as expected")),
        (Ok(answer(200, "ap-southeast-1", r#"{"writable":false}"#)), Some("does not hold the expected text")),
        (Err(NoAnswer::Refused), Some("connection refused")),
    ];
    for (seen, expected) in cases {
        let problem = problem(&endpoint(), &seen);
        match expected {
            None => assert_eq!(problem, None),
            Some(text) => assert!(problem.as_deref().is_some_and(|p| p.contains(text)), "{seen:?}: {problem:?}"),
        }
    }
}

#[test]
fn what_the_answer_carried_is_never_quoted() {
    let seen = Ok(answer(200, "secret-in-a-header", "secret-in-a-body"));
    let text = problem(&endpoint(), &seen).unwrap();
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn an_empty_expected_text_is_in_every_body() {
    let endpoint = Endpoint { expect_body: Some(String::new()), ..endpoint() };
    assert_eq!(problem(&endpoint, &Ok(answer(200, "ap-southeast-1", ""))), None);
}
