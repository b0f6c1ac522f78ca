use proptest::prelude::*;

use super::*;
use crate::plan::{RestoredKind, RestoredSettings};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_769_904_000 + second).unwrap()
}

fn point(name: &str, status: &str, second: i64) -> RecoveryPointSeen {
    RecoveryPointSeen { arn: name.into(), status: status.into(), created_at: at(second) }
}

#[test]
fn the_newest_completed_point_in_time_is_taken() {
    let points = [
        point("old", "COMPLETED", 100),
        point("expired", "EXPIRED", 400),
        point("newest", "COMPLETED", 300),
        point("partial", "PARTIAL", 500),
        point("continuous", "AVAILABLE", 600),
        point("creating", "CREATING", 700),
    ];
    let cases = [
        (None, Ok("newest")),
        (Some(300), Ok("newest")),
        (Some(299), Ok("old")),
        (Some(100), Ok("old")),
        (
            Some(99),
            Err(
                "the vault has no completed recovery point of it at or before 2026-02-01T00:01:39Z; it has 1 AVAILABLE, \
                 2 COMPLETED, 1 CREATING, 1 EXPIRED, 1 PARTIAL",
            ),
        ),
    ];
    for (limit, expected) in cases {
        let chosen = choose(&points, limit.map(at)).map(|point| point.arn.as_str());
        assert_eq!(chosen, expected.map_err(str::to_owned), "{limit:?}");
    }
    assert_eq!(choose(&[], None).unwrap_err(), "the vault has no completed recovery point of it; it has none at all");
}

const SETTINGS: &RestoredSettings = &RestoredSettings {
    subnet_group: None,
    cluster_parameter_group: None,
    parameter_group: None,
    security_group_ids: Vec::new(),
    backup_retention_days: None,
    deletion_protection: None,
    kms_key_id: None,
    tags: BTreeMap::new(),
};

fn made() -> RestoredObserved {
    RestoredObserved {
        arn: "arn:restored".into(),
        status: "available".into(),
        engine: None,
        settings: RestoredSettings::default(),
        pending_reboot: false,
        cluster: None,
    }
}

fn job(status: &str, completed_at: Option<i64>) -> RestoreJobObserved {
    RestoreJobObserved {
        status: status.into(),
        message: Some("it said so".into()),
        percent_done: None,
        created_arn: None,
        completed_at: completed_at.map(at),
    }
}

fn line(decision: &Decision) -> String {
    match decision {
        Decision::Start(point) => format!("START {}", point.arn),
        Decision::AskAgain => "ASK AGAIN".into(),
        Decision::StartAnew { spent_job_id } => format!("START ANEW after {spent_job_id}"),
        Decision::Next(Next::Done) => "done".into(),
        Decision::Next(Next::Wait { reason, after_seconds }) => format!("wait {after_seconds} s: {reason}"),
        Decision::Next(Next::Fail(failure)) => format!("fail {}: {}; {}", failure.name, failure.what, failure.now_true),
        Decision::Next(other) => format!("{other:?}"),
    }
}

fn decided(begun: &Begun<'_>, made: Option<&RestoredObserved>, now: i64) -> String {
    let wanted =
        Wanted { kind: RestoredKind::Instance, identifier: "shop-restored", instances: &[], settings: SETTINGS };
    line(&decide(&wanted, begun, made, &[], Times { now: at(now), step_started_at: at(1000) }))
}

#[test]
fn a_restore_begins_only_where_nothing_is_and_something_can_be_restored() {
    let points = [point("a", "COMPLETED", 1)];
    let begun = |points| Begun::Not { points, not_after: None };
    assert_eq!(decided(&begun(&points), None, 1000), "START a");
    assert_eq!(
        decided(&begun(&points), Some(&made()), 1000),
        "fail PromotionRefused: there is a DB instance of that name already, and this run did not make it; nothing was restored; the \
         original and its recovery points are as they were"
    );
    assert_eq!(
        decided(&begun(&[]), None, 1000),
        "fail PromotionFailed: the vault has no completed recovery point of it; it has none at all; nothing was restored; the original \
         and its recovery points are as they were"
    );
    // A lost answer is asked for again whatever is there: the token hands the same job back.
    assert_eq!(decided(&Begun::Unanswered, None, 1000), "ASK AGAIN");
    assert_eq!(decided(&Begun::Unanswered, Some(&made()), 1000), "ASK AGAIN");
}

