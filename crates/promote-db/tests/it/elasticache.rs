//! The ElastiCache replication group, look by look, and its undo.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use pilot_core::contract::{Mode, Run, Step};
use pilot_core::decide::cache::RUN_TAG;
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::observed::{CacheObserved, DatastoreObserved};
use pilot_core::plan::ElastiCache;
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{CacheReads, Caches, GlobalCacheReads, GlobalCaches};
use pilot_testkit::fixture::cache::{CACHE, component, with_cache};
use pilot_testkit::{
    FakeCache, FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now, told,
};
use promote_db::databases::Databases;
use promote_db::elasticache;
use promote_db::handler::{GATE, handle};
use serde_json::{Value, json};

const CREATE: &str = "elasticache:CreateReplicationGroup";
const DELETE: &str = "elasticache:DeleteReplicationGroup";
const ACCEPTED: &str = "on its way: ElastiCache: creation accepted (again in 5s)";
const CREATING: &str = "on its way: the group is `creating` (again in 5s)";
const CREATED: &str = "done: shop-cache is available, every node group of it, and as the plan says (created)";
const FOUND: &str = "done: shop-cache is available, every node group of it, and as the plan says (there before)";

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

impl Case {
    fn new(mode: Mode, faults: Faults) -> Self {
        let plans = FakePlans::new();
        let yaml = with_cache(&fixture::plan_yaml_without_database());
        let run = Run { mode, ..fixture::run(plans.put(fixture::PLAN, &yaml)) };
        let event = fixture::step_event(&run, Step::PromoteData, now(), Some(fixture::assessment()));
        let ledger = FakeLedger::held_by(&run);
        block_on(ledger.keep_evidence(&run.run_id, GATE, &Value::Null)).unwrap();
        Case { world: fixture::world(), ledger, plans, run, faults, event }
    }

    fn failover(faults: Faults) -> Self {
        Self::new(Mode::Failover, faults)
    }

    /// With a group that was there before.
    fn over(self, change: impl FnOnce(&mut FakeCache)) -> Self {
        let mut cache = FakeCache::of(&component());
        change(&mut cache);
        self.world.put_cache(CACHE, cache);
        self
    }

    /// One invocation, `seconds` after the last.
    fn look(&self, seconds: i64) -> String {
        let world = Injected::new(&self.world, &self.faults);
        self.look_through(seconds, &world)
    }

    fn look_through<C: Caches + GlobalCaches>(&self, seconds: i64, caches: &C) -> String {
        advance_seconds(seconds);
        let databases = Databases {
            replicas: &self.world,
            global_clusters: &self.world,
            in_region: &self.world,
            backups: &self.world,
            caches,
        };
        told(&block_on(handle(self.event.clone(), &self.ledger, &self.plans, &databases, now)))
    }

    fn looks(&self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.look(5)).collect()
    }

    fn entry(&self) -> Option<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap().pop()
    }

    /// What the undo says, look by look, until it is done or fails.
    fn undo(&self) -> Vec<String> {
        let (entry, world) = (self.entry().unwrap(), Injected::new(&self.world, &self.faults));
        let mut said = Vec::new();
        for _ in 0..20 {
            match block_on(elasticache::undo(&world, &entry)) {
                Ok((progress, _)) => said.push(progress.detail),
                Err(failure) => said.push(format!("{}: {}", failure.name, failure.what)),
            }
            if self.world.peek_cache(CACHE).is_none_or(|cache| cache.status == "available") {
                break;
            }
        }
        said
    }
}

