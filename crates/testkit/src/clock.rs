//! A clock that tests set. A thread's own: the functions' clock is a plain `fn`, and every test runs on a thread of its own.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};

// 2026-02-01T00:00:00Z. A fixed start, so that snapshots read the same every day.
const START_EPOCH_SECONDS: i64 = 1_769_904_000;

thread_local! {
    static NOW: Cell<Option<Timestamp>> = const { Cell::new(None) };
}

/// The time as set; a fixed start until it was. Pass it where a step function takes its clock.
pub fn now() -> Timestamp {
    NOW.get().unwrap_or_else(|| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(START_EPOCH_SECONDS))
}

/// Sets the time.
pub fn set_now(at: Timestamp) {
    NOW.set(Some(at));
}

/// Lets time pass.
pub fn advance_seconds(seconds: i64) {
    set_now(now() + SignedDuration::from_secs(seconds));
}
