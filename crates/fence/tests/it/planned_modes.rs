//! The fence of runs that must not lose a write, and the doors that are opened again on the way home.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use fence::handler::handle;
use fence::primary::Primaries;
use fence::{instance, load_balancer};
use futures::executor::block_on;
use pilot_core::contract::{Mode, Run, Status, Step, StepResponse};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::Ledger;
use pilot_testkit::{
    FakeDoor, FakeGroup, FakeLedger, FakePlans, FakePrimary, FakeWorld, Fault, Faults, Injected, advance_seconds,
    fixture, now, told,
};
use serde_json::{Value, json};

const PRIMARY: &str = "ap-southeast-2";
const RECOVERY: &str = "ap-southeast-1";
const SET_GROUPS: &str = "elasticloadbalancing:SetSecurityGroups";
const MODIFY: &str = "rds:ModifyDBInstance";
const LOOKS_MAX: usize = 100;

/// Both Regions, each with what a fence or a lift touches there.
struct Case {
    home: FakeWorld,
    away: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

struct ByName<'a>(&'a Case);

impl<'a> Primaries for ByName<'a> {
    type Region = Injected<'a, FakePrimary>;

    async fn region(&self, name: &str) -> Self::Region {
        let world = match name {
            PRIMARY => &self.0.home,
            RECOVERY => &self.0.away,
            other => unreachable!("the plan knows no {other}"),
        };
        Injected::new(world.primary(), &self.0.faults)
    }
}

impl Case {
    fn new(plan_yaml: &str, mode: Mode, step: Step, faults: Faults) -> Self {
        let (plans, run, ledger) = fixture::there_and_back(plan_yaml, mode);
        let away = FakeWorld::new();
        away.primary().put_group(fixture::GROUP, FakeGroup::of(2, 4, 2));
        let event = fixture::step_event(&run, step, now(), Some(fixture::assessment()));
        Case { home: fixture::world(), away, ledger, plans, run, faults, event }
    }

    /// A plan whose policy is `bestEffort`, on both sides.
    fn fence(mode: Mode, faults: Faults) -> Self {
        Self::new(&fixture::plan_yaml_with_home(), mode, Step::Fence, faults)
    }

    /// On the way home, with the doors there as an earlier fence left them.
    fn lift(faults: Faults) -> Self {
        let case = Self::new(&fixture::plan_yaml_with_home(), Mode::Failback, Step::Lift, faults);
        let primary = case.home.primary();
        primary.put_group(fixture::PRIMARY_GROUP, FakeGroup::of(0, 0, 0));
        primary.put_load_balancer(fixture::LOAD_BALANCER, FakeDoor::of(&[fixture::CLOSED_DOOR]));
        primary.put_instance(fixture::INSTANCE, FakeDoor::of(&[fixture::CLOSED_DOOR]));
        case
    }

    /// The Region that a run of its mode fences.
    fn fenced(&self) -> &FakeWorld {
        if self.run.mode.leads_home() { &self.away } else { &self.home }
    }

    fn invoke(&self) -> Result<StepResponse, Failure> {
        block_on(handle(self.event.clone(), &self.ledger, &self.plans, &ByName(self), now))
    }

    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        told(&self.invoke())
    }

    /// As the state machine does.
    fn walk(&self) -> Result<StepResponse, Failure> {
        for _ in 0..LOOKS_MAX {
            match self.invoke() {
                Ok(response) if response.status == Status::Done => return Ok(response),
                Ok(response) => advance_seconds(response.retry_after_seconds.into()),
                Err(failure) => return Err(failure),
            }
        }
        unreachable!("the step never ends")
    }

    fn journal(&self) -> Vec<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap()
    }

    fn entry(&self, action: Action) -> Entry {
        self.journal().into_iter().find(|entry| entry.action == action).unwrap()
    }

    fn acts(&self) -> Vec<&'static str> {
        self.faults.mutating_calls().iter().map(|call| call.name).collect()
    }
}

const MUST_HOLD: [Mode; 3] = [Mode::Switchover, Mode::Failback, Mode::Protect];

