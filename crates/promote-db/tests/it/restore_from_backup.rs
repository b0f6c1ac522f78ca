//! A restore from a backup, look by look.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's panic is its report")]

use futures::executor::block_on;
use jiff::SignedDuration;
use pilot_core::contract::{Mode, Run, Step};
use pilot_core::decide::data_loss::DataLoss;
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::plan::RestoredSettings;
use pilot_shell::ledger::Ledger;
use pilot_testkit::fixture::restore::{self, POINT_AGE_SECONDS, RESTORED, VAULT};
use pilot_testkit::{
    FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now, set_now, told,
};
use promote_db::databases::Databases;
use promote_db::handler::{GATE, handle};
use serde_json::{Value, json};

const START: &str = "backup:StartRestoreJob";
const ACCEPTED: &str = "on its way: restore job job-1 of the recovery point of 2026-01-31T23:58:50Z (again in 3s)";
const PENDING: &str = "on its way: restore job job-1 is `PENDING` (again in 3s)";
const RUNNING: &str = "on its way: restore job job-1 is `RUNNING` (again in 3s)";
const DONE: &str = "done: shop-restored is restored from the recovery point of 2026-01-31T23:58:50Z \
                    (arn:aws:backup:ap-southeast-1:111122223333:recovery-point:newest)";

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

impl Case {
    fn new(plan_yaml: &str, faults: Faults) -> Self {
        set_now("2026-02-01T00:00:00Z".parse().unwrap());
        let plans = FakePlans::new();
        let run = fixture::run(plans.put(fixture::PLAN, plan_yaml));
        let event = fixture::step_event(&run, Step::PromoteData, now(), Some(fixture::assessment()));
        let ledger = FakeLedger::held_by(&run);
        block_on(ledger.keep_evidence(&run.run_id, GATE, &Value::Null)).unwrap();
        Case { world: restore::world(), ledger, plans, run, faults, event }
    }

    /// One invocation, `seconds` after the last.
    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        let world = Injected::new(&self.world, &self.faults);
        let databases =
            Databases { replicas: &world, global_clusters: &world, in_region: &world, backups: &world, caches: &world };
        told(&block_on(handle(self.event.clone(), &self.ledger, &self.plans, &databases, now)))
    }

    /// The state machine enters the step once more, or a person goes on with the run.
    fn forward_again(self, seconds: i64) -> Self {
        advance_seconds(seconds);
        let event = fixture::step_event(&self.run, Step::PromoteData, now(), Some(fixture::assessment()));
        Case { event, ..self }
    }

    /// Looks until it is done or fails, with a limit on the looks.
    fn to_the_end(&self) -> String {
        for _ in 0..60 {
            let line = self.look(1);
            if line.starts_with("done") || !(line.starts_with("on its way") || line.starts_with("AwsUnavailable")) {
                return line;
            }
        }
        panic!("no end in sight: {}", self.look(1));
    }

    fn entries(&self) -> Vec<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap()
    }

    fn start(&self) -> Entry {
        self.entries().into_iter().find(|e| e.action == Action::StartRestoreJob).unwrap()
    }

    fn calls(&self) -> Vec<&'static str> {
        self.faults.mutating_calls().iter().map(|call| call.name).collect()
    }

    /// The settings of the plan, as far as they are those of the restored database itself.
    fn settings(&self) -> RestoredSettings {
        self.world.peek_restored(RESTORED).unwrap().settings
    }
}

