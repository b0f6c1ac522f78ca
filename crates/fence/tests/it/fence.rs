//! The fence, look by look, and its undo.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's panic is its report")]

use fence::handler::{EVIDENCE, handle};
use fence::primary::Primaries;
use fence::{instance, load_balancer};
use futures::executor::block_on;
use pilot_core::contract::{Mode, Run, Status, Step};
use pilot_core::decide::fence::{FenceEvidence, ItemState};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::Ledger;
use pilot_shell::waves::Progress;
use pilot_testkit::{
    FakeDoor, FakeGroup, FakeLedger, FakePlans, FakePrimary, FakeService, FakeWorld, Fault, Faults, Injected,
    WorldValues, advance_seconds, fixture, now, told,
};
use scale_compute::{auto_scaling_group, ecs_service};
use serde_json::{Value, json};

const RESIZE: &str = "autoscaling:UpdateAutoScalingGroup";
const SET_GROUPS: &str = "elasticloadbalancing:SetSecurityGroups";
const REGISTER: &str = "application-autoscaling:RegisterScalableTarget";
const UPDATE: &str = "ecs:UpdateService";
const MODIFY: &str = "rds:ModifyDBInstance";

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    event: Value,
}

/// The case's primary Region, and no other.
struct PlansPrimary<'a>(&'a Case);

impl<'a> Primaries for PlansPrimary<'a> {
    type Region = Injected<'a, FakePrimary>;

    async fn region(&self, name: &str) -> Self::Region {
        assert_eq!(name, "ap-southeast-2", "the fence is for the primary Region");
        Injected::new(self.0.world.primary(), &self.0.faults)
    }
}

impl Case {
    fn of(plan_yaml: &str, mode: Mode, faults: Faults) -> Self {
        let plans = FakePlans::new();
        let run = Run { mode, ..fixture::run(plans.put(fixture::PLAN, plan_yaml)) };
        let event = fixture::step_event(&run, Step::Fence, now(), Some(fixture::assessment()));
        Case { world: fixture::world(), ledger: FakeLedger::held_by(&run), plans, run, faults, event }
    }

    fn new(policy: &str, faults: Faults) -> Self {
        Self::of(&fixture::plan_yaml_with_fence(policy), Mode::Failover, faults)
    }

    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        told(&block_on(handle(self.event.clone(), &self.ledger, &self.plans, &PlansPrimary(self), now)))
    }

    fn evidence(&self) -> FenceEvidence {
        let evidence = block_on(self.ledger.evidence(&self.run.run_id)).unwrap();
        serde_json::from_value(evidence[EVIDENCE].clone()).unwrap()
    }

    /// Each item's state and how often it was looked at, in the plan's order.
    fn items(&self) -> Vec<(ItemState, u32)> {
        self.evidence().items.iter().map(|item| (item.state, item.looks)).collect()
    }

    fn journal(&self) -> Vec<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap()
    }

    fn entry(&self, action: Action) -> Entry {
        self.journal().into_iter().find(|entry| entry.action == action).unwrap()
    }

    /// The journal in the plan's order.
    fn journal_by_action(&self) -> [Entry; 3] {
        [Action::FenceGroup, Action::FenceLoadBalancer, Action::FenceInstance].map(|action| self.entry(action))
    }

    fn undo(&self, entry: &Entry, faults: &Faults) -> Result<Progress, Failure> {
        let primary = Injected::new(self.world.primary(), faults);
        match entry.action {
            Action::FenceGroup => block_on(auto_scaling_group::undo(&primary, entry)),
            Action::FenceService => block_on(ecs_service::undo(&primary, entry)),
            Action::FenceLoadBalancer => block_on(load_balancer::undo(&primary, entry)),
            Action::FenceInstance => block_on(instance::undo(&primary, entry)),
            other => panic!("{other:?} is no act of the fence"),
        }
    }

    fn acts(&self) -> Vec<&'static str> {
        self.faults.mutating_calls().iter().map(|call| call.name).collect()
    }
}

