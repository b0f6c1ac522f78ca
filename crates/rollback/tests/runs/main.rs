//! Whole runs over the fake world: promote, scale, shift traffic, and the way back.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's panic is its report")]

mod cache;
mod drive;
mod ecs_service;
mod every_call_fails;
mod fence;
mod global_cache;
mod global_cluster;
mod hooks;
mod lambda_concurrency;
mod lease;
mod routing_control;
