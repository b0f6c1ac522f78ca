//! The RDS read replica, look by look.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use jiff::Timestamp;
use pilot_core::FailureName;
use pilot_core::contract::{Mode, Run, Step};
use pilot_core::journal::{Entry, EntryOutcome};
use pilot_core::observed::{LagSample, ReplicaObserved};
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::Replicas;
use pilot_testkit::{
    FakeLedger, FakePlans, FakeReplica, FakeWorld, Fault, Faults, Injected, PromotionEnd, advance_seconds, fixture,
    now, told,
};
use promote_db::databases::Databases;
use promote_db::handler::{GATE, handle};
use serde_json::Value;

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

impl Case {
    fn new(change: impl FnOnce(&mut FakeReplica), faults: Faults) -> Self {
        let (plans, pin) = fixture::plans();
        let run = fixture::run(pin);
        let world = fixture::world();
        world.change_replica(fixture::REPLICA, change);
        let event = fixture::step_event(&run, Step::PromoteData, now(), Some(fixture::assessment()));
        let ledger = FakeLedger::held_by(&run);
        block_on(ledger.keep_evidence(&run.run_id, GATE, &Value::Null)).unwrap();
        Case { world, ledger, plans, run, faults, event }
    }

    /// One invocation, `seconds` after the last.
    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        let world = Injected::new(&self.world, &self.faults);
        told(&block_on(handle(self.event.clone(), &self.ledger, &self.plans, &databases(&world), now)))
    }

    fn entry(&self) -> Option<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap().pop()
    }

    fn promotions(&self) -> u32 {
        self.world.peek_replica(fixture::REPLICA).unwrap().promotions
    }
}

/// One world for both kinds of ports.
fn databases<W>(world: &W) -> Databases<'_, W, W, W, W, W> {
    Databases { replicas: world, global_clusters: world, in_region: world, backups: world, caches: world }
}

fn check(change: impl FnOnce(&mut FakeReplica), faults: Faults, waits_seconds: &[i64], expected: &[&str]) -> Case {
    let case = Case::new(change, faults);
    let lines: Vec<String> = waits_seconds.iter().map(|seconds| case.look(*seconds)).collect();
    assert_eq!(lines, expected);
    case
}

#[test]
fn a_replica_is_promoted_and_seen_to_be_a_primary() {
    let case = check(
        |_| {},
        Faults::none(),
        &[0, 2, 2, 2, 2],
        &[
            "on its way: RDS accepted the promotion (again in 2s)",
            // The trap: it reads `available` and is a replica still.
            "on its way: the promotion was accepted and has not begun to show (again in 1s)",
            "on its way: being promoted, now `modifying` (again in 2s)",
            "on its way: being promoted, now `rebooting` (again in 2s)",
            "done: no replica any more, and available",
        ],
    );
    let replica = case.world.peek_replica(fixture::REPLICA).unwrap();
    assert_eq!((replica.promotions, replica.observed.backup_retention_days), (1, 7));
    let entry = case.entry().unwrap();
    assert!(entry.irreversible && matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })), "{entry:?}");
    assert_eq!(entry.before["source"], "arn:aws:rds:ap-southeast-2:111122223333:db:shop-db");
}

#[test]
fn an_instance_that_is_no_replica_is_done_and_nothing_is_called() {
    let case = check(|r| r.observed.source = None, Faults::none(), &[0], &["done: no replica any more, and available"]);
    assert!(case.faults.mutating_calls().is_empty() && case.entry().is_none());
}

#[test]
fn a_backup_under_way_is_waited_for() {
    check(
        |r| r.busy = vec!["backing-up".into(), "backing-up".into()],
        Faults::none(),
        &[0, 3, 3],
        &[
            "on its way: still `backing-up`, it can be promoted once it is `available` (again in 3s)",
            "on its way: still `backing-up`, it can be promoted once it is `available` (again in 3s)",
            "on its way: RDS accepted the promotion (again in 2s)",
        ],
    );
}

#[test]
fn a_refusal_for_good_is_told_as_one_and_journalled_as_not_done() {
    let case = check(
        |_| {},
        Faults::none().every("rds:PromoteReadReplica", Fault::Refused),
        &[0],
        &["PromotionRefused: RDS refused the promotion with AccessDenied: not authorized (injected)"],
    );
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::NotDone { .. })));
}

#[test]
fn a_backup_that_begins_between_look_and_call_is_a_wait() {
    let case = Case::new(|_| {}, Faults::none());
    let begins = Databases {
        replicas: &BackupBegins(&case.world),
        global_clusters: &case.world,
        in_region: &case.world,
        backups: &case.world,
        caches: &case.world,
    };
    let first = told(&block_on(handle(case.event.clone(), &case.ledger, &case.plans, &begins, now)));
    assert_eq!(
        first,
        "on its way: RDS said InvalidDBInstanceState: DB instance shop-db-replica is not available.; now `backing-up` \
         (again in 3s)"
    );
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::NotDone { .. })));
    assert_eq!(case.look(3), "on its way: RDS accepted the promotion (again in 2s)");
    assert_eq!(case.promotions(), 1);
}

/// A backup begins as the promotion is called.
struct BackupBegins<'a>(&'a FakeWorld);

impl Replicas for BackupBegins<'_> {
    async fn describe(&self, identifier: &str) -> Result<Option<ReplicaObserved>, CallError> {
        Replicas::describe(self.0, identifier).await
    }

    async fn lag_samples(&self, identifier: &str, from: Timestamp, to: Timestamp) -> Result<Vec<LagSample>, CallError> {
        self.0.lag_samples(identifier, from, to).await
    }

    async fn promote(&self, identifier: &str, backup_retention_days: u32) -> Result<(), CallError> {
        self.0.change_replica(identifier, |replica| replica.busy = vec!["backing-up".into()]);
        self.0.promote(identifier, backup_retention_days).await
    }
}