/// The lines of a story, one a look, each so many seconds after the one before.
fn tell(case: &Case, waits_seconds: &[i64], expected: &[&str]) {
    let lines: Vec<String> = waits_seconds.iter().map(|seconds| case.look(*seconds)).collect();
    assert_eq!(lines, expected);
}

fn closed(case: &Case) -> WorldValues {
    let values = case.world.values();
    let sizes = values.primary_groups[fixture::PRIMARY_GROUP];
    assert_eq!((sizes.min, sizes.max, sizes.desired), (0, 0, 0));
    assert_eq!(values.doors[fixture::LOAD_BALANCER], [fixture::CLOSED_DOOR]);
    assert_eq!(values.doors[fixture::INSTANCE], [fixture::CLOSED_DOOR]);
    values
}

const ALL_SET: &str = "on its way: set to min 0, max 0, desired 0, not seen yet \
    | on its way: closed with sg-0c105ed000000000, not seen yet \
    | on its way: closed with sg-0c105ed000000000, not seen yet (again in 1s)";
const ALL_DONE: &str = "done: done: min 0, max 0, desired 0, 0 instances left \
    | done: done: security groups sg-0c105ed000000000 \
    | done: done: security groups sg-0c105ed000000000";

#[test]
fn everything_is_set_at_once_and_seen_at_the_next_look() {
    for policy in ["bestEffort", "required"] {
        let case = Case::new(policy, Faults::none());
        let recovery = case.world.values().groups;
        tell(&case, &[0, 2], &[ALL_SET, ALL_DONE]);
        assert_eq!(closed(&case).groups, recovery, "the recovery Region's group has the same name, and is another");
        let evidence = case.evidence();
        assert!(evidence.achieved && evidence.seconds == 2, "{evidence:?}");
        assert!(case.journal().iter().all(|entry| !entry.irreversible && entry.step == Step::Fence));
        assert_eq!(case.entry(Action::FenceGroup).before, json!({"min": 2, "max": 6, "desired": 3}));
        let doors = json!({"securityGroupIds": ["sg-0a00000000000001", "sg-0a00000000000002"]});
        assert_eq!(case.entry(Action::FenceLoadBalancer).before, doors);
        assert_eq!(case.acts(), [RESIZE, SET_GROUPS, MODIFY]);
    }
}

#[test]
fn what_was_called_is_not_believed_until_it_is_seen() {
    let case = Case::new("required", Faults::none());
    let mut group = FakeGroup::of(2, 6, 3);
    group.terminate_looks = 2;
    case.world.primary().put_group(fixture::PRIMARY_GROUP, group);
    case.world.primary().change_instance(fixture::INSTANCE, |door| door.settle_looks = 1);
    tell(
        &case,
        &[0, 1, 1, 1],
        &[
            ALL_SET,
            "on its way: min 0, max 0, desired 0, 3 instances left \
             | done: done: security groups sg-0c105ed000000000 \
             | on its way: security groups sg-0c105ed000000000, not in force yet (again in 1s)",
            "on its way: min 0, max 0, desired 0, 3 instances left \
             | done: done: security groups sg-0c105ed000000000 \
             | done: done: security groups sg-0c105ed000000000 (again in 1s)",
            ALL_DONE,
        ],
    );
    assert_eq!(
        case.items(),
        [(ItemState::Done, 4), (ItemState::Done, 2), (ItemState::Done, 3)],
        "done is not looked at again"
    );
    assert_eq!(case.acts().len(), 3, "set once");
}

