use super::*;
use crate::observed::RestorableWindow;
use crate::plan::RestoredSettings;

fn at(text: &str) -> Timestamp {
    format!("2026-02-01T{text}Z").parse().unwrap()
}

fn component() -> RestoreToPointInTime {
    RestoreToPointInTime {
        name: "carts".into(),
        wave: 1,
        resource_arn: "arn:aws:dynamodb:us-east-1:111122223333:table/carts".into(),
        restored_identifier: "carts-restored".into(),
        restore_to: None,
        instances: Vec::new(),
        settings: RestoredSettings::default(),
        timeout_seconds: 7200,
    }
}

fn restorable() -> RestorableObserved {
    RestorableObserved { window: Some(RestorableWindow { earliest: at("06:00:00"), latest: at("11:55:00") }) }
}

fn made() -> RestoredObserved {
    RestoredObserved {
        arn: "arn:aws:dynamodb:us-east-1:111122223333:table/carts-restored".into(),
        status: "ACTIVE".into(),
        engine: None,
        settings: RestoredSettings::default(),
        pending_reboot: false,
        cluster: None,
    }
}

#[test]
fn what_can_be_restored_is_ready_and_what_cannot_says_what_to_mend() {
    let problem = |text: &str| Readiness::Problem(text.into());
    let there = "carts-restored: a table of that name is there already; name another restoredIdentifier, or take that one out of the way";
    let off = RestorableObserved { window: None };
    let (restorable, made) = (restorable(), made());
    let rows = [
        (Some(&restorable), None, false, Readiness::Ready("carts can be restored to 2026-02-01T11:55:00Z".into())),
        (Some(&restorable), Some(&made), false, problem(there)),
        (Some(&restorable), Some(&made), true, Readiness::Ready("carts-restored is there, made by this run".into())),
        (
            Some(&off),
            None,
            false,
            problem(
                "the table carts keeps no points in time; switch point-in-time recovery on; until it has run nothing can be restored",
            ),
        ),
        (None, None, false, problem("the Region has no table carts; correct resourceArn in the plan")),
    ];
    for (original, made, ours, expected) in rows {
        assert_eq!(restore(&component(), original, made, &[], ours), expected);
    }
    let instance = ["carts-1".to_owned()];
    let found = restore(&component(), Some(&restorable), None, &instance, false);
    assert!(
        matches!(&found, Readiness::Problem(text) if text.starts_with("carts-1: a DB instance of that name")),
        "{found:?}"
    );
}

#[test]
fn points_that_are_too_old_are_told_while_all_is_well() {
    let now = at("12:00:00");
    assert!(young_enough(&component(), Some(&restorable()), 300, now).is_ok());
    assert_eq!(
        young_enough(&component(), Some(&restorable()), 299, now),
        Err("carts: the latest restorable time is 300 seconds ago, the plan allows a loss of 299; see what holds its backups back, or \
             raise policy.maxDataLossSeconds"
            .into())
    );
    let named = RestoreToPointInTime { restore_to: Some("2026-02-01T07:00:00Z".into()), ..component() };
    assert!(young_enough(&named, Some(&restorable()), 60, now).is_ok());
}
