//! `protect`: rebuilds replication towards the Region that does not serve.
//!
//! After a failover the old primary has data of its own, so it cannot follow: it is set aside under another name, and a new replica of
//! the serving instance takes its place. Nothing is ever deleted here: what was set aside is a person's to look at, and to delete.
//! There is no undo: a step that failed leaves the workload serving as before, and the next `protect` goes on from what it finds.

pub mod adapter;
pub mod aurora_cluster;
pub mod aurora_global_cluster;
pub mod elasticache_global;
pub mod handler;
pub mod ports;
pub mod rds_read_replica;