#[test]
fn a_primary_that_does_not_answer_costs_a_best_effort_fence_two_looks() {
    let case = Case::new("bestEffort", Faults::none());
    let before = case.world.values();
    case.world.set_primary_reachable(false);
    let lines = [case.look(0), case.look(3)];
    assert!(lines[0].ends_with("the primary Region does not answer; tried again (again in 1s)"), "{}", lines[0]);
    let unreachable =
        "done: unreachable: elasticloadbalancing:DescribeLoadBalancers: no answer: the primary Region does not answer";
    assert!(lines[1].contains(unreachable) && !lines[1].contains("again"), "{}", lines[1]);
    assert_eq!(case.items(), [(ItemState::Unreachable, 2); 3]);
    let evidence = case.evidence();
    assert!(!evidence.achieved && evidence.seconds == 3, "{evidence:?}");
    assert!(case.journal().is_empty() && case.world.values() == before);
    // It is back, and the run is long past: a copy of the last invocation says what the last one said, and touches nothing.
    case.world.set_primary_reachable(true);
    assert_eq!(case.look(60), lines[1]);
    assert_eq!(case.evidence(), evidence);
    assert_eq!(case.world.values(), before);
}

#[test]
fn a_required_fence_is_tried_for_all_of_its_time_and_then_stops_the_run() {
    let case = Case::new("required", Faults::none());
    case.world.set_primary_reachable(false);
    for seconds in [0, 10, 10, 9] {
        let line = case.look(seconds);
        assert!(line.ends_with("(again in 1s)"), "{line}");
    }
    let line = case.look(1);
    assert!(line.starts_with("FenceNotAchieved: the fence is required"), "{line}");
    for name in ["old-web (unreachable", "old-door (unreachable", "old-db (unreachable"] {
        assert!(line.contains(name), "{line}");
    }
    assert_eq!(case.items(), [(ItemState::Unreachable, 5); 3]);
    assert!(case.journal().is_empty());
    assert_eq!(case.look(1), line, "and it stays so");

    // Answers again before its time is over: achieved.
    let case = Case::new("required", Faults::none());
    case.world.set_primary_reachable(false);
    case.look(0);
    case.look(20);
    case.world.set_primary_reachable(true);
    tell(&case, &[1, 1], &[ALL_SET, ALL_DONE]);
    closed(&case);
}

#[test]
fn what_is_refused_is_recorded_and_only_a_required_fence_minds() {
    for call in [RESIZE, SET_GROUPS, MODIFY, "elasticloadbalancing:DescribeLoadBalancers"] {
        let case = Case::new("bestEffort", Faults::none().every(call, Fault::Refused));
        case.look(0);
        let line = case.look(1);
        let refused = format!("done: refused: {call} was refused with AccessDenied: not authorized (injected)");
        assert!(line.contains(&refused), "{line}");
        assert!(!case.evidence().achieved);
        let states: Vec<ItemState> = case.items().into_iter().map(|(state, _)| state).collect();
        assert_eq!(states.iter().filter(|state| **state == ItemState::Done).count(), 2, "{call}: {states:?}");
        assert_eq!(case.faults.count(call), 1, "{call}: what was refused is not asked for again");

        let case = Case::new("required", Faults::none().every(call, Fault::Refused));
        let lines = [case.look(0), case.look(1)];
        assert!(lines[1].starts_with("FenceNotAchieved: "), "{lines:?}");
        assert!(lines[1].contains("(refused: "), "{lines:?}");
    }
    let case = Case::new("bestEffort", Faults::none().every(SET_GROUPS, Fault::Refused));
    case.look(0);
    let outcome = case.entry(Action::FenceLoadBalancer).outcome;
    assert!(matches!(outcome, Some(EntryOutcome::NotDone { .. })), "{outcome:?}: there is nothing to undo");
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    let case = Case::new("bestEffort", Faults::none());
    let empty = FakeWorld::new();
    let nowhere = Case { world: empty, ..case };
    let line = nowhere.look(0);
    for what in ["Auto Scaling group in ap-southeast-2: shop-app", "DB instance in ap-southeast-2: shop-db"] {
        assert!(line.contains(&format!("done: refused: there is no such {what}")), "{line}");
    }
    assert_eq!(nowhere.items(), [(ItemState::Refused, 1); 3]);
    assert!(nowhere.journal().is_empty());

    // The closed security group was never made.
    let plan = fixture::plan_yaml_with_fence("bestEffort").replace(fixture::CLOSED_DOOR, "sg-0123456789abcdef0");
    let case = Case::of(&plan, Mode::Failover, Faults::none());
    let line = case.look(0);
    assert!(line.contains("SetSecurityGroups was refused with InvalidSecurityGroup"), "{line}");
}

