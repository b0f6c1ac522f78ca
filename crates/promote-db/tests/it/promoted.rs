//! A database that was promoted, set as the plan says, look by look.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's panic is its report")]

use std::collections::BTreeMap;

use futures::executor::block_on;
use pilot_core::contract::{Mode, Run, Step};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::plan::{RestoredKind, RestoredSettings};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::RestoredDatabases;
use pilot_testkit::fixture::{GLOBAL_CLUSTER, PROMOTED, RECOVERY_CLUSTER_ARN, REPLICA};
use pilot_testkit::{FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now, told};
use promote_db::databases::Databases;
use promote_db::handler::{GATE, handle};
use serde_json::Value;

const CLUSTER: &str = "shop-aurora-dr";
const SET: &str = "parameter group shop-parameters; security groups sg-0a1b2c3d4e5f60005; deletion protection on";

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
}

impl Case {
    /// The test kit's world, in which the database is promoted already.
    fn promoted(plan_yaml: &str, faults: Faults) -> Self {
        let plans = FakePlans::new();
        let run = fixture::run(plans.put(fixture::PLAN, &fixture::with_promoted_settings(plan_yaml)));
        let world = fixture::world();
        world.change_replica(REPLICA, |replica| {
            replica.observed.source = None;
            replica.observed.backup_retention_days = 7;
        });
        world.change_global_cluster(GLOBAL_CLUSTER, |global| {
            for member in &mut global.observed.members {
                member.is_writer = member.arn == RECOVERY_CLUSTER_ARN;
            }
        });
        let ledger = FakeLedger::held_by(&run);
        block_on(ledger.keep_evidence(&run.run_id, GATE, &Value::Null)).unwrap();
        Case { world, ledger, plans, run, faults }
    }

    fn replica(faults: Faults) -> Self {
        Self::promoted(fixture::PLAN_YAML, faults)
    }

    fn cluster(faults: Faults) -> Self {
        Self::promoted(&fixture::plan_yaml_with_global_cluster(), faults)
    }

    /// One invocation, `seconds` after the last.
    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        let event = fixture::step_event(&self.run, Step::PromoteData, self.run.started_at, Some(fixture::assessment()));
        let world = Injected::new(&self.world, &self.faults);
        let databases =
            Databases { replicas: &world, global_clusters: &world, in_region: &world, backups: &world, caches: &world };
        told(&block_on(handle(event, &self.ledger, &self.plans, &databases, now)))
    }

    /// Looks until it is done; what was called to change something.
    fn calls_until_done(&self) -> Vec<String> {
        for _ in 0..40 {
            if self.look(31).starts_with("done") {
                return self.faults.mutating_calls().into_iter().map(|call| call.name.to_owned()).collect();
            }
        }
        panic!("{}", self.look(1));
    }

    fn entries(&self) -> Vec<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap()
    }

    fn settings(&self, kind: RestoredKind, identifier: &str) -> RestoredSettings {
        block_on(RestoredDatabases::describe(&self.world, kind, identifier)).unwrap().unwrap().settings
    }
}

#[test]
fn an_instance_is_set_after_its_promotion_and_what_waits_for_a_reboot_is_said() {
    let case = Case::replica(Faults::none());
    let looks: Vec<String> = [0, 2, 2, 2].map(|seconds| case.look(seconds)).into();
    assert_eq!(
        looks,
        [
            format!("on its way: shop-db-replica is being set on shop-db-replica to {SET} (again in 2s)"),
            // The change takes a look, in which it is not asked for again.
            "on its way: shop-db-replica is `modifying`, it is set as the plan says once it is `available` (again in 2s)".into(),
            "on its way: shop-db-replica is being tagged (arn:aws:rds:ap-southeast-1:111122223333:db:shop-db-replica) with tags serves \
             (again in 2s)"
                .into(),
            "done: no replica any more, and available; set to parameter group shop-parameters; security groups sg-0a1b2c3d4e5f60005; \
             backup retention of 7 days; deletion protection on; tags serves; the parameter group of shop-db-replica is `pending-reboot`: \
             its static parameters come with the next reboot"
                .into(),
        ]
    );
    let acts: Vec<(Action, bool)> = case.entries().iter().map(|e| (e.action, e.irreversible)).collect();
    assert_eq!(acts, [(Action::SetPromoted, true), (Action::TagPromoted, true)]);
    let before = &case.entries()[0].before;
    assert_eq!(
        (before["parameterGroup"].as_str(), before["deletionProtection"].as_bool()),
        (Some("default"), Some(false))
    );
    assert_eq!(case.faults.count("rds:RebootDBInstance"), 0);
}

