//! RDS in any Region, by the AWS SDK.

use aws_config::SdkConfig;
use aws_sdk_rds::Client;
use aws_sdk_rds::config::retry::RetryConfig;
use aws_sdk_rds::types::{DbInstance, Tag};
use pilot_core::observed::InstanceObserved;
use pilot_shell::CallError;
use pilot_shell::regions::ByRegion;

use crate::ports::{Instances, NewReplica, Regions};

/// DB instances in one Region.
#[derive(Debug, Clone)]
pub struct AwsInstances {
    client: Client,
}

impl AwsInstances {
    /// With a client of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsInstances { client: Client::new(config) }
    }
}

impl Regions for ByRegion<AwsInstances> {
    type Region = AwsInstances;

    async fn region(&self, name: &str) -> AwsInstances {
        self.of(name).await
    }
}

impl Instances for AwsInstances {
    async fn describe(&self, identifier: &str) -> Result<Option<InstanceObserved>, CallError> {
        match self.client.describe_db_instances().db_instance_identifier(identifier).send().await {
            Ok(answer) => Ok(answer.db_instances().first().map(observed)),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_db_instance_not_found_fault()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn rename(&self, identifier: &str, to: &str) -> Result<(), CallError> {
        let call = self.client.modify_db_instance().db_instance_identifier(identifier);
        // One attempt: a second one would not find the name that the first one took away.
        let call = call.new_db_instance_identifier(to).apply_immediately(true).customize().config_override(once());
        call.send().await?;
        Ok(())
    }

    async fn create_replica(&self, replica: &NewReplica<'_>) -> Result<(), CallError> {
        let settings = replica.settings;
        let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
        let tags: Vec<Tag> = settings.tags.iter().map(tag).collect();
        let call = self
            .client
            .create_db_instance_read_replica()
            .db_instance_identifier(replica.identifier)
            .source_db_instance_identifier(replica.source_arn)
            .deletion_protection(settings.deletion_protection)
            .set_db_instance_class(settings.instance_class.clone())
            .set_db_subnet_group_name(settings.subnet_group.clone())
            .set_db_parameter_group_name(settings.parameter_group.clone())
            .set_kms_key_id(settings.kms_key_id.clone())
            .set_vpc_security_group_ids(some(&settings.security_group_ids))
            .set_tags(Some(tags).filter(|tags| !tags.is_empty()));
        // One attempt: a second one would be refused by the name that the first one took.
        call.customize().config_override(once()).send().await?;
        Ok(())
    }
}

fn once() -> aws_sdk_rds::config::Builder {
    aws_sdk_rds::config::Builder::new().retry_config(RetryConfig::disabled())
}

fn some(ids: &[String]) -> Option<Vec<String>> {
    (!ids.is_empty()).then(|| ids.to_vec())
}

fn observed(instance: &DbInstance) -> InstanceObserved {
    let arn = instance.db_instance_arn().unwrap_or_default().to_owned();
    InstanceObserved { arn, state: promote_db::adapter::observed(instance) }
}
