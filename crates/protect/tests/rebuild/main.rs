//! Replication rebuilt, look by look: the step over a stateful fake of RDS in both Regions, and its calls as they cross the wire.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's panic is its report")]

mod adapter;
mod aurora_cluster;
mod aurora_global_cluster;
mod case;
mod elasticache_global;
mod events;
mod fake_rds;
mod rds_read_replica;
