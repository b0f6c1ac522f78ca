//! A cache with every setting, and the group that is as it says.

use crate::observed::{CacheNodeGroup, CacheObserved};
use crate::plan::{CacheEngine, ElastiCache};

pub(crate) fn component() -> ElastiCache {
    ElastiCache {
        name: "cache".into(),
        wave: 1,
        replication_group_id: "shop-cache".into(),
        description: "shop".into(),
        engine: CacheEngine::Valkey,
        engine_version: Some("8.0".into()),
        node_type: "cache.r7g.large".into(),
        num_node_groups: 2,
        replicas_per_node_group: 1,
        subnet_group: Some("subnets".into()),
        parameter_group: Some("params".into()),
        security_group_ids: vec!["sg-0a".into(), "sg-0b".into()],
        automatic_failover: Some(true),
        multi_az: Some(true),
        transit_encryption: Some(true),
        at_rest_encryption: Some(true),
        kms_key_id: Some("arn:aws:kms:us-west-2:111122223333:key/1".into()),
        tags: [("team".to_owned(), "shop".to_owned())].into(),
        timeout_seconds: 1800,
    }
}

pub(crate) fn group() -> CacheObserved {
    let shard = |id: &str| CacheNodeGroup { id: id.into(), status: "available".into(), nodes: 2 };
    CacheObserved {
        arn: "arn:aws:elasticache:us-west-2:111122223333:replicationgroup:shop-cache".into(),
        status: "available".into(),
        node_groups: vec![shard("0001"), shard("0002")],
        secondary_of: None,
        engine: Some("valkey".into()),
        engine_version: Some("8.0.1".into()),
        node_type: Some("cache.r7g.large".into()),
        automatic_failover: Some(true),
        multi_az: Some(true),
        transit_encryption: Some(true),
        at_rest_encryption: Some(true),
        kms_key_id: Some("arn:aws:kms:us-west-2:111122223333:key/1".into()),
        subnet_group: Some("Subnets".into()),
        parameter_group: Some("params".into()),
        security_group_ids: vec!["sg-0b".into(), "sg-0a".into()],
        tags: Some([("team".to_owned(), "shop".to_owned()), ("more".to_owned(), "1".to_owned())].into()),
    }
}