#[test]
fn a_job_is_followed_to_its_end() {
    let here = Some(made());
    type Case = (Option<RestoreJobObserved>, Option<RestoredObserved>, i64, &'static str);
    let untouched = "; nothing was restored; the original and its recovery points are as they were";
    let cases: Vec<Case> = vec![
        (None, None, 1180, "wait 2 s: restore job j was accepted and does not show yet"),
        (None, None, 1181, "fail PromotionFailed: AWS Backup knows no restore job j, 181 seconds after it accepted it"),
        (Some(job("PENDING", None)), None, 1000, "wait 3 s: restore job j is `PENDING`"),
        (Some(job("RUNNING", None)), None, 1200, "wait 10 s: restore job j is `RUNNING`"),
        // An instance may be there long before its job is through.
        (Some(job("RUNNING", None)), here.clone(), 9000, "wait 30 s: restore job j is `RUNNING`"),
        (Some(job("A NEW WORD", None)), None, 1000, "wait 3 s: restore job j is `A NEW WORD`"),
        (Some(job("COMPLETED", Some(1100))), here.clone(), 1110, "done"),
        (
            Some(job("COMPLETED", Some(1100))),
            None,
            1280,
            "wait 3 s: restore job j is through, shop-restored does not show yet",
        ),
        (
            Some(job("COMPLETED", Some(1100))),
            None,
            1281,
            "fail PromotionFailed: restore job j made it 181 seconds ago, and it is not there: it was deleted; there is no restored database",
        ),
        (Some(job("COMPLETED", Some(900))), None, 1281, "START ANEW after j"),
        (Some(job("FAILED", Some(1100))), None, 1110, "fail PromotionFailed: restore job j is `FAILED`: it said so"),
        (Some(job("ABORTED", Some(1100))), None, 1110, "fail PromotionFailed: restore job j is `ABORTED`: it said so"),
        // It failed before this step was entered: the run goes forward again, or a person goes on with it.
        (Some(job("FAILED", Some(999))), None, 1000, "START ANEW after j"),
        (
            Some(job("FAILED", Some(999))),
            here,
            1000,
            "fail PromotionFailed: restore job j is `FAILED`: it said so; arn:restored is there, `available`, left by the job",
        ),
    ];
    for (job, made, now, expected) in cases {
        let begun = Begun::Accepted { job_id: "j", at: at(1000), job: job.as_ref() };
        let expected = match expected.starts_with("fail") && !expected.contains("; ") {
            true => format!("{expected}{untouched}"),
            false => expected.to_owned(),
        };
        assert_eq!(decided(&begun, made.as_ref(), now), expected);
    }
}

#[test]
fn the_loss_reaches_from_the_points_creation_to_the_incident() {
    let taken = point("a", "COMPLETED", 100);
    let loss_at = |incident: i64, healthy: Option<i64>| loss(&taken, at(incident), healthy.map(at));
    let plain = loss_at(1900, None);
    assert_eq!((plain.recovery_point_at, plain.rpo_seconds, plain.certain_seconds()), (at(100), 1800.0, 1800.0));
    // Nobody looked for 60 seconds: so much of it is not loss but not knowing.
    let unseen = loss_at(1900, Some(1840));
    assert_eq!((unseen.rpo_seconds, unseen.doubt_seconds, unseen.certain_seconds()), (1800.0, 60.0, 1740.0));
    // Not knowing excuses no more than it does for a replica.
    assert_eq!(loss_at(1900, Some(0)).certain_seconds(), 1650.0);
    // A point that was made after the incident loses nothing.
    assert_eq!((loss_at(50, None).rpo_seconds, loss_at(50, None).certain_seconds()), (0.0, 0.0));
}

fn points() -> impl Strategy<Value = Vec<RecoveryPointSeen>> {
    let status = prop_oneof![Just("COMPLETED"), Just("PARTIAL"), Just("EXPIRED"), Just("AVAILABLE"), Just("STOPPED")];
    let one = ("[a-c]", status, 0_i64..20).prop_map(|(name, status, second)| point(&name, status, second));
    proptest::collection::vec(one, 0..8)
}

proptest! {
    /// Never an unusable or a later one, never an older one than there is, and none only where there is none.
    #[test]
    fn no_better_point_is_left_in_the_vault(points in points(), limit in proptest::option::of(0_i64..20)) {
        let limit = limit.map(at);
        let usable = |p: &&RecoveryPointSeen| p.status == "COMPLETED" && limit.is_none_or(|limit| p.created_at <= limit);
        let newest = points.iter().filter(usable).map(|p| p.created_at).max();
        let chosen = choose(&points, limit);
        prop_assert_eq!(chosen.as_ref().ok().map(|p| p.created_at), newest);
        if let Ok(chosen) = chosen {
            prop_assert!(usable(&chosen));
            let mut turned = points.clone();
            turned.reverse();
            prop_assert_eq!(choose(&turned, limit), Ok(chosen), "the order of the pages decides nothing");
        }
    }

    /// Whatever there is, no second restore is begun while the first may be on its way or has made something.
    #[test]
    fn one_restore_at_a_time(
        status in prop_oneof![Just("PENDING"), Just("RUNNING"), Just("COMPLETED"), Just("FAILED"), Just("ABORTED"), Just("?")],
        completed in proptest::option::of(0_i64..3000),
        there in any::<bool>(),
        now in 1000_i64..3000,
    ) {
        let ended = matches!(status, "COMPLETED" | "FAILED" | "ABORTED");
        let job = job(status, completed.filter(|_| ended));
        let begun = Begun::Accepted { job_id: "j", at: at(1000), job: Some(&job) };
        let wanted = Wanted { kind: RestoredKind::Table, identifier: "t", instances: &[], settings: SETTINGS };
        let made = there.then(|| RestoredObserved { status: "ACTIVE".into(), ..made() });
        let decision = decide(&wanted, &begun, made.as_ref(), &[], Times { now: at(now), step_started_at: at(1000) });
        prop_assert!(!matches!(decision, Decision::Start(_) | Decision::AskAgain));
        if let Decision::StartAnew { .. } = decision {
            prop_assert!(ended && !there && completed.is_some_and(|at| at < 1000));
        }
        if let Decision::Next(Next::Done) = decision {
            prop_assert!(there && status == "COMPLETED");
        }
    }
}
