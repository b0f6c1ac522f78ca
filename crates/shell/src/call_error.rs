//! What an AWS call's error means for a run. The difference that matters: did it certainly *not* happen, or is that unknown?

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use pilot_core::{Failure, FailureName};

/// An AWS call that did not answer well.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// AWS refused it for good: it certainly had no effect.
    #[error("refused with {code}: {message}")]
    Refused {
        /// AWS's error code.
        code: String,
        /// AWS's message.
        message: String,
    },
    /// AWS throttled it, after the SDK's own retries: it certainly had no effect, and may be tried again.
    #[error("throttled with {code}: {message}")]
    Throttled {
        /// AWS's error code.
        code: String,
        /// AWS's message.
        message: String,
    },
    /// No answer, or a server's error: whether it had an effect is unknown. Observe again; never compensate blindly.
    #[error("outcome unknown: {message}")]
    Unknown {
        /// What was seen.
        message: String,
    },
}

impl CallError {
    /// AWS's error code, where AWS gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            CallError::Refused { code, .. } | CallError::Throttled { code, .. } => Some(code),
            CallError::Unknown { .. } => None,
        }
    }

    /// Whether the call certainly had no effect.
    pub fn certainly_not_done(&self) -> bool {
        !matches!(self, CallError::Unknown { .. })
    }

    /// The failure for the person on call.
    pub fn into_failure(self, call: &str, resource: &str) -> Failure {
        match &self {
            CallError::Refused { .. } => Failure::new(FailureName::AwsRefused, resource, format!("{call} was {self}"))
                .now("this call had no effect")
                .next("check the function's role and the identifier in the plan"),
            CallError::Throttled { .. } => {
                Failure::new(FailureName::AwsUnavailable, resource, format!("{call} was {self}"))
                    .now("this call had no effect")
                    .next("nothing: it is tried again; look at the account's API limits if it goes on")
            }
            CallError::Unknown { .. } => Failure::new(FailureName::AwsUnavailable, resource, format!("{call}: {self}"))
                .now("whether this call had an effect is unknown; the next try observes before it acts")
                .next("nothing: it is tried again; look at the service's health if it goes on"),
        }
    }
}

/// Error codes that mean "later" although their status is that of a client's error. `SdkError`'s own classification has done its
/// retries before we see the error; this only names what is left.
const THROTTLES: &[&str] = &[
    "BandwidthLimitExceeded",
    "ConcurrentUpdateException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "ScalingActivityInProgress",
    "ResourceContention",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

impl<E> From<SdkError<E, HttpResponse>> for CallError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let status = error.raw_response().map(|response| response.status().as_u16());
        match &error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("Unnamed").to_owned();
                let message = service.err().message().unwrap_or("no message").to_owned();
                if THROTTLES.contains(&code.as_str()) {
                    CallError::Throttled { code, message }
                } else if status.is_some_and(|status| status >= 500) {
                    CallError::Unknown { message: format!("{code}: {message}") }
                } else {
                    CallError::Refused { code, message }
                }
            }
            // Never sent: nothing can have happened.
            SdkError::ConstructionFailure(_) => {
                CallError::Refused { code: "NotSent".into(), message: format!("{error:?}") }
            }
            // TimeoutError, DispatchFailure, ResponseError: the request may have taken effect.
            _ => CallError::Unknown { message: chain(&error) },
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
