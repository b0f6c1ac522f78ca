use super::*;
use crate::plan::RestoredSettings;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_769_904_000 + second).unwrap()
}

fn component(not_after: Option<&str>) -> RestoreFromBackup {
    RestoreFromBackup {
        name: "db".into(),
        wave: 1,
        resource_arn: "arn:aws:rds:us-east-1:111122223333:db:shop".into(),
        vault_name: "vault".into(),
        restore_role_arn: "arn:aws:iam::111122223333:role/restore".into(),
        restored_identifier: "shop-restored".into(),
        not_after: not_after.map(str::to_owned),
        instances: Vec::new(),
        settings: RestoredSettings::default(),
        timeout_seconds: 600,
    }
}

fn point(status: &str, second: i64) -> RecoveryPointSeen {
    RecoveryPointSeen { arn: format!("arn:point-{second}"), status: status.into(), created_at: at(second) }
}

fn made() -> RestoredObserved {
    RestoredObserved {
        arn: "arn:aws:rds:us-west-2:111122223333:db:shop-restored".into(),
        status: "available".into(),
        engine: None,
        settings: RestoredSettings::default(),
        pending_reboot: false,
        cluster: None,
    }
}

#[test]
fn a_restore_wants_a_usable_point_and_a_free_place() {
    let seen = |points: &[RecoveryPointSeen], made: Option<RestoredObserved>, instances: &[&str]| Seen {
        points: points.to_vec(),
        made,
        instances: instances.iter().map(|id| (*id).to_owned()).collect(),
    };
    let points = [point("COMPLETED", 0), point("PARTIAL", 9)];
    let ready = Readiness::Ready("arn:point-0 of 2026-02-01T00:00:00Z can be restored as shop-restored".into());
    let problem = |text: &str| Readiness::Problem(text.into());
    let rows = [
        (seen(&points, None, &[]), false, ready),
        (
            seen(&points[1..], None, &[]),
            false,
            problem(
                "vault: the vault has no completed recovery point of it; it has 1 PARTIAL (arn:aws:rds:us-east-1:111122223333:db:shop); back \
                 it up and copy it to the vault, or correct vaultName, resourceArn or notAfter",
            ),
        ),
        (
            seen(&points, Some(made()), &[]),
            false,
            problem(
                "shop-restored: arn:aws:rds:us-west-2:111122223333:db:shop-restored is there already, and a restore makes a new one; name \
                 another restoredIdentifier, or take it out of the way",
            ),
        ),
        (
            seen(&points, None, &["shop-restored-1"]),
            false,
            problem(
                "shop-restored: a DB instance shop-restored-1 is there already; name another in instances, or take it out of the way",
            ),
        ),
        // What this run made itself does not stand in its way, nor does a recovery point that went since.
        (
            seen(&[], Some(made()), &["shop-restored-1"]),
            true,
            Readiness::Ready("this run's restore to shop-restored was begun before: it is gone on with".into()),
        ),
    ];
    for (seen, ours, expected) in rows {
        assert_eq!(restore(&component(None), &seen, ours), expected);
    }
}

#[test]
fn a_point_that_is_too_old_is_told_while_the_primary_is_well() {
    let points = [point("COMPLETED", 0), point("EXPIRED", 3000)];
    let young = |not_after, max, now| young_enough(&component(not_after), &points, max, at(now));
    assert_eq!(young(None, 3600, 3600), Ok("the newest usable recovery point arn:point-0 is 3600 seconds old".into()));
    assert_eq!(
        young(None, 3600, 3601),
        Err("vault: the newest usable recovery point arn:point-0 is 3601 seconds old, the plan allows a loss of 3600 seconds \
             (policy.maxDataLossSeconds); back it up more often"
            .into())
    );
    assert!(young(Some("2026-02-01T00:00:00Z"), 1, 9999).is_ok(), "a plan for one incident has no age");
    assert!(young(Some("2026-01-31T23:59:59Z"), 1, 9999).unwrap_err().contains("no completed recovery point"));
    assert!(young(None, 60, -50).unwrap().ends_with("0 seconds old"), "clocks of two services differ");
}
