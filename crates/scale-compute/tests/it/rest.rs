//! The Region that is left on the way home: its group comes to rest, and no other run's does.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use pilot_core::FailureName;
use pilot_core::contract::{Mode, Run, Step, StepResponse};
use pilot_core::journal::{Action, Entry, EntryOutcome, Lease};
use pilot_core::plan::Capacity;
use pilot_shell::ledger::Ledger;
use pilot_testkit::{
    FakeGroup, FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now, told,
};
use scale_compute::computes::Computes;
use scale_compute::handler::handle;
use serde_json::json;

const RESIZE: &str = "autoscaling:UpdateAutoScalingGroup";
const RESTING: Capacity = Capacity { min: 0, max: 4, desired: 0 };

/// Both Regions have a group of the same name.
struct Case {
    home: FakeWorld,
    own: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
    step: Step,
}

impl Case {
    fn new(plan_yaml: &str, mode: Mode, step: Step, faults: Faults) -> Self {
        let (plans, run, ledger) = fixture::there_and_back(plan_yaml, mode);
        let (home, own) = (FakeWorld::new(), FakeWorld::new());
        home.put_group(fixture::GROUP, FakeGroup::of(0, 0, 0));
        own.put_group(fixture::GROUP, FakeGroup::of(2, 9, 5));
        own.change_group(fixture::GROUP, |group| group.terminate_looks = 2);
        Case { home, own, ledger, plans, run, faults, step }
    }

    fn rest(faults: Faults) -> Self {
        Self::new(&fixture::plan_yaml_with_home(), Mode::Failback, Step::Rest, faults)
    }

    fn invoke(&self) -> Result<StepResponse, pilot_core::Failure> {
        let (home, own) = (Injected::new(&self.home, &self.faults), Injected::new(&self.own, &self.faults));
        let event = fixture::step_event(&self.run, self.step, self.run.started_at, None);
        let home = Computes { groups: &home, services: &home, concurrencies: &home, hooks: &home };
        let own = Computes { groups: &own, services: &own, concurrencies: &own, hooks: &own };
        block_on(handle(event, &self.ledger, &self.plans, &home, &own, now))
    }

    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        told(&self.invoke())
    }

    fn entries(&self) -> Vec<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap()
    }

    fn lease(&self) -> Lease {
        block_on(self.ledger.lease(fixture::PLAN, self.run.mode)).unwrap().unwrap()
    }

    fn sizes(world: &FakeWorld) -> Capacity {
        world.peek_group(fixture::GROUP).unwrap().sizes
    }
}

#[test]
fn the_group_comes_to_exactly_its_resting_capacity() {
    let case = Case::rest(Faults::none());
    let lines: Vec<String> = [0, 2, 3, 3].iter().map(|seconds| case.look(*seconds)).collect();
    assert_eq!(
        lines,
        [
            "on its way: set to min 0, max 4, desired 0 (again in 2s)",
            "on its way: 5 instances still in service, 0 rest (again in 3s)",
            "on its way: 5 instances still in service, 0 rest (again in 3s)",
            "done: rests at min 0, max 4, desired 0",
        ]
    );
    assert_eq!(Case::sizes(&case.own), RESTING);
    assert_eq!(Case::sizes(&case.home), Capacity { min: 0, max: 0, desired: 0 }, "home is left alone");
    let entries = case.entries();
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((entry.step, entry.action), (Step::Rest, Action::RestGroup));
    assert_eq!(entry.before, json!({"min": 2, "max": 9, "desired": 5}));
    assert!(matches!(entry.outcome, Some(EntryOutcome::Accepted { .. })));
    assert_eq!(case.look(5), "done: rests at min 0, max 4, desired 0");
    assert_eq!(case.faults.count(RESIZE), 1);
}

#[test]
fn faults_of_the_resting_are_told_by_what_they_mean() {
    let lost = Case::rest(Faults::none().nth(RESIZE, 0, Fault::UnknownAfter));
    assert!(lost.look(0).starts_with("AwsUnavailable: "));
    for _ in 0..4 {
        lost.look(3);
    }
    assert_eq!(lost.look(3), "done: rests at min 0, max 4, desired 0");
    assert_eq!(lost.faults.count(RESIZE), 1);
    assert!(matches!(lost.entries()[0].outcome, Some(EntryOutcome::Accepted { .. })));

    let refused = Case::rest(Faults::none().every(RESIZE, Fault::Refused));
    assert!(refused.look(0).starts_with("ComputeFailed: autoscaling:UpdateAutoScalingGroup to min 0, max 4"));
    assert_eq!(Case::sizes(&refused.own), Capacity { min: 2, max: 9, desired: 5 });
}

#[test]
fn a_group_that_never_rests_is_given_up_in_time() {
    let case = Case::rest(Faults::none());
    case.own.change_group(fixture::GROUP, |group| group.terminate_looks = u32::MAX);
    case.look(0);
    let failure = case.look(600);
    assert!(failure.starts_with("StepDeadlineExceeded: "), "{failure}");
}

#[test]
fn a_plan_that_states_no_resting_capacity_leaves_the_group_as_it_is() {
    let yaml = fixture::plan_yaml_with_home();
    let yaml = yaml.replace(", restingCapacity: {min: 0, max: 4, desired: 0}", "");
    assert!(!yaml.contains("restingCapacity"));
    let case = Case::new(&yaml, Mode::Failback, Step::Rest, Faults::none());
    assert_eq!(case.look(0), "done: left as it is: the plan states no restingCapacity");
    assert!(case.faults.calls().is_empty() && case.entries().is_empty());
}

#[test]
fn only_a_way_home_brings_anything_to_rest() {
    for mode in [Mode::Failover, Mode::DryRun, Mode::Switchover, Mode::Protect] {
        let case = Case::new(&fixture::plan_yaml_with_home(), mode, Step::Rest, Faults::none());
        let lease = case.lease();
        advance_seconds(10);
        let failure = case.invoke().unwrap_err();
        assert_eq!(failure.name, FailureName::EventInvalid, "{mode:?}");
        assert_eq!(case.lease(), lease, "not even prolonged");
        assert!(case.faults.calls().is_empty() && case.entries().is_empty());
        assert!(block_on(case.ledger.steps(&case.run.run_id)).unwrap().is_empty());
    }
}

#[test]
fn on_the_way_home_capacity_is_brought_up_there() {
    let case = Case::new(&fixture::plan_yaml_with_home(), Mode::Failback, Step::ScaleCompute, Faults::none());
    assert_eq!(case.look(0), "on its way: set to min 2, max 6, desired 3 (again in 2s)");
    assert_eq!(Case::sizes(&case.home), Capacity { min: 2, max: 6, desired: 3 }, "what the plan says of home");
    assert_eq!(Case::sizes(&case.own), Capacity { min: 2, max: 9, desired: 5 }, "what is left serves on");
}
