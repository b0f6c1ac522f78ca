//! The ElastiCache global datastore, look by look, and its undo.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use pilot_core::contract::{Mode, Run, Step};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::plan::{RecoveryPlan, check};
use pilot_shell::ledger::Ledger;
use pilot_testkit::fixture::datastore::{DATASTORE, PRIMARY_MEMBER, RECOVERY_MEMBER, with_datastore};
use pilot_testkit::{
    FakeDatastore, FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now, told,
};
use promote_db::databases::Databases;
use promote_db::elasticache_global;
use promote_db::handler::{GATE, handle};
use serde_json::{Value, json};

const FAIL_OVER: &str = "elasticache:FailoverGlobalReplicationGroup";
const ACCEPTED: &str = "on its way: ElastiCache: failover accepted (again in 3s)";
const MOVING: &str = "on its way: the global datastore is `modifying` (again in 3s)";
const DONE: &str = "done: shop-sessions-dr is the primary of abcde-shop, which is settled";
const AT_HOME: &str = "abcde-shop: shop-sessions of ap-southeast-2 is primary, as before the run";

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

fn plan_yaml() -> String {
    with_datastore(&fixture::plan_yaml_without_database())
}

impl Case {
    fn new(mode: Mode, faults: Faults) -> Self {
        let plans = FakePlans::new();
        let run = Run { mode, ..fixture::run(plans.put(fixture::PLAN, &plan_yaml())) };
        let event = fixture::step_event(&run, Step::PromoteData, now(), Some(fixture::assessment()));
        let ledger = FakeLedger::held_by(&run);
        block_on(ledger.keep_evidence(&run.run_id, GATE, &Value::Null)).unwrap();
        Case { world: fixture::world(), ledger, plans, run, faults, event }
    }

    fn failover(faults: Faults) -> Self {
        Self::new(Mode::Failover, faults)
    }

    /// Over a datastore that is not as the fixture's.
    fn over(self, change: impl FnOnce(&mut FakeDatastore)) -> Self {
        self.world.change_datastore(DATASTORE, change);
        self
    }

    /// One invocation, `seconds` after the last.
    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        let world = Injected::new(&self.world, &self.faults);
        let databases = Databases {
            replicas: &self.world,
            global_clusters: &self.world,
            in_region: &self.world,
            backups: &self.world,
            caches: &world,
        };
        told(&block_on(handle(self.event.clone(), &self.ledger, &self.plans, &databases, now)))
    }

    fn looks(&self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.look(3)).collect()
    }

    fn entry(&self) -> Entry {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap().pop().unwrap()
    }

    fn primary(&self) -> String {
        self.world.peek_datastore(DATASTORE).unwrap().primary_region().unwrap().to_owned()
    }

    /// What the undo says at one look, `seconds` after the last.
    fn undo(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        let (plan, world): (RecoveryPlan, _) =
            (check(plan_yaml().as_bytes()).unwrap(), Injected::new(&self.world, &self.faults));
        match block_on(elasticache_global::undo(&world, &plan, &self.entry(), now())) {
            Ok((progress, _)) => progress.detail,
            Err(failure) => format!("{}: {}", failure.name, failure.what),
        }
    }
}

#[test]
fn it_is_failed_over_once_and_seen_to_be_settled() {
    for mode in [Mode::Failover, Mode::Switchover] {
        let case = Case::new(mode, Faults::none());
        assert_eq!(case.looks(5), [ACCEPTED, MOVING, MOVING, DONE, DONE]);
        let entry = case.entry();
        assert_eq!((entry.action, entry.resource.as_str()), (Action::FailoverGlobalCache, DATASTORE));
        assert!(!entry.irreversible && matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })), "{entry:?}");
        let before = json!({"primaryReplicationGroupId": PRIMARY_MEMBER.0, "primaryRegion": PRIMARY_MEMBER.1});
        assert_eq!(entry.before, before);
        assert_eq!((case.faults.count(FAIL_OVER), case.primary().as_str()), (1, RECOVERY_MEMBER.1));
    }
}

#[test]
fn one_that_is_there_already_is_done_and_one_on_its_way_is_waited_for() {
    let case = Case::failover(Faults::none());
    case.world.put_datastore(DATASTORE, FakeDatastore::replicating(RECOVERY_MEMBER, PRIMARY_MEMBER));
    assert_eq!(case.look(0), DONE);
    // By somebody else.
    let case =
        Case::failover(Faults::none()).over(|d| (d.moving_to, d.looks_left) = (Some("ap-southeast-1".into()), 1));
    assert_eq!(case.looks(2), [MOVING, DONE]);
    assert!(case.faults.mutating_calls().is_empty());
}

#[test]
fn what_cannot_be_failed_over_is_left_and_told() {
    let case = Case::failover(Faults::none()).over(|d| d.observed.status = "primary-only".into());
    assert!(case.look(0).starts_with("PromotionFailed: the global datastore is `primary-only`: "));
    let case = Case::failover(Faults::none());
    case.world.remove_datastore(DATASTORE);
    assert_eq!(case.look(0), "PromotionFailed: ElastiCache in ap-southeast-1 knows no such global datastore");
    assert!(case.faults.mutating_calls().is_empty());
}

#[test]
fn one_that_never_settles_ends_with_its_time() {
    let case = Case::failover(Faults::none());
    assert_eq!(case.look(0), ACCEPTED);
    case.world.change_datastore(DATASTORE, |d| d.looks_left = u32::MAX);
    assert!(case.look(901).starts_with("StepDeadlineExceeded: "));
}

