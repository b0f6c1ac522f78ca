//! The functions' configuration: a few environment variables, read once, missing ones named.

use pilot_core::{Failure, FailureName};

/// A required environment variable.
///
/// # Errors
/// [`FailureName::Misconfigured`] naming it.
pub fn required(name: &str) -> Result<String, Failure> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).ok_or_else(|| {
        Failure::new(FailureName::Misconfigured, name, "the environment variable is missing or empty")
            .now("nothing was touched")
            .next("deploy the function from template.yaml, which sets it")
    })
}

/// The state table's name: `STATE_TABLE`.
///
/// # Errors
/// See [`required`].
pub fn state_table() -> Result<String, Failure> {
    required("STATE_TABLE")
}

/// The artifacts bucket's name: `ARTIFACTS_BUCKET`.
///
/// # Errors
/// See [`required`].
pub fn artifacts_bucket() -> Result<String, Failure> {
    required("ARTIFACTS_BUCKET")
}

/// The notifications topic's ARN: `NOTIFICATIONS_TOPIC_ARN`.
///
/// # Errors
/// See [`required`].
pub fn notifications_topic() -> Result<String, Failure> {
    required("NOTIFICATIONS_TOPIC_ARN")
}

/// The metrics' namespace: `METRICS_NAMESPACE`, or `PilotLight`.
pub fn metrics_namespace() -> String {
    required("METRICS_NAMESPACE").unwrap_or_else(|_| "PilotLight".into())
}
