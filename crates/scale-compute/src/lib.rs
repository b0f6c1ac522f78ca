//! `scale-compute`: brings serving capacity up in the recovery Region and proves that it is in service.

pub mod adapter;
pub mod auto_scaling_group;
mod automation_adapter;
mod code_build_adapter;
pub mod computes;
pub mod ecs_service;
pub mod handler;
mod hook;
pub mod hook_automation;
pub mod hook_code_build;
pub mod hook_function;
mod hook_function_adapter;
pub mod hooks_adapter;
pub mod lambda_adapter;
pub mod lambda_concurrency;
pub mod services_adapter;
