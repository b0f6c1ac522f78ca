//! `backup-monitor`: is our recovery point good enough?
//!
//! Two ways in, told apart by the event ([`event`]): AWS Backup's own state changes ([`changed`]), which are best effort and minutes
//! late, and a schedule on which it looks for itself ([`reconcile`]). What the events mean and how old is too old is decided in
//! `pilot_core::decide::backup`; this crate reads, notifies and publishes metrics.

pub mod adapter;
pub mod changed;
pub mod event;
pub mod handler;
pub mod reconcile;