#[test]
fn a_lost_answer_of_a_promotion_that_was_done_is_settled_by_looking() {
    let case = check(
        |_| {},
        Faults::none().nth("rds:PromoteReadReplica", 0, Fault::UnknownAfter),
        &[0, 1, 1, 1, 1],
        &[
            "AwsUnavailable: rds:PromoteReadReplica: outcome unknown: the connection was reset (injected)",
            "on its way: the promotion was accepted and has not begun to show (again in 1s)",
            "on its way: being promoted, now `modifying` (again in 2s)",
            "on its way: being promoted, now `rebooting` (again in 2s)",
            "done: no replica any more, and available",
        ],
    );
    assert_eq!(case.promotions(), 1);
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::Accepted { .. })), "the journal is complete");
}

#[test]
fn a_lost_answer_of_a_promotion_that_was_not_done_is_asked_for_again_after_the_grace() {
    let case = check(
        |_| {},
        Faults::none().nth("rds:PromoteReadReplica", 0, Fault::UnknownBefore),
        &[0, 60, 1],
        &[
            "AwsUnavailable: rds:PromoteReadReplica: outcome unknown: the connection was reset (injected)",
            "on its way: the promotion was accepted and has not begun to show (again in 1s)",
            "on its way: RDS accepted the promotion (again in 2s)",
        ],
    );
    assert_eq!(case.promotions(), 1);
}

#[test]
fn a_refusal_after_a_lost_answer_does_not_hide_that_the_first_try_may_be_done() {
    let faults = Faults::none().nth("rds:PromoteReadReplica", 0, Fault::UnknownBefore).nth(
        "rds:PromoteReadReplica",
        1,
        Fault::Refused,
    );
    let case = check(
        |_| {},
        faults,
        &[0, 61],
        &[
            "AwsUnavailable: rds:PromoteReadReplica: outcome unknown: the connection was reset (injected)",
            "PromotionRefused: RDS refused the promotion with AccessDenied: not authorized (injected)",
        ],
    );
    assert_eq!(case.entry().unwrap().outcome, None, "not `not done`: the rollback must take it for the pivot");
}

#[test]
fn a_promotion_that_ends_badly_is_told() {
    let after_four_looks = |end| {
        let case = Case::new(|replica| replica.promotion_end = end, Faults::none());
        for _ in 0..4 {
            case.look(1);
        }
        case
    };
    let failed = after_four_looks(PromotionEnd::Failed);
    assert_eq!(failed.look(1), "PromotionFailed: the instance is `failed`");
    let given_up = after_four_looks(PromotionEnd::GivenUp);
    assert_eq!(
        given_up.look(180),
        "PromotionFailed: 183 seconds after RDS accepted the promotion the instance is a replica again"
    );
    assert_eq!(given_up.promotions(), 1);
}

#[test]
fn nothing_is_promoted_that_the_gate_did_not_pass() {
    let case = Case::new(|_| {}, Faults::none());
    let stranger = FakeLedger::held_by(&case.run);
    let world = Injected::new(&case.world, &case.faults);
    let failure = block_on(handle(case.event.clone(), &stranger, &case.plans, &databases(&world), now)).unwrap_err();
    assert_eq!(failure.name, FailureName::GateNotPassed);
    assert!(case.faults.calls().is_empty() && case.promotions() == 0);
}

#[test]
fn a_dry_run_says_what_it_would_promote_and_calls_nothing() {
    let case = Case::new(|_| {}, Faults::none());
    let run = Run { mode: Mode::DryRun, ..case.run.clone() };
    let ledger = FakeLedger::held_by(&run);
    let event = fixture::step_event(&run, Step::PromoteData, now(), Some(fixture::assessment()));
    let world = Injected::new(&case.world, &case.faults);
    let seen = told(&block_on(handle(event, &ledger, &case.plans, &databases(&world), now)));
    assert_eq!(seen, "done: dry run: would be promoted, which cannot be undone");
    assert!(case.faults.mutating_calls().is_empty());
    assert!(block_on(ledger.entries(&run.run_id)).unwrap().is_empty(), "what was not done is not journalled");
    let decision = &block_on(ledger.evidence(&run.run_id)).unwrap()["decision#promote-data#db#promote-read-replica"];
    assert_eq!((&decision["resource"], &decision["irreversible"]), (&fixture::REPLICA.into(), &true.into()));
}

#[test]
fn the_step_has_a_deadline_and_nothing_is_promoted_after_it() {
    let case = Case::new(|_| {}, Faults::none());
    assert_eq!(
        case.look(900),
        "StepDeadlineExceeded: not there after 900 seconds, the plan allows 900: it can be promoted only now"
    );
    assert!(case.faults.mutating_calls().is_empty());
}

#[test]
fn a_replica_that_is_not_there_is_told() {
    let case = Case::new(|_| {}, Faults::none());
    let world = FakeWorld::new();
    let failure = block_on(handle(case.event.clone(), &case.ledger, &case.plans, &databases(&world), now)).unwrap_err();
    assert_eq!(failure.name, FailureName::PromotionFailed);
}

#[test]
fn without_an_assessment_nothing_is_called() {
    let case = Case::new(|_| {}, Faults::none());
    let event = fixture::step_event(&case.run, Step::PromoteData, now(), None);
    let world = Injected::new(&case.world, &case.faults);
    let failure = block_on(handle(event, &case.ledger, &case.plans, &databases(&world), now)).unwrap_err();
    assert_eq!(failure.name, FailureName::EventInvalid);
    assert!(case.faults.calls().is_empty());
}