#[test]
fn a_group_is_created_with_the_runs_tag_and_seen_to_be_available() {
    let case = Case::failover(Faults::none());
    assert_eq!(case.looks(5), [ACCEPTED, CREATING, CREATING, CREATED, CREATED]);
    let entry = case.entry().unwrap();
    assert_eq!((entry.action, entry.resource.as_str(), entry.irreversible), (Action::CreateCache, CACHE, false));
    assert_eq!(entry.before, json!({"exists": false, "madeBy": "run-1"}));
    assert!(matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })));
    let tags = case.world.peek_cache(CACHE).unwrap().settled.tags.unwrap();
    assert_eq!((tags[RUN_TAG].as_str(), tags["team"].as_str()), ("run-1", "shop"));
    assert_eq!(case.faults.count(CREATE), 1);
}

#[test]
fn one_that_is_there_as_the_plan_says_is_done_and_nothing_is_called() {
    let case = Case::failover(Faults::none()).over(|_| {});
    assert_eq!(case.look(0), FOUND);
    // On its way by somebody else: waited for.
    let case = Case::failover(Faults::none()).over(|cache| (cache.status, cache.looks_left) = ("creating".into(), 1));
    assert_eq!(case.looks(2), [CREATING, FOUND]);
    assert!(case.faults.mutating_calls().is_empty() && case.entry().is_none());
}

#[test]
fn one_that_is_not_as_the_plan_says_is_left_and_told() {
    let case = Case::failover(Faults::none()).over(|cache| cache.settled.transit_encryption = Some(false));
    assert_eq!(
        case.look(0),
        "PromotionFailed: the group that is there is not as the plan says: transitEncryption is false, must be true"
    );
    assert!(case.faults.mutating_calls().is_empty() && case.entry().is_none());
}

#[test]
fn a_group_that_never_gets_available_ends_with_its_time() {
    let case = Case::failover(Faults::none());
    assert_eq!(case.look(0), ACCEPTED);
    case.world.change_cache(CACHE, |cache| cache.looks_left = u32::MAX);
    assert!(case.look(1801).starts_with("StepDeadlineExceeded: "));
}

#[test]
fn a_dry_run_says_what_it_would_do() {
    let case = Case::new(Mode::DryRun, Faults::none());
    assert_eq!(case.look(0), "done: dry run: would be created as valkey with 2 nodes of cache.r7g.large, empty");
    assert!(case.faults.mutating_calls().is_empty() && case.world.peek_cache(CACHE).is_none());
}

#[test]
fn a_lost_answer_is_looked_at_before_anything_is_asked_again() {
    // Carried out, and the answer lost: seen, and never asked for twice.
    let case = Case::failover(Faults::none().nth(CREATE, 0, Fault::UnknownAfter));
    let lines = case.looks(4);
    assert_eq!(lines[1..], [CREATING, CREATING, CREATED].map(str::to_owned), "{lines:?}");
    assert_eq!(case.faults.count(CREATE), 1);
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::Accepted { .. })));
    // Never arrived: asked for again once it stays unseen.
    let case = Case::failover(Faults::none().nth(CREATE, 0, Fault::UnknownBefore));
    let shows = "on its way: the creation was accepted and has not begun to show (again in 2s)";
    assert_eq!([case.look(0), case.look(5), case.look(31)][1..], [shows.to_owned(), ACCEPTED.to_owned()]);
    assert_eq!(case.faults.count(CREATE), 2);
}

#[test]
fn a_refusal_for_good_is_told_as_one_and_journalled_as_not_done() {
    let case = Case::failover(Faults::none().every(CREATE, Fault::Refused));
    assert_eq!(
        case.look(0),
        "PromotionRefused: elasticache:CreateReplicationGroup was refused with AccessDenied: not authorized (injected)"
    );
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::NotDone { .. })));
}

#[test]
fn what_somebody_else_creates_between_look_and_call_is_theirs() {
    let case = Case::failover(Faults::none());
    assert_eq!(
        case.look_through(0, &SomebodyCreates(&case.world)),
        "on its way: ElastiCache said ReplicationGroupAlreadyExists: there is one now (again in 1s)"
    );
    assert!(matches!(case.entry().unwrap().outcome, Some(EntryOutcome::NotDone { .. })));
    assert_eq!(case.look(1), FOUND);
    // Even an entry that reads as if the run had made it does not lead to its deletion.
    assert_eq!(case.undo(), ["shop-cache: left: it does not bear this run's tag, so somebody else made it"]);
    assert!(case.world.peek_cache(CACHE).is_some() && case.faults.count(DELETE) == 0);
}

