//! Restored DB instances and Aurora clusters, by the AWS SDK.

use std::collections::BTreeMap;

use aws_sdk_rds::config::Builder;
use aws_sdk_rds::config::retry::RetryConfig;
use aws_sdk_rds::types::{DbCluster, DbClusterMember, DbInstance, Tag, VpcSecurityGroupMembership};
use pilot_core::observed::RestoredObserved;
use pilot_core::plan::{RestoredKind, RestoredSettings};
use pilot_shell::CallError;
use pilot_shell::ports::{NewInstance, RestoredDatabases};

use crate::restore_adapter::{AwsRestores, some};

impl RestoredDatabases for AwsRestores {
    async fn describe(&self, kind: RestoredKind, identifier: &str) -> Result<Option<RestoredObserved>, CallError> {
        match kind {
            RestoredKind::Instance => self.instance(identifier).await,
            RestoredKind::Cluster => self.cluster(identifier).await,
            RestoredKind::Table => self.table(identifier).await,
        }
    }

    async fn create_instance(&self, instance: &NewInstance<'_>) -> Result<(), CallError> {
        let call = self
            .rds
            .create_db_instance()
            .db_instance_identifier(instance.identifier)
            .db_instance_class(instance.instance_class)
            .db_cluster_identifier(instance.cluster)
            .engine(instance.engine)
            .set_db_parameter_group_name(instance.settings.parameter_group.clone())
            .set_tags(Some(tags(&instance.settings.tags)).filter(|tags| !tags.is_empty()));
        // One attempt: a second one would be refused by the name that the first one took.
        let once = Builder::new().retry_config(RetryConfig::disabled());
        call.customize().config_override(once).send().await?;
        Ok(())
    }

    async fn modify_cluster(&self, identifier: &str, settings: &RestoredSettings) -> Result<(), CallError> {
        let call = self
            .rds
            .modify_db_cluster()
            .db_cluster_identifier(identifier)
            .apply_immediately(true)
            .set_db_cluster_parameter_group_name(settings.cluster_parameter_group.clone())
            .set_vpc_security_group_ids(ids(settings))
            .set_backup_retention_period(days(settings.backup_retention_days))
            .set_deletion_protection(settings.deletion_protection);
        call.send().await?;
        Ok(())
    }

    async fn modify_instance(&self, identifier: &str, settings: &RestoredSettings) -> Result<(), CallError> {
        let call = self
            .rds
            .modify_db_instance()
            .db_instance_identifier(identifier)
            .apply_immediately(true)
            .set_db_parameter_group_name(settings.parameter_group.clone())
            .set_vpc_security_group_ids(ids(settings))
            .set_backup_retention_period(days(settings.backup_retention_days))
            .set_deletion_protection(settings.deletion_protection);
        call.send().await?;
        Ok(())
    }

    async fn reboot_instance(&self, identifier: &str) -> Result<(), CallError> {
        // One attempt: a second one would reboot it again, or be refused because it reboots.
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let call = self.rds.reboot_db_instance().db_instance_identifier(identifier);
        call.customize().config_override(once).send().await?;
        Ok(())
    }

    async fn tag(&self, kind: RestoredKind, arn: &str, wanted: &BTreeMap<String, String>) -> Result<(), CallError> {
        if kind == RestoredKind::Table {
            return self.tag_table(arn, wanted).await;
        }
        self.rds.add_tags_to_resource().resource_name(arn).set_tags(Some(tags(wanted))).send().await?;
        Ok(())
    }

    async fn protect_table(&self, name: &str, on: bool) -> Result<(), CallError> {
        self.set_table_protection(name, on).await
    }

    async fn keep_table_points(&self, name: &str, days: u32) -> Result<(), CallError> {
        self.set_table_recovery_days(name, days).await
    }
}

impl AwsRestores {
    async fn instance(&self, identifier: &str) -> Result<Option<RestoredObserved>, CallError> {
        match self.rds.describe_db_instances().db_instance_identifier(identifier).send().await {
            Ok(answer) => Ok(answer.db_instances().first().map(instance)),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_db_instance_not_found_fault()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn cluster(&self, identifier: &str) -> Result<Option<RestoredObserved>, CallError> {
        match self.rds.describe_db_clusters().db_cluster_identifier(identifier).send().await {
            Ok(answer) => Ok(answer.db_clusters().first().map(cluster)),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_db_cluster_not_found_fault()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn instance(instance: &DbInstance) -> RestoredObserved {
    let group = instance.db_parameter_groups().first();
    let settings = RestoredSettings {
        subnet_group: some(instance.db_subnet_group().and_then(|group| group.db_subnet_group_name())),
        cluster_parameter_group: None,
        parameter_group: some(group.and_then(|group| group.db_parameter_group_name())),
        security_group_ids: in_force(instance.vpc_security_groups()),
        backup_retention_days: instance.backup_retention_period().and_then(|days| u32::try_from(days).ok()),
        deletion_protection: Some(instance.deletion_protection() == Some(true)),
        kms_key_id: some(instance.kms_key_id()),
        tags: told(instance.tag_list()),
    };
    RestoredObserved {
        arn: instance.db_instance_arn().unwrap_or_default().to_owned(),
        // A missing status is no status that a decision acts on.
        status: instance.db_instance_status().unwrap_or("unknown").to_owned(),
        engine: some(instance.engine()),
        settings,
        pending_reboot: group.and_then(|group| group.parameter_apply_status()) == Some("pending-reboot"),
        cluster: some(instance.db_cluster_identifier()),
    }
}

fn cluster(cluster: &DbCluster) -> RestoredObserved {
    let settings = RestoredSettings {
        subnet_group: some(cluster.db_subnet_group()),
        cluster_parameter_group: some(cluster.db_cluster_parameter_group()),
        parameter_group: None,
        security_group_ids: in_force(cluster.vpc_security_groups()),
        backup_retention_days: cluster.backup_retention_period().and_then(|days| u32::try_from(days).ok()),
        deletion_protection: Some(cluster.deletion_protection() == Some(true)),
        kms_key_id: some(cluster.kms_key_id()),
        tags: told(cluster.tag_list()),
    };
    RestoredObserved {
        arn: cluster.db_cluster_arn().unwrap_or_default().to_owned(),
        status: cluster.status().unwrap_or("unknown").to_owned(),
        engine: some(cluster.engine()),
        settings,
        pending_reboot: cluster.db_cluster_members().iter().any(waits_for_reboot),
        cluster: None,
    }
}

/// A cluster's parameter group comes into force in each instance by itself.
fn waits_for_reboot(member: &DbClusterMember) -> bool {
    member.db_cluster_parameter_group_status() == Some("pending-reboot")
}

/// A group that is being added or removed is not in force.
fn in_force(groups: &[VpcSecurityGroupMembership]) -> Vec<String> {
    let active = groups.iter().filter(|group| group.status().is_none_or(|status| status == "active"));
    active.filter_map(|group| some(group.vpc_security_group_id())).collect()
}

fn told(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

fn tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn ids(settings: &RestoredSettings) -> Option<Vec<String>> {
    Some(settings.security_group_ids.clone()).filter(|ids| !ids.is_empty())
}

fn days(days: Option<u32>) -> Option<i32> {
    days.and_then(|days| i32::try_from(days).ok())
}
