//! What a restore loses: everything that was written from its recovery point's creation to the incident.

use pilot_testkit::fixture::restore::{self, VAULT};

use super::*;

/// A plan that restores, over the test kit's vault.
fn scene(policy: &str) -> Scene {
    let scene = Scene::of_plan(&restore::instance_plan_yaml(), policy, 0.0, Mode::Failover);
    Scene { world: restore::world(), ..scene }
}

#[test]
fn within_the_bounds_the_age_of_the_point_at_the_incident_is_the_loss() {
    let scene = scene("gate: automatic");
    assert_eq!(
        told(&scene.invoke(None, None)),
        "done: its promotion loses at most 40.0 s, 40.0 s for certain | done: passed within the plan's bounds"
    );
    let loss: DataLoss = serde_json::from_value(scene.evidence(&evidence_name("db")).unwrap()).unwrap();
    let created_at = fixture::incident_at() - SignedDuration::from_secs(restore::POINT_AGE_SECONDS);
    assert_eq!((loss.recovery_point_at, loss.rpo_seconds), (created_at, 40.0));
}

#[test]
fn a_point_that_is_too_old_or_none_at_all_is_refused_without_approvers() {
    for (points, says) in [
        (vec![("old", "COMPLETED", 61), ("partial", "PARTIAL", 1)], "would lose 61.0 to 61.0 seconds"),
        (vec![("partial", "PARTIAL", 1), ("expired", "EXPIRED", 2)], "cannot be told"),
    ] {
        let scene = scene("gate: automatic");
        scene.world.empty_vault(VAULT);
        for (name, status, age_seconds) in points {
            scene.world.put_recovery_point(VAULT, restore::point(name, status, restore::INSTANCE_ARN, age_seconds));
        }
        let failure = scene.invoke(None, None).unwrap_err();
        assert_eq!(failure.name, FailureName::DataLossTooHigh);
        assert!(failure.what.contains(says), "{failure}");
        assert!(scene.evidence(GATE).is_none());
    }
}

#[test]
fn a_person_accepts_in_numbers_what_a_restore_loses() {
    let scene = scene("gate: automatic, approvers: [ana]");
    scene.world.empty_vault(VAULT);
    scene.world.put_recovery_point(VAULT, restore::point("old", "COMPLETED", restore::INSTANCE_ARN, 3000));
    let wanted = scene.invoke(None, None).unwrap().approval.unwrap();
    assert_eq!(wanted.loss_seconds, Some(3000.0));
    let enough = json!({"decision": "approve", "approver": "ana", "acceptLossSeconds": 3000});
    assert!(told(&scene.invoke(None, Some(enough))).ends_with("accepting a loss of up to 3000 s"));
    assert!(scene.evidence(GATE).is_some());
}

#[test]
fn a_vault_that_cannot_be_seen_stops_the_run() {
    let scene = scene("gate: automatic");
    scene.world.empty_vault(VAULT);
    let failure = scene.invoke(None, None).unwrap_err();
    assert_eq!(failure.name, FailureName::AwsRefused);
    assert!(failure.what.contains("backup:ListRecoveryPointsByBackupVault"), "{failure}");
    assert!(scene.evidence(GATE).is_none());
}

#[test]
fn nothing_planned_goes_by_a_restore() {
    let yaml = restore::instance_plan_yaml();
    let scene = Scene { world: restore::world(), ..Scene::of_plan(&yaml, "gate: automatic", 0.0, Mode::Switchover) };
    let failure = scene.invoke(None, None).unwrap_err();
    assert_eq!(failure.name, FailureName::NotCaughtUp);
    assert!(failure.what.contains("a planned run loses nothing"), "{failure}");
    assert!(scene.evidence(GATE).is_none());
}
