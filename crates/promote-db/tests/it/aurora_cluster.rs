//! The Aurora cluster of one Region, look by look.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use pilot_core::contract::{Mode, Run, Step};
use pilot_core::journal::{Entry, EntryOutcome};
use pilot_core::observed::{InRegionCluster, RestorableObserved};
use pilot_core::plan::RestoredKind;
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{InRegion, InRegionReads, NewPointInTime};
use pilot_testkit::fixture::{CLUSTER, READER, WRITER};
use pilot_testkit::{
    FakeCluster, FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now, told,
};
use promote_db::databases::Databases;
use promote_db::handler::{GATE, handle};
use serde_json::{Value, json};

const FAILOVER: &str = "rds:FailoverDBCluster";
const ACCEPTED: &str = "on its way: RDS: failover accepted (again in 2s)";
const NOTHING_SHOWS: &str = "on its way: the failover was accepted and has not begun to show (again in 1s)";
const FAILING_OVER: &str = "on its way: the cluster is failing over (again in 2s)";
const NOT_THROUGH: &str = "on its way: shop-zonal-b is the writer, and not through yet: the cluster is `failing-over`, \
                           shop-zonal-b is `available` (again in 2s)";
const DONE: &str = "done: shop-zonal-b is the writer of shop-zonal, and both are available";

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

impl Case {
    /// The writer's Availability Zone is dead.
    fn new(mode: Mode, change: impl FnOnce(&mut FakeCluster), faults: Faults) -> Self {
        let plans = FakePlans::new();
        let run = Run { mode, ..fixture::run(plans.put(fixture::PLAN, &fixture::plan_yaml_in_one_region())) };
        let world = fixture::world();
        world.change_cluster(CLUSTER, |cluster| cluster.kill_zone(WRITER.1));
        world.change_cluster(CLUSTER, change);
        let event = fixture::step_event(&run, Step::PromoteData, now(), Some(fixture::assessment()));
        let ledger = FakeLedger::held_by(&run);
        block_on(ledger.keep_evidence(&run.run_id, GATE, &Value::Null)).unwrap();
        Case { world, ledger, plans, run, faults, event }
    }

    /// One invocation, `seconds` after the last.
    fn look(&self, seconds: i64) -> String {
        let world = Injected::new(&self.world, &self.faults);
        self.look_through(seconds, &world)
    }

    fn look_through<C: InRegion>(&self, seconds: i64, in_region: &C) -> String {
        advance_seconds(seconds);
        let databases = Databases {
            replicas: &self.world,
            global_clusters: &self.world,
            in_region,
            backups: &self.world,
            caches: &self.world,
        };
        told(&block_on(handle(self.event.clone(), &self.ledger, &self.plans, &databases, now)))
    }

    fn looks(&self, waits_seconds: &[i64]) -> Vec<String> {
        waits_seconds.iter().map(|seconds| self.look(*seconds)).collect()
    }

    fn entry(&self) -> Option<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap().pop()
    }

    /// The writer, and how often a failover was accepted.
    fn moved(&self) -> (Option<String>, u32) {
        let cluster = self.world.peek_cluster(CLUSTER).unwrap();
        (cluster.observed.writer().map(str::to_owned), cluster.failovers)
    }
}

fn failover(change: impl FnOnce(&mut FakeCluster), faults: Faults) -> Case {
    Case::new(Mode::Failover, change, faults)
}

#[test]
fn the_writer_is_moved_and_seen_to_have_moved() {
    let case = failover(|_| {}, Faults::none());
    assert_eq!(case.looks(&[0, 2, 1, 2, 2]), [ACCEPTED, NOTHING_SHOWS, FAILING_OVER, NOT_THROUGH, DONE]);
    assert_eq!(case.moved(), (Some(READER.0.to_owned()), 1));
    let entry = case.entry().unwrap();
    assert_eq!((entry.action.as_str(), entry.resource.as_str()), ("failover-cluster", CLUSTER));
    assert!(entry.irreversible && matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })), "{entry:?}");
    assert_eq!(entry.before["writer"], WRITER.0);
    assert_eq!(
        entry.before["instances"][0],
        json!({"identifier": WRITER.0, "status": "failed", "availabilityZone": WRITER.1})
    );
}

#[test]
fn a_writer_that_aurora_moved_by_itself_is_done_and_nothing_is_called() {
    let case = failover(|cluster| cluster.make_writer(READER.0), Faults::none());
    assert_eq!(case.look(0), DONE);
    assert!(case.faults.mutating_calls().is_empty() && case.entry().is_none());
    // On its way by itself: waited for, not asked for.
    let case = failover(|cluster| cluster.observed.status = "failing-over".into(), Faults::none());
    assert_eq!(case.look(0), FAILING_OVER);
    assert!(case.faults.mutating_calls().is_empty() && case.entry().is_none());
}

