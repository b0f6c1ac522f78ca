//! A failback that is called off before its pivot: everything back, in the Region where it was changed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's panic is its report")]

use fence::primary::Primaries;
use futures::executor::block_on;
use pilot_core::contract::{Disposition, Mode, RollbackResponse, Run, Status, Step, StepResponse};
use pilot_core::journal::Action;
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::Ledger;
use pilot_testkit::{
    FakeDoor, FakeGroup, FakeLedger, FakePlans, FakePrimary, FakeWorld, Fault, Faults, Injected, advance_seconds,
    fixture, now,
};
use rollback::undo::Undoers;
use scale_compute::computes::Computes;

const LOOKS_MAX: usize = 100;

/// Both Regions, each with a group of the same name. Traffic was not shifted yet, so there are no switches to go back.
struct Case {
    home: FakeWorld,
    away: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
}

struct ByName<'a>(&'a Case);

impl<'a> Primaries for ByName<'a> {
    type Region = Injected<'a, FakePrimary>;

    async fn region(&self, name: &str) -> Self::Region {
        match name {
            "ap-southeast-2" => self.0.region(&self.0.home),
            "ap-southeast-1" => self.0.region(&self.0.away),
            other => panic!("the plan knows no {other}"),
        }
    }
}

impl Case {
    /// The workload away; home as the fence of a failover left it.
    fn new(faults: Faults) -> Self {
        let (plans, run, ledger) = fixture::there_and_back(&fixture::plan_yaml_with_home(), Mode::Failback);
        let (home, away) = (fixture::world(), FakeWorld::new());
        home.primary().put_group(fixture::PRIMARY_GROUP, FakeGroup::of(0, 0, 0));
        home.primary().put_load_balancer(fixture::LOAD_BALANCER, FakeDoor::of(&[fixture::CLOSED_DOOR]));
        home.primary().put_instance(fixture::INSTANCE, FakeDoor::of(&[fixture::CLOSED_DOOR]));
        away.primary().put_group(fixture::GROUP, FakeGroup::of(2, 4, 2));
        for open in fixture::OPEN_DOORS {
            home.primary().put_security_group(open);
        }
        Case { home, away, ledger, plans, run, faults }
    }

    fn region<'a>(&'a self, world: &'a FakeWorld) -> Injected<'a, FakePrimary> {
        Injected::new(world.primary(), &self.faults)
    }

    async fn step(&self, step: Step) -> Result<StepResponse, Failure> {
        let event = fixture::step_event(&self.run, step, now(), Some(fixture::assessment()));
        if step != Step::ScaleCompute {
            return fence::handler::handle(event, &self.ledger, &self.plans, &ByName(self), now).await;
        }
        let (home, away) = (self.region(&self.home), self.region(&self.away));
        let hooks = Injected::new(&self.home, &self.faults);
        let home = Computes { groups: &home, services: &home, concurrencies: &home, hooks: &hooks };
        let away = Computes { groups: &away, services: &away, concurrencies: &away, hooks: &hooks };
        scale_compute::handler::handle(event, &self.ledger, &self.plans, &home, &away, now).await
    }

    fn forward(&self, step: Step) {
        for _ in 0..LOOKS_MAX {
            let response = block_on(self.step(step)).unwrap();
            if response.status == Status::Done {
                return;
            }
            advance_seconds(response.retry_after_seconds.into());
        }
        panic!("{} never ends", step.as_str());
    }

    async fn undo(&self) -> Result<RollbackResponse, Failure> {
        let event = fixture::step_event(&self.run, Step::Rollback, now(), Some(fixture::assessment()));
        // The function's clients are those of the Region that the run brings up.
        let target = self.region(&self.home);
        let hooks = Injected::new(&self.home, &self.faults);
        let computes = Computes { groups: &target, services: &target, concurrencies: &target, hooks: &hooks };
        let switches = Injected::new(&self.away, &self.faults);
        let primaries = ByName(self);
        let undoers = Undoers {
            primaries: &primaries,
            computes,
            objects: &switches,
            records: &switches,
            caches: &switches,
            controls: &switches,
        };
        rollback::handler::handle(event, &self.ledger, &self.plans, &undoers, now).await
    }

    fn back(&self) -> Result<Disposition, Failure> {
        for _ in 0..LOOKS_MAX {
            match block_on(self.undo()) {
                Ok(response) if response.status == Status::Done => return Ok(response.disposition),
                Ok(response) => advance_seconds(response.retry_after_seconds.into()),
                Err(failure) if failure.name == FailureName::AwsUnavailable => advance_seconds(1),
                Err(failure) => return Err(failure),
            }
        }
        panic!("the rollback never ends");
    }
}

const STEPS: [Step; 3] = [Step::Fence, Step::Lift, Step::ScaleCompute];

#[test]
fn a_failback_called_off_before_its_pivot_leaves_both_regions_as_they_were() {
    for taken in 0..=STEPS.len() {
        let case = Case::new(Faults::none());
        let before = (case.home.values(), case.away.values());
        STEPS[..taken].iter().for_each(|step| case.forward(*step));
        let changed = (case.home.values(), case.away.values());
        assert_eq!(changed != before, taken > 0, "after {taken} steps");
        let expected = if taken == 0 { Disposition::Untouched } else { Disposition::RolledBack };
        assert_eq!(case.back().unwrap(), expected);
        assert_eq!((case.home.values(), case.away.values()), before, "after {taken} steps");
        let entries = block_on(case.ledger.entries(&case.run.run_id)).unwrap();
        assert!(entries.iter().all(|entry| entry.undone_at.is_some()), "{entries:?}");
        let mut actions: Vec<Action> = entries.iter().map(|entry| entry.action).collect();
        actions.sort_by_key(|action| action.as_str());
        let expected: &[Action] = match taken {
            0 => &[],
            1 => &[Action::FenceGroup],
            2 => &[Action::FenceGroup, Action::LiftInstance, Action::LiftLoadBalancer],
            _ => &[Action::FenceGroup, Action::LiftInstance, Action::LiftLoadBalancer, Action::ResizeGroup],
        };
        assert_eq!(actions, expected);
    }
}

#[test]
fn whatever_answer_of_the_undo_is_lost_both_regions_are_as_they_were() {
    let undone = |faults: Faults| {
        let mut case = Case::new(Faults::none());
        let before = (case.home.values(), case.away.values());
        STEPS.iter().for_each(|step| case.forward(*step));
        case.faults = faults;
        assert_eq!(case.back().unwrap(), Disposition::RolledBack);
        assert_eq!((case.home.values(), case.away.values()), before);
        case.faults
    };
    for number in 0..undone(Faults::none()).calls().len() {
        for fault in [Fault::Throttled, Fault::UnknownBefore, Fault::UnknownAfter] {
            assert!(undone(Faults::none().at(number, fault)).any_injected(), "{fault:?} at call {number} never came");
        }
    }
}
