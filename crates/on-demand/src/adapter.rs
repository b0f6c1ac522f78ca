//! The state machine, through Step Functions.

use aws_config::SdkConfig;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::SdkError;
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionError;
use aws_sdk_sfn::operation::send_task_success::SendTaskSuccessError;
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use aws_sdk_sfn::types::ExecutionStatus as AwsStatus;
use pilot_core::approval::TaskToken;
use pilot_core::contract::{ApprovalAnswer, StartRequest};
use pilot_shell::CallError;
use serde::Serialize;

use crate::ports::{Begun, Delivery, Execution, ExecutionStatus, StateMachine};

/// The state machine of the stack.
#[derive(Debug, Clone)]
pub struct AwsStateMachine {
    client: Client,
    arn: String,
}

impl AwsStateMachine {
    /// With a client of this configuration.
    pub fn new(config: &SdkConfig, arn: String) -> Self {
        AwsStateMachine { client: Client::new(config), arn }
    }
}

impl StateMachine for AwsStateMachine {
    fn arn(&self) -> &str {
        &self.arn
    }

    async fn start(&self, name: &str, input: &StartRequest) -> Result<Begun, CallError> {
        let call = self.client.start_execution().state_machine_arn(&self.arn).name(name).input(json(input)?);
        match call.send().await {
            Ok(started) => Ok(Begun::Underway(started.execution_arn)),
            Err(error) if is(&error, StartExecutionError::is_execution_already_exists) => Ok(Begun::NameTaken),
            Err(error) => Err(error.into()),
        }
    }

    async fn execution(&self, arn: &str) -> Result<Option<Execution>, CallError> {
        let described = match self.client.describe_execution().execution_arn(arn).send().await {
            Ok(described) => described,
            Err(error) if is(&error, DescribeExecutionError::is_execution_does_not_exist) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let status = match described.status {
            // Waiting to be redriven it may go on at any moment.
            AwsStatus::Running | AwsStatus::PendingRedrive => ExecutionStatus::Running,
            AwsStatus::Succeeded => ExecutionStatus::Succeeded,
            other => ExecutionStatus::Ended(other.as_str().to_owned()),
        };
        let (input, output) = (described.input, described.output);
        Ok(Some(Execution { status, input, output, error: described.error, cause: described.cause }))
    }

    async fn answer(&self, token: &TaskToken, answer: &ApprovalAnswer) -> Result<Delivery, CallError> {
        let call = self.client.send_task_success().task_token(token.reveal()).output(json(answer)?);
        let over =
            |e: &SendTaskSuccessError| e.is_task_does_not_exist() || e.is_task_timed_out() || e.is_invalid_token();
        match call.send().await {
            Ok(_) => Ok(Delivery::Delivered),
            Err(error) if is(&error, over) => Ok(Delivery::NobodyWaits),
            // AWS's validation messages repeat what they were given.
            Err(error) => Err(without(token, error.into())),
        }
    }
}

fn is<E, R>(error: &SdkError<E, R>, named: impl Fn(&E) -> bool) -> bool {
    error.as_service_error().is_some_and(named)
}

fn json(value: &impl Serialize) -> Result<String, CallError> {
    let not_sent = |error: serde_json::Error| CallError::Refused { code: "NotSent".into(), message: error.to_string() };
    serde_json::to_string(value).map_err(not_sent)
}

fn without(token: &TaskToken, error: CallError) -> CallError {
    let clean = |text: String| text.replace(token.reveal(), "(token)");
    match error {
        CallError::Refused { code, message } => CallError::Refused { code, message: clean(message) },
        CallError::Throttled { code, message } => CallError::Throttled { code, message: clean(message) },
        CallError::Unknown { message } => CallError::Unknown { message: clean(message) },
    }
}
