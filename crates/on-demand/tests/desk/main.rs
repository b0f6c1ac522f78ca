//! The endpoint's requests against a state machine and a state table in memory.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]
#![expect(clippy::panic, reason = "a test's panic is its report")]

mod approval;
mod callers;
mod scene;
mod start;
mod status;
