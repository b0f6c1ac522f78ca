//! `promote-db`: makes the recovery Region's data writable.
//!
//! Two component kinds: the RDS read replica ([`rds_read_replica`]) and the Aurora global database ([`aurora_global_cluster`]). Making
//! either writable is the run's pivot: it cannot be undone, so the run's journal, the lease and the data-loss gate all stand before it.
//! A third kind is none: the ElastiCache replication group ([`elasticache`]), created anew and deleted again by a rollback.

pub mod adapter;
pub mod aurora_global_cluster;
pub mod cache_adapter;
pub mod databases;
pub mod elasticache;
pub mod global_cluster_adapter;
pub mod handler;
mod lag_adapter;
pub mod rds_read_replica;
