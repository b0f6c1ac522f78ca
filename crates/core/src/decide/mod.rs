//! The decisions: pure and total. What was observed and what is intended go in, what to do comes out.

pub mod backup;
pub mod caught_up;
pub mod data_loss;
pub mod deadline;
pub mod dns;
pub mod endpoint;
pub mod fence;
pub mod gate;
pub mod global_cluster;
pub mod group;
pub mod health;
pub mod pivot;
pub mod protect;
pub mod readiness;
pub mod records;
pub mod rejoin;
pub mod replica;
pub mod routing;
pub mod service;
pub mod signal;
pub mod stop_object;
