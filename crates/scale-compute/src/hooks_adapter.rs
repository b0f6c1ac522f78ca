//! The services that hooks are started in, by the AWS SDK: one client each. What is called stands in a file of its own a service.

use aws_config::SdkConfig;

/// The hooks' services in one Region.
#[derive(Debug, Clone)]
pub struct AwsHooks {
    pub(crate) codebuild: aws_sdk_codebuild::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
    pub(crate) ssm: aws_sdk_ssm::Client,
}

impl AwsHooks {
    /// With clients of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsHooks {
            codebuild: aws_sdk_codebuild::Client::new(config),
            lambda: aws_sdk_lambda::Client::new(config),
            ssm: aws_sdk_ssm::Client::new(config),
        }
    }
}
