//! The thin Lambda shell: configuration, clients, deadline, telemetry, journal and lease - what every function needs around its step.
//!
//! Arrows point inwards: the shell knows the core; the step crates know both; nothing here knows a step.

pub mod call_error;
pub mod capacity;
pub mod clients;
pub mod config;
pub mod context;
pub mod dry_run;
pub mod ledger;
pub mod plans;
pub mod ports;
pub mod regions;
pub mod runtime;
pub mod telemetry;
pub mod waves;

pub use call_error::CallError;
pub use context::StepContext;
