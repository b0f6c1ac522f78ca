//! A step's deadline: a limit on everything, kept by the function, so that the state machine's loop needs no arithmetic.

use jiff::Timestamp;

use crate::{Failure, FailureName};

/// Whole seconds from one time to another; negative if the other is earlier.
pub fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second() - from.as_second()
}

/// Holds a component that is still on its way against its time.
///
/// # Errors
/// [`FailureName::StepDeadlineExceeded`] once the time is over.
pub fn check(
    resource: &str,
    waiting_for: &str,
    started_at: Timestamp,
    now: Timestamp,
    timeout_seconds: u32,
) -> Result<(), Failure> {
    let waited = seconds_between(started_at, now);
    if waited < i64::from(timeout_seconds) {
        return Ok(());
    }
    Err(Failure::new(
        FailureName::StepDeadlineExceeded,
        resource,
        format!("not there after {waited} seconds, the plan allows {timeout_seconds}: {waiting_for}"),
    )
    .now("the last act stands as the journal says")
    .next("look at the resource itself; raise timeoutSeconds in the plan if it is only slow"))
}

#[cfg(test)]
mod tests;
