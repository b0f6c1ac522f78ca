//! Logs and metrics, both by way of the function's own output: no call to make, none to fail.

use std::io::Write;

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

/// Sets up JSON logs. `RUST_LOG` chooses, `info` without it. Payloads are never logged.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A second call (a test) finds the first subscriber and leaves it.
    let _ = tracing_subscriber::fmt().json().with_env_filter(filter).with_ansi(false).without_time().try_init();
}

/// One metric of an EMF line.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The metric's name.
    pub name: &'static str,
    /// CloudWatch's unit name (`Count`, `Seconds`, `None`).
    pub unit: &'static str,
    /// The value.
    pub value: f64,
}

/// An embedded-metric-format document (CloudWatch user guide, "Embedded metric format specification"): one dimension set, values at
/// a resolution of one second, so that an alarm with a period of 10 seconds can read them.
pub fn emf(namespace: &str, dimensions: &[(&str, &str)], metrics: &[Metric], at: Timestamp) -> Value {
    let mut document = json!({
        "_aws": {
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [dimensions.iter().map(|(key, _)| *key).collect::<Vec<_>>()],
                "Metrics": metrics
                    .iter()
                    .map(|m| json!({"Name": m.name, "Unit": m.unit, "StorageResolution": 1}))
                    .collect::<Vec<_>>(),
            }],
        }
    });
    for (key, value) in dimensions {
        document[*key] = json!(value);
    }
    for metric in metrics {
        document[metric.name] = json!(metric.value);
    }
    document
}

/// Writes an EMF document as one line of the function's output, where CloudWatch Logs picks it up.
pub fn publish(document: &Value) {
    // A full pipe is no reason to fail a recovery: the alarm on missing data tells.
    let _ = writeln!(std::io::stdout().lock(), "{document}");
}
