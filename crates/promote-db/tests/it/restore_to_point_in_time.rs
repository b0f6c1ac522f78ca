//! Restores to a point in time, look by look.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's panic is its report")]

use futures::executor::block_on;
use jiff::{SignedDuration, Timestamp};
use pilot_core::contract::{Mode, Run, Step};
use pilot_core::journal::{Entry, EntryOutcome};
use pilot_core::observed::RestoredObserved;
use pilot_core::plan::RestoredSettings;
use pilot_shell::ledger::Ledger;
use pilot_testkit::{FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now, told};
use promote_db::databases::Databases;
use promote_db::handler::{GATE, handle};
use serde_json::Value;

const RESTORE_TABLE: &str = "dynamodb:RestoreTableToPointInTime";
const RESTORE_CLUSTER: &str = "rds:RestoreDBClusterToPointInTime";

const CARTS: &str = "  - kind: restoreToPointInTime
    name: carts
    resourceArn: arn:aws:dynamodb:ap-southeast-1:111122223333:table/carts
    restoredIdentifier: carts-restored
    settings: {deletionProtection: true, backupRetentionDays: 35, tags: {team: shop}}
";
const ORDERS: &str = "  - kind: restoreToPointInTime
    name: orders
    resourceArn: arn:aws:rds:ap-southeast-1:111122223333:cluster:orders
    restoredIdentifier: orders-restored
    instances: [{identifier: orders-restored-1, instanceClass: db.r6g.large}]
    settings: {backupRetentionDays: 7, parameterGroup: orders-params, tags: {team: shop}}
";

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

impl Case {
    /// The points in time that are kept: from an hour before the incident to a minute before it.
    fn new(mode: Mode, component: &str, faults: Faults) -> Self {
        let plan = fixture::plan_yaml_in_one_region();
        let (head, rest) = plan.split_once("databases:").unwrap();
        let (_, tail) = rest.split_once("compute:").unwrap();
        let plans = FakePlans::new();
        let pin = plans.put(fixture::PLAN, &format!("{head}databases:\n{component}compute:{tail}"));
        let run = Run { mode, ..fixture::run(pin) };
        let world = FakeWorld::new();
        for original in ["carts", "orders"] {
            world.put_restorable(original, Some((before_incident(3600), before_incident(60))));
        }
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

    /// Looks until a line that says so, with the restored one through as soon as it is begun.
    fn to(&self, end: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..40 {
            lines.push(self.look(3));
            if lines.last().unwrap().starts_with(end) {
                return lines;
            }
            for (id, status) in [("carts-restored", "ACTIVE"), ("orders-restored", "available")] {
                self.world.change_restored(id, |made| made.status = status.into());
            }
        }
        panic!("not through: {lines:#?}");
    }

    fn entries(&self) -> Vec<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap()
    }

    fn entry(&self, action: &str) -> Entry {
        self.entries().into_iter().find(|entry| entry.action.as_str() == action).unwrap()
    }

    fn made(&self, identifier: &str) -> RestoredObserved {
        self.world.peek_restored(identifier).unwrap()
    }
}

fn before_incident(seconds: i64) -> Timestamp {
    fixture::incident_at() - SignedDuration::from_secs(seconds)
}

#[test]
fn a_table_is_restored_to_the_latest_time_and_set_as_the_plan_says() {
    let case = Case::new(Mode::Failover, CARTS, Faults::none());
    let up_to = before_incident(60);
    let lines = case.to("done");
    assert_eq!(lines[0], format!("on its way: carts-restored is being restored to {up_to} or later (again in 3s)"));
    assert_eq!(lines.last().unwrap(), &format!("done: carts-restored is carts restored to {up_to} or later"));
    assert_eq!(case.world.peek_point_in_time_restores(), [("carts".into(), "carts-restored".into(), None)]);
    let settings = case.made("carts-restored").settings;
    assert_eq!((settings.deletion_protection, settings.backup_retention_days), (Some(true), Some(35)));
    assert_eq!(settings.tags["team"], "shop");
    let entry = case.entry("restore-to-point-in-time");
    assert!(entry.irreversible && matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })), "{entry:?}");
    assert_eq!((entry.resource.as_str(), &entry.before["source"]), ("carts-restored", &"carts".into()));
}