#[test]
fn a_lost_answer_is_observed_and_the_journal_is_complete() {
    for (call, action) in
        [(RESIZE, Action::FenceGroup), (SET_GROUPS, Action::FenceLoadBalancer), (MODIFY, Action::FenceInstance)]
    {
        let case = Case::new("required", Faults::none().nth(call, 0, Fault::UnknownAfter));
        let line = case.look(0);
        assert!(line.contains(&format!("on its way: {call}: its answer was lost")), "{line}");
        assert_eq!(case.entry(action).outcome, None);
        assert_eq!(case.look(1), ALL_DONE);
        assert!(matches!(case.entry(action).outcome, Some(EntryOutcome::Accepted { .. })));
        assert_eq!(case.acts().len(), 3, "done once");

        for fault in [Fault::UnknownBefore, Fault::Throttled] {
            let case = Case::new("required", Faults::none().nth(call, 0, fault));
            let before = case.world.values();
            case.look(0);
            let line = case.look(1);
            assert!(line.ends_with("(again in 1s)"), "{fault:?} {call}: {line}");
            assert_eq!(case.look(1), ALL_DONE, "{fault:?} {call}");
            closed(&case);
            case.journal().iter().for_each(|entry| assert_eq!(undone(&case, entry), Status::Done));
            assert_eq!(
                case.world.values(),
                before,
                "{fault:?} {call}: the values before are those before the first try"
            );
        }
    }
}

#[test]
fn a_primary_that_dies_between_the_call_and_the_look_is_unreachable_and_stays_in_the_journal() {
    let case = Case::new("bestEffort", Faults::none().nth(SET_GROUPS, 0, Fault::UnknownAfter));
    case.look(0);
    case.world.set_primary_reachable(false);
    let line = case.look(1);
    assert!(!line.contains("again in"), "two looks, and the run goes on: {line}");
    assert_eq!(case.items(), [(ItemState::Unreachable, 2); 3]);
    let entry = case.entry(Action::FenceLoadBalancer);
    assert!(entry.outcome.is_none() && entry.may_have_changed(), "a rollback must look at it: {entry:?}");
}

#[test]
fn a_throttled_look_is_no_verdict() {
    let describe = "autoscaling:DescribeAutoScalingGroups";
    let faults = Faults::none().nth(describe, 0, Fault::Throttled).nth(describe, 1, Fault::Throttled);
    let case = Case::new("bestEffort", faults);
    case.look(0);
    let line = case.look(1);
    assert!(line.starts_with("on its way: autoscaling:DescribeAutoScalingGroups was throttled"), "{line}");
    case.look(1);
    assert_eq!(case.look(1), ALL_DONE);
}

#[test]
fn a_busy_instance_is_asked_again_as_often_as_one_that_does_not_answer() {
    let put_off = "rds:ModifyDBInstance was put off with InvalidDBInstanceState: DB instance shop-db is not available.";
    let busy = |case: &Case, busy| case.world.primary().change_instance(fixture::INSTANCE, |door| door.busy = busy);

    let case = Case::new("bestEffort", Faults::none());
    busy(&case, true);
    let line = case.look(0);
    assert!(line.ends_with(&format!("on its way: {put_off}; tried again (again in 1s)")), "{line}");
    let line = case.look(1);
    assert!(line.ends_with(&format!("done: refused: {put_off}")), "a dead instance is busy for ever: {line}");

    let case = Case::new("required", Faults::none());
    busy(&case, true);
    [0, 1, 10, 10].iter().for_each(|seconds| assert!(case.look(*seconds).ends_with("(again in 1s)")));
    busy(&case, false);
    case.look(1);
    assert_eq!(case.look(1), ALL_DONE);
}

