//! The Aurora global database, look by look.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's panic is its report")]

use futures::executor::block_on;
use jiff::Timestamp;
use pilot_core::FailureName;
use pilot_core::contract::{Mode, Run, Step, StepRef, StepResponse};
use pilot_core::journal::{Entry, EntryOutcome};
use pilot_core::observed::{GlobalClusterObserved, LagSample};
use pilot_core::plan::Database;
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use pilot_shell::ports::GlobalClusters;
use pilot_shell::{CallError, StepContext};
use pilot_testkit::fixture::{GLOBAL_CLUSTER, PRIMARY_CLUSTER_ARN, RECOVERY_CLUSTER_ARN};
use pilot_testkit::{
    FakeGlobalCluster, FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, MoveEnd, advance_seconds, fixture,
    now, told,
};
use promote_db::aurora_global_cluster::reconcile_as;
use promote_db::databases::Databases;
use promote_db::handler::{GATE, handle};
use serde_json::Value;

const FAILOVER: &str = "rds:FailoverGlobalCluster";
const ACCEPTED: &str = "on its way: RDS: failover accepted (again in 2s)";
const NOTHING_SHOWS: &str = "on its way: the change was accepted and has not begun to show (again in 1s)";
const DONE: &str = "done: shop-aurora-dr is the writer of shop-global; data that shop-aurora had not sent is in a snapshot \
                    rds:unplanned-global-failover-*, copy it before its retention ends";
const UNANSWERED: &str =
    "AwsUnavailable: rds:FailoverGlobalCluster: outcome unknown: the connection was reset (injected)";

fn moving(status: &str) -> String {
    format!("on its way: the global cluster is on the move: `{status}`, to {RECOVERY_CLUSTER_ARN} (again in 2s)")
}

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

impl Case {
    fn new(change: impl FnOnce(&mut FakeGlobalCluster), faults: Faults) -> Self {
        let plans = FakePlans::new();
        let run = fixture::run(plans.put(fixture::PLAN, &fixture::plan_yaml_with_global_cluster()));
        let world = fixture::world();
        // A failover is for a primary that does not answer.
        world.set_primary_reachable(false);
        world.change_global_cluster(GLOBAL_CLUSTER, change);
        let event = fixture::step_event(&run, Step::PromoteData, now(), Some(fixture::assessment()));
        let ledger = FakeLedger::held_by(&run);
        block_on(ledger.keep_evidence(&run.run_id, GATE, &Value::Null)).unwrap();
        Case { world, ledger, plans, run, faults, event }
    }

    /// One invocation, `seconds` after the last.
    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        let world = Injected::new(&self.world, &self.faults);
        let databases =
            Databases { replicas: &world, global_clusters: &world, in_region: &world, backups: &world, caches: &world };
        told(&block_on(handle(self.event.clone(), &self.ledger, &self.plans, &databases, now)))
    }

    fn entry(&self) -> Option<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap().pop()
    }

    fn cluster(&self) -> FakeGlobalCluster {
        self.world.peek_global_cluster(GLOBAL_CLUSTER).unwrap()
    }
}

#[track_caller]
fn check(
    change: impl FnOnce(&mut FakeGlobalCluster),
    faults: Faults,
    waits_seconds: &[i64],
    expected: &[impl AsRef<str>],
) -> Case {
    let case = Case::new(change, faults);
    let lines: Vec<String> = waits_seconds.iter().map(|seconds| case.look(*seconds)).collect();
    let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
    assert_eq!(lines, expected);
    case
}

#[test]
fn a_global_cluster_is_failed_over_and_seen_to_be() {
    let (pending, failing_over) = (moving("pending"), moving("failing-over"));
    let case = check(
        |_| {},
        Faults::none(),
        &[0, 2, 1, 2, 2, 2],
        &[
            ACCEPTED,
            // The first trap: `available`, an empty state, and the old writer still.
            NOTHING_SHOWS,
            &pending,
            &failing_over,
            // The second: the new writer, and not through yet.
            &failing_over,
            DONE,
        ],
    );
    let cluster = case.cluster();
    assert_eq!((cluster.writer(), cluster.failovers, cluster.switchovers), (Some(RECOVERY_CLUSTER_ARN), 1, 0));
    let entry = case.entry().unwrap();
    assert_eq!((entry.action.as_str(), entry.resource.as_str()), ("failover-global-cluster", GLOBAL_CLUSTER));
    assert!(entry.irreversible && matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })), "{entry:?}");
    assert_eq!(entry.before["members"][0]["arn"], PRIMARY_CLUSTER_ARN);
}

