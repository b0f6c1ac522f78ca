//! ElastiCache: a group is made and deleted while it is looked at.

use std::collections::BTreeMap;

use pilot_core::decide::cache::RUN_TAG;
use pilot_core::observed::{CacheNodeGroup, CacheObserved};
use pilot_core::plan::ElastiCache;
use pilot_shell::CallError;
use pilot_shell::ports::{CacheReads, Caches};

use super::{FakeWorld, refused};

/// A replication group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeCache {
    /// As it will be described once it is available.
    pub settled: CacheObserved,
    /// What is on its way with it.
    pub status: String,
    /// How often it must be described before that is through.
    pub looks_left: u32,
}

/// How often a group is described as `creating`, or as `deleting`.
const LOOKS: u32 = 2;

impl FakeCache {
    /// The group that a creation with these settings makes, available.
    pub fn of(cache: &ElastiCache) -> Self {
        let shard = |number: u32| CacheNodeGroup {
            id: format!("{number:04}"),
            status: "available".into(),
            nodes: cache.replicas_per_node_group + 1,
        };
        let settled = CacheObserved {
            arn: format!(
                "arn:aws:elasticache:ap-southeast-1:111122223333:replicationgroup:{}",
                cache.replication_group_id.to_ascii_lowercase()
            ),
            status: "available".into(),
            node_groups: (1..=cache.num_node_groups).map(shard).collect(),
            secondary_of: None,
            engine: Some(cache.engine.as_str().into()),
            engine_version: cache.engine_version.clone().or_else(|| Some("8.0.1".into())),
            node_type: Some(cache.node_type.clone()),
            automatic_failover: Some(cache.automatic_failover.unwrap_or(false)),
            multi_az: Some(cache.multi_az.unwrap_or(false)),
            transit_encryption: Some(cache.transit_encryption.unwrap_or(false)),
            at_rest_encryption: Some(cache.at_rest_encryption.unwrap_or(false)),
            kms_key_id: cache.kms_key_id.clone(),
            subnet_group: Some(cache.subnet_group.clone().unwrap_or_else(|| "default".into())),
            parameter_group: Some(cache.parameter_group.clone().unwrap_or_else(|| "default.valkey8".into())),
            security_group_ids: cache.security_group_ids.clone(),
            tags: Some(cache.tags.clone()),
        };
        FakeCache { settled, status: "available".into(), looks_left: 0 }
    }

    /// A group on the move tells neither node groups nor tags.
    fn look(&mut self) -> CacheObserved {
        if self.looks_left > 0 {
            self.looks_left -= 1;
        } else if self.status == "creating" {
            self.status = "available".into();
        }
        if self.status == "available" {
            return self.settled.clone();
        }
        let node_groups = if self.status == "creating" { Vec::new() } else { self.settled.node_groups.clone() };
        CacheObserved { status: self.status.clone(), node_groups, tags: None, ..self.settled.clone() }
    }
}

impl FakeWorld {
    /// Puts a group into the Region.
    pub fn put_cache(&self, id: &str, cache: FakeCache) {
        self.write().caches.insert(id.to_ascii_lowercase(), cache);
    }

    /// Changes a group from outside.
    pub fn change_cache(&self, id: &str, change: impl FnOnce(&mut FakeCache)) {
        if let Some(cache) = self.write().caches.get_mut(&id.to_ascii_lowercase()) {
            change(cache);
        }
    }

    /// The group as it is, without looking at it.
    pub fn peek_cache(&self, id: &str) -> Option<FakeCache> {
        self.read().caches.get(&id.to_ascii_lowercase()).cloned()
    }
}

impl CacheReads for FakeWorld {
    async fn cache(&self, replication_group_id: &str) -> Result<Option<CacheObserved>, CallError> {
        let (id, mut state) = (replication_group_id.to_ascii_lowercase(), self.write());
        if state.caches.get(&id).is_some_and(|cache| cache.status == "deleting" && cache.looks_left == 0) {
            state.caches.remove(&id);
        }
        Ok(state.caches.get_mut(&id).map(FakeCache::look))
    }
}

impl Caches for FakeWorld {
    async fn create_cache(&self, cache: &ElastiCache, run_id: &str) -> Result<(), CallError> {
        let id = cache.replication_group_id.to_ascii_lowercase();
        if self.read().caches.contains_key(&id) {
            return Err(refused("ReplicationGroupAlreadyExists", format!("Replication group {id} already exists")));
        }
        let mut made = FakeCache { status: "creating".into(), looks_left: LOOKS, ..FakeCache::of(cache) };
        let tags: BTreeMap<String, String> = cache.tags.clone();
        made.settled.tags = Some(tags.into_iter().chain([(RUN_TAG.to_owned(), run_id.to_owned())]).collect());
        self.put_cache(&id, made);
        Ok(())
    }

    async fn delete_cache(&self, replication_group_id: &str) -> Result<(), CallError> {
        let (id, mut state) = (replication_group_id.to_ascii_lowercase(), self.write());
        let cache = state
            .caches
            .get_mut(&id)
            .ok_or_else(|| refused("ReplicationGroupNotFoundFault", format!("ReplicationGroup {id} not found.")))?;
        if !matches!(cache.status.as_str(), "available" | "create-failed") {
            let message =
                format!("Replication group {id} has status {} which is not valid for deletion.", cache.status);
            return Err(refused("InvalidReplicationGroupState", message));
        }
        cache.status = "deleting".into();
        cache.looks_left = LOOKS;
        Ok(())
    }
}
