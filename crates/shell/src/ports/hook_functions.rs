//! Lambda functions of the owner's that are hooks.

use std::future::Future;

use pilot_core::observed::{HookFunctionObserved, Invoked};
use serde_json::Value;

use crate::CallError;

/// One call of a function.
#[derive(Clone, PartialEq, Eq)]
pub struct FunctionCall {
    /// Its name or ARN.
    pub function: String,
    /// The alias or version.
    pub qualifier: Option<String>,
    /// The event: [`pilot_core::decide::hook_function::event`].
    pub event: Value,
    /// How long the call may take.
    pub timeout_seconds: u32,
}

impl std::fmt::Debug for FunctionCall {
    /// Without the event: the owner's payload is in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let FunctionCall { function, qualifier, timeout_seconds, .. } = self;
        write!(f, "FunctionCall {{ {function:?}, {qualifier:?}, {timeout_seconds} s }}")
    }
}

/// AWS Lambda, as far as hooks need it.
pub trait HookFunctions {
    /// `lambda:GetFunctionConfiguration` of the qualifier; `None`: no such function, alias or version.
    fn hook_function(
        &self,
        function: &str,
        qualifier: Option<&str>,
    ) -> impl Future<Output = Result<Option<HookFunctionObserved>, CallError>>;
    /// `lambda:Invoke`, `RequestResponse`, once: no answer within the call's time is an unknown outcome, and Lambda may run it on.
    fn invoke(&self, call: &FunctionCall) -> impl Future<Output = Result<Invoked, CallError>>;
}