#[test]
fn a_cluster_is_restored_to_the_plans_time_and_gets_its_instances() {
    let at = before_incident(1800);
    let component = ORDERS.replace("    instances", &format!("    restoreTo: {at}\n    instances"));
    let case = Case::new(Mode::Failover, &component, Faults::none());
    let lines = case.to("done");
    assert_eq!(lines.last().unwrap(), &format!("done: orders-restored is orders restored to {at}"));
    assert_eq!(case.world.peek_point_in_time_restores(), [("orders".into(), "orders-restored".into(), Some(at))]);
    assert_eq!(case.made("orders-restored").settings.backup_retention_days, Some(7));
    let instance = case.made("orders-restored-1");
    assert_eq!(instance.cluster.as_deref(), Some("orders-restored"));
    assert_eq!(instance.settings.parameter_group.as_deref(), Some("orders-params"));
    // Looked at once more, nothing is done again.
    let calls = case.faults.mutating_calls().len();
    assert!(case.look(3).starts_with("done") && case.faults.mutating_calls().len() == calls);
}

#[test]
fn what_is_there_already_is_never_taken_for_the_restored_one() {
    let case = Case::new(Mode::Failover, CARTS, Faults::none());
    let stranger = RestoredObserved {
        arn: "arn:aws:dynamodb:ap-southeast-1:111122223333:table/carts-restored".into(),
        status: "ACTIVE".into(),
        engine: None,
        settings: RestoredSettings::default(),
        pending_reboot: false,
        cluster: None,
    };
    case.world.put_restored("carts-restored", stranger);
    assert_eq!(case.look(0), "PromotionRefused: a table of that name is there already, and this run did not make it");
    assert!(case.faults.mutating_calls().is_empty() && case.entries().is_empty());
}

#[test]
fn a_time_that_is_not_kept_is_told_or_waited_for() {
    let component = |seconds| {
        ORDERS.replace("    instances", &format!("    restoreTo: {}\n    instances", before_incident(seconds)))
    };
    let case = Case::new(Mode::Failover, &component(3601), Faults::none());
    assert!(case.look(0).starts_with("PromotionFailed: orders can be restored to"), "{}", case.look(0));
    let case = Case::new(Mode::Failover, &component(30), Faults::none());
    assert!(case.look(0).contains("so far, not yet to"), "{}", case.look(0));
    case.world.put_restorable("orders", Some((before_incident(3600), before_incident(0))));
    assert!(case.look(5).starts_with("on its way: orders-restored is being restored to"));
    let case = Case::new(Mode::Failover, ORDERS, Faults::none());
    case.world.put_restorable("orders", None);
    assert_eq!(case.look(0), "PromotionFailed: the DB cluster orders keeps no points in time");
}

#[test]
fn a_lost_answer_restores_once() {
    for (component, call) in [(CARTS, RESTORE_TABLE), (ORDERS, RESTORE_CLUSTER)] {
        // Carried out: what is there was made by this run.
        let case = Case::new(Mode::Failover, component, Faults::none().nth(call, 0, Fault::UnknownAfter));
        let lines = case.to("done");
        assert!(lines[0].starts_with("AwsUnavailable"), "{lines:?}");
        assert_eq!(case.world.peek_point_in_time_restores().len(), 1);
        let entry = case.entry("restore-to-point-in-time");
        assert!(matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })), "{entry:?}");
        // Never arrived: asked for again, for the same, once it stays unseen.
        let case = Case::new(Mode::Failover, component, Faults::none().nth(call, 0, Fault::UnknownBefore));
        assert!(case.look(0).starts_with("AwsUnavailable"));
        assert!(case.look(30).contains("its answer was lost"), "{}", case.look(0));
        assert!(case.look(31).contains("is being restored"), "{}", case.look(0));
        assert_eq!(case.world.peek_point_in_time_restores().len(), 1);
    }
}

#[test]
fn a_refusal_for_good_is_told_as_one_and_journalled_as_not_done() {
    let case = Case::new(Mode::Failover, CARTS, Faults::none().every(RESTORE_TABLE, Fault::Refused));
    assert_eq!(
        case.look(0),
        "PromotionRefused: AWS refused dynamodb:RestoreTableToPointInTime with AccessDenied: not authorized (injected)"
    );
    assert!(matches!(case.entry("restore-to-point-in-time").outcome, Some(EntryOutcome::NotDone { .. })));
}

#[test]
fn a_dry_run_says_what_it_would_do() {
    let case = Case::new(Mode::DryRun, CARTS, Faults::none());
    let up_to = before_incident(60);
    assert_eq!(
        case.look(0),
        format!("done: dry run: would be carts restored to {up_to} or later as carts-restored, which cannot be undone")
    );
    assert!(case.world.peek_point_in_time_restores().is_empty());
}
