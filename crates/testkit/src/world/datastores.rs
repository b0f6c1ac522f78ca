//! ElastiCache global datastores: one fails over while it is looked at.

use pilot_core::observed::{CacheNodeGroup, CacheObserved, DatastoreMember, DatastoreObserved};
use pilot_shell::CallError;
use pilot_shell::ports::{GlobalCacheReads, GlobalCaches};

use super::{FakeWorld, refused};

/// A global datastore, as the recovery Region tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeDatastore {
    /// As it is described; `status` is `modifying` while a failover is on its way.
    pub observed: DatastoreObserved,
    /// How often it must be described before that is through.
    pub looks_left: u32,
    /// The Region that becomes primary then.
    pub moving_to: Option<String>,
    /// How often it is described as it was before an accepted failover begins to show.
    pub looks_before_it_shows: u32,
    /// Accepted failovers.
    pub failovers: u32,
}

/// How often a datastore is described as `modifying`.
const LOOKS: u32 = 2;

impl FakeDatastore {
    /// A settled one of a primary and a secondary: each a group and its Region; the one that is asked about beside it is available.
    pub fn replicating(primary: (&str, &str), secondary: (&str, &str)) -> Self {
        let member = |(group, region): (&str, &str), is_primary| DatastoreMember {
            replication_group_id: group.into(),
            region: region.into(),
            is_primary,
        };
        let shard = CacheNodeGroup { id: "0001".into(), status: "available".into(), nodes: 2 };
        let group = CacheObserved { status: "available".into(), node_groups: vec![shard], ..CacheObserved::default() };
        FakeDatastore {
            observed: DatastoreObserved {
                status: "available".into(),
                members: vec![member(primary, true), member(secondary, false)],
                group: Some(group),
            },
            looks_left: 0,
            moving_to: None,
            looks_before_it_shows: 0,
            failovers: 0,
        }
    }

    /// The Region whose group takes writes.
    pub fn primary_region(&self) -> Option<&str> {
        self.observed.primary().map(|member| member.region.as_str())
    }

    fn look(&mut self) -> DatastoreObserved {
        if self.moving_to.is_none() {
            return self.observed.clone();
        }
        if self.looks_before_it_shows > 0 {
            self.looks_before_it_shows -= 1;
            return self.observed.clone();
        }
        if self.looks_left > 0 {
            self.looks_left -= 1;
            return DatastoreObserved { status: "modifying".into(), ..self.observed.clone() };
        }
        let to = self.moving_to.take();
        for member in &mut self.observed.members {
            member.is_primary = Some(&member.region) == to.as_ref();
        }
        self.observed.clone()
    }
}

impl FakeWorld {
    /// Puts a global datastore into the world.
    pub fn put_datastore(&self, id: &str, datastore: FakeDatastore) {
        self.write().datastores.insert(id.to_ascii_lowercase(), datastore);
    }

    /// Changes a global datastore from outside.
    pub fn change_datastore(&self, id: &str, change: impl FnOnce(&mut FakeDatastore)) {
        if let Some(datastore) = self.write().datastores.get_mut(&id.to_ascii_lowercase()) {
            change(datastore);
        }
    }

    /// Takes a global datastore away.
    pub fn remove_datastore(&self, id: &str) {
        self.write().datastores.remove(&id.to_ascii_lowercase());
    }

    /// The datastore as it is, without looking at it.
    pub fn peek_datastore(&self, id: &str) -> Option<FakeDatastore> {
        self.read().datastores.get(&id.to_ascii_lowercase()).cloned()
    }
}

impl GlobalCacheReads for FakeWorld {
    async fn datastore(
        &self,
        global_replication_group_id: &str,
        _replication_group_id: &str,
    ) -> Result<Option<DatastoreObserved>, CallError> {
        let id = global_replication_group_id.to_ascii_lowercase();
        Ok(self.write().datastores.get_mut(&id).map(FakeDatastore::look))
    }
}

impl GlobalCaches for FakeWorld {
    async fn fail_over_datastore(
        &self,
        global_replication_group_id: &str,
        primary_region: &str,
        primary_replication_group_id: &str,
    ) -> Result<(), CallError> {
        let (id, mut state) = (global_replication_group_id.to_ascii_lowercase(), self.write());
        let datastore = state.datastores.get_mut(&id).ok_or_else(|| {
            refused("GlobalReplicationGroupNotFoundFault", format!("Global datastore {id} does not exist"))
        })?;
        if datastore.moving_to.is_some() || datastore.observed.status != "available" {
            let message = format!("Global datastore {id} is not available or in primary-only state.");
            return Err(refused("InvalidGlobalReplicationGroupState", message));
        }
        match datastore.observed.member(primary_replication_group_id, primary_region) {
            Some(member) if !member.is_primary => {}
            _ => {
                let message = format!("{primary_replication_group_id} in {primary_region} is no secondary of {id}.");
                return Err(refused("InvalidParameterValue", message));
            }
        }
        datastore.moving_to = Some(primary_region.to_owned());
        datastore.looks_left = LOOKS;
        datastore.failovers += 1;
        Ok(())
    }
}