#[test]
fn a_cluster_and_each_of_its_instances_are_set() {
    let case = Case::cluster(Faults::none());
    let calls = case.calls_until_done();
    assert_eq!(calls.len(), 4, "{calls:?}");
    let names: Vec<String> =
        case.entries().into_iter().map(|e| format!("{} {}", e.component, e.action.as_str())).collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(sorted, ["db set-promoted", "db tag-promoted", "db/reader-1 set-promoted", "db/reader-1 tag-promoted"]);
    let (cluster, instance) =
        (case.settings(RestoredKind::Cluster, CLUSTER), case.settings(RestoredKind::Instance, "reader-1"));
    let tags = BTreeMap::from([("serves".to_owned(), "the shop".to_owned())]);
    assert_eq!(
        (cluster.security_group_ids, cluster.deletion_protection, &cluster.tags),
        (vec![PROMOTED.1.into()], Some(true), &tags)
    );
    assert_eq!((instance.parameter_group.as_deref(), &instance.tags), (Some(PROMOTED.0), &tags));
}

#[test]
fn set_twice_is_set_once() {
    for case in [Case::replica(Faults::none()), Case::cluster(Faults::none())] {
        let calls = case.calls_until_done();
        assert!(case.look(2).starts_with("done"));
        assert_eq!(case.faults.mutating_calls().len(), calls.len());
    }
}

#[test]
fn a_lost_answer_is_seen_in_the_database_and_the_journal_says_so() {
    for (call, action) in
        [("rds:ModifyDBInstance", Action::SetPromoted), ("rds:AddTagsToResource", Action::TagPromoted)]
    {
        let case = Case::replica(Faults::none().nth(call, 0, Fault::UnknownAfter));
        case.look(0);
        case.calls_until_done();
        let entry = case.entries().into_iter().find(|entry| entry.action == action).unwrap();
        assert!(
            matches!(&entry.outcome, Some(EntryOutcome::Accepted { detail, .. }) if detail == "its answer was lost; seen to be set"),
            "{entry:?}"
        );
    }
}

#[test]
fn a_busy_database_is_waited_for_and_a_refusal_for_good_says_that_it_is_promoted() {
    let case = Case::replica(Faults::none().every("rds:ModifyDBInstance", Fault::Refused));
    assert_eq!(
        case.look(0),
        "AwsRefused: rds:ModifyDBInstance was refused with AccessDenied: not authorized (injected)"
    );
    // It is past the pivot: the next run goes on with what there is.
    let entry = case.entries().remove(0);
    assert!(matches!(entry.outcome, Some(EntryOutcome::NotDone { .. })), "{entry:?}");
}

#[test]
fn nothing_is_looked_at_or_set_that_the_plan_does_not_state() {
    let mut case = Case::replica(Faults::none());
    case.run = fixture::run(case.plans.put(fixture::PLAN, fixture::PLAN_YAML));
    let before = case.settings(RestoredKind::Instance, REPLICA);
    assert_eq!(case.look(0), "done: no replica any more, and available");
    assert!(case.faults.mutating_calls().is_empty() && case.entries().is_empty());
    assert_eq!(case.settings(RestoredKind::Instance, REPLICA), before);
}

#[test]
fn a_dry_run_says_what_would_follow_the_promotion() {
    let mut case = Case::replica(Faults::none());
    case.world.change_replica(REPLICA, |replica| replica.observed.source = Some("arn:aws:rds:x:1:db:shop-db".into()));
    case.run.mode = Mode::DryRun;
    case.ledger = FakeLedger::held_by(&case.run);
    let looked = case.look(0);
    assert!(
        looked.contains("would be promoted, which cannot be undone; then set to parameter group shop-parameters"),
        "{looked}"
    );
    assert!(case.faults.mutating_calls().is_empty());
}
