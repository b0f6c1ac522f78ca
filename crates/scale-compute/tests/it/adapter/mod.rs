//! The hooks' adapters: their calls as they cross the wire.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

mod automation;
mod code_build;
mod hook_function;
mod wire;
