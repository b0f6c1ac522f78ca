//! The hooks' adapters: their calls as they cross the wire.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

mod automation;
mod code_build;
mod hook_function;

use pilot_testkit::wire::{Reply, Service, document, operation};
use scale_compute::hooks_adapter::AwsHooks;
use serde_json::Value;

/// AWS on a port of its own, and the adapter that asks it.
async fn answering<R: Into<Reply> + 'static>(answer: fn(&str) -> R) -> (AwsHooks, Service) {
    let aws = Service::start(answer);
    (AwsHooks::new(&aws.config("us-east-2").await), aws)
}

/// Each request's operation and document.
pub fn asked(aws: &Service) -> Vec<(String, Value)> {
    aws.requests().iter().map(|request| (operation(request).to_owned(), document(request))).collect()
}
