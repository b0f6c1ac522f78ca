//! Behaviour as readable lines: a test shows what a step function said at each look, and a reviewer reads it.

use pilot_core::Failure;
use pilot_core::contract::{Status, StepResponse};

/// One line for one invocation: each component with how far it is, and when to look again; or the failure's name and what it says.
pub fn told(result: &Result<StepResponse, Failure>) -> String {
    match result {
        Err(failure) => format!("{}: {}", failure.name, failure.what),
        Ok(response) => {
            let components: Vec<String> =
                response.components.iter().map(|c| format!("{} {}", word(c.status), c.detail)).collect();
            let again = match response.status {
                Status::Done => String::new(),
                _ => format!(" (again in {}s)", response.retry_after_seconds),
            };
            format!("{}{again}", components.join(" | "))
        }
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Done => "done:",
        Status::InProgress => "on its way:",
        Status::Failed => "failed:",
    }
}