#[test]
fn every_invocation_twice_is_the_same_as_once() {
    let [once, twice] = [1, 2].map(|copies| {
        let case = Case::new("required", Faults::none());
        for _ in 0..2 {
            for _ in 0..copies {
                case.look(0);
            }
        }
        (case.acts(), closed(&case), case.look(0))
    });
    assert_eq!(once, twice);
}

#[test]
fn what_is_closed_already_is_left_alone() {
    let case = Case::new("required", Faults::none());
    case.world.primary().put_group(fixture::PRIMARY_GROUP, FakeGroup::of(0, 0, 0));
    case.world.primary().put_load_balancer(fixture::LOAD_BALANCER, FakeDoor::of(&[fixture::CLOSED_DOOR]));
    case.world.primary().put_instance(fixture::INSTANCE, FakeDoor::of(&[fixture::CLOSED_DOOR]));
    assert_eq!(case.look(0), ALL_DONE);
    assert!(
        case.acts().is_empty() && case.journal().is_empty(),
        "what the run did not close, its rollback does not open"
    );
}

#[test]
fn a_run_that_goes_on_with_anothers_journal_keeps_the_values_that_one_found() {
    let case = Case::new("required", Faults::none());
    case.look(0);
    let run = Run { run_id: "run-2".into(), resumes: Some("run-1".into()), ..fixture::run(case.run.plan.clone()) };
    let ledger = FakeLedger::held_by(&run);
    for entry in case.journal() {
        let adopted_from = Some("run-1".to_owned());
        block_on(ledger.adopt(&run, &Entry { adopted_from, outcome: None, ..entry })).unwrap();
    }
    let event = fixture::step_event(&run, Step::Fence, now(), Some(fixture::assessment()));
    let later = Case { run, ledger, event, ..case };
    assert_eq!(later.look(1), ALL_DONE);
    assert_eq!(later.entry(Action::FenceGroup).before, json!({"min": 2, "max": 6, "desired": 3}));
    assert!(later.journal().iter().all(|entry| matches!(entry.outcome, Some(EntryOutcome::Accepted { .. }))));
}

#[test]
fn a_plan_without_items_says_so_and_is_not_fenced() {
    let case = Case::of(fixture::PLAN_YAML, Mode::Failover, Faults::none());
    let said = "done: the plan names nothing to fence: the old primary may still take writes if it is alive";
    tell(&case, &[0, 1], &[said, said]);
    assert!(!case.evidence().achieved);
}

#[test]
fn a_dry_run_changes_nothing_and_says_what_it_would_do() {
    let case = Case::of(&fixture::plan_yaml_with_fence("required"), Mode::DryRun, Faults::none());
    let before = case.world.values();
    tell(
        &case,
        &[0],
        &["done: done: dry run: would be set to min 0, max 0, desired 0 \
           | done: done: dry run: would be closed with sg-0c105ed000000000 \
           | done: done: dry run: would be closed with sg-0c105ed000000000"],
    );
    assert!(case.acts().is_empty() && case.journal().is_empty());
    assert_eq!(case.world.values(), before);
    let evidence = block_on(case.ledger.evidence(&case.run.run_id)).unwrap();
    let decision = &evidence["decision#fence#old-web#fence-group"];
    assert_eq!(decision["before"], json!({"min": 2, "max": 6, "desired": 3}));
}

#[test]
fn fence_takes_its_own_step_only_and_its_own_run_only() {
    let case = Case::new("required", Faults::none());
    for event in [fixture::step_event(&case.run, Step::PromoteData, now(), None), json!({"plan": "shop"})] {
        let failure = block_on(handle(event, &case.ledger, &case.plans, &PlansPrimary(&case), now)).unwrap_err();
        assert_eq!(failure.name, FailureName::EventInvalid);
    }
    block_on(case.ledger.begin_rollback(&case.run)).unwrap();
    assert!(case.look(0).starts_with("LeaseLost: "));
    assert!(case.faults.calls().is_empty(), "nothing was so much as looked at");
}

