//! Closes a run: writes the report, tells people once, gives the workload's lease up - in this order, so that whoever is told can read
//! the report, and nobody starts the next run before this one is written down.
//!
//! Every part may be done again: the report has the same key, the notification leaves a mark that it went out, a lease given up stays
//! given up. A run that is stuck gives its lease up too: the person who goes on does so with a new run.

pub mod door;
pub mod handler;
mod html;
pub mod metrics;
pub mod page;
pub mod ports;
pub mod s3_adapter;
pub mod sns_adapter;
mod timeline;
mod view;
