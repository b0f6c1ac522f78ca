use serde_json::json;

use super::*;

const POINT: &str = "arn:aws:rds:ap-southeast-1:111122223333:snapshot:awsbackup:job-1";

#[test]
fn every_documented_state_of_every_subject_has_its_standing() {
    use Standing::{Completed, Deleted, Failed, Underway};
    let cases: &[(&str, &str, &str, Standing)] = &[
        ("Backup Job State Change", "state", "CREATED", Underway),
        ("Backup Job State Change", "state", "PENDING", Underway),
        ("Backup Job State Change", "state", "RUNNING", Underway),
        ("Backup Job State Change", "state", "ABORTING", Underway),
        ("Backup Job State Change", "state", "ABORTED", Failed),
        ("Backup Job State Change", "state", "COMPLETED", Completed),
        ("Backup Job State Change", "state", "FAILED", Failed),
        ("Backup Job State Change", "state", "EXPIRED", Failed),
        ("Backup Job State Change", "state", "PARTIAL", Failed),
        ("Copy Job State Change", "state", "CREATED", Underway),
        ("Copy Job State Change", "state", "RUNNING", Underway),
        ("Copy Job State Change", "state", "COMPLETED", Completed),
        ("Copy Job State Change", "state", "FAILED", Failed),
        ("Copy Job State Change", "state", "PARTIAL", Failed),
        ("Restore Job State Change", "state", "CREATED", Underway),
        ("Restore Job State Change", "status", "PENDING", Underway),
        ("Restore Job State Change", "status", "RUNNING", Underway),
        ("Restore Job State Change", "status", "COMPLETED", Completed),
        ("Restore Job State Change", "status", "ABORTED", Failed),
        ("Restore Job State Change", "status", "FAILED", Failed),
        ("Recovery Point State Change", "status", "COMPLETED", Completed),
        ("Recovery Point State Change", "status", "PARTIAL", Failed),
        ("Recovery Point State Change", "status", "EXPIRED", Failed),
        ("Recovery Point State Change", "status", "STOPPED", Failed),
        ("Recovery Point State Change", "status", "AVAILABLE", Underway),
        ("Recovery Point State Change", "status", "CREATING", Underway),
        ("Recovery Point State Change", "status", "DELETING", Deleted),
        ("Recovery Point State Change", "status", "DELETED", Deleted),
    ];
    for (detail_type, field, state, standing) in cases {
        let news = read(detail_type, &[], &json!({ *field: state })).unwrap();
        assert_eq!(news.standing, *standing, "{detail_type} {state}");
        assert_eq!(notice(&news).is_some(), *standing == Failed, "{detail_type} {state}");
    }
}

#[test]
fn what_it_does_not_know_is_refused_in_words() {
    let cases = [
        ("Backup Vault State Change", json!({"state": "CREATED"}), "detail-type"),
        ("Backup Job State Change", json!({"status": "COMPLETED"}), "without detail.state"),
        ("Recovery Point State Change", json!({"state": "COMPLETED"}), "without detail.status"),
        ("Restore Job State Change", json!({}), "without detail.status or detail.state"),
        ("Backup Job State Change", json!({"state": {}}), "without detail.state"),
        ("Backup Job State Change", json!({"state": "VANISHED"}), "\"VANISHED\" is not one it knows"),
        ("Backup Job State Change", json!("COMPLETED"), "without detail.state"),
    ];
    for (detail_type, detail, expected) in cases {
        let error = read(detail_type, &[], &detail).unwrap_err();
        assert!(error.contains(expected), "{detail_type} {detail}: {error}");
    }
}

#[test]
fn completed_with_a_message_is_completed_with_issues() {
    let news = read(
        "Backup Job State Change",
        &[POINT.into()],
        &json!({"state": "COMPLETED", "statusMessage": "3 of 5 tables", "backupJobId": "job-1"}),
    )
    .unwrap();
    assert_eq!(news.standing, Standing::CompletedWithIssues);
    assert!(notice(&news).unwrap().message.contains("3 of 5 tables"));
    let news = read("Backup Job State Change", &[], &json!({"state": "COMPLETED", "statusMessage": ""})).unwrap();
    assert_eq!(news.standing, Standing::Completed);
}

