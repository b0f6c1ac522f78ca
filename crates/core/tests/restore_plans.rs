//! Checking plans that restore a database: what is refused, by which words.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use pilot_core::plan::{self, Database, RecoveryPlan, RestoredKind};
use serde_json::{Value, json};

const EXAMPLE: &str = include_str!("../../../examples/plans/pilot-light.yaml");

fn region(arn_service: &str, region: &str, resource: &str) -> String {
    format!("arn:aws:{arn_service}:{region}:111122223333:{resource}")
}

/// The example's Regions.
const PRIMARY: &str = "ap-southeast-2";
const RECOVERY: &str = "ap-southeast-1";

fn cluster() -> Value {
    json!({
        "kind": "restoreFromBackup", "name": "db", "resourceArn": region("rds", PRIMARY, "cluster:shop"), "vaultName": "shop-vault",
        "restoreRoleArn": "arn:aws:iam::111122223333:role/restore", "restoredIdentifier": "shop-restored",
        "instances": [{"identifier": "shop-restored-1", "instanceClass": "db.r6g.large"}],
        "settings": {"subnetGroup": "subnets", "clusterParameterGroup": "cluster-params", "parameterGroup": "params",
            "securityGroupIds": ["sg-0a1b2c3d4e5f60003"], "backupRetentionDays": 7, "deletionProtection": true,
            "kmsKeyId": region("kms", RECOVERY, "key/1"), "tags": {"team": "shop"}},
    })
}

fn table() -> Value {
    json!({
        "kind": "restoreFromBackup", "name": "orders", "resourceArn": region("dynamodb", PRIMARY, "table/orders"), "vaultName": "shop-vault",
        "restoreRoleArn": "arn:aws:iam::111122223333:role/restore", "restoredIdentifier": "orders-restored",
        "notAfter": "2026-01-31T12:00:00Z", "settings": {"backupRetentionDays": 7},
    })
}

fn instance() -> Value {
    json!({
        "kind": "restoreFromBackup", "name": "ledger", "resourceArn": region("rds", PRIMARY, "db:ledger"), "vaultName": "shop-vault",
        "restoreRoleArn": "arn:aws:iam::111122223333:role/restore", "restoredIdentifier": "ledger-restored",
    })
}

