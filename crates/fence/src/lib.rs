//! `fence`: stops the old primary from taking writes, where it can still be reached.
//!
//! A Region that is gone cannot be fenced from outside, and waiting for it costs the recovery time. So its silence is never an error
//! of the step: it is written down as what it is, within a bound, and the plan says whether the run goes on without.

pub mod adapter;
mod door;
pub mod group;
pub mod handler;
pub mod instance;
mod item;
pub mod lift;
pub mod load_balancer;
pub mod primary;
pub mod service;
