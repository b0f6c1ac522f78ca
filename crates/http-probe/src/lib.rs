//! One HTTP request, answered or not - and if not, why not. Shared by `check-health` (is the primary down?) and `validate` (does the
//! recovered application work?), so that both see the network in the same way.

mod adapter;
mod no_answer;

use std::future::Future;
use std::time::Duration;

use pilot_core::observed::{HttpAnswer, NoAnswer};
use pilot_core::plan::Method;
use serde_json::Value;

pub use adapter::HttpClient;

/// A request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request<'a> {
    /// GET or POST.
    pub method: Method,
    /// The whole address.
    pub url: &'a str,
    /// The body of a POST, sent as JSON.
    pub json_body: Option<&'a Value>,
    /// How long the whole answer may take, from resolving the name to the last byte that is read.
    pub timeout_seconds: u32,
}

impl<'a> Request<'a> {
    /// A GET.
    pub fn get(url: &'a str, timeout_seconds: u32) -> Self {
        Request { method: Method::Get, url, json_body: None, timeout_seconds }
    }

    /// The time limit.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.timeout_seconds))
    }
}

/// Asks over HTTP.
pub trait Http {
    /// Sends one request and reads its answer. Redirects are answers; nothing is sent twice.
    fn ask(&self, request: Request<'_>) -> impl Future<Output = Result<HttpAnswer, NoAnswer>>;
}
