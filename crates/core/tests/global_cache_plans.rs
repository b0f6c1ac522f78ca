//! Checking plans with a global datastore: what is refused, by which words, and how it looks from home.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's panic is its report")]

use pilot_core::plan::{self, Database, ElastiCacheGlobal, RecoveryPlan};
use serde_json::{Value, json};

const EXAMPLE: &str = include_str!("../../../examples/plans/pilot-light.yaml");

fn datastore() -> Value {
    json!({"kind": "elastiCacheGlobal", "name": "sessions", "globalReplicationGroupId": "ldgnf-shop",
        "primaryReplicationGroupId": "shop", "recoveryReplicationGroupId": "shop-dr"})
}

/// The example, which has a way home, with these databases more.
fn checked(databases: &[Value]) -> Result<RecoveryPlan, Vec<String>> {
    let mut document = serde_json::to_value(plan::check(EXAMPLE.as_bytes()).unwrap()).unwrap();
    document["databases"].as_array_mut().unwrap().extend(databases.iter().cloned());
    plan::check(document.to_string().as_bytes()).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn read(plan: &RecoveryPlan) -> &ElastiCacheGlobal {
    match &plan.databases[1] {
        Database::ElastiCacheGlobal(component) => component,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_holds_and_its_mirror_image_is_the_other_way_round() {
    let plan = checked(&[datastore()]).unwrap();
    assert_eq!((read(&plan).wave, read(&plan).timeout_seconds), (1, 900));
    let mirror = plan.mirrored().unwrap();
    let groups =
        |c: &ElastiCacheGlobal| (c.primary_replication_group_id.clone(), c.recovery_replication_group_id.clone());
    assert_eq!(groups(read(&mirror)), ("shop-dr".to_owned(), "shop".to_owned()));
    assert_eq!(mirror.mirrored().unwrap(), plan);
}

#[test]
fn what_is_missing_or_no_id_is_refused() {
    let ids = ["globalReplicationGroupId", "primaryReplicationGroupId", "recoveryReplicationGroupId"];
    for field in ids {
        let mut without = datastore();
        without.as_object_mut().unwrap().remove(field);
        assert_eq!(checked(&[without]).unwrap_err(), [format!("/databases/1/{field}: is missing")]);
        let arn = "arn:aws:elasticache:eu-west-1:111122223333:replicationgroup:shop";
        for wrong in ["9shop", "shop--dr", "shop-", "", arn] {
            let mut other = datastore();
            other[field] = json!(wrong);
            let problems = checked(&[other]).unwrap_err();
            assert!(problems.iter().all(|p| p.starts_with(&format!("/databases/1/{field}: "))), "{problems:?}");
        }
    }
}

#[test]
fn one_datastore_and_one_group_are_one_components() {
    let mut twin = datastore();
    twin["name"] = json!("twin");
    twin["globalReplicationGroupId"] = json!("LDGNF-shop");
    assert_eq!(
        checked(&[datastore(), twin]).unwrap_err(),
        [
            "/databases/2/globalReplicationGroupId: \"ldgnf-shop\" is taken by /databases/1/globalReplicationGroupId",
            "/databases/2/recoveryReplicationGroupId: \"shop-dr\" is taken by /databases/1/recoveryReplicationGroupId",
        ]
    );
    let created = json!({"kind": "elastiCache", "name": "cache", "replicationGroupId": "Shop-DR", "description": "shop",
        "engine": "redis", "nodeType": "cache.t4g.micro"});
    let problems = checked(&[datastore(), created]).unwrap_err();
    assert!(
        problems.contains(
            &"/databases/1/recoveryReplicationGroupId: \"shop-dr\" is created by an elastiCache of this plan: a member of a global \
              datastore is there before"
                .to_owned()
        ),
        "{problems:?}"
    );
}

#[test]
fn within_one_region_it_has_nowhere_to_go() {
    let mut document = serde_json::to_value(checked(&[datastore()]).unwrap()).unwrap();
    document["regions"]["primary"] = document["regions"]["recovery"].clone();
    let problems = plan::check(document.to_string().as_bytes()).unwrap_err();
    let told = problems.iter().map(ToString::to_string).find(|p| p.starts_with("/regions/recovery: "));
    assert!(
        told.as_ref().is_some_and(|p| p.contains("what it recovers lives by two (shop-db, sessions)")),
        "{problems:?}"
    );
}
