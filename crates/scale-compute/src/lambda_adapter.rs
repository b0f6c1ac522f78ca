//! The concurrency of Lambda functions, by the AWS SDK.

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::operation::get_provisioned_concurrency_config::GetProvisionedConcurrencyConfigOutput;
use aws_sdk_lambda::types::ProvisionedConcurrencyStatusEnum as Status;
use pilot_core::observed::{FunctionObserved, ProvisionedObserved, ProvisionedStatus};
use pilot_shell::CallError;
use pilot_shell::ports::Concurrencies;

/// No such function, or no such alias or version of it.
const NOT_FOUND: &str = "ResourceNotFoundException";
/// The alias or version is there and has no provisioned concurrency.
const NONE_PROVISIONED: &str = "ProvisionedConcurrencyConfigNotFoundException";
/// "Another operation is in progress" (Lambda API reference, errors of the four calls that set concurrency).
const BUSY: &str = "ResourceConflictException";

/// Lambda functions in one Region.
#[derive(Debug, Clone)]
pub struct AwsConcurrencies {
    client: Client,
}

impl AwsConcurrencies {
    /// With a client of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsConcurrencies { client: Client::new(config) }
    }

    async fn version(&self, function: &str, qualifier: Option<&str>) -> Result<Option<String>, CallError> {
        let call = self.client.get_function_configuration().function_name(function);
        match call.set_qualifier(qualifier.map(str::to_owned)).send().await {
            Ok(answer) => Ok(Some(answer.version().unwrap_or_default().to_owned())),
            Err(error) if error.code() == Some(NOT_FOUND) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn provisioned(&self, function: &str, qualifier: &str) -> Result<Option<ProvisionedObserved>, CallError> {
        let call = self.client.get_provisioned_concurrency_config().function_name(function).qualifier(qualifier);
        match call.send().await {
            Ok(answer) => Ok(Some(observed(&answer))),
            Err(error) if error.code() == Some(NONE_PROVISIONED) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Concurrencies for AwsConcurrencies {
    async fn describe(&self, function: &str, qualifier: Option<&str>) -> Result<Option<FunctionObserved>, CallError> {
        // Tells a missing function apart from a missing qualifier; a function without a reservation answers without a number.
        let reserved = match self.client.get_function_concurrency().function_name(function).send().await {
            Ok(answer) => answer.reserved_concurrent_executions().map(count),
            Err(error) if error.code() == Some(NOT_FOUND) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let version = self.version(function, qualifier).await?;
        let provisioned = match qualifier.filter(|_| version.is_some()) {
            Some(qualifier) => self.provisioned(function, qualifier).await?,
            None => None,
        };
        Ok(Some(FunctionObserved { version, reserved, provisioned }))
    }

    async fn set_reserved(&self, function: &str, reserved: Option<u32>) -> Result<(), CallError> {
        match reserved {
            Some(reserved) => {
                let call = self.client.put_function_concurrency().function_name(function);
                later(call.reserved_concurrent_executions(number(reserved)).send().await)
            }
            None => later(self.client.delete_function_concurrency().function_name(function).send().await),
        }
    }

    async fn set_provisioned(
        &self,
        function: &str,
        qualifier: &str,
        provisioned: Option<u32>,
    ) -> Result<(), CallError> {
        match provisioned {
            Some(provisioned) => {
                let call =
                    self.client.put_provisioned_concurrency_config().function_name(function).qualifier(qualifier);
                later(call.provisioned_concurrent_executions(number(provisioned)).send().await)
            }
            None => {
                let call = self.client.delete_provisioned_concurrency_config().function_name(function);
                later(call.qualifier(qualifier).send().await)
            }
        }
    }
}

/// What is refused because another operation is in progress is tried again, like a throttle.
fn later<T, E: Into<CallError>>(answer: Result<T, E>) -> Result<(), CallError> {
    match answer.map_err(Into::into) {
        Ok(_) => Ok(()),
        Err(CallError::Refused { code, message }) if code == BUSY => Err(CallError::Throttled { code, message }),
        Err(error) => Err(error),
    }
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn count(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

fn observed(config: &GetProvisionedConcurrencyConfigOutput) -> ProvisionedObserved {
    let executions = |value: Option<i32>| value.map_or(0, count);
    ProvisionedObserved {
        requested: executions(config.requested_provisioned_concurrent_executions()),
        available: executions(config.available_provisioned_concurrent_executions()),
        status: match config.status() {
            Some(Status::Ready) => ProvisionedStatus::Ready,
            Some(Status::Failed) => {
                let reason = config.status_reason().unwrap_or("Lambda states no reason");
                ProvisionedStatus::Failed { reason: reason.to_owned() }
            }
            _ => ProvisionedStatus::InProgress,
        },
    }
}
