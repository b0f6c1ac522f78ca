//! One AWS configuration for every client of a function.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;

/// One attempt of a call. There is **no operation timeout by default** in the SDK.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(2_500);
/// A whole call with its retries: less than what a function has left when it begins ([`crate::runtime::HANDLER_MARGIN`] included).
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);

/// The configuration from Lambda's environment: Region, role credentials, endpoint.
pub async fn load() -> SdkConfig {
    loader().load().await
}

/// The same for another Region: for looking at the primary. A dead Region must not cost more than one attempt.
pub async fn load_for_region(region: &str) -> SdkConfig {
    loader()
        .region(aws_config::Region::new(region.to_owned()))
        .retry_config(RetryConfig::standard().with_max_attempts(1))
        .load()
        .await
}

/// The same for another Region that a planned run acts in: it is well, or the run would not have begun, so calls are tried as often as at home.
pub async fn load_in(region: &str) -> SdkConfig {
    loader().region(aws_config::Region::new(region.to_owned())).load().await
}

fn loader() -> aws_config::ConfigLoader {
    aws_config::from_env()
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(200)))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        )
}