#[test]
fn a_switchover_moves_the_writer_by_the_same_call() {
    let case = Case::new(
        Mode::Switchover,
        |cluster| cluster.observed.instances[0].status = "available".into(),
        Faults::none(),
    );
    assert_eq!(case.looks(&[0, 2, 1, 2, 2]).last().unwrap(), DONE);
    assert_eq!(case.moved(), (Some(READER.0.to_owned()), 1));
}

#[test]
fn a_dry_run_says_what_it_would_do() {
    let case = Case::new(Mode::DryRun, |_| {}, Faults::none());
    assert_eq!(case.look(0), "done: dry run: would be failed over to shop-zonal-b, which cannot be undone");
    assert_eq!(case.moved(), (Some(WRITER.0.to_owned()), 0));
}

#[test]
fn a_lost_answer_is_looked_at_before_anything_is_asked_again() {
    // Carried out, and the answer lost: seen, and never asked for twice.
    let case = failover(|_| {}, Faults::none().nth(FAILOVER, 0, Fault::UnknownAfter));
    let lines = case.looks(&[0, 2, 1, 2, 2]);
    assert_eq!(lines[1..], [NOTHING_SHOWS, FAILING_OVER, NOT_THROUGH, DONE].map(str::to_owned), "{lines:?}");
    assert_eq!(case.moved().1, 1);
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::Accepted { .. })));
    // Never arrived: asked for again once it stays unseen.
    let case = failover(|_| {}, Faults::none().nth(FAILOVER, 0, Fault::UnknownBefore));
    let lines = case.looks(&[0, 5, 61]);
    assert_eq!(lines[1..], [NOTHING_SHOWS, ACCEPTED].map(str::to_owned), "{lines:?}");
    assert_eq!(case.moved().1, 1);
}

#[test]
fn a_refusal_for_good_is_told_as_one_and_journalled_as_not_done() {
    let case = failover(|_| {}, Faults::none().every(FAILOVER, Fault::Refused));
    assert_eq!(
        case.look(0),
        "PromotionRefused: RDS refused rds:FailoverDBCluster with AccessDenied: not authorized (injected)"
    );
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::NotDone { .. })));
    assert_eq!(case.moved(), (Some(WRITER.0.to_owned()), 0));
}

#[test]
fn a_cluster_that_begins_to_move_between_look_and_call_is_a_wait() {
    let case = failover(|_| {}, Faults::none());
    assert_eq!(
        case.look_through(0, &BeginsToMove(&case.world)),
        "on its way: RDS said InvalidDBClusterStateFault: DB cluster is not in the available state, it is failing-over.; now \
         shop-zonal is `failing-over` (again in 3s)"
    );
    case.world.change_cluster(CLUSTER, |cluster| {
        cluster.make_writer(READER.0);
        cluster.observed.status = "available".into();
    });
    assert_eq!((case.look(3), case.moved().1), (DONE.to_owned(), 0));
}

#[test]
fn what_cannot_be_failed_over_is_told_and_nothing_is_called() {
    type Change = fn(&mut FakeCluster);
    let rows: [(Change, &str); 3] = [
        (|c| c.kill_zone(READER.1), "PromotionFailed: shop-zonal-b is `failed`"),
        (
            |c| c.observed.members.truncate(1),
            "PromotionFailed: shop-zonal-b is no instance of shop-zonal, its instances are shop-zonal-a",
        ),
        (|c| c.observed.status = "stopped".into(), "PromotionFailed: the cluster is `stopped`"),
    ];
    for (change, expected) in rows {
        let case = failover(change, Faults::none());
        assert_eq!(case.look(0), expected);
        assert!(case.faults.mutating_calls().is_empty() && case.entry().is_none());
    }
}

/// Aurora notices the dead writer as the failover is called.
struct BeginsToMove<'a>(&'a FakeWorld);

impl InRegionReads for BeginsToMove<'_> {
    async fn in_region_cluster(&self, cluster: &str, instances: &[&str]) -> Result<Option<InRegionCluster>, CallError> {
        self.0.in_region_cluster(cluster, instances).await
    }

    async fn restorable(&self, kind: RestoredKind, identifier: &str) -> Result<Option<RestorableObserved>, CallError> {
        self.0.restorable(kind, identifier).await
    }
}

impl InRegion for BeginsToMove<'_> {
    async fn fail_over_cluster(&self, cluster: &str, to_instance: &str) -> Result<(), CallError> {
        self.0.change_cluster(cluster, |cluster| cluster.observed.status = "failing-over".into());
        self.0.fail_over_cluster(cluster, to_instance).await
    }

    async fn restore_to_point(&self, restore: &NewPointInTime<'_>) -> Result<(), CallError> {
        self.0.restore_to_point(restore).await
    }
}