#[test]
fn a_dry_run_says_what_it_would_do() {
    let case = Case::new(Mode::DryRun, Faults::none());
    assert_eq!(
        case.look(0),
        "done: dry run: would be failed over to shop-sessions-dr; what had not arrived there is lost, and a cache has no records"
    );
    assert!(case.faults.mutating_calls().is_empty() && case.primary() == PRIMARY_MEMBER.1);
}

#[test]
fn a_lost_answer_is_looked_at_before_anything_is_asked_again() {
    // Carried out, and the answer lost: seen, and never asked for twice.
    let case = Case::failover(Faults::none().nth(FAIL_OVER, 0, Fault::UnknownAfter));
    assert_eq!(case.looks(4)[1..], [MOVING, MOVING, DONE].map(str::to_owned));
    assert_eq!(case.faults.count(FAIL_OVER), 1);
    assert!(matches!(case.entry().outcome, Some(EntryOutcome::Accepted { .. })));
    // Never arrived: asked for again once it stays unseen.
    let case = Case::failover(Faults::none().nth(FAIL_OVER, 0, Fault::UnknownBefore));
    let shows = "on its way: the failover was accepted and has not begun to show (again in 2s)";
    assert_eq!([case.look(0), case.look(5), case.look(31)][1..], [shows.to_owned(), ACCEPTED.to_owned()]);
    assert_eq!(case.faults.count(FAIL_OVER), 2);
    // Carried out late: the second asking is refused, and the first one is waited for.
    let case =
        Case::failover(Faults::none().nth(FAIL_OVER, 0, Fault::UnknownAfter)).over(|d| d.looks_before_it_shows = 2);
    case.look(0);
    let said = "on its way: ElastiCache said InvalidGlobalReplicationGroupState; ";
    let second = case.look(31);
    assert!(second.starts_with(said), "{second}");
    assert_eq!(case.looks(3).last().unwrap(), DONE);
    assert_eq!(case.world.peek_datastore(DATASTORE).unwrap().failovers, 1);
}

#[test]
fn a_refusal_for_good_is_told_as_one_and_journalled_as_not_done() {
    let case = Case::failover(Faults::none().every(FAIL_OVER, Fault::Refused));
    assert_eq!(
        case.look(0),
        "PromotionRefused: elasticache:FailoverGlobalReplicationGroup was refused with AccessDenied: not authorized (injected)"
    );
    assert!(matches!(case.entry().outcome, Some(EntryOutcome::NotDone { .. })));
    assert_eq!(case.primary(), PRIMARY_MEMBER.1);
}

#[test]
fn the_undo_fails_it_back_and_sees_it_settled() {
    let case = Case::failover(Faults::none());
    case.looks(4);
    let moving = "abcde-shop: the global datastore is `modifying`";
    let accepted = "abcde-shop: its failover back to shop-sessions of ap-southeast-2 was accepted";
    assert_eq!([case.undo(3), case.undo(3), case.undo(3)], [accepted, moving, moving]);
    assert_eq!([case.undo(30), case.undo(3)], [AT_HOME, AT_HOME], "twice is once");
    assert_eq!((case.faults.count(FAIL_OVER), case.primary().as_str()), (2, PRIMARY_MEMBER.1));
}

#[test]
fn a_failover_that_may_yet_begin_is_not_taken_for_undone() {
    let case =
        Case::failover(Faults::none().nth(FAIL_OVER, 0, Fault::UnknownAfter)).over(|d| d.looks_before_it_shows = 2);
    case.look(0);
    let waits = "abcde-shop: shop-sessions is primary; the failover that is undone may yet begin to show";
    assert_eq!([case.undo(3), case.undo(3)], [waits, waits]);
    assert_eq!(case.undo(3), "abcde-shop: the global datastore is `modifying`");
    case.undo(3);
    assert!(case.undo(3).contains("its failover back to shop-sessions of ap-southeast-2 was accepted"));
    assert_eq!([case.undo(3), case.undo(3), case.undo(30)].last().unwrap(), AT_HOME);
    assert_eq!(case.primary(), PRIMARY_MEMBER.1);
}

#[test]
fn an_undo_that_has_nowhere_to_lead_is_for_a_person() {
    let case = Case::failover(Faults::none());
    case.looks(4);
    case.world.change_datastore(DATASTORE, |d| {
        d.observed.status = "primary-only".into();
        d.observed.members.retain(|member| member.is_primary);
    });
    assert_eq!(
        case.undo(3),
        "RollbackIncomplete: the global datastore is `primary-only`: shop-sessions of ap-southeast-2 cannot take it back"
    );
    // Refused for good, and refused for a state that goes by.
    let refused = Case::failover(Faults::none().nth(FAIL_OVER, 1, Fault::Refused));
    refused.looks(4);
    assert_eq!(
        refused.undo(3),
        "RollbackIncomplete: elasticache:FailoverGlobalReplicationGroup back to shop-sessions of ap-southeast-2 was refused with \
         AccessDenied: not authorized (injected)"
    );
    let gone = Case::failover(Faults::none());
    gone.looks(4);
    gone.world.remove_datastore(DATASTORE);
    assert!(gone.undo(3).starts_with("RollbackIncomplete: the recovery Region knows no such global datastore"));
}