#[test]
fn the_undo_deletes_what_the_run_created_and_sees_it_gone() {
    let case = Case::failover(Faults::none());
    case.looks(4);
    let accepted = "shop-cache: its deletion was accepted";
    let deleting = "shop-cache: being deleted";
    assert_eq!(case.undo(), [accepted, deleting, deleting, "shop-cache: not there, as before the run"]);
    assert_eq!(case.faults.count(DELETE), 1);
    assert_eq!(case.undo(), ["shop-cache: not there, as before the run"], "twice is once");
}

#[test]
fn a_group_that_is_still_being_created_is_deleted_once_it_can_be() {
    let case = Case::failover(Faults::none());
    case.looks(2);
    let said = case.undo();
    assert_eq!(said[0], "shop-cache: `creating`, it can be deleted once it is `available`");
    assert_eq!(said.last().unwrap(), "shop-cache: not there, as before the run");
    assert_eq!(case.faults.count(DELETE), 1);
}

#[test]
fn an_undo_that_is_refused_is_for_a_person() {
    let case = Case::failover(Faults::none().every(DELETE, Fault::Refused));
    case.looks(4);
    assert_eq!(
        case.undo(),
        [
            "RollbackIncomplete: elasticache:DeleteReplicationGroup was refused with AccessDenied: not authorized (injected)"
        ]
    );
    // Busy between look and call: a wait.
    let case = Case::failover(Faults::none());
    case.looks(4);
    let (progress, _) = block_on(elasticache::undo(&GetsBusy(&case.world), &case.entry().unwrap())).unwrap();
    assert_eq!(progress.detail, "shop-cache: ElastiCache said InvalidReplicationGroupState");
}

/// The owner's own code creates the group as the run does.
struct SomebodyCreates<'a>(&'a FakeWorld);

impl CacheReads for SomebodyCreates<'_> {
    async fn cache(&self, id: &str) -> Result<Option<CacheObserved>, CallError> {
        self.0.cache(id).await
    }
}

impl Caches for SomebodyCreates<'_> {
    async fn create_cache(&self, cache: &ElastiCache, run_id: &str) -> Result<(), CallError> {
        self.0.put_cache(CACHE, FakeCache::of(cache));
        self.0.create_cache(cache, run_id).await
    }

    async fn delete_cache(&self, id: &str) -> Result<(), CallError> {
        self.0.delete_cache(id).await
    }
}

impl GlobalCacheReads for SomebodyCreates<'_> {
    async fn datastore(&self, id: &str, _: &str) -> Result<Option<DatastoreObserved>, CallError> {
        unreachable!("the plan has no global datastore {id}")
    }
}

impl GlobalCaches for SomebodyCreates<'_> {
    async fn fail_over_datastore(&self, id: &str, _: &str, _: &str) -> Result<(), CallError> {
        unreachable!("the plan has no global datastore {id}")
    }
}

/// A maintenance begins between look and call.
struct GetsBusy<'a>(&'a FakeWorld);

impl CacheReads for GetsBusy<'_> {
    async fn cache(&self, id: &str) -> Result<Option<CacheObserved>, CallError> {
        self.0.cache(id).await
    }
}

impl Caches for GetsBusy<'_> {
    async fn create_cache(&self, cache: &ElastiCache, run_id: &str) -> Result<(), CallError> {
        self.0.create_cache(cache, run_id).await
    }

    async fn delete_cache(&self, id: &str) -> Result<(), CallError> {
        self.0.change_cache(id, |cache| cache.status = "modifying".into());
        self.0.delete_cache(id).await
    }
}
