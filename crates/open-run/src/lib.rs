//! Opens a run: pins the newest plan, takes the workload's lease and writes down that it did.
//!
//! Nothing is written before the plan holds and is in its own recovery Region. Opening the same run twice (the answer to the first
//! try was lost) is the same run under the same generation.

pub mod handler;
pub mod resume;
