//! Lambda functions of the owner's, by the AWS SDK.

use std::time::Duration;

use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use pilot_core::observed::{HookFunctionObserved, Invoked};
use pilot_shell::CallError;
use pilot_shell::ports::{FunctionCall, HookFunctions};

use crate::hooks_adapter::AwsHooks;

/// No such function, or no such alias or version of it.
const NOT_FOUND: &str = "ResourceNotFoundException";
/// What a function that is being created, updated or woken answers: later (Lambda API reference, errors of `Invoke`).
const LATER: [&str; 2] = ["ResourceConflictException", "ResourceNotReadyException"];
/// As long as every other client waits for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

impl HookFunctions for AwsHooks {
    async fn hook_function(
        &self,
        function: &str,
        qualifier: Option<&str>,
    ) -> Result<Option<HookFunctionObserved>, CallError> {
        let call = self.lambda.get_function_configuration().function_name(function);
        match call.set_qualifier(qualifier.map(str::to_owned)).send().await {
            Ok(answer) => Ok(Some(HookFunctionObserved {
                state: answer.state().map(|state| state.as_str()).unwrap_or_default().to_owned(),
                state_reason: answer.state_reason().map(str::to_owned),
            })),
            Err(error) if error.code() == Some(NOT_FOUND) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn invoke(&self, call: &FunctionCall) -> Result<Invoked, CallError> {
        let time = Duration::from_secs(u64::from(call.timeout_seconds));
        let times = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(time)
            .operation_timeout(time)
            .build();
        // No retry of the SDK's: the next look is one.
        let own = aws_sdk_lambda::config::Builder::new().timeout_config(times).retry_config(RetryConfig::disabled());
        let request = self.lambda.invoke().function_name(&call.function).set_qualifier(call.qualifier.clone());
        let request = request
            .invocation_type(InvocationType::RequestResponse)
            .payload(Blob::new(call.event.to_string()))
            .customize()
            .config_override(own);
        match request.send().await {
            Ok(answer) => Ok(Invoked {
                function_error: answer.function_error().map(str::to_owned),
                payload: answer.payload().map(|payload| payload.as_ref().to_vec()).unwrap_or_default(),
            }),
            Err(error) => Err(later(error.into())),
        }
    }
}

fn later(error: CallError) -> CallError {
    match error {
        CallError::Refused { code, message } if LATER.contains(&code.as_str()) => {
            CallError::Throttled { code, message }
        }
        other => other,
    }
}