#[test]
fn a_cluster_is_restored_set_and_given_its_instances() {
    let case = Case::new(&restore::cluster_plan_yaml(), Faults::none());
    let lines: Vec<String> = [0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3].iter().map(|seconds| case.look(*seconds)).collect();
    let expected = [
        ACCEPTED,
        PENDING,
        RUNNING,
        // The job is through only now, and what it made is seen with the next look.
        "on its way: restore job job-1 is through, shop-restored does not show yet (again in 3s)",
        "on its way: set to backup retention of 7 days; deletion protection on (again in 2s)",
        "on its way: shop-restored is `modifying` (again in 5s)",
        "on its way: tagged (arn:aws:rds:ap-southeast-1:111122223333:cluster:shop-restored) with tags team (again in 2s)",
        "on its way: shop-restored-1 is being created (again in 2s)",
        "on its way: shop-restored-2 is being created (again in 2s)",
        "on its way: shop-restored-1 is `configuring-log-exports` (again in 5s)",
        "on its way: shop-restored-2 is `configuring-log-exports` (again in 5s)",
        DONE,
    ];
    assert_eq!(lines, expected);
    let calls = [START, "rds:ModifyDBCluster", "rds:AddTagsToResource", "rds:CreateDBInstance", "rds:CreateDBInstance"];
    assert_eq!(case.calls(), calls);

    // Subnets, groups and doors were given to the restore, nothing of the original's Region was.
    let [job] = case.world.peek_restore_jobs().try_into().unwrap();
    assert_eq!(job.metadata["DBSubnetGroupName"], "shop-subnets");
    assert_eq!(job.metadata["VpcSecurityGroupIds"], "[\"sg-0b00000000000009\"]");
    assert_eq!(job.metadata["Engine"], "aurora-postgresql");
    assert!(!job.metadata.values().any(|value| value.contains("ap-southeast-2")), "{:?}", job.metadata);
    let settings = case.settings();
    assert_eq!((settings.backup_retention_days, settings.deletion_protection), (Some(7), Some(true)));
    assert_eq!(settings.cluster_parameter_group.as_deref(), Some("shop-cluster-params"));
    for instance in ["shop-restored-1", "shop-restored-2"] {
        let seen = case.world.peek_restored(instance).unwrap();
        assert_eq!(seen.cluster.as_deref(), Some(RESTORED));
        assert_eq!(
            (seen.settings.parameter_group.as_deref(), seen.settings.tags["team"].as_str()),
            (Some("shop-params"), "shop")
        );
    }

    // All of it is past the pivot, and the journal names what was made.
    let entries = case.entries();
    assert!(entries.iter().all(|e| e.irreversible && matches!(e.outcome, Some(EntryOutcome::Accepted { .. }))));
    let named: Vec<(&str, &str, &str)> =
        entries.iter().map(|e| (e.component.as_str(), e.action.as_str(), e.resource.as_str())).collect();
    let expected = [
        ("db", "start-restore-job", "shop-restored"),
        ("db", "set-restored", "shop-restored"),
        ("db/shop-restored-1", "create-restored-instance", "shop-restored-1"),
        ("db/shop-restored-2", "create-restored-instance", "shop-restored-2"),
    ];
    assert_eq!(named, expected);
    let before = case.start().before;
    assert_eq!(before["recoveryPointArn"], "arn:aws:backup:ap-southeast-1:111122223333:recovery-point:newest");
    assert_eq!(before["idempotencyToken"], job.token.as_str());

    // Once it is done it stays done, and nothing more is called.
    assert_eq!(case.look(30), DONE);
    assert_eq!(case.calls().len(), 5);
}

#[test]
fn an_instance_and_a_table_get_what_is_theirs() {
    let case = Case::new(&restore::instance_plan_yaml(), Faults::none());
    assert_eq!(case.to_the_end(), DONE);
    assert_eq!(case.calls(), [START, "rds:ModifyDBInstance"]);
    let settings = case.settings();
    assert_eq!((settings.backup_retention_days, settings.parameter_group.as_deref()), (Some(7), Some("shop-params")));

    let case = Case::new(&restore::table_plan_yaml(), Faults::none());
    assert_eq!(case.to_the_end(), DONE);
    assert_eq!(
        case.calls(),
        [START, "dynamodb:UpdateTable", "dynamodb:UpdateContinuousBackups", "dynamodb:TagResource"]
    );
    let settings = case.settings();
    assert_eq!((settings.backup_retention_days, settings.deletion_protection), (Some(7), Some(true)));
    assert_eq!(case.world.peek_restore_jobs()[0].metadata["targetTableName"], RESTORED);
}

#[test]
fn the_newest_point_before_a_time_is_taken() {
    let not_after = fixture::incident_at() - SignedDuration::from_secs(POINT_AGE_SECONDS + 1);
    let yaml = restore::plan_yaml(restore::INSTANCE_ARN, &format!(", notAfter: '{not_after}'"));
    let case = Case::new(&yaml, Faults::none());
    case.to_the_end();
    assert!(case.world.peek_restore_jobs()[0].point_arn.ends_with(":old"));
}

