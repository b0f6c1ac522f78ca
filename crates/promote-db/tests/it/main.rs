//! All of this crate's tests in one program: each program would be linked with the SDKs anew.

mod adapter;
mod aurora_cluster;
mod aurora_global_cluster;
mod cache_adapter;
mod elasticache;
mod elasticache_global;
mod global_cache_adapter;
mod global_cluster_adapter;
mod in_region_adapter;
mod promoted;
mod rds_read_replica;
mod restore_adapter;
mod restore_from_backup;
mod restore_to_point_in_time;
