//! `promote-db`: makes the recovery Region's data writable.
//!
//! The component kinds are the RDS read replica ([`rds_read_replica`]), the Aurora global database ([`aurora_global_cluster`]), the Aurora
//! cluster of one Region ([`aurora_cluster`]), the database that AWS Backup restores
//! ([`restore_from_backup`]), and the one that is restored to a point in time ([`restore_to_point_in_time`]). Making any of them
//! writable is the run's pivot: it cannot be undone, so the run's journal, the lease and the data-loss gate all stand before it.
//! Two kinds are no pivot: the ElastiCache replication group ([`elasticache`]), created anew and deleted again by a rollback, and the ElastiCache
//! global datastore ([`elasticache_global`]), failed over and failed back by a rollback.

pub mod adapter;
pub mod aurora_cluster;
pub mod aurora_global_cluster;
pub mod cache_adapter;
pub mod databases;
pub mod elasticache;
pub mod elasticache_global;
pub mod global_cache_adapter;
pub mod global_cluster_adapter;
pub mod handler;
pub mod in_region_adapter;
mod lag_adapter;
mod parameter_group_adapter;
mod point_in_time_adapter;
mod promoted;
pub mod rds_read_replica;
pub mod restore_adapter;
pub mod restore_from_backup;
pub mod restore_to_point_in_time;
mod restored;
mod restored_adapter;
mod restored_table_adapter;