#[test]
fn what_cannot_be_restored_is_told_and_nothing_is_called() {
    let case = Case::new(&restore::instance_plan_yaml(), Faults::none());
    let restored = |case: &Case| {
        case.to_the_end();
        case.world.peek_restored(RESTORED).unwrap()
    };
    let stranger = restored(&Case::new(&restore::instance_plan_yaml(), Faults::none()));
    case.world.put_restored(RESTORED, stranger);
    assert_eq!(
        case.look(0),
        "PromotionRefused: there is a DB instance of that name already, and this run did not make it"
    );
    assert!(case.calls().is_empty() && case.entries().is_empty());

    let case = Case::new(&restore::instance_plan_yaml(), Faults::none());
    case.world.empty_vault(VAULT);
    case.world.put_recovery_point(VAULT, restore::point("partial", "PARTIAL", restore::INSTANCE_ARN, 5));
    assert_eq!(case.look(0), "PromotionFailed: the vault has no completed recovery point of it; it has 1 PARTIAL");
    assert!(case.calls().is_empty() && case.entries().is_empty());
}

#[test]
fn nothing_older_than_the_gate_passed_is_restored() {
    let case = Case::new(&restore::instance_plan_yaml(), Faults::none());
    let loss = DataLoss {
        recovery_point_at: fixture::incident_at() - SignedDuration::from_secs(5),
        rpo_seconds: 5.0,
        lag_seconds: 5.0,
        doubt_seconds: 0.0,
    };
    block_on(case.ledger.keep_evidence(&case.run.run_id, "data-loss#db", &json!(loss))).unwrap();
    assert_eq!(
        case.look(0),
        "PromotionRefused: the newest usable recovery point is of 2026-01-31T23:58:50Z, the gate passed one of \
         2026-01-31T23:59:25Z: it is gone"
    );
    assert!(case.calls().is_empty() && case.entries().is_empty());
}

#[test]
fn a_lost_answer_leads_to_the_same_job() {
    for fault in [Fault::UnknownBefore, Fault::UnknownAfter] {
        let case = Case::new(&restore::cluster_plan_yaml(), Faults::none().nth(START, 0, fault));
        assert!(case.look(0).starts_with("AwsUnavailable: backup:StartRestoreJob: outcome unknown"));
        // A newer recovery point came meanwhile: what was asked for first is asked for again.
        case.world.put_recovery_point(VAULT, restore::point("newer", "COMPLETED", restore::CLUSTER_ARN, 1));
        assert_eq!(case.look(5), ACCEPTED);
        assert_eq!(case.to_the_end(), DONE);
        let jobs = case.world.peek_restore_jobs();
        assert_eq!(jobs.len(), 1, "{fault:?}: {jobs:?}");
    }
}

/// A token that two restores share would hand one of them the other's job.
#[test]
fn every_restore_has_a_token_of_its_own() {
    let token = |case: &Case| {
        case.look(0);
        case.start().before["idempotencyToken"].as_str().unwrap().to_owned()
    };
    let first = token(&Case::new(&restore::cluster_plan_yaml(), Faults::none()));
    assert_eq!(first, token(&Case::new(&restore::cluster_plan_yaml(), Faults::none())), "it is the same restore");
    assert_ne!(first, token(&Case::new(&restore::table_plan_yaml().replace("shop-restored", "other"), Faults::none())));
    let another_run = |change: fn(&mut Run)| {
        let case = Case::new(&restore::cluster_plan_yaml(), Faults::none());
        let mut run = case.run.clone();
        change(&mut run);
        let event = fixture::step_event(&run, Step::PromoteData, now(), Some(fixture::assessment()));
        let ledger = FakeLedger::held_by(&run);
        block_on(ledger.keep_evidence(&run.run_id, GATE, &Value::Null)).unwrap();
        token(&Case { ledger, run, event, ..case })
    };
    assert_ne!(first, another_run(|run| run.run_id = "run-2".into()));
    // Another stack may have run an execution of the same name.
    assert_ne!(first, another_run(|run| run.execution_arn = run.execution_arn.replace("pilot-light:", "other:")));
}

