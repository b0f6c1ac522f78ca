//! ElastiCache replication groups by the AWS SDK.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_elasticache::config::Builder;
use aws_sdk_elasticache::config::retry::RetryConfig;
use aws_sdk_elasticache::types::{
    AutomaticFailoverStatus, CacheCluster, MultiAzStatus, NodeGroup, ReplicationGroup, SecurityGroupMembership, Tag,
};
use futures::future::join;
use pilot_core::decide::cache::RUN_TAG;
use pilot_core::observed::{CacheNodeGroup, CacheObserved};
use pilot_core::plan::ElastiCache;
use pilot_shell::CallError;
use pilot_shell::ports::{CacheReads, Caches};

/// Replication groups in one Region.
#[derive(Debug, Clone)]
pub struct AwsCaches {
    pub(crate) client: aws_sdk_elasticache::Client,
}

impl AwsCaches {
    /// With a client of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsCaches { client: aws_sdk_elasticache::Client::new(config) }
    }

    pub(crate) async fn group(&self, id: &str) -> Result<Option<ReplicationGroup>, CallError> {
        match self.client.describe_replication_groups().replication_group_id(kept(id)).send().await {
            Ok(answer) => Ok(answer.replication_groups().first().cloned()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_replication_group_not_found_fault()) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A member cluster; `None`: gone since its group named it.
    async fn member(&self, id: &str) -> Result<Option<CacheCluster>, CallError> {
        match self.client.describe_cache_clusters().cache_cluster_id(id).send().await {
            Ok(answer) => Ok(answer.cache_clusters().first().cloned()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_cache_cluster_not_found_fault()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// `None`: ElastiCache does not tell them while the group is on the move, which it began since it was described.
    async fn tags(&self, arn: &str) -> Result<Option<BTreeMap<String, String>>, CallError> {
        let answer = match self.client.list_tags_for_resource().resource_name(arn).send().await.map_err(CallError::from)
        {
            Err(error) if error.code().is_some_and(is_on_the_move) => return Ok(None),
            answer => answer?,
        };
        let tag = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
        Ok(Some(answer.tag_list().iter().filter_map(tag).collect()))
    }
}

fn is_on_the_move(code: &str) -> bool {
    code.trim_end_matches("Fault") == "InvalidReplicationGroupState"
}

/// One attempt: after a lost answer the SDK's own second one would be refused by what the first one did, and its refusal would read as
/// "not done".
pub(crate) fn once() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
}

impl CacheReads for AwsCaches {
    async fn cache(&self, replication_group_id: &str) -> Result<Option<CacheObserved>, CallError> {
        let Some(group) = self.group(replication_group_id).await? else { return Ok(None) };
        let mut observed = of_group(&group);
        if observed.status != "available" {
            return Ok(Some(observed));
        }
        let member = async {
            match group.member_clusters().first() {
                Some(id) => self.member(id).await,
                None => Ok(None),
            }
        };
        let (member, tags) = join(member, self.tags(&observed.arn)).await;
        if let Some(member) = member? {
            add_member(&mut observed, &member);
        }
        observed.tags = tags?;
        Ok(Some(observed))
    }
}

impl Caches for AwsCaches {
    async fn create_cache(&self, cache: &ElastiCache, run_id: &str) -> Result<(), CallError> {
        let tag = |(key, value): (&str, &str)| Tag::builder().key(key).value(value).build();
        let tags = cache.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).chain([(RUN_TAG, run_id)]);
        let groups = Some(cache.security_group_ids.clone()).filter(|ids| !ids.is_empty());
        let call = self
            .client
            .create_replication_group()
            .replication_group_id(kept(&cache.replication_group_id))
            .replication_group_description(&cache.description)
            .engine(cache.engine.as_str())
            .set_engine_version(cache.engine_version.clone())
            .cache_node_type(&cache.node_type)
            .num_node_groups(number(cache.num_node_groups))
            .replicas_per_node_group(number(cache.replicas_per_node_group))
            .set_cache_subnet_group_name(cache.subnet_group.clone())
            .set_cache_parameter_group_name(cache.parameter_group.clone())
            .set_security_group_ids(groups)
            .set_automatic_failover_enabled(cache.automatic_failover)
            .set_multi_az_enabled(cache.multi_az)
            .set_transit_encryption_enabled(cache.transit_encryption)
            .set_at_rest_encryption_enabled(cache.at_rest_encryption)
            .set_kms_key_id(cache.kms_key_id.clone())
            .set_tags(Some(tags.map(tag).collect()));
        call.customize().config_override(once()).send().await?;
        Ok(())
    }

    async fn delete_cache(&self, replication_group_id: &str) -> Result<(), CallError> {
        let call = self.client.delete_replication_group().replication_group_id(kept(replication_group_id));
        // No final snapshot: nothing in it is a record.
        call.retain_primary_cluster(false).customize().config_override(once()).send().await?;
        Ok(())
    }
}

/// ElastiCache keeps ids in lower case, whatever was typed.
pub(crate) fn kept(id: &str) -> String {
    id.to_ascii_lowercase()
}

/// The plan's bounds are far below.
fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

pub(crate) fn of_group(group: &ReplicationGroup) -> CacheObserved {
    let secondary = group.global_replication_group_info().filter(|info| {
        info.global_replication_group_member_role().is_some_and(|role| role.eq_ignore_ascii_case("SECONDARY"))
    });
    let fails_over = |status: &AutomaticFailoverStatus| {
        matches!(status, AutomaticFailoverStatus::Enabled | AutomaticFailoverStatus::Enabling)
    };
    CacheObserved {
        arn: group.arn().unwrap_or_default().to_owned(),
        // A missing status is no status that a decision acts on.
        status: group.status().unwrap_or("unknown").to_owned(),
        node_groups: group.node_groups().iter().map(node_group).collect(),
        secondary_of: secondary.map(|info| info.global_replication_group_id().unwrap_or("unknown").to_owned()),
        engine: told(group.engine()),
        node_type: told(group.cache_node_type()),
        automatic_failover: group.automatic_failover().map(fails_over),
        multi_az: group.multi_az().map(|status| *status == MultiAzStatus::Enabled),
        transit_encryption: group.transit_encryption_enabled(),
        at_rest_encryption: group.at_rest_encryption_enabled(),
        kms_key_id: told(group.kms_key_id()),
        ..CacheObserved::default()
    }
}

fn node_group(group: &NodeGroup) -> CacheNodeGroup {
    CacheNodeGroup {
        id: group.node_group_id().unwrap_or("unknown").to_owned(),
        status: group.status().unwrap_or("unknown").to_owned(),
        nodes: u32::try_from(group.node_group_members().len()).unwrap_or(u32::MAX),
    }
}

/// What only the members of a group tell.
fn add_member(observed: &mut CacheObserved, member: &CacheCluster) {
    observed.engine = observed.engine.take().or_else(|| told(member.engine()));
    observed.engine_version = told(member.engine_version());
    observed.subnet_group = told(member.cache_subnet_group_name());
    observed.parameter_group =
        member.cache_parameter_group().and_then(|group| told(group.cache_parameter_group_name()));
    let id = |group: &SecurityGroupMembership| told(group.security_group_id());
    observed.security_group_ids = member.security_groups().iter().filter_map(id).collect();
}

/// Emulators and old API versions hand an empty text where there is none.
fn told(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}
