//! Lambda's runtime around a handler: names errors, keeps the deadline, logs the end.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use pilot_core::{Failure, FailureName};
use serde::Serialize;
use serde_json::Value;

/// A handler stops this long before Lambda would kill it, so that it can say why.
pub const HANDLER_MARGIN: Duration = Duration::from_millis(700);

/// A failure on its way out: Step Functions matches `error_type` to the letter. Without this, lambda_runtime names an error after its
/// Rust type.
#[derive(Debug)]
struct Named(Failure);

impl From<Named> for Diagnostic {
    fn from(named: Named) -> Self {
        Diagnostic { error_type: named.0.name.to_string(), error_message: named.0.to_string() }
    }
}

/// Serves a handler until Lambda ends the process. The handler takes the event as it came: it is deserialized inside, so that a bad
/// one is refused by our name.
///
/// # Errors
/// The runtime's own: the Runtime API could not be reached.
pub async fn serve<H, F, R>(function: &'static str, handler: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Value) -> F,
    F: Future<Output = Result<R, Failure>>,
    R: Serialize,
{
    crate::telemetry::init();
    let handler = &handler;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let left = time_left(event.context.deadline);
        let result = match tokio::time::timeout(left, Box::pin(handler(event.payload))).await {
            Ok(result) => result,
            Err(_) => Err(out_of_time(function, left)),
        };
        match &result {
            Ok(_) => tracing::info!(function, "done"),
            Err(failure) => tracing::error!(function, name = %failure.name, resource = %failure.resource, "{failure}"),
        }
        result.map_err(Named)
    }))
    .await
}

/// What a handler gets from a runtime that keeps no deadline.
const UNBOUNDED_BUDGET: Duration = Duration::from_secs(25);

/// Lambda's deadline less the margin. A deadline that was over before the invocation began is none: cargo-lambda's local runtime
/// sends a constant.
fn time_left(deadline_epoch_ms: u64) -> Duration {
    let deadline = UNIX_EPOCH + Duration::from_millis(deadline_epoch_ms);
    match deadline.duration_since(SystemTime::now()) {
        Ok(left) => left.saturating_sub(HANDLER_MARGIN),
        Err(_) => UNBOUNDED_BUDGET,
    }
}

fn out_of_time(function: &str, left: Duration) -> Failure {
    Failure::new(FailureName::AwsUnavailable, function, format!("not done within {} ms", left.as_millis()))
        .now("whether its last call had an effect is unknown; the next try observes before it acts")
        .next("nothing: it is tried again; look at the service's health if it goes on")
}
