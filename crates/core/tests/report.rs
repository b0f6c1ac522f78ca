//! The report of a run, as a snapshot that reads as a report, and what its figures may and may not say.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use pilot_core::contract::{
    Assessment, CaughtError, ComponentProgress, Mode, Outcome, Status, Step, Trigger, TriggerKind,
};
use pilot_core::journal::{Action, Entry, EntryOutcome, StepRecord};
use pilot_core::plan::RecoveryPlan;
use pilot_core::report::{Facts, Report, ReportPlan, build};
use pilot_core::{Failure, FailureName, plan};
use serde_json::json;

const PLAN: &[u8] = include_bytes!("../../../examples/plans/pilot-light.yaml");

fn at(time: &str) -> Timestamp {
    format!("2026-02-01T00:{time}Z").parse().unwrap()
}

fn document() -> RecoveryPlan {
    plan::check(PLAN).unwrap()
}

fn assessment() -> Assessment {
    Assessment {
        incident_at: at("00:00"),
        last_healthy_at: Some(at("00:00").checked_sub(jiff::SignedDuration::from_secs(5)).unwrap()),
        decided_at: at("00:45"),
    }
}

fn step(name: Step, from: &str, to: &str, component: &str, detail: &str) -> StepRecord {
    let component = ComponentProgress { name: component.into(), status: Status::Done, detail: detail.into() };
    StepRecord {
        name,
        started_at: at(from),
        ended_at: Some(at(to)),
        outcome: Status::Done,
        components: vec![component],
        error: None,
    }
}

fn promotion(outcome: Option<EntryOutcome>) -> Entry {
    Entry {
        step: Step::PromoteData,
        component: "shop-db".into(),
        action: Action::PromoteReadReplica,
        resource: "shop-db-replica".into(),
        intent_at: at("00:47"),
        generation: 3,
        irreversible: true,
        before: json!({"source": "arn:aws:rds:ap-southeast-2:111122223333:db:shop-db"}),
        outcome,
        undone_at: None,
        adopted_from: None,
    }
}

fn accepted() -> Option<EntryOutcome> {
    Some(EntryOutcome::Accepted { at: at("00:48"), detail: "promoting".into() })
}

fn not_done() -> Option<EntryOutcome> {
    Some(EntryOutcome::NotDone { at: at("00:48"), detail: "refused with InvalidDBInstanceState: backing-up".into() })
}

fn resize() -> Entry {
    Entry {
        step: Step::ScaleCompute,
        component: "web".into(),
        action: Action::ResizeGroup,
        resource: "shop-app".into(),
        irreversible: false,
        before: json!({"min": 0, "max": 0, "desired": 0}),
        ..promotion(accepted())
    }
}

/// A run that began, by an alarm, a second after the primary was seen failing, and has no error.
fn facts(document: &RecoveryPlan) -> Facts<'_> {
    Facts {
        run_id: "run-1".into(),
        execution_arn: "arn:aws:states:ap-southeast-1:111122223333:execution:pilot-light:run-1".into(),
        plan: ReportPlan { name: "pilot-light".into(), version: "v7".into(), sha256: "ab12".into() },
        mode: Some(Mode::Failover),
        resumes: None,
        trigger: Trigger {
            kind: TriggerKind::Alarm,
            alarm_name: Some("pilot-light-primary-down".into()),
            at: Some(at("00:14")),
            reason: None,
        },
        started_at: at("00:15"),
        outcome: Outcome::Recovered,
        error: None,
        assessment: None,
        steps: vec![step(Step::Open, "00:15", "00:16", "lease", "taken, generation 3")],
        journal: Vec::new(),
        evidence: BTreeMap::new(),
        document: Some(document),
        now: at("01:30"),
    }
}

fn loss(rpo_seconds: f64) -> serde_json::Value {
    json!({"recoveryPointAt": at("00:00"), "rpoSeconds": rpo_seconds, "lagSeconds": 0.4})
}

fn failed(failure: Failure) -> CaughtError {
    let cause = json!({"errorType": failure.name, "errorMessage": failure.to_string()}).to_string();
    CaughtError { error: failure.name.to_string(), cause }
}

fn promotion_failed() -> CaughtError {
    failed(
        Failure::new(FailureName::PromotionFailed, "shop-db-replica", "the status is incompatible-network")
            .now("the instance is no replica any more")
            .next("mend the instance's network"),
    )
}

/// The sentences of a report, for a snapshot that reads as one.
fn sentences(report: &Report) -> String {
    let next = report.next.as_deref().unwrap_or("nothing");
    format!("{}\nwhy: {}\nnext: {next}\n", report.outcome.as_str(), report.reason)
}

#[test]
fn a_recovered_run() {
    let (document, assessment) = (document(), assessment());
    let mut facts = facts(&document);
    facts.assessment = Some(&assessment);
    facts.steps.extend([
        step(Step::PromoteData, "00:46", "01:02", "shop-db", "shop-db-replica is available and no replica any more"),
        step(Step::Verify, "01:10", "01:20.5", "shop.example.com", "answers with recovery-lb.shop.example.com"),
    ]);
    facts.journal = vec![promotion(accepted()), resize()];
    facts.evidence =
        BTreeMap::from([("data-loss#shop-db".into(), loss(1.5)), ("judgement".into(), json!({"verdict": "down"}))]);
    insta::assert_json_snapshot!(build(facts));
}

