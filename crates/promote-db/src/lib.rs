//! `promote-db`: makes the recovery Region's data writable.
//!
//! One component kind so far, the RDS read replica ([`rds_read_replica`]). Its promotion is the run's pivot: it cannot be undone, so
//! the run's journal, the lease and the data-loss gate all stand before it.

pub mod adapter;
pub mod handler;
pub mod rds_read_replica;
