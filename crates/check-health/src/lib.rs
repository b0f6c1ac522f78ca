//! `check-health`: is the primary down? Judged from several independent signals, looked at together, each within its time.
//!
//! One function, three ways in, told apart by the event ([`event`]): the step `assess` of a run, the scheduled probe that feeds the
//! alarm, and a look that writes nothing, for people. All three look in the same way ([`look`]) and judge by the same decision
//! (`pilot_core::decide::health`). An error of the observer's own is *unknown*, never *down*.

pub mod adapter;
pub mod assess;
pub mod capacity;
pub mod capacity_adapter;
pub mod event;
pub mod handler;
pub mod look;
mod planned;
pub mod probe;