#[test]
fn a_living_region_is_fenced_or_nothing_goes_on_whatever_the_plan_says() {
    for mode in MUST_HOLD {
        let case = Case::fence(mode, Faults::none());
        case.fenced().set_primary_reachable(false);
        let failure = case.walk().unwrap_err();
        assert_eq!(failure.name, FailureName::FenceNotAchieved, "{mode:?}: {failure}");
        assert!(failure.what.contains("unreachable"), "{failure}");

        let refused = Faults::none().every("autoscaling:UpdateAutoScalingGroup", Fault::Refused);
        let case = Case::fence(mode, refused);
        let failure = case.walk().unwrap_err();
        assert_eq!(failure.name, FailureName::FenceNotAchieved, "{mode:?}: {failure}");
        assert!(failure.what.contains("refused"), "{failure}");

        let case = Case::fence(mode, Faults::none());
        assert!(case.walk().is_ok(), "{mode:?}");
    }
    // The same plan's failover goes on without.
    let case = Case::fence(Mode::Failover, Faults::none());
    case.home.set_primary_reachable(false);
    assert!(case.walk().is_ok());
}

#[test]
fn a_failback_fences_the_region_it_leaves_and_no_door() {
    let case = Case::fence(Mode::Failback, Faults::none());
    let home = case.home.values();
    case.walk().unwrap();
    assert_eq!(case.home.values(), home, "where it goes to is left alone");
    let sizes = case.away.primary().peek_groups()[fixture::GROUP];
    assert_eq!((sizes.min, sizes.max, sizes.desired), (0, 0, 0));
    assert_eq!(case.entry(Action::FenceGroup).before, json!({"min": 2, "max": 4, "desired": 2}));
    assert_eq!(case.acts(), ["autoscaling:UpdateAutoScalingGroup"]);
}

#[test]
fn a_switchover_of_a_read_replica_wants_something_to_fence() {
    let case = Case::new(fixture::PLAN_YAML, Mode::Switchover, Step::Fence, Faults::none());
    let failure = case.invoke().unwrap_err();
    assert_eq!(failure.name, FailureName::FenceNotAchieved);
    assert!(failure.what.contains("names nothing to fence"), "{failure}");
    // AWS itself stops the writes of a global database, and a failover has a primary that is dead.
    for (yaml, mode) in [
        (fixture::plan_yaml_with_global_cluster(), Mode::Switchover),
        (fixture::plan_yaml_without_database(), Mode::Switchover),
        (fixture::PLAN_YAML.to_owned(), Mode::Failover),
    ] {
        let case = Case::new(&yaml, mode, Step::Fence, Faults::none());
        assert!(case.look(0).starts_with("done: the plan names nothing to fence"), "{mode:?}");
    }
}

/// The plan fences an instance that is not there.
fn with_a_missing_instance(mode: Mode) -> Case {
    let yaml = fixture::plan_yaml_with_home().replace("identifier: shop-db,", "identifier: set-aside,");
    Case::new(&yaml, mode, Step::Fence, Faults::none())
}

#[test]
fn protect_takes_what_was_set_aside_for_fenced_and_a_switchover_does_not() {
    let case = with_a_missing_instance(Mode::Protect);
    let response = case.walk().unwrap();
    let item = response.components.iter().find(|component| component.name == "old-db").unwrap();
    assert_eq!(item.detail, "done: there is no DB instance set-aside in ap-southeast-2: nothing to fence");
    assert!(!case.acts().contains(&MODIFY));
    let failure = with_a_missing_instance(Mode::Switchover).walk().unwrap_err();
    assert_eq!(failure.name, FailureName::FenceNotAchieved);
    assert!(failure.what.contains("there is no such DB instance"), "{failure}");
}

const LIFTED: &str = "done: no door: scale-compute brings it back \
    | done: security groups sg-0a00000000000001 \
    | done: security groups sg-0b00000000000001";

fn assert_open(case: &Case) {
    let doors = case.home.values().doors;
    assert_eq!(doors[fixture::LOAD_BALANCER], [fixture::OPEN_DOORS[0]]);
    assert_eq!(doors[fixture::INSTANCE], [fixture::OPEN_DOORS[1]]);
}