#[test]
fn a_refusal_restores_nothing_and_a_later_try_begins_anew() {
    let case = Case::new(&restore::cluster_plan_yaml(), Faults::none().nth(START, 0, Fault::Refused));
    assert_eq!(
        case.look(0),
        "PromotionRefused: AWS Backup refused the restore with AccessDenied: not authorized (injected)"
    );
    assert!(!case.start().may_have_changed(), "it is no pivot yet");
    assert!(case.world.peek_restore_jobs().is_empty());
    let case = case.forward_again(60);
    assert_eq!(case.to_the_end(), DONE);
    assert_eq!(case.world.peek_restore_jobs().len(), 1);
}

#[test]
fn a_job_that_fails_is_followed_by_one_other_once_the_run_goes_on() {
    let case = Case::new(&restore::cluster_plan_yaml(), Faults::none());
    case.world.fail_next_restore("No capacity.");
    let failed = "PromotionFailed: restore job job-1 is `FAILED`: No capacity.";
    assert_eq!(case.to_the_end(), failed);
    assert_eq!(case.look(10), failed, "the same try has one job only");
    // Its answer is lost: whatever then is asked, the second job stays the only one after the first.
    let lost = Faults::none().nth(START, 0, Fault::UnknownAfter);
    let case = Case { faults: lost, ..case }.forward_again(60);
    assert_eq!(case.to_the_end(), DONE);
    let [first, second] = case.world.peek_restore_jobs().try_into().unwrap();
    assert_ne!(first.token, second.token);
    assert_eq!(first.point_arn, second.point_arn);
}

#[test]
fn a_busy_database_is_waited_for() {
    let case = Case::new(&restore::instance_plan_yaml(), Faults::none());
    for _ in 0..5 {
        case.look(3);
    }
    // A parameter group that was changed from outside waits for a reboot.
    case.world.change_restored(RESTORED, |seen| {
        seen.settings.parameter_group = Some("default".into());
        seen.settings.backup_retention_days = Some(7);
        seen.pending_reboot = false;
    });
    assert_eq!(case.to_the_end(), DONE);
    assert!(case.calls().contains(&"rds:RebootDBInstance"), "{:?}", case.calls());
    assert!(!case.world.peek_restored(RESTORED).unwrap().pending_reboot);
}

#[test]
fn a_restore_that_takes_too_long_is_told() {
    let case = Case::new(&restore::cluster_plan_yaml(), Faults::none());
    case.look(0);
    let late = case.look(7200);
    assert_eq!(
        late,
        "StepDeadlineExceeded: not there after 7200 seconds, the plan allows 7200: restore job job-1 is `PENDING`"
    );
}

#[test]
fn a_dry_run_tells_what_it_would_restore() {
    let case = Case::new(&restore::cluster_plan_yaml(), Faults::none());
    let run = Run { mode: Mode::DryRun, ..case.run.clone() };
    let event = fixture::step_event(&run, Step::PromoteData, now(), Some(fixture::assessment()));
    let case = Case { ledger: FakeLedger::held_by(&run), run, event, ..case };
    assert_eq!(
        case.look(0),
        "done: dry run: would be restored from the recovery point arn:aws:backup:ap-southeast-1:111122223333:recovery-point:newest of \
         2026-01-31T23:58:50Z as shop-restored, which cannot be undone"
    );
    assert!(case.faults.mutating_calls().is_empty() && case.entries().is_empty());
}

/// Every call of a whole restore fails once, in every way: it ends done, with one job and each instance made once, or says what is true.
#[test]
fn with_every_call_failing_in_turn_there_is_one_restore() {
    let probe = Case::new(&restore::cluster_plan_yaml(), Faults::none());
    assert_eq!(probe.to_the_end(), DONE);
    let count = probe.faults.calls().len();
    assert!(count > 20, "only {count} calls");
    for fault in Fault::ALL {
        for number in 0..count {
            let case = Case::new(&restore::cluster_plan_yaml(), Faults::none().at(number, fault));
            let end = case.to_the_end();
            let refused =
                fault == Fault::Refused && end.starts_with("AwsRefused") || end.starts_with("PromotionRefused");
            let case = if refused { case.forward_again(60) } else { case };
            assert_eq!(case.to_the_end(), DONE, "call {number}, {fault:?}: first {end}");
            assert_eq!(case.world.peek_restore_jobs().len(), 1, "call {number}, {fault:?}");
            assert!(case.world.peek_restored("shop-restored-2").is_some());
        }
    }
}
