//! The handler's two ways in, the samples included.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]
#![expect(clippy::panic, reason = "a test's panic is its report")]

use std::cell::RefCell;
use std::collections::BTreeMap;

use backup_monitor::handler::{Notices, RecoveryPoints, Tools, handle};
use jiff::SignedDuration;
use pilot_core::decide::backup::{Notice, RecoveryPointSeen};
use pilot_core::{Failure, FailureName};
use pilot_shell::CallError;
use pilot_testkit::{FakePlans, now};
use serde_json::{Value, json};

const PLAN_YAML: &str = include_str!("../../../examples/plans/pilot-light.yaml");
const RESOURCE: &str = "arn:aws:rds:ap-southeast-1:111122223333:db:shop-db-replica";

thread_local! {
    static PUBLISHED: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

fn publish(document: &Value) {
    PUBLISHED.with_borrow_mut(|published| published.push(document.clone()));
}

#[derive(Default)]
struct Fakes {
    points: Vec<RecoveryPointSeen>,
    list_fails: Option<CallError>,
    sent: RefCell<Vec<Notice>>,
    sending_fails: bool,
}

impl RecoveryPoints for Fakes {
    async fn list(&self, vault_name: &str, resource_arn: &str) -> Result<Vec<RecoveryPointSeen>, CallError> {
        assert_eq!((vault_name, resource_arn), ("shop-vault", RESOURCE));
        self.list_fails.clone().map_or_else(|| Ok(self.points.clone()), Err)
    }
}

impl Notices for Fakes {
    async fn send(&self, notice: &Notice) -> Result<(), Failure> {
        if self.sending_fails {
            return Err(Failure::new(FailureName::AwsUnavailable, "topic", "sns:Publish: no answer"));
        }
        self.sent.borrow_mut().push(notice.clone());
        Ok(())
    }
}

async fn invoke(event: Value, fakes: &Fakes) -> Result<Value, Failure> {
    PUBLISHED.take();
    let plans = FakePlans::new();
    plans.put("pilot-light", PLAN_YAML);
    let tools = Tools { plans: &plans, points: fakes, notices: fakes, clock: now, namespace: "PilotLight", publish };
    handle(event, &tools).await
}

fn sample(name: &str) -> Value {
    let path = format!("{}/../../events/backup-monitor/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
}

/// What a sample comes to: the error's name, or whether a person was told and which metrics were published.
async fn outcome(name: &str) -> (String, bool, Vec<String>) {
    let fakes = Fakes::default();
    let answer = match invoke(sample(name), &fakes).await {
        Ok(answer) => answer["state"].as_str().unwrap_or("looked").to_owned(),
        Err(failure) => failure.name.to_string(),
    };
    let documents = PUBLISHED.take();
    let metrics =
        documents.iter().flat_map(|document| document["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap());
    let metrics = metrics.map(|metric| metric["Name"].as_str().unwrap().to_owned()).collect();
    (answer, !fakes.sent.borrow().is_empty(), metrics)
}

#[tokio::test]
async fn the_samples_are_told_and_counted_as_they_deserve() {
    let expected: BTreeMap<&str, (&str, bool, &[&str])> = BTreeMap::from([
        ("backup-job-completed", ("COMPLETED", false, ["BackupJobCompleted"].as_slice())),
        ("backup-job-completed-with-issues", ("COMPLETED", true, &["BackupJobCompletedWithIssues"])),
        ("backup-job-created", ("CREATED", false, &[])),
        ("backup-job-expired", ("EXPIRED", true, &["BackupJobFailed"])),
        ("backup-job-failed", ("FAILED", true, &["BackupJobFailed"])),
        ("bad-source", ("EventInvalid", false, &[])),
        ("copy-job-failed", ("FAILED", true, &["CopyJobFailed"])),
        ("reconcile-schedule", ("looked", true, &["RecoveryPointWithinObjective"])),
        ("recovery-point-completed", ("COMPLETED", false, &["RecoveryPointCompleted"])),
        ("recovery-point-partial", ("PARTIAL", true, &["RecoveryPointFailed"])),
        ("restore-job-created", ("CREATED", false, &[])),
        ("restore-job-completed", ("COMPLETED", false, &["RestoreJobCompleted"])),
    ]);
    for (name, (answer, told, metrics)) in &expected {
        let metrics: Vec<String> = metrics.iter().map(ToString::to_string).collect();
        assert_eq!(outcome(name).await, (answer.to_string(), *told, metrics), "{name}");
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/backup-monitor");
    let there = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(there, expected.len(), "a sample without an expectation");
}

#[tokio::test]
async fn a_completed_backup_names_its_recovery_point() {
    let answer = invoke(sample("backup-job-completed"), &Fakes::default()).await.unwrap();
    let point = sample("backup-job-completed")["resources"][0].clone();
    assert!(point.is_string());
    assert_eq!(answer["recoveryPointArn"], point);
}

#[tokio::test]
async fn a_notice_that_cannot_be_sent_is_tried_again_and_counted_once() {
    let fakes = Fakes { sending_fails: true, ..Fakes::default() };
    let failure = invoke(sample("backup-job-failed"), &fakes).await.unwrap_err();
    assert_eq!(failure.name, FailureName::AwsUnavailable);
    assert!(PUBLISHED.take().is_empty());
}

fn point(age_seconds: i64) -> RecoveryPointSeen {
    RecoveryPointSeen {
        arn: format!("arn:aws:rds:ap-southeast-1:111122223333:snapshot:awsbackup:{age_seconds}"),
        status: "COMPLETED".into(),
        created_at: now() - SignedDuration::from_secs(age_seconds),
    }
}

#[tokio::test]
async fn the_own_look_holds_the_newest_recovery_point_against_the_plan() {
    // The plan allows 90,000 seconds.
    for (ages, within) in [(vec![200_000, 3600], true), (vec![200_000], false)] {
        let fakes = Fakes { points: ages.iter().map(|age| point(*age)).collect(), ..Fakes::default() };
        let answer = invoke(sample("reconcile-schedule"), &fakes).await.unwrap();
        let newest = *ages.iter().min().unwrap();
        assert_eq!(
            answer["targets"],
            json!([{
                "name": "shop-db", "withinObjective": within, "ageSeconds": newest, "recoveryPointArn": point(newest).arn,
            }])
        );
        let [document] = <[Value; 1]>::try_from(PUBLISHED.take()).unwrap();
        assert_eq!(document["RecoveryPointWithinObjective"], if within { 1.0 } else { 0.0 });
        assert_eq!(document["RecoveryPointAgeSeconds"], newest as f64);
        assert_eq!((&document["Workload"], &document["Target"]), (&json!("pilot-light"), &json!("shop-db")));
        assert_eq!(fakes.sent.borrow().is_empty(), within);
    }
}

#[tokio::test]
async fn a_vault_that_cannot_be_listed_is_an_error_and_no_age() {
    let fakes = Fakes { list_fails: Some(CallError::Unknown { message: "no answer".into() }), ..Fakes::default() };
    let failure = invoke(sample("reconcile-schedule"), &fakes).await.unwrap_err();
    assert_eq!(failure.name, FailureName::AwsUnavailable);
    assert!(PUBLISHED.take().is_empty() && fakes.sent.borrow().is_empty());
}