#[test]
fn within_one_region_nothing_went_to_another() {
    let document = plan::check(include_bytes!("../../../examples/plans/single-region.yaml")).unwrap();
    let report = build(Facts { outcome: Outcome::Recovered, ..facts(&document) });
    assert_eq!(report.reason, "us-east-1 serves again, and that was observed");
}

#[test]
fn the_sentences_of_the_four_endings() {
    let document = document();
    let stuck = promotion_failed();
    let refused = failed(
        Failure::new(FailureName::PrimaryHealthy, "pilot-light", "the primary is healthy")
            .now("nothing was touched")
            .next("nothing: the workload serves from its primary Region"),
    );
    let mixed = CaughtError {
        error: "RollbackIncomplete".into(),
        cause: format!(
            "the rollback failed: {} - it was to undo a run that failed with X: {}",
            stuck.cause, refused.cause
        ),
    };
    let endings = [
        (Outcome::Recovered, None),
        (Outcome::Refused, Some(&refused)),
        (Outcome::RolledBack, Some(&stuck)),
        (Outcome::Stuck, Some(&stuck)),
        (Outcome::Stuck, Some(&mixed)),
        (Outcome::Stuck, None),
    ];
    let texts = endings.map(|(outcome, error)| sentences(&build(Facts { outcome, error, ..facts(&document) })));
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn the_clocks_are_those_of_a_recovery_only() {
    let (document, assessment) = (document(), assessment());
    for outcome in [Outcome::RolledBack, Outcome::Stuck, Outcome::Refused] {
        let mut facts = Facts { outcome, assessment: Some(&assessment), ..facts(&document) };
        facts.steps.push(step(Step::Verify, "01:10", "01:20", "dns", "done"));
        let report = build(facts);
        assert_eq!((report.recovered_at, report.rto_from_decision_seconds), (None, None), "{outcome:?}");
        assert_eq!(report.decided_at, Some(at("00:45")));
    }
}

#[test]
fn the_rpo_is_that_of_what_was_promoted() {
    let document = document();
    let other = |outcome| Entry { component: "other-db".into(), ..promotion(outcome) };
    let cases = [
        ("one promotion", Outcome::Recovered, vec![promotion(accepted())], Some(1.5)),
        ("the largest of two", Outcome::Stuck, vec![promotion(accepted()), other(accepted())], Some(9.0)),
        ("refused: nothing is lost by it", Outcome::RolledBack, vec![promotion(not_done())], None),
        ("an answer that was lost, and nobody saw the end", Outcome::Stuck, vec![promotion(None)], None),
        ("an answer that was lost before a recovery", Outcome::Recovered, vec![promotion(None)], Some(1.5)),
        ("nothing promoted", Outcome::Recovered, vec![resize()], None),
    ];
    for (name, outcome, journal, expected) in cases {
        let evidence =
            BTreeMap::from([("data-loss#shop-db".into(), loss(1.5)), ("data-loss#other-db".into(), loss(9.0))]);
        assert_eq!(build(Facts { outcome, journal, evidence, ..facts(&document) }).rpo_seconds, expected, "{name}");
    }
    // One database's loss unknown: the whole is unknown, not that of the other.
    let journal = vec![promotion(accepted()), other(accepted())];
    let evidence = BTreeMap::from([("data-loss#shop-db".into(), loss(1.5)), ("data-loss#other-db".into(), json!("?"))]);
    assert_eq!(build(Facts { journal, evidence, ..facts(&document) }).rpo_seconds, None);
}

#[test]
fn a_report_without_the_plan_is_a_report() {
    let document = document();
    let report = build(Facts { document: None, outcome: Outcome::Refused, mode: None, ..facts(&document) });
    assert_eq!((report.objectives, report.regions.clone(), report.mode), (None, None, None));
    let read: Report = serde_json::from_value(serde_json::to_value(&report).unwrap()).unwrap();
    assert_eq!(read, report);
}

#[test]
fn a_failover_of_a_global_cluster_loses_what_was_measured_and_a_switchover_nothing() {
    let document = document();
    for (action, evidence, expected) in [
        (Action::FailoverGlobalCluster, Some(12.0), Some(12.0)),
        (Action::FailoverGlobalCluster, None, None),
        (Action::SwitchoverGlobalCluster, Some(12.0), Some(0.0)),
        (Action::SwitchoverGlobalCluster, None, Some(0.0)),
    ] {
        let journal = vec![Entry { action, ..promotion(accepted()) }];
        let evidence = evidence
            .map(|seconds| ("data-loss#shop-db".to_owned(), loss(seconds)))
            .into_iter()
            .collect::<BTreeMap<_, _>>();
        let report = build(Facts { journal, evidence, ..facts(&document) });
        assert_eq!(report.rpo_seconds, expected, "{action:?}");
    }
}
