//! A global datastore with a primary in us-east-1 and a secondary in us-west-2.

use crate::observed::{CacheNodeGroup, CacheObserved, DatastoreMember, DatastoreObserved};
use crate::plan::{ElastiCacheGlobal, Regions};

pub(crate) const HOME: &str = "us-east-1";
pub(crate) const AWAY: &str = "us-west-2";

pub(crate) fn regions() -> Regions {
    Regions { primary: HOME.into(), recovery: AWAY.into() }
}

pub(crate) fn component() -> ElastiCacheGlobal {
    ElastiCacheGlobal {
        name: "sessions".into(),
        wave: 1,
        global_replication_group_id: "ldgnf-shop".into(),
        primary_replication_group_id: "shop".into(),
        recovery_replication_group_id: "shop-dr".into(),
        timeout_seconds: 900,
    }
}

pub(crate) fn member(group: &str, region: &str, is_primary: bool) -> DatastoreMember {
    DatastoreMember { replication_group_id: group.into(), region: region.into(), is_primary }
}

/// The recovery group, as its Region describes it.
pub(crate) fn group(status: &str) -> CacheObserved {
    let shard = CacheNodeGroup { id: "0001".into(), status: "available".into(), nodes: 2 };
    CacheObserved { status: status.into(), node_groups: vec![shard], ..CacheObserved::default() }
}

/// Settled, the primary at home.
pub(crate) fn at_home() -> DatastoreObserved {
    DatastoreObserved {
        status: "available".into(),
        members: vec![member("shop", HOME, true), member("shop-dr", AWAY, false)],
        group: Some(group("available")),
    }
}

/// Settled, the primary in the recovery Region.
pub(crate) fn away() -> DatastoreObserved {
    DatastoreObserved { members: vec![member("shop", HOME, false), member("shop-dr", AWAY, true)], ..at_home() }
}