#[test]
fn a_global_cluster_that_is_there_already_is_done_and_nothing_is_called() {
    let writer_moved = |cluster: &mut FakeGlobalCluster| {
        for member in &mut cluster.observed.members {
            member.is_writer = member.arn == RECOVERY_CLUSTER_ARN;
        }
    };
    let case = check(writer_moved, Faults::none(), &[0], &["done: shop-aurora-dr is the writer of shop-global"]);
    assert!(case.faults.mutating_calls().is_empty() && case.entry().is_none());
}

#[test]
fn what_cannot_be_failed_over_is_told_and_nothing_is_called() {
    type Change = fn(&mut FakeGlobalCluster);
    let rows: [(Change, &str); 4] = [
        (
            |c| c.observed.recovery.as_mut().unwrap().instances.clear(),
            "PromotionFailed: the secondary has no instance: Aurora does not fail over to it",
        ),
        (
            |c| c.observed.recovery.as_mut().unwrap().engine_version = Some("14.9".into()),
            "PromotionFailed: the secondary runs engine version 14.9, the global cluster 15.4",
        ),
        (
            |c| c.observed.members.truncate(1),
            "PromotionFailed: shop-global has no member shop-aurora-dr in the recovery Region ap-southeast-1, its members are \
             shop-aurora (ap-southeast-2)",
        ),
        (
            |c| c.observed.recovery.as_mut().unwrap().status = "modifying".into(),
            "on its way: still `modifying`, it can take over once it is `available` (again in 3s)",
        ),
    ];
    for (change, expected) in rows {
        let case = check(change, Faults::none(), &[0], &[expected]);
        assert!(case.faults.mutating_calls().is_empty() && case.entry().is_none());
    }
}

#[test]
fn a_refusal_for_good_is_told_as_one_and_journalled_as_not_done() {
    let case = check(
        |_| {},
        Faults::none().every(FAILOVER, Fault::Refused),
        &[0],
        &["PromotionRefused: RDS refused rds:FailoverGlobalCluster with AccessDenied: not authorized (injected)"],
    );
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::NotDone { .. })));
}

#[test]
fn a_cluster_that_gets_busy_between_look_and_call_is_a_wait() {
    let case = Case::new(|_| {}, Faults::none());
    let databases = Databases {
        replicas: &case.world,
        global_clusters: &GetsBusy(&case.world),
        in_region: &case.world,
        backups: &case.world,
        caches: &case.world,
    };
    let first = told(&block_on(handle(case.event.clone(), &case.ledger, &case.plans, &databases, now)));
    assert_eq!(
        first,
        format!(
            "on its way: RDS said InvalidDBClusterStateFault: {RECOVERY_CLUSTER_ARN} is no target in its state.; now \
             shop-aurora-dr is `modifying` (again in 3s)"
        )
    );
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::NotDone { .. })));
    case.world.change_global_cluster(GLOBAL_CLUSTER, |c| available(c, "available"));
    assert_eq!(case.look(3), ACCEPTED);
    assert_eq!(case.cluster().failovers, 1);
}

fn available(cluster: &mut FakeGlobalCluster, status: &str) {
    cluster.observed.recovery.as_mut().unwrap().status = status.into();
}

/// The secondary is modified as the failover is called.
struct GetsBusy<'a>(&'a FakeWorld);

impl GlobalClusters for GetsBusy<'_> {
    async fn describe(&self, global: &str, recovery: &str) -> Result<Option<GlobalClusterObserved>, CallError> {
        GlobalClusters::describe(self.0, global, recovery).await
    }

    async fn rpo_lag_samples(
        &self,
        recovery: &str,
        source_region: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<LagSample>, CallError> {
        self.0.rpo_lag_samples(recovery, source_region, from, to).await
    }

    async fn fail_over(&self, global: &str, target_arn: &str) -> Result<(), CallError> {
        self.0.change_global_cluster(global, |cluster| available(cluster, "modifying"));
        self.0.fail_over(global, target_arn).await
    }

    async fn switch_over(&self, writer_region: &str, global: &str, target_arn: &str) -> Result<(), CallError> {
        self.0.switch_over(writer_region, global, target_arn).await
    }
}

