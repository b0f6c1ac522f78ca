//! `validate`: readiness before, proof after.
//!
//! Four ways in, told apart by the event ([`event`]): three steps of a run - [`ready`] (can the recovery Region take over, and at what
//! loss?), [`proof`] (does the recovered application work?), [`verify`] (are clients led to it?) - and a schedule ([`readiness`]) that
//! asks the first question while the primary is well.
//!
//! It changes nothing: [`ports::Region`] has no call that could. The one write is the plan's own POST, which proves that the recovered
//! database takes writes.

pub mod adapter;
mod caches;
pub mod dns_adapter;
pub mod event;
mod global_caches;
pub mod handler;
mod in_region;
pub mod look;
mod point_in_time;
pub mod ports;
mod promoted;
pub mod proof;
pub mod readiness;
pub mod ready;
mod restored;
mod restores;
pub mod verify;
