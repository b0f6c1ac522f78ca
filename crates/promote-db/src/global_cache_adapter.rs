//! ElastiCache global datastores by the AWS SDK.

use aws_sdk_elasticache::types::{GlobalReplicationGroup, GlobalReplicationGroupMember};
use futures::future::join;
use pilot_core::observed::{CacheObserved, DatastoreMember, DatastoreObserved};
use pilot_shell::CallError;
use pilot_shell::ports::{GlobalCacheReads, GlobalCaches};

use crate::cache_adapter::{AwsCaches, kept, of_group, once};

impl AwsCaches {
    async fn global(&self, id: &str) -> Result<Option<GlobalReplicationGroup>, CallError> {
        let call = self.client.describe_global_replication_groups().global_replication_group_id(kept(id));
        match call.show_member_info(true).send().await {
            Ok(answer) => Ok(answer.global_replication_groups().first().cloned()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_global_replication_group_not_found_fault()) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl GlobalCacheReads for AwsCaches {
    async fn datastore(
        &self,
        global_replication_group_id: &str,
        replication_group_id: &str,
    ) -> Result<Option<DatastoreObserved>, CallError> {
        let (global, group) = join(self.global(global_replication_group_id), self.group(replication_group_id)).await;
        // Whoever asks about a datastore that is not there learns that first.
        let Some(global) = global? else { return Ok(None) };
        Ok(Some(observed(&global, group?.as_ref().map(of_group))))
    }
}

impl GlobalCaches for AwsCaches {
    async fn fail_over_datastore(
        &self,
        global_replication_group_id: &str,
        primary_region: &str,
        primary_replication_group_id: &str,
    ) -> Result<(), CallError> {
        let call = self.client.failover_global_replication_group();
        let call = call.global_replication_group_id(kept(global_replication_group_id));
        let call = call.primary_region(primary_region).primary_replication_group_id(kept(primary_replication_group_id));
        call.customize().config_override(once()).send().await?;
        Ok(())
    }
}

fn observed(global: &GlobalReplicationGroup, group: Option<CacheObserved>) -> DatastoreObserved {
    DatastoreObserved {
        // A missing status is no status that a decision acts on.
        status: global.status().unwrap_or("unknown").to_owned(),
        members: global.members().iter().filter_map(member).collect(),
        group,
    }
}

fn member(member: &GlobalReplicationGroupMember) -> Option<DatastoreMember> {
    Some(DatastoreMember {
        replication_group_id: member.replication_group_id()?.to_owned(),
        region: member.replication_group_region()?.to_owned(),
        is_primary: member.role().is_some_and(|role| role.eq_ignore_ascii_case("PRIMARY")),
    })
}
