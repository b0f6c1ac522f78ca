//! What an AWS call's error says, in one line.

use std::error::Error;

use aws_sdk_sfn::config::http::HttpResponse;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};

use crate::stack::StackError;

/// AWS's own code and message; for a call that had no answer everything that is known of why.
pub fn failed<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> StackError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let what = match error.as_service_error() {
        Some(service) => {
            format!("{}: {}", service.code().unwrap_or("Unnamed"), service.message().unwrap_or("no message"))
        }
        None => chain(error),
    };
    StackError::Call { call, what }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}
