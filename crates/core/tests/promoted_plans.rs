//! Checking what a plan says of a promoted database: what is refused, by which words.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use pilot_core::plan::{self, Database, RecoveryPlan};
use serde_json::{Value, json};

const REPLICA: &str = include_str!("../../../examples/plans/pilot-light.yaml");
const AURORA: &str = include_str!("../../../examples/plans/payments.yaml");

/// The example with these settings of its database, and no way home.
fn checked(example: &str, field: &str, settings: Value) -> Result<RecoveryPlan, Vec<String>> {
    let mut document = serde_json::to_value(plan::check(example.as_bytes()).unwrap()).unwrap();
    document.as_object_mut().unwrap().remove("home");
    let database = document["databases"][0].as_object_mut().unwrap();
    database.remove("promotedSettings");
    database.remove("homeSettings");
    database.insert(field.into(), settings);
    plan::check(document.to_string().as_bytes()).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn the_examples_state_both_sides_and_a_failback_swaps_them() {
    for example in [REPLICA, AURORA] {
        let plan = plan::check(example.as_bytes()).unwrap();
        let mirror = plan.mirrored().unwrap();
        let sides = |plan: &RecoveryPlan| match &plan.databases[0] {
            Database::RdsReadReplica(c) => (c.promoted_settings.clone(), c.home_settings.clone()),
            Database::AuroraGlobalCluster(c) => (c.promoted_settings.clone(), c.home_settings.clone()),
            other => panic!("{other:?}"),
        };
        let (promoted, home) = sides(&plan);
        assert!(!promoted.is_empty() && promoted != home);
        assert_eq!(sides(&mirror), (home, promoted));
    }
}

#[test]
fn what_a_promotion_cannot_change_or_takes_elsewhere_is_refused() {
    let key = "arn:aws:kms:us-east-2:111122223333:key/1";
    let cases = [
        (REPLICA, json!({"subnetGroup": "s"}), "subnetGroup: cannot be changed by a promotion"),
        (AURORA, json!({"subnetGroup": "s"}), "subnetGroup: cannot be changed by a promotion"),
        (REPLICA, json!({"kmsKeyId": key}), "kmsKeyId: cannot be changed by a promotion"),
        (AURORA, json!({"kmsKeyId": key}), "kmsKeyId: cannot be changed by a promotion"),
        (REPLICA, json!({"backupRetentionDays": 7}), "backupRetentionDays: is said beside it"),
        (REPLICA, json!({"clusterParameterGroup": "p"}), "clusterParameterGroup: is no setting of a DB instance"),
    ];
    for (example, settings, expected) in cases {
        for field in ["promotedSettings", "homeSettings"] {
            let problems = checked(example, field, settings.clone()).unwrap_err();
            let [problem] = problems.as_slice() else { panic!("{problems:?}") };
            assert!(problem.starts_with(&format!("/databases/0/{field}/{expected}")), "{problem}");
        }
    }
    assert!(checked(AURORA, "promotedSettings", json!({"backupRetentionDays": 7})).is_ok());
}
