//! A request, as the function takes it: who asks, for what, with which body.

use aws_lambda_events::encodings::Base64Data;
use aws_lambda_events::event::lambda_function_urls::{LambdaFunctionUrlRequest, LambdaFunctionUrlRequestContext};
use pilot_core::Failure;
use pilot_core::contract::read_event;
use pilot_core::run_name::is_run_name;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::handler::FUNCTION;
use crate::reply::Reply;

/// The longest reason that a person may give: it stands in the run's input, its report and its notifications.
const REASON_CHARS_MAX: usize = 1000;

/// A request.
#[derive(Debug)]
pub struct Request {
    method: String,
    path: String,
    body: Option<String>,
    is_base64: bool,
    caller: Option<Caller>,
}

/// Who asks, as AWS authenticated it: an IAM user's ARN, or `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(String);

impl Caller {
    /// The ARN, as the plan's `policy.approvers` has to name it.
    pub fn arn(&self) -> &str {
        &self.0
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `POST /runs`.
    Start,
    /// `GET /runs/{id}`.
    Status(String),
    /// `POST /runs/{id}/approval`.
    Approval(String),
}

impl Request {
    /// Reads an event of the function's URL (payload format 2.0).
    ///
    /// # Errors
    /// `EventInvalid`: the event is not a function URL's.
    pub fn read(event: Value) -> Result<Self, Failure> {
        let request: LambdaFunctionUrlRequest = read_event(FUNCTION, event)?;
        let caller = caller(&request.request_context);
        Ok(Request {
            method: request.request_context.http.method.unwrap_or_default(),
            path: request.raw_path.unwrap_or_default(),
            body: request.body,
            is_base64: request.is_base64_encoded,
            caller,
        })
    }

    /// Who asks. `None`: AWS authenticated nobody.
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// What is asked for, or the answer to a request for nothing that is here.
    ///
    /// # Errors
    /// 404 for a path, 405 for a method, 400 for a run's id that cannot be one.
    pub fn route(&self) -> Result<Route, Reply> {
        let path = self.path.trim_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        let (method, route) = match parts.as_slice() {
            ["runs"] => ("POST", Route::Start),
            ["runs", id] => ("GET", Route::Status(run_id(id)?)),
            ["runs", id, "approval"] => ("POST", Route::Approval(run_id(id)?)),
            _ => return Err(Reply::no_such_path(&self.path)),
        };
        if self.method == method { Ok(route) } else { Err(Reply::wrong_method(&self.method, &self.path, method)) }
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// 400 saying what is wrong with it.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Reply> {
        let text = self.body.as_deref().unwrap_or_default();
        let read = if self.is_base64 {
            // Lambda hands a body over in base64 unless its content type says text or JSON: curl's says neither by itself.
            let bytes: Result<Base64Data, _> = serde_json::from_value(Value::String(text.to_owned()));
            bytes.and_then(|bytes| serde_json::from_slice(&bytes))
        } else {
            serde_json::from_str(text)
        };
        read.map_err(|error| Reply::bad_request(format!("the body is not what {} takes: {error}", self.path)))
    }
}

/// A reason, without the blanks around it.
///
/// # Errors
/// 400: it is empty, or too long.
pub fn reason(text: &str) -> Result<String, Reply> {
    let reason = text.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Err(Reply::bad_request(format!("/reason: has to say why, in at most {REASON_CHARS_MAX} characters")));
    }
    Ok(reason.to_owned())
}

fn run_id(text: &str) -> Result<String, Reply> {
    if is_run_name(text) {
        return Ok(text.to_owned());
    }
    Err(Reply::bad_request(format!("{text:?} is no run's id: 1 to 80 letters, digits, hyphens and underscores")))
}

/// The identity that Lambda writes into the context of a request whose signature held. With AuthType `NONE` there is none.
fn caller(context: &LambdaFunctionUrlRequestContext) -> Option<Caller> {
    let arn = context.authorizer.as_ref()?.iam.as_ref()?.user_arn.as_deref()?.trim();
    arn.starts_with("arn:").then(|| Caller(arn.to_owned()))
}