fn undone(case: &Case, entry: &Entry) -> Status {
    case.undo(entry, &Faults::none()).unwrap().0.status
}

#[test]
fn the_undo_brings_exactly_the_values_before_and_is_the_same_twice() {
    let case = Case::new("required", Faults::none());
    let before = case.world.values();
    tell(&case, &[0, 1], &[ALL_SET, ALL_DONE]);
    let faults = Faults::none();
    for _ in 0..2 {
        for entry in case.journal() {
            let (progress, _) = case.undo(&entry, &faults).unwrap();
            assert_eq!(progress.status, Status::Done, "{}", progress.detail);
            assert!(progress.detail.starts_with("back at "), "{}", progress.detail);
        }
        assert_eq!(case.world.values(), before);
    }
    assert_eq!(faults.mutating_calls().len(), 3, "the second undo found nothing to do");
}

#[test]
fn an_undo_says_what_is_true_when_it_cannot() {
    let case = Case::new("required", Faults::none());
    tell(&case, &[0, 1], &[ALL_SET, ALL_DONE]);
    let values = case.world.values();
    for (call, entry) in [RESIZE, SET_GROUPS, MODIFY].into_iter().zip(case.journal_by_action()) {
        let failure = case.undo(&entry, &Faults::none().every(call, Fault::Refused)).unwrap_err();
        assert_eq!(failure.name, FailureName::RollbackIncomplete, "{call}: {failure}");
        for fault in [Fault::Throttled, Fault::UnknownBefore] {
            let failure = case.undo(&entry, &Faults::none().every(call, fault)).unwrap_err();
            assert_eq!(failure.name, FailureName::AwsUnavailable, "{call}: {failure}");
        }
        assert_eq!(case.world.values(), values, "{call}");
        let unreadable = Entry { before: json!(null), ..entry };
        let failure = case.undo(&unreadable, &Faults::none()).unwrap_err();
        assert_eq!(failure.name, FailureName::RollbackIncomplete, "{call}: {failure}");
    }
    // A busy instance is asked again.
    let entry = case.entry(Action::FenceInstance);
    case.world.primary().change_instance(fixture::INSTANCE, |door| door.busy = true);
    assert_eq!(undone(&case, &entry), Status::InProgress);
    case.world.primary().change_instance(fixture::INSTANCE, |door| door.busy = false);
    assert_eq!(undone(&case, &entry), Status::Done);
    // What is gone cannot be opened.
    let gone = Case { world: FakeWorld::new(), ..case };
    for entry in gone.journal() {
        let failure = gone.undo(&entry, &Faults::none()).unwrap_err();
        assert_eq!(failure.name, FailureName::RollbackIncomplete, "{failure}");
    }
}

fn service_case(policy: &str, target: Option<(u32, u32)>, mode: Mode, faults: Faults) -> Case {
    let case = Case::of(&fixture::fenced_service(fixture::PLAN_YAML, policy), mode, faults);
    let service = FakeService { stop_looks: 1, ..FakeService::of(3, target) };
    case.world.primary().put_service(fixture::PRIMARY_SERVICE, service);
    case
}

const SERVICE_SET: &str =
    "on its way: set to scalable target min 0, max 0, desired count 0, not seen yet (again in 1s)";

#[test]
fn a_service_goes_to_nothing_target_first_and_is_seen_to() {
    let case = service_case("required", Some((2, 6)), Mode::Failover, Faults::none());
    let recovery = case.world.values().services;
    tell(
        &case,
        &[0, 1, 1],
        &[
            // Registering a maximum of 0 moves the desired count there too.
            SERVICE_SET,
            "on its way: scalable target min 0, max 0, desired count 0, 3 tasks left (again in 1s)",
            "done: done: scalable target min 0, max 0, desired count 0, 0 tasks left",
        ],
    );
    assert_eq!(case.acts(), [REGISTER]);
    assert_eq!(case.entry(Action::FenceService).before, json!({"desired": 3, "target": {"min": 2, "max": 6}}));
    assert_eq!(
        case.world.values().services,
        recovery,
        "the recovery Region's service has the same name, and is another"
    );

    let case = service_case("required", None, Mode::Failover, Faults::none());
    tell(
        &case,
        &[0, 1, 1],
        &[
            SERVICE_SET,
            "on its way: desired count 0, 3 tasks left (again in 1s)",
            "done: done: desired count 0, 0 tasks left",
        ],
    );
    assert_eq!(case.acts(), [UPDATE]);
}

