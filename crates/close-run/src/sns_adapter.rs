//! SNS, by the AWS SDK.

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use pilot_shell::CallError;

use crate::ports::Notifier;

/// The notifications topic.
#[derive(Debug, Clone)]
pub struct SnsTopic {
    client: Client,
    topic_arn: String,
}

impl SnsTopic {
    /// This topic.
    pub fn new(config: &SdkConfig, topic_arn: String) -> Self {
        SnsTopic { client: Client::new(config), topic_arn }
    }
}

impl Notifier for SnsTopic {
    async fn publish(&self, subject: &str, message: &str) -> Result<(), CallError> {
        self.client.publish().topic_arn(&self.topic_arn).subject(subject).message(message).send().await?;
        Ok(())
    }

    fn resource(&self) -> &str {
        &self.topic_arn
    }
}