/// The example with these databases and no way home, and with one value of it replaced.
fn checked(databases: Value, path: &str, value: Value) -> Result<RecoveryPlan, Vec<String>> {
    let mut document = serde_json::to_value(plan::check(EXAMPLE.as_bytes()).unwrap()).unwrap();
    document.as_object_mut().unwrap().remove("home");
    document["databases"] = databases;
    if let Some((parent, field)) = path.rsplit_once('/') {
        let parent = document.pointer_mut(parent).unwrap();
        match value {
            Value::Null => drop(parent.as_object_mut().unwrap().remove(field)),
            value => parent[field] = value,
        }
    }
    plan::check(document.to_string().as_bytes()).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn one_of_each_kind_holds() {
    let plan = checked(json!([cluster(), table(), instance()]), "", Value::Null).unwrap();
    let kinds: Vec<RestoredKind> = plan
        .databases
        .iter()
        .filter_map(|database| match database {
            Database::RestoreFromBackup(restore) => Some(restore.restored_kind()),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, [RestoredKind::Cluster, RestoredKind::Table, RestoredKind::Instance]);
    let Some(Database::RestoreFromBackup(table)) = plan.databases.get(1) else { unreachable!() };
    assert_eq!(table.not_after().unwrap().to_string(), "2026-01-31T12:00:00Z");
    assert_eq!(table.timeout_seconds, 7200);
}

#[test]
fn what_could_not_be_restored_is_told_by_path() {
    let rows: [(&str, Value, &str); 19] = [
        ("/databases/0/resourceArn", json!(region("s3", "", "shop")), "must be the ARN of a DB instance"),
        ("/databases/0/resourceArn", json!(region("rds", PRIMARY, "cluster:")), "must be the ARN of a DB instance"),
        (
            "/databases/0/resourceArn",
            json!(region("rds", PRIMARY, "cluster-snapshot:x")),
            "must be the ARN of a DB instance",
        ),
        (
            "/databases/1/resourceArn",
            json!(region("dynamodb", PRIMARY, "table/orders/index/x")),
            "must be the ARN of a DB instance",
        ),
        (
            "/databases/0/resourceArn",
            json!(region("rds", RECOVERY, "cluster:shop")),
            "lies in ap-southeast-1, the original is in the primary Region ap-southeast-2",
        ),
        ("/databases/0/restoreRoleArn", json!(region("iam", "", "user/me")), "must be a role's ARN"),
        ("/databases/1/notAfter", json!("yesterday"), "must be a time such as 2026-01-31T12:00:00Z, is \"yesterday\""),
        ("/databases/0/restoredIdentifier", json!("x".repeat(64)), "must have at most 63 characters"),
        ("/databases/0/instances", Value::Null, "is missing: a restored cluster has no instance"),
        (
            "/databases/2/instances",
            json!([{"identifier": "a", "instanceClass": "db.t3.medium"}]),
            "must not be there: a restored DB instance has none",
        ),
        ("/databases/1/settings/subnetGroup", json!("subnets"), "is no setting of a table"),
        ("/databases/1/settings/parameterGroup", json!("params"), "is no setting of a table"),
        ("/databases/1/settings/securityGroupIds", json!(["sg-0a1b2c3d4e5f60003"]), "is no setting of a table"),
        ("/databases/1/settings/clusterParameterGroup", json!("params"), "is no setting of a table"),
        (
            "/databases/0/settings/kmsKeyId",
            json!(region("kms", PRIMARY, "key/1")),
            "lies in ap-southeast-2, not in the recovery Region ap-southeast-1",
        ),
        ("/databases/0/settings/kmsKeyId", json!("alias/shop"), "must be a key's id or ARN"),
        ("/databases/1/settings/kmsKeyId", json!("1234"), "must be the key's ARN"),
        ("/databases/1/restoredIdentifier", json!(""), "must not be empty"),
        ("/databases/0/settings/backupRetentionDays", json!(36), "must be at most 35"),
    ];
    for (path, value, expected) in rows {
        let problems = checked(json!([cluster(), table(), instance()]), path, value).unwrap_err();
        let [problem] = problems.as_slice() else { unreachable!("{path}: {problems:?}") };
        assert!(problem.starts_with(&format!("{path}: {expected}")), "{problem}");
    }
    let mut with_key = instance();
    with_key["settings"] = json!({"kmsKeyId": "1234", "clusterParameterGroup": "params"});
    assert_eq!(
        checked(json!([with_key]), "", Value::Null).unwrap_err(),
        [
            "/databases/0/settings/clusterParameterGroup: is no setting of a DB instance",
            "/databases/0/settings/kmsKeyId: cannot be chosen: RDS restores an instance with the key of its recovery point; copy the point \
             with that key",
        ]
    );
}

#[test]
fn two_restores_make_two_databases() {
    let (mut second, mut third) = (cluster(), instance());
    second["name"] = json!("db-2");
    second["restoredIdentifier"] = json!("Shop-Restored");
    // A DB instance may have the name of a cluster.
    third["restoredIdentifier"] = json!("shop-restored");
    assert_eq!(
        checked(json!([cluster(), second, third]), "", Value::Null).unwrap_err(),
        [
            "/databases/1/instances/0/identifier: \"shop-restored-1\" is taken by /databases/0/instances/0/identifier",
            "/databases/1/restoredIdentifier: \"DB cluster shop-restored\" is taken by /databases/0/restoredIdentifier",
        ]
    );
}

#[test]
fn restores_of_either_kind_make_databases_of_their_own() {
    let beside = json!({
        "kind": "restoreToPointInTime", "name": "carts", "resourceArn": region("dynamodb", RECOVERY, "table/carts"),
        "restoredIdentifier": "orders-restored",
    });
    assert_eq!(
        checked(json!([table(), beside]), "", Value::Null).unwrap_err(),
        ["/databases/1/restoredIdentifier: \"table orders-restored\" is taken by /databases/0/restoredIdentifier"]
    );
}

#[test]
fn a_restore_has_no_way_home() {
    let mut document = serde_json::to_value(plan::check(EXAMPLE.as_bytes()).unwrap()).unwrap();
    document["databases"] = json!([table()]);
    let problems = plan::check(document.to_string().as_bytes()).unwrap_err();
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(
        said.iter().any(|p| p.starts_with("/databases/0/kind: orders is restored, so the two Regions share no data")),
        "{said:?}"
    );
}