#[test]
fn a_service_that_scaling_left_where_it_was_gets_its_desired_count_too() {
    let case = service_case("required", Some((2, 6)), Mode::Failover, Faults::none());
    // The target is at nothing already, and the desired count is not.
    case.look(0);
    case.world.primary().put_service(fixture::PRIMARY_SERVICE, FakeService::of(3, Some((0, 0))));
    assert_eq!(case.look(1), SERVICE_SET);
    assert_eq!(case.acts(), [REGISTER, UPDATE]);
    assert!(case.look(1).starts_with("done: done: "));
    let entry = case.entry(Action::FenceService);
    assert_eq!(entry.before, json!({"desired": 3, "target": {"min": 2, "max": 6}}), "those before the first call");
    assert_eq!(undone(&case, &entry), Status::Done);
    let before = case.world.values().primary_services[fixture::PRIMARY_SERVICE];
    assert_eq!((before.desired, before.target.map(|target| (target.min, target.max))), (3, Some((2, 6))));
}

#[test]
fn a_second_call_that_is_refused_leaves_the_first_to_be_undone() {
    let case = service_case("bestEffort", Some((2, 6)), Mode::Failover, Faults::none().every(UPDATE, Fault::Refused));
    case.look(0);
    case.world.primary().put_service(fixture::PRIMARY_SERVICE, FakeService::of(3, Some((0, 0))));
    let line = case.look(1);
    assert!(line.starts_with("done: refused: ecs:UpdateService was refused with AccessDenied"), "{line}");
    let entry = case.entry(Action::FenceService);
    assert!(entry.may_have_changed(), "{entry:?}");
    assert_eq!(undone(&case, &entry), Status::Done);
}

#[test]
fn faults_of_a_services_fence_are_findings() {
    for (call, target) in [(REGISTER, Some((2, 6))), (UPDATE, None)] {
        let case = service_case("required", target, Mode::Failover, Faults::none().every(call, Fault::Refused));
        let line = case.look(0);
        assert!(line.starts_with("FenceNotAchieved: ") && line.contains(&format!("refused: {call} was")), "{line}");
        assert!(matches!(case.entry(Action::FenceService).outcome, Some(EntryOutcome::NotDone { .. })));

        for fault in [Fault::Throttled, Fault::UnknownBefore, Fault::UnknownAfter] {
            let case = service_case("required", target, Mode::Failover, Faults::none().nth(call, 0, fault));
            let before = case.world.values();
            assert!(case.look(0).ends_with("(again in 1s)"));
            case.look(1);
            case.look(1);
            let last = case.look(1);
            assert!(last.starts_with("done: done: "), "{fault:?} {call}: {last}");
            case.journal().iter().for_each(|entry| assert_eq!(undone(&case, entry), Status::Done));
            assert_eq!(case.world.values(), before, "{fault:?} {call}");
        }
    }
    let case = service_case("bestEffort", None, Mode::Failover, Faults::none());
    let nowhere = Case { world: FakeWorld::new(), ..case };
    let line = nowhere.look(0);
    assert_eq!(line, "done: refused: there is no such ECS service in ap-southeast-2: shop/api");
    let case = service_case("required", Some((2, 6)), Mode::DryRun, Faults::none());
    assert_eq!(case.look(0), "done: done: dry run: would be set to scalable target min 0, max 0, desired count 0");
    assert!(case.acts().is_empty() && case.journal().is_empty());
}
