//! What the caller gets: a status and a JSON document.

use std::collections::BTreeMap;

use pilot_core::{Failure, FailureName};
use serde::Serialize;
use serde_json::{Value, json};

/// An answer in the form that a function URL takes (payload format 2.0).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// The HTTP status.
    pub status_code: u16,
    /// The headers.
    pub headers: BTreeMap<&'static str, String>,
    /// A JSON document.
    pub body: String,
    /// Never: the body is text.
    pub is_base64_encoded: bool,
}

impl Reply {
    /// A document with a status.
    pub fn new(status_code: u16, document: &Value) -> Self {
        let headers = [("content-type", "application/json"), ("cache-control", "no-store")];
        let headers = headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        Reply { status_code, headers, body: document.to_string(), is_base64_encoded: false }
    }

    /// Something went wrong: what, what is true now, and what to do.
    pub fn error(
        status_code: u16,
        name: &str,
        what: impl Into<String>,
        now_true: &str,
        next: impl Into<String>,
    ) -> Self {
        let (what, next): (String, String) = (what.into(), next.into());
        Reply::new(status_code, &json!({"error": {"name": name, "what": what, "nowTrue": now_true, "next": next}}))
    }

    /// 400: the request is not what this path takes.
    pub fn bad_request(what: String) -> Self {
        Reply::error(400, "RequestInvalid", what, "nothing was touched", "mend the request and send it again")
    }

    /// 403: AWS authenticated nobody.
    pub fn unauthenticated() -> Self {
        Reply::error(
            403,
            "Unauthenticated",
            "the request came without an IAM identity",
            "nothing was touched",
            "sign the request by Signature Version 4 for the service lambda, and set the function URL's AuthType to AWS_IAM",
        )
    }

    /// 404: there is no such path.
    pub fn no_such_path(path: &str) -> Self {
        let next = "POST /runs, GET /runs/{id}, or POST /runs/{id}/approval";
        Reply::error(404, "NoSuchPath", format!("there is nothing at {path:?}"), "nothing was touched", next)
    }

    /// 405: the path is there, for another method.
    pub fn wrong_method(method: &str, path: &str, allowed: &str) -> Self {
        let what = format!("{path} does not take {method}");
        let mut reply = Reply::error(405, "WrongMethod", what, "nothing was touched", format!("send it as {allowed}"));
        reply.headers.insert("allow", allowed.to_owned());
        reply
    }

    /// A failure by name: what AWS did not answer, or refused, on our side of the door.
    pub fn failed(failure: &Failure) -> Self {
        let status_code = match failure.name {
            FailureName::AwsUnavailable => 503,
            _ => 500,
        };
        Reply::new(
            status_code,
            &json!({"error": {
                "name": failure.name,
                "what": failure.what,
                "resource": failure.resource,
                "nowTrue": failure.now_true,
                "next": failure.next,
            }}),
        )
    }
}