#[test]
fn the_doors_at_home_are_opened_and_their_closed_state_is_journalled() {
    let case = Case::lift(Faults::none());
    case.home.primary().change_instance(fixture::INSTANCE, |door| door.settle_looks = 1);
    let (groups, away) = (case.home.values().primary_groups, case.away.values());
    let lines = [case.look(0), case.look(2), case.look(2), case.look(2)];
    assert_eq!(
        lines,
        [
            "done: no door: scale-compute brings it back \
             | on its way: opened with sg-0a00000000000001, not seen yet \
             | on its way: opened with sg-0b00000000000001, not seen yet (again in 2s)",
            "done: no door: scale-compute brings it back \
             | done: security groups sg-0a00000000000001 \
             | on its way: security groups sg-0b00000000000001, not in force yet (again in 2s)",
            LIFTED,
            LIFTED,
        ]
    );
    assert_open(&case);
    assert_eq!((case.home.values().primary_groups, case.away.values()), (groups, away), "nothing else is touched");
    assert_eq!(case.acts(), [SET_GROUPS, MODIFY], "set once");
    for action in [Action::LiftLoadBalancer, Action::LiftInstance] {
        let entry = case.entry(action);
        assert_eq!((entry.step, entry.irreversible), (Step::Lift, false));
        assert_eq!(entry.before, json!({"securityGroupIds": [fixture::CLOSED_DOOR]}));
    }
}

#[test]
fn doors_that_are_open_are_left_alone() {
    let case = Case::new(&fixture::plan_yaml_with_home(), Mode::Failback, Step::Lift, Faults::none());
    case.home.primary().put_load_balancer(fixture::LOAD_BALANCER, FakeDoor::of(&[fixture::OPEN_DOORS[0]]));
    assert_eq!(case.look(0), LIFTED);
    assert!(case.acts().is_empty() && case.journal().is_empty());
}

#[test]
fn a_lift_whose_answer_is_lost_is_seen_and_not_made_twice() {
    for call in [SET_GROUPS, MODIFY] {
        let case = Case::lift(Faults::none().nth(call, 0, Fault::UnknownAfter));
        case.walk().unwrap();
        assert!(case.faults.any_injected());
        assert_eq!(case.faults.count(call), 1);
        assert_open(&case);
        let settled = |entry: &Entry| matches!(entry.outcome, Some(EntryOutcome::Accepted { .. }));
        assert!(case.journal().iter().all(settled), "{:?}", case.journal());
        for fault in [Fault::Throttled, Fault::UnknownBefore] {
            let case = Case::lift(Faults::none().nth(call, 0, fault));
            case.walk().unwrap();
            assert_open(&case);
        }
    }
}

#[test]
fn a_door_that_cannot_be_opened_is_told_by_name() {
    for call in [SET_GROUPS, MODIFY, "elasticloadbalancing:DescribeLoadBalancers", "rds:DescribeDBInstances"] {
        let failure = Case::lift(Faults::none().every(call, Fault::Refused)).walk().unwrap_err();
        assert_eq!(failure.name, FailureName::LiftFailed);
        assert!(failure.what.contains(call), "{failure}");
    }
    let case = Case::lift(Faults::none());
    let plan = fixture::plan_yaml_with_home().replace("identifier: shop-db,", "identifier: gone,");
    let gone = Case::new(&plan, Mode::Failback, Step::Lift, Faults::none());
    let failure = gone.walk().unwrap_err();
    assert_eq!(failure.name, FailureName::LiftFailed);
    assert!(failure.what.contains("there is no such DB instance in ap-southeast-2: gone"), "{failure}");
    // Busy is not refused: a backup goes first, for a bounded time.
    case.home.primary().change_instance(fixture::INSTANCE, |door| door.busy = true);
    assert!(case.look(0).contains("on its way: rds:ModifyDBInstance was put off with InvalidDBInstanceState"));
    assert!(case.look(60).starts_with("StepDeadlineExceeded: "));
    case.home.primary().change_instance(fixture::INSTANCE, |door| door.busy = false);
    let silent = Case::lift(Faults::none());
    silent.home.set_primary_reachable(false);
    assert_eq!(silent.walk().unwrap_err().name, FailureName::StepDeadlineExceeded);
}

#[test]
fn the_undo_closes_the_doors_again_and_is_the_same_twice() {
    let case = Case::lift(Faults::none());
    let before = case.home.values();
    case.walk().unwrap();
    let primary = Injected::new(case.home.primary(), &case.faults);
    for _ in 0..2 {
        let (balancer, _) = block_on(load_balancer::undo(&primary, &case.entry(Action::LiftLoadBalancer))).unwrap();
        let (instance, _) = block_on(instance::undo(&primary, &case.entry(Action::LiftInstance))).unwrap();
        assert_eq!((balancer.status, instance.status), (Status::Done, Status::Done));
        assert_eq!(case.home.values(), before);
    }
    assert_eq!(case.acts(), [SET_GROUPS, MODIFY, SET_GROUPS, MODIFY]);
}
