//! The pure core of Pilot Light: the recovery plan, the decisions, the journal's shape, the failures by name and the report.
//!
//! Nothing in here reads a clock, the environment or the network, and nothing awaits. Time arrives as an argument
//! ([`jiff::Timestamp`]); what AWS showed arrives as an *observed* value; what to do leaves as a *decision*. That is what makes
//! every decision testable as a table (`clippy.toml` in this crate forbids the rest).

pub mod approval;
pub mod contract;
pub mod decide;
pub mod failure;
pub mod journal;
pub mod observed;
pub mod plan;
pub mod report;
pub mod run_name;

pub use failure::{Failure, FailureName};