#[test]
fn fields_are_read_as_each_event_writes_them() {
    let backup = json!({"state": "COMPLETED", "backupSizeInBytes": "2048", "backupVaultName": "shop-vault"});
    let backup = read("Backup Job State Change", &[POINT.into()], &backup).unwrap();
    assert_eq!(backup.size_bytes, Some(2048));
    assert_eq!(backup.recovery_point_arn.as_deref(), Some(POINT));
    assert_eq!(backup.vault_name.as_deref(), Some("shop-vault"));

    // Before it is completed, `resources` names what is backed up.
    let running = read("Backup Job State Change", &["arn:aws:rds:r:a:db:shop".into()], &json!({"state": "RUNNING"}));
    assert_eq!(running.unwrap().recovery_point_arn, None);

    let vault = "arn:aws:backup:ap-southeast-1:111122223333:backup-vault:shop-vault";
    let copy = |arn: Value, state: &str| {
        let detail = json!({
            "copyJobId": "copy-1", "state": state, "backupSizeInBytes": 4096, "destinationRecoveryPointArn": arn,
            "destinationBackupVaultArn": vault,
        });
        read("Copy Job State Change", &[], &detail).unwrap()
    };
    assert_eq!(copy(json!({}), "RUNNING").recovery_point_arn, None);
    let completed = copy(json!(POINT), "COMPLETED");
    assert_eq!(completed.recovery_point_arn.as_deref(), Some(POINT));
    assert_eq!((completed.size_bytes, completed.vault_name.as_deref()), (Some(4096), Some("shop-vault")));

    let restore = json!({"status": "FAILED", "restoreJobId": "r-1", "restoreTestingPlanArn": "arn:plan"});
    let restore = read("Restore Job State Change", &[], &restore).unwrap();
    assert_eq!(restore.restore_testing_plan_arn.as_deref(), Some("arn:plan"));
}

#[test]
fn a_target_stands_by_its_newest_completed_recovery_point() {
    let target = BackupTarget {
        name: "shop-db".into(),
        vault_name: "shop-vault".into(),
        resource_arn: "arn:aws:rds:ap-southeast-1:111122223333:db:shop-db-replica".into(),
        max_age_seconds: 3600,
    };
    let now = Timestamp::from_second(1_000_000).unwrap();
    let point = |arn: &str, status: &str, age_seconds: i64| RecoveryPointSeen {
        arn: arn.into(),
        status: status.into(),
        created_at: Timestamp::from_second(1_000_000 - age_seconds).unwrap(),
    };
    let within = |arn: &str, age_seconds| TargetStanding::Within { arn: arn.into(), age_seconds };
    let too_old = |arn: &str, age_seconds| TargetStanding::TooOld { arn: arn.into(), age_seconds };
    let cases = [
        (vec![], TargetStanding::Nothing),
        (vec![point("a", "PARTIAL", 10), point("b", "EXPIRED", 20)], TargetStanding::Nothing),
        (vec![point("a", "COMPLETED", 3600)], within("a", 3600)),
        (vec![point("a", "COMPLETED", 3601)], too_old("a", 3601)),
        (vec![point("a", "COMPLETED", 9000), point("b", "COMPLETED", 60)], within("b", 60)),
        (vec![point("a", "COMPLETED", 9000), point("b", "PARTIAL", 60)], too_old("a", 9000)),
        (vec![point("a", "COMPLETED", -30)], within("a", 0)),
    ];
    for (points, expected) in cases {
        let standing = judge_target(&target, &points, now);
        assert_eq!(standing, expected, "{points:?}");
        let is_within = matches!(standing, TargetStanding::Within { .. });
        assert_eq!(target_notice("shop", &target, &standing).is_none(), is_within);
    }
}
