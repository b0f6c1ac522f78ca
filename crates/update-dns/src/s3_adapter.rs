//! S3, by the AWS SDK.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use pilot_shell::CallError;
use pilot_shell::ports::StopObjects;

/// STOP objects in the function's Region.
#[derive(Debug, Clone)]
pub struct AwsStopObjects {
    client: Client,
}

impl AwsStopObjects {
    /// With a client of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsStopObjects { client: Client::new(config) }
    }
}

impl StopObjects for AwsStopObjects {
    async fn present(&self, bucket: &str, key: &str) -> Result<bool, CallError> {
        match self.client.head_object().bucket(bucket).key(key).send().await {
            Ok(_) => Ok(true),
            // Without s3:ListBucket a missing object reads as 403 and not as 404: the role has it, so 403 stays an error.
            Err(error) if error.as_service_error().is_some_and(|e| e.is_not_found()) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn put(&self, bucket: &str, key: &str, body: String) -> Result<(), CallError> {
        let call = self.client.put_object().bucket(bucket).key(key).content_type("application/json");
        call.body(ByteStream::from(body.into_bytes())).send().await?;
        Ok(())
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), CallError> {
        self.client.delete_object().bucket(bucket).key(key).send().await?;
        Ok(())
    }
}