#[test]
fn a_lost_answer_of_a_failover_that_was_done_is_settled_by_looking() {
    let (pending, failing_over) = (moving("pending"), moving("failing-over"));
    let case = check(
        |_| {},
        Faults::none().nth(FAILOVER, 0, Fault::UnknownAfter),
        &[0, 1, 1, 1, 1, 1],
        &[UNANSWERED, NOTHING_SHOWS, &pending, &failing_over, &failing_over, DONE],
    );
    assert_eq!(case.cluster().failovers, 1);
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::Accepted { .. })), "the journal is complete");
}

#[test]
fn a_lost_answer_of_a_failover_that_was_not_done_is_asked_for_again_after_the_grace() {
    let faults = Faults::none().nth(FAILOVER, 0, Fault::UnknownBefore);
    let case = check(|_| {}, faults, &[0, 60, 1], &[UNANSWERED, NOTHING_SHOWS, ACCEPTED]);
    assert_eq!(case.cluster().failovers, 1);
}

#[test]
fn a_call_that_is_refused_by_its_own_lost_first_try_waits_for_that_one() {
    // The first try was carried out, shows nothing for longer than the grace, and RDS refuses the second.
    let case = Case::new(|_| {}, Faults::none().nth(FAILOVER, 0, Fault::UnknownAfter));
    assert_eq!(case.look(0), UNANSWERED);
    let second = case.look(61);
    assert_eq!(
        second,
        "on its way: RDS said InvalidGlobalClusterStateFault: The global cluster has a switchover or failover under way.; now \
         on the move, `pending` (again in 3s)"
    );
    assert_eq!((case.cluster().failovers, case.faults.count(FAILOVER)), (1, 2));
    assert_eq!(case.entry().unwrap().outcome, None, "not `not done`: the first try is under way");
}

#[test]
fn a_refusal_after_a_lost_answer_does_not_hide_that_the_first_try_may_be_done() {
    let faults = Faults::none().nth(FAILOVER, 0, Fault::UnknownBefore).nth(FAILOVER, 1, Fault::Refused);
    let refused =
        "PromotionRefused: RDS refused rds:FailoverGlobalCluster with AccessDenied: not authorized (injected)";
    let case = check(|_| {}, faults, &[0, 61], &[UNANSWERED, refused]);
    assert_eq!(case.entry().unwrap().outcome, None, "not `not done`: the rollback must take it for the pivot");
}

#[test]
fn a_failover_that_is_given_up_is_told_and_not_tried_again() {
    let case = Case::new(|cluster| cluster.end = MoveEnd::Cancelled, Faults::none());
    for _ in 0..4 {
        case.look(1);
    }
    assert_eq!(
        case.look(180),
        "PromotionFailed: 183 seconds after RDS accepted the change shop-aurora-dr is still a secondary"
    );
    assert_eq!(case.cluster().failovers, 1);
}

#[test]
fn a_dry_run_says_what_it_would_do_and_calls_nothing() {
    let case = Case::new(|_| {}, Faults::none());
    let run = Run { mode: Mode::DryRun, ..case.run.clone() };
    let ledger = FakeLedger::held_by(&run);
    let event = fixture::step_event(&run, Step::PromoteData, now(), Some(fixture::assessment()));
    let world = Injected::new(&case.world, &case.faults);
    let databases =
        Databases { replicas: &world, global_clusters: &world, in_region: &world, backups: &world, caches: &world };
    let seen = told(&block_on(handle(event, &ledger, &case.plans, &databases, now)));
    assert_eq!(
        seen,
        "done: dry run: would be failed over, allowing data loss, to shop-aurora-dr, which cannot be undone"
    );
    assert!(case.faults.mutating_calls().is_empty());
    let decision = &block_on(ledger.evidence(&run.run_id)).unwrap()["decision#promote-data#db#failover-global-cluster"];
    assert_eq!((&decision["resource"], &decision["irreversible"]), (&GLOBAL_CLUSTER.into(), &true.into()));
}

