//! `scale-compute`: brings serving capacity up in the recovery Region and proves that it is in service.

pub mod adapter;
pub mod auto_scaling_group;
pub mod computes;
pub mod ecs_service;
pub mod handler;
pub mod lambda_adapter;
pub mod lambda_concurrency;
pub mod services_adapter;
