//! S3, by the AWS SDK.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use pilot_shell::CallError;

use crate::ports::ReportStore;

/// Reports in the artifacts bucket.
#[derive(Debug, Clone)]
pub struct S3Reports {
    client: Client,
    bucket: String,
}

impl S3Reports {
    /// Reports in this bucket.
    pub fn new(config: &SdkConfig, bucket: String) -> Self {
        S3Reports { client: Client::new(config), bucket }
    }
}

impl ReportStore for S3Reports {
    async fn put(&self, key: &str, content_type: &str, body: String) -> Result<(), CallError> {
        let call = self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type);
        call.body(ByteStream::from(body.into_bytes())).send().await?;
        Ok(())
    }

    fn location(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }
}
