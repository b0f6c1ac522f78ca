//! Checking plans with a cache: what is refused, by which words.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use pilot_core::plan::{self, Database, RecoveryPlan};
use serde_json::{Value, json};

const EXAMPLE: &str = include_str!("../../../examples/plans/pilot-light.yaml");

/// One with every setting; the example's recovery Region is ap-southeast-1.
fn cache() -> Value {
    json!({
        "kind": "elastiCache", "name": "cache", "replicationGroupId": "shop-cache", "description": "shop", "engine": "valkey",
        "engineVersion": "8.0", "nodeType": "cache.r7g.large", "numNodeGroups": 2, "replicasPerNodeGroup": 1, "subnetGroup": "subnets",
        "parameterGroup": "params", "securityGroupIds": ["sg-0a1b2c3d4e5f60003"], "automaticFailover": true, "multiAz": true,
        "transitEncryption": true, "atRestEncryption": true, "kmsKeyId": "arn:aws:kms:ap-southeast-1:111122223333:key/1",
        "tags": {"team": "shop"},
    })
}

/// The example with a cache more and no way home, and with these fields of the cache replaced (`Value::Null`: removed).
fn checked(fields: Value) -> Result<RecoveryPlan, Vec<String>> {
    let mut cache = cache();
    for (field, value) in fields.as_object().unwrap() {
        match value {
            Value::Null => drop(cache.as_object_mut().unwrap().remove(field)),
            value => cache[field] = value.clone(),
        }
    }
    of_databases(&[cache], false)
}

fn of_databases(caches: &[Value], with_home: bool) -> Result<RecoveryPlan, Vec<String>> {
    let mut document = serde_json::to_value(plan::check(EXAMPLE.as_bytes()).unwrap()).unwrap();
    if !with_home {
        document.as_object_mut().unwrap().remove("home");
    }
    document["databases"].as_array_mut().unwrap().extend(caches.iter().cloned());
    plan::check(document.to_string().as_bytes()).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn one_with_every_setting_and_one_with_none_hold() {
    let read = |plan: RecoveryPlan| match plan.databases.into_iter().nth(1).unwrap() {
        Database::ElastiCache(cache) => cache,
        other => panic!("{other:?}"),
    };
    let whole = read(checked(json!({})).unwrap());
    assert_eq!((whole.num_node_groups, whole.multi_az, whole.timeout_seconds), (2, Some(true), 1800));
    let bare = json!({"kind": "elastiCache", "name": "cache", "replicationGroupId": "shop-cache", "description": "shop",
        "engine": "redis", "nodeType": "cache.t4g.micro"});
    let bare = read(of_databases(&[bare], false).unwrap());
    assert_eq!((bare.num_node_groups, bare.replicas_per_node_group, bare.multi_az, bare.wave), (1, 0, None, 1));
}

#[test]
fn what_elasticache_would_refuse_is_refused_before() {
    let rows = [
        (json!({"replicationGroupId": Value::Null}), "/databases/1/replicationGroupId: is missing"),
        (json!({"description": Value::Null}), "/databases/1/description: is missing"),
        (json!({"engine": "memcached"}), "/databases/1/engine: must be one of valkey, redis, is \"memcached\""),
        (json!({"replicasPerNodeGroup": 6}), "/databases/1/replicasPerNodeGroup: must be at most 5, is 6"),
        (
            json!({"automaticFailover": Value::Null, "multiAz": Value::Null}),
            "/databases/1/automaticFailover: must be true with more than one node group: cluster mode has no other way",
        ),
        (
            json!({"numNodeGroups": 1, "replicasPerNodeGroup": 0, "parameterGroup": Value::Null, "multiAz": false}),
            "/databases/1/replicasPerNodeGroup: must be at least 1 with automaticFailover: there is nobody to fail over to",
        ),
        (json!({"numNodeGroups": 1, "automaticFailover": false}), "/databases/1/multiAz: needs automaticFailover"),
        (
            json!({"replicasPerNodeGroup": 0}),
            "/databases/1/multiAz: needs at least one replica a node group (replicasPerNodeGroup)",
        ),
        (json!({"atRestEncryption": Value::Null}), "/databases/1/kmsKeyId: needs atRestEncryption: true"),
        (
            json!({"kmsKeyId": "alias/shop"}),
            "/databases/1/kmsKeyId: must be a key's id or ARN: what an alias stood for cannot be read back",
        ),
        (
            json!({"kmsKeyId": "arn:aws:kms:ap-southeast-2:111122223333:key/1"}),
            "/databases/1/kmsKeyId: lies in ap-southeast-2, not in the recovery Region ap-southeast-1",
        ),
        (
            json!({"tags": {"pilot-light:run": "mine"}}),
            "/databases/1/tags: must hold neither \"pilot-light:run\", which a run puts on it, nor a key that begins with \"aws:\"",
        ),
    ];
    for (fields, expected) in rows {
        let problems = checked(fields.clone()).expect_err(expected);
        assert_eq!(problems, [expected], "{fields}");
    }
    for id in ["9shop", "shop--cache", "shop-", "shop_cache", ""] {
        let problems = checked(json!({"replicationGroupId": id})).expect_err(id);
        assert!(problems.iter().all(|p| p.starts_with("/databases/1/replicationGroupId: ")), "{id}: {problems:?}");
    }
}

#[test]
fn an_authentication_token_has_no_place_in_a_plan() {
    let problems = checked(json!({"authToken": "a secret"})).expect_err("a token");
    assert!(problems.iter().all(|p| p.starts_with("/databases/1/authToken: ")), "{problems:?}");
    assert!(problems.iter().all(|p| !p.contains("a secret")), "{problems:?}");
}

#[test]
fn one_group_is_one_components_and_has_no_way_home() {
    let mut twin = cache();
    twin["name"] = json!("twin");
    twin["replicationGroupId"] = json!("Shop-Cache");
    let problems = of_databases(&[cache(), twin], false).expect_err("twins");
    assert_eq!(
        problems,
        ["/databases/2/replicationGroupId: \"shop-cache\" is taken by /databases/1/replicationGroupId"]
    );
    let problems = of_databases(&[cache()], true).expect_err("a way home");
    assert!(
        problems.iter().any(|p| p.starts_with("/databases/1/kind: ") && p.contains("no way home by `failback`")),
        "{problems:?}"
    );
}
