//! The decisions: pure and total. What was observed and what is intended go in, what to do comes out.

pub mod data_loss;
pub mod deadline;
pub mod group;
pub mod health;
pub mod pivot;
pub mod records;
pub mod replica;
pub mod stop_object;
