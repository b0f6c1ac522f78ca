//! All of this crate's tests in one program: each program would be linked with the SDKs anew.

mod adapter;
mod auto_scaling_group;
mod ecs_service;
mod hook_automation;
mod hook_code_build;
mod hook_function;
mod lambda_adapter;
mod lambda_concurrency;
mod rest;
mod services_adapter;
mod share;
