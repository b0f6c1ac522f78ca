//! A share of the primary's capacity: the figure is read once, and the run's target does not move.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use pilot_core::contract::{Mode, Run, Step};
use pilot_core::decide::last_known::{Known, LastKnown};
use pilot_shell::ledger::Ledger;
use pilot_testkit::{FakeLedger, FakePlans, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now, told};
use scale_compute::computes::Computes;
use scale_compute::handler::handle;

struct Case {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    faults: Faults,
}

impl Case {
    /// A group of which the plan wants 75 % of the primary's, at least 2 and at most 4.
    fn new(faults: Faults) -> Self {
        let plan = fixture::plan_yaml_with_home().replacen("desired: 2}", "desired: 2, percentOfPrimary: 75}", 1);
        let (plans, run, ledger) = fixture::there_and_back(&plan, Mode::Failover);
        Case { world: fixture::world(), ledger, plans, run, faults }
    }

    fn primary_has(&self, desired: u32) {
        let known =
            LastKnown { components: [("web".to_owned(), Known { desired, provisioned: None, seen_at: now() })].into() };
        block_on(self.ledger.set_capacity(fixture::PLAN, &known)).unwrap();
    }

    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        let event = fixture::step_event(&self.run, Step::ScaleCompute, self.run.started_at, None);
        let (world, ledger) = (Injected::new(&self.world, &self.faults), Injected::new(&self.ledger, &self.faults));
        let computes = Computes { groups: &world, services: &world, concurrencies: &world, hooks: &world };
        told(&block_on(handle(event, &ledger, &self.plans, &computes, &computes, now)))
    }

    fn desired(&self) -> u32 {
        self.world.peek_group(fixture::GROUP).unwrap().sizes.desired
    }
}

#[test]
fn the_share_is_brought_up_and_said_and_does_not_move_while_the_run_is_under_way() {
    let case = Case::new(Faults::none());
    case.primary_has(4);
    advance_seconds(180);
    let said = "75 % of the primary's 4, seen 3 minutes ago, within 2 and 4";
    assert_eq!(case.look(0), format!("on its way: set to min 2, max 4, desired 3 ({said}) (again in 2s)"));
    // The probe of a primary that flaps goes on.
    case.primary_has(100);
    for seconds in [2, 3, 3] {
        case.look(seconds);
    }
    assert_eq!(case.look(0), format!("done: 3 instances in service, 3 wanted ({said})"));
    assert_eq!(case.desired(), 3);
    let evidence = block_on(case.ledger.evidence(&case.run.run_id)).unwrap();
    assert_eq!(evidence["capacity"]["components"]["web"]["desired"], 4);
}

#[test]
fn without_a_record_what_the_plan_states_is_brought_up_and_a_record_of_later_changes_nothing() {
    let case = Case::new(Faults::none());
    let floor = "75 % of the primary's, of which nothing is known: the 2 that the plan states";
    assert_eq!(case.look(0), format!("on its way: set to min 2, max 4, desired 2 ({floor}) (again in 2s)"));
    case.primary_has(4);
    for seconds in [2, 3, 3] {
        case.look(seconds);
    }
    assert_eq!(case.look(0), format!("done: 2 instances in service, 2 wanted ({floor})"));
}

#[test]
fn a_share_above_the_maximum_is_the_maximum() {
    let case = Case::new(Faults::none());
    case.primary_has(1_000);
    case.look(0);
    assert_eq!(case.desired(), 4);
}

#[test]
fn a_record_that_cannot_be_read_is_asked_for_again_before_anything_is_changed() {
    let case = Case::new(Faults::none().nth("ledger:capacity", 0, Fault::Throttled));
    case.primary_has(4);
    let line = case.look(0);
    assert!(line.starts_with("AwsUnavailable: "), "{line}");
    assert!(case.faults.mutating_calls().iter().all(|call| !call.name.starts_with("autoscaling:")));
    case.look(1);
    assert_eq!(case.desired(), 3);
}

#[test]
fn both_figures_of_a_function_are_brought_to_their_shares() {
    let with_share = "provisionedConcurrency: 5, percentOfPrimary: 150, max: 40}";
    let away = fixture::with_function(&fixture::plan_yaml_with_home());
    let away = away.replacen("provisionedConcurrency: 5}", with_share, 1);
    let at_home = "  compute:\n    - {kind: lambdaConcurrency, name: price, functionName: shop-price, qualifier: live,
       capacity: {reservedConcurrency: 8, provisionedConcurrency: 4}}\n    - {kind: autoScalingGroup, name: web, groupName: shop-app, capacity: {min: 2, max: 6";
    let plan = away.replacen(
        "  compute:\n    - {kind: autoScalingGroup, name: web, groupName: shop-app, capacity: {min: 2, max: 6",
        at_home,
        1,
    );
    let (plans, run, ledger) = fixture::there_and_back(&plan, Mode::Failover);
    let case = Case { world: fixture::world(), ledger, plans, run, faults: Faults::none() };
    let price = Known { desired: 13, provisioned: Some(7), seen_at: now() };
    let known = LastKnown { components: [("price".to_owned(), price)].into() };
    block_on(case.ledger.set_capacity(fixture::PLAN, &known)).unwrap();
    for seconds in [0, 2, 3, 3, 3, 5, 5, 5, 5] {
        case.look(seconds);
    }
    let said = "150 % of the primary's reserved concurrency 13, provisioned concurrency 7";
    assert!(case.look(0).contains(said), "{}", case.look(0));
    let settings = case.world.peek_function(fixture::FUNCTION).unwrap().settings();
    assert_eq!((settings.reserved, settings.provisioned), (Some(20), Some(11)));
}