#[test]
fn the_step_has_a_deadline_and_nothing_is_failed_over_after_it() {
    let case = Case::new(|_| {}, Faults::none());
    assert_eq!(
        case.look(900),
        "StepDeadlineExceeded: not there after 900 seconds, the plan allows 900: it can be failed over only now"
    );
    assert!(case.faults.mutating_calls().is_empty());
}

#[test]
fn nothing_is_failed_over_that_the_gate_did_not_pass() {
    let case = Case::new(|_| {}, Faults::none());
    let stranger = FakeLedger::held_by(&case.run);
    let world = Injected::new(&case.world, &case.faults);
    let databases =
        Databases { replicas: &world, global_clusters: &world, in_region: &world, backups: &world, caches: &world };
    let failure = block_on(handle(case.event.clone(), &stranger, &case.plans, &databases, now)).unwrap_err();
    assert_eq!(failure.name, FailureName::GateNotPassed);
    assert!(case.faults.calls().is_empty());
}

impl Case {
    /// One look of a switchover, with the primary Region reachable or not.
    fn switch(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        let plan = block_on(self.plans.pinned(&self.run.plan)).unwrap();
        let step = StepRef { name: Step::PromoteData, started_at: self.run.started_at };
        let context = StepContext { run: &self.run, plan: &plan, step: &step, ledger: &self.ledger, clock: now };
        let Database::AuroraGlobalCluster(component) = &plan.databases[0] else { panic!("another kind") };
        let world = Injected::new(&self.world, &self.faults);
        let looked = block_on(reconcile_as(true, &context, (&world, &world), component, 900));
        told(&looked.map(|progress| StepResponse::of(vec![progress])))
    }
}

#[test]
fn a_planned_run_switches_over_in_the_writers_region_and_leaves_no_snapshot_to_copy() {
    let case = Case::new(|_| {}, Faults::none());
    case.world.set_primary_reachable(true);
    let lines: Vec<String> = [0, 2, 1, 2, 2, 2].iter().map(|seconds| case.switch(*seconds)).collect();
    let (pending, switching_over) = (moving("pending"), moving("switching-over"));
    let accepted = "on its way: RDS: switchover accepted (again in 2s)";
    let done = "done: shop-aurora-dr is the writer of shop-global";
    assert_eq!(lines, [accepted, NOTHING_SHOWS, &pending, &switching_over, &switching_over, done]);
    assert_eq!((case.cluster().failovers, case.cluster().switchovers), (0, 1));
    assert_eq!(case.entry().unwrap().action.as_str(), "switchover-global-cluster");
}

#[test]
fn a_switchover_waits_for_a_healthy_global_cluster_and_is_told_what_rds_refuses() {
    let case = Case::new(|c| c.observed.members[1].synchronization = Some("pending-resync".into()), Faults::none());
    case.world.set_primary_reachable(true);
    let waits = "on its way: the secondary is `pending-resync`, a switchover needs it `connected` (again in 3s)";
    assert_eq!(case.switch(0), waits);
    assert!(case.faults.mutating_calls().is_empty());

    // RDS knows more than it shows: a third cluster that lags behind.
    let case = Case::new(|_| {}, Faults::none());
    case.world.set_primary_reachable(true);
    case.world.change_global_cluster(GLOBAL_CLUSTER, |cluster| {
        let mut third = cluster.observed.members[1].clone();
        third.arn = third.arn.replace("ap-southeast-1", "eu-west-1");
        third.synchronization = Some("pending-resync".into());
        cluster.observed.members.push(third);
    });
    assert!(
        case.switch(0).starts_with(
            "PromotionRefused: RDS refused rds:SwitchoverGlobalCluster with InvalidGlobalClusterStateFault: A switchover"
        ),
        "{:?}",
        case.entry()
    );
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::NotDone { .. })));
}

#[test]
fn a_switchover_whose_region_does_not_answer_is_unknown_until_it_is_seen() {
    let case = Case::new(|_| {}, Faults::none());
    let unanswered = case.switch(0);
    assert!(unanswered.starts_with("AwsUnavailable: rds:SwitchoverGlobalCluster: outcome unknown"), "{unanswered}");
    assert_eq!(case.switch(1), NOTHING_SHOWS);
    assert_eq!((case.cluster().switchovers, case.entry().unwrap().outcome), (0, None));
}
