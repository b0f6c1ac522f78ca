use proptest::prelude::*;

use super::*;
use crate::plan::{RestoredInstance, RestoredSettings};

fn at(text: &str) -> Timestamp {
    format!("2026-02-01T{text}Z").parse().unwrap()
}

fn component(restore_to: Option<&str>) -> RestoreToPointInTime {
    RestoreToPointInTime {
        name: "orders".into(),
        wave: 1,
        resource_arn: "arn:aws:rds:us-east-1:111122223333:cluster:orders".into(),
        restored_identifier: "orders-restored".into(),
        restore_to: restore_to.map(|text| at(text).to_string()),
        instances: vec![RestoredInstance {
            identifier: "orders-restored-1".into(),
            instance_class: "db.r6g.large".into(),
        }],
        settings: RestoredSettings::default(),
        timeout_seconds: 7200,
    }
}

fn restorable() -> RestorableObserved {
    RestorableObserved { window: Some(RestorableWindow { earliest: at("06:00:00"), latest: at("11:56:00") }) }
}

fn made(status: &str) -> RestoredObserved {
    RestoredObserved {
        arn: "arn:aws:rds:us-east-1:111122223333:cluster:orders-restored".into(),
        status: status.into(),
        engine: Some("aurora-postgresql".into()),
        settings: RestoredSettings::default(),
        pending_reboot: false,
        cluster: None,
    }
}

fn line(decision: Decision) -> String {
    match decision {
        Decision::Restore(point) => format!("restore to {}", point.at()),
        Decision::AskAgain => "ask again".into(),
        Decision::Next(Next::Wait { reason, .. }) => format!("wait: {reason}"),
        Decision::Next(Next::Fail(failure)) => format!("{}: {}", failure.name.as_str(), failure.what),
        Decision::Next(other) => format!("{other:?}"),
    }
}

#[test]
fn the_point_is_the_plans_or_the_latest_within_what_is_kept() {
    let off = RestorableObserved { window: None };
    let rows = [
        (None, Some(restorable()), "restore to 2026-02-01T11:56:00Z"),
        (Some("09:30:00"), Some(restorable()), "restore to 2026-02-01T09:30:00Z"),
        (Some("06:00:00"), Some(restorable()), "restore to 2026-02-01T06:00:00Z"),
        (
            Some("05:59:59"),
            Some(restorable()),
            "PromotionFailed: orders can be restored to 2026-02-01T06:00:00Z and later, not to 2026-02-01T05:59:59Z",
        ),
        (
            Some("11:56:01"),
            Some(restorable()),
            "wait: orders can be restored up to 2026-02-01T11:56:00Z so far, not yet to 2026-02-01T11:56:01Z",
        ),
        (None, Some(off), "PromotionFailed: the DB cluster orders keeps no points in time"),
        (None, None, "PromotionFailed: the Region has no DB cluster orders"),
    ];
    for (restore_to, original, expected) in rows {
        assert_eq!(line(decide(&component(restore_to), Begun::Not, original.as_ref(), None, &[])), expected);
    }
}

#[test]
fn a_restore_is_asked_for_once_and_then_looked_at() {
    let (there, creating) = (made("available"), made("creating"));
    let rows = [
        (
            Begun::Accepted { seconds_ago: 5 },
            None,
            "wait: the restore was accepted, and orders-restored is not to be seen yet",
        ),
        (Begun::Accepted { seconds_ago: 9 }, Some(&creating), "wait: orders-restored is `creating`"),
        (Begun::Accepted { seconds_ago: 90 }, Some(&there), "CreateInstance(0)"),
        (
            Begun::Accepted { seconds_ago: 181 },
            None,
            "PromotionFailed: 181 seconds after the restore was accepted there is no such DB cluster",
        ),
        (
            Begun::Unanswered { seconds_ago: 60 },
            None,
            "wait: the restore was asked for, its answer was lost, and it is not to be seen yet",
        ),
        (Begun::Unanswered { seconds_ago: 61 }, None, "ask again"),
        (Begun::Unanswered { seconds_ago: 61 }, Some(&there), "CreateInstance(0)"),
        (
            Begun::Not,
            Some(&there),
            "PromotionRefused: a DB cluster of that name is there already, and this run did not make it",
        ),
    ];
    for (begun, made, expected) in rows {
        assert_eq!(line(decide(&component(None), begun, Some(&restorable()), made, &[None])), expected, "{begun:?}");
    }
}

#[test]
fn the_loss_is_what_was_written_between_the_point_and_the_incident() {
    let incident = at("12:00:00");
    let rows = [
        // Point, last seen healthy: the bound, what is certain.
        (Point::Latest(at("11:56:00")), None, (240.0, 240.0)),
        (Point::Latest(at("11:56:00")), Some(at("11:59:00")), (240.0, 180.0)),
        (Point::At(at("09:00:00")), None, (10_800.0, 10_800.0)),
        // Kept beyond the incident: nothing of before it is lost.
        (Point::Latest(at("12:03:00")), None, (0.0, 0.0)),
    ];
    for (point, last_healthy_at, (bound, certain)) in rows {
        let loss = loss(point, incident, last_healthy_at);
        assert_eq!((loss.rpo_seconds, loss.certain_seconds()), (bound, certain), "{point:?}");
        assert_eq!(loss.recovery_point_at, point.at());
    }
}

proptest! {
    #[test]
    fn nothing_is_restored_over_what_is_there_or_outside_of_what_is_kept(
        to_minute in prop::option::of(0..1200_i64), status in prop::sample::select(vec!["available", "creating", "deleting"]),
        is_there: bool,
    ) {
        let text = to_minute.map(|minute| format!("{:02}:{:02}:00", minute / 60, minute % 60));
        let made = is_there.then(|| made(status));
        let decision = decide(&component(text.as_deref()), Begun::Not, Some(&restorable()), made.as_ref(), &[None]);
        if let Decision::Restore(point) = decision {
            prop_assert!(!is_there && point.at() >= at("06:00:00") && point.at() <= at("11:56:00"));
        }
    }
}
