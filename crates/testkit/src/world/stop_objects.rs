//! S3 objects, as far as the STOP object needs them.

use pilot_shell::CallError;
use pilot_shell::ports::StopObjects;

use super::{FakeWorld, refused};

impl FakeWorld {
    /// Puts an empty bucket into the Region.
    pub fn put_bucket(&self, bucket: &str) {
        self.write().buckets.insert(bucket.into());
    }

    /// The body of an object, if it is there.
    pub fn peek_object(&self, bucket: &str, key: &str) -> Option<String> {
        self.read().objects.get(&(bucket.into(), key.into())).cloned()
    }

    fn bucket_exists(&self, bucket: &str) -> Result<(), CallError> {
        if self.read().buckets.contains(bucket) {
            Ok(())
        } else {
            Err(refused("NoSuchBucket", "The specified bucket does not exist"))
        }
    }
}

impl StopObjects for FakeWorld {
    async fn present(&self, bucket: &str, key: &str) -> Result<bool, CallError> {
        // A HEAD has no body to name NoSuchBucket in: a missing bucket reads as a missing object.
        Ok(self.peek_object(bucket, key).is_some())
    }

    async fn put(&self, bucket: &str, key: &str, body: String) -> Result<(), CallError> {
        self.bucket_exists(bucket)?;
        self.write().objects.insert((bucket.into(), key.into()), body);
        Ok(())
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), CallError> {
        self.bucket_exists(bucket)?;
        self.write().objects.remove(&(bucket.into(), key.into()));
        Ok(())
    }
}
