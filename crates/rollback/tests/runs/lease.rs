//! A run that lost its lease, or began to roll back, does not act any more - however late it notices.

use crate::drive::{Course, Drive, End};
use futures::executor::block_on;
use jiff::Timestamp;
use pilot_core::FailureName;
use pilot_core::contract::{Disposition, Step};
use pilot_core::journal::{Action, Lease, LeasePhase};
use pilot_core::observed::{LagSample, ReplicaObserved};
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::Replicas;
use pilot_testkit::{Fault, Faults, fixture, now};
use promote_db::databases::Databases;

const STEPS: [Step; 3] = [Step::PromoteData, Step::ScaleCompute, Step::ShiftTraffic];

/// Another run has the workload.
fn taken_over(drive: &Drive) {
    drive.ledger.set_lease(Lease {
        workload: fixture::PLAN.into(),
        run_id: "run-2".into(),
        generation: 2,
        phase: LeasePhase::Acting,
        expires_at: now(),
        cooldown_until: None,
        previous_run_id: None,
        previous_phase: None,
    });
}

#[test]
fn a_run_of_a_stale_generation_changes_nothing() {
    let drive = Drive::new(fixture::PLAN_YAML, Faults::none());
    let before = drive.world.values();
    taken_over(&drive);
    for step in STEPS {
        let failure = block_on(drive.step(drive.event(step))).unwrap_err();
        assert_eq!(failure.name, FailureName::LeaseLost, "{step:?}");
    }
    let failure = block_on(drive.rollback(drive.event(Step::Rollback))).unwrap_err();
    assert_eq!(failure.name, FailureName::LeaseLost, "it may not even undo: the other run builds on what is there");
    assert!(drive.faults.mutating_calls().is_empty());
    assert_eq!(drive.world.values(), before);
}

#[test]
fn the_same_run_id_of_an_older_generation_changes_nothing() {
    let mut drive = Drive::new(fixture::PLAN_YAML, Faults::none());
    drive.run.generation = 0;
    let failure = block_on(drive.step(drive.event(Step::PromoteData))).unwrap_err();
    assert_eq!(failure.name, FailureName::LeaseLost);
    assert!(drive.faults.mutating_calls().is_empty());
}

#[test]
fn an_act_that_comes_after_the_rollback_began_is_refused() {
    let drive = Drive::new(fixture::PLAN_YAML, Faults::none());
    let response = block_on(drive.rollback(drive.event(Step::Rollback))).unwrap();
    assert_eq!(response.disposition, Disposition::Untouched);
    for step in STEPS {
        let failure = block_on(drive.step(drive.event(step))).unwrap_err();
        assert_eq!(failure.name, FailureName::LeaseLost, "{step:?}");
    }
    assert!(drive.faults.mutating_calls().is_empty());
}

/// The world of a slow invocation: the rollback begins between its look and its act.
struct RollbackBegins<'a>(&'a Drive);

impl Replicas for RollbackBegins<'_> {
    async fn describe(&self, identifier: &str) -> Result<Option<ReplicaObserved>, CallError> {
        self.0.ledger.begin_rollback(&self.0.run).await.unwrap();
        Replicas::describe(&self.0.world, identifier).await
    }

    async fn lag_samples(&self, id: &str, from: Timestamp, to: Timestamp) -> Result<Vec<LagSample>, CallError> {
        self.0.world.lag_samples(id, from, to).await
    }

    async fn promote(&self, identifier: &str, _: u32) -> Result<(), CallError> {
        panic!("{identifier} was promoted during the rollback");
    }
}

#[test]
fn the_journal_refuses_an_act_whose_lease_went_between_look_and_act() {
    let drive = Drive::new(fixture::PLAN_YAML, Faults::none());
    let (event, replicas) = (drive.event(Step::PromoteData), RollbackBegins(&drive));
    let databases = Databases {
        replicas: &replicas,
        global_clusters: &drive.world,
        in_region: &drive.world,
        backups: &drive.world,
        caches: &drive.world,
    };
    let invoked = promote_db::handler::handle(event, &drive.ledger, &drive.plans, &databases, now);
    let failure = block_on(invoked).unwrap_err();
    assert_eq!(failure.name, FailureName::LeaseLost);
    assert!(drive.journal().is_empty(), "an act that was refused is not in the journal");
}

#[test]
fn a_promotion_whose_answer_was_lost_for_good_counts_as_the_pivot() {
    // Its outcome cannot be written either: the journal holds the intent alone, and that is enough to undo nothing.
    let faults = Faults::none().nth("ledger:conclude", 0, Fault::Refused);
    let drive = Drive::new(fixture::PLAN_YAML, faults);
    let end = drive.to_the_end(Course::default());
    let passed = matches!(end, End::RolledBack { disposition: Disposition::PivotPassed, .. });
    assert!(passed, "{end:?}");
    let pivot = drive.journal().into_iter().find(|entry| entry.action == Action::PromoteReadReplica).unwrap();
    assert_eq!((pivot.outcome, pivot.undone_at), (None, None));
}

#[test]
fn rollback_takes_its_own_step_only() {
    let drive = Drive::new(fixture::PLAN_YAML, Faults::none());
    let failure = block_on(drive.rollback(drive.event(Step::ShiftTraffic))).unwrap_err();
    assert_eq!(failure.name, FailureName::EventInvalid);
    let failure = block_on(drive.rollback(serde_json::json!({"plan": "shop"}))).unwrap_err();
    assert_eq!(failure.name, FailureName::EventInvalid);
    assert!(drive.faults.calls().is_empty(), "a bad event is refused before any call");
}
