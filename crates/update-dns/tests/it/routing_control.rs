//! Routing controls, look by look, there and on the way home, and their undo.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use crate::case::Case;
use futures::executor::block_on;
use pilot_core::contract::{Mode, Status, Step};
use pilot_core::decide::routing::ControlState::{self, Off, On};
use pilot_core::journal::EntryOutcome;
use pilot_core::plan::{RoutingControl, Traffic};
use pilot_core::{Failure, FailureName};
use pilot_testkit::{Fault, Faults, Injected, fixture, now, told};
use serde_json::json;
use update_dns::handler::handle;
use update_dns::routing_control::undo;

const UPDATE: &str = "route53-recovery-cluster:UpdateRoutingControlStates";
const SET: &str =
    "on its way: routing controls were set On: c0ffee02; Off: c0ffee01 | on its way: waits for wave 1 (again in 1s)";

fn case(faults: Faults) -> Case {
    Case::of(&fixture::with_routing_controls(fixture::PLAN_YAML), Mode::Failover, faults)
}

/// The states of the primary's control and of the recovery Region's.
fn states(case: &Case) -> [ControlState; 2] {
    let states = case.world.values().controls;
    [states[fixture::PRIMARY_CONTROL], states[fixture::RECOVERY_CONTROL]]
}

fn component(case: &Case) -> RoutingControl {
    let named = case.plan().traffic.into_iter().find_map(|traffic| match traffic {
        Traffic::RoutingControl(component) => Some(component),
        _ => None,
    });
    named.unwrap()
}

#[test]
fn both_are_set_in_one_call_that_a_safety_rule_sees_whole_and_are_read_back() {
    let case = case(Faults::none());
    case.world.assert_controls_on("one-region-serves", 1);
    assert_eq!(case.look(0), SET);
    let second = case.look(1);
    assert!(second.starts_with("done: routing controls are On: c0ffee02; Off: c0ffee01 | "), "{second}");
    assert_eq!(states(&case), [Off, On]);
    assert_eq!(case.faults.count(UPDATE), 1);
    let entry = case.entry("set-routing-controls").unwrap();
    assert_eq!(entry.before, json!({fixture::PRIMARY_CONTROL: "On", fixture::RECOVERY_CONTROL: "Off"}));
    assert_eq!(entry.resource, "arn:aws:route53-recovery-control::111122223333:controlpanel/0a1b2c");
    assert!(!entry.irreversible);
}

#[test]
fn controls_that_stand_already_are_done_and_only_those_that_differ_are_set() {
    let case = case(Faults::none());
    case.world.put_control(fixture::PRIMARY_CONTROL, Off);
    let first = case.look(0);
    assert!(first.starts_with("on its way: routing controls were set On: c0ffee02 |"), "{first}");
    // The undo puts back what was there, also of the control that was not touched.
    let before = case.entry("set-routing-controls").unwrap().before;
    assert_eq!(before, json!({fixture::PRIMARY_CONTROL: "Off", fixture::RECOVERY_CONTROL: "Off"}));
    assert!(case.look(1).starts_with("done: "));
    assert_eq!(case.faults.count(UPDATE), 1);
}

#[test]
fn a_safety_rule_that_forbids_it_is_named_and_nothing_is_set() {
    let case = case(Faults::none());
    case.world.assert_controls_on("two-regions-serve", 2);
    let said = case.look(0);
    assert!(
        said.starts_with("TrafficFailed: ")
            && said.contains("forbidden by a safety rule")
            && said.contains("two-regions-serve"),
        "{said}"
    );
    assert_eq!(states(&case), [On, Off]);
    assert!(matches!(case.entry("set-routing-controls").unwrap().outcome, Some(EntryOutcome::NotDone { .. })));
}

#[test]
fn a_control_that_does_not_exist_is_named_and_the_other_is_not_set() {
    let yaml = fixture::with_routing_controls(fixture::PLAN_YAML).replace("c0ffee02", "c0ffee03");
    let case = Case::of(&yaml, Mode::Failover, Faults::none());
    let said = case.look(0);
    assert!(
        said.starts_with("TrafficFailed: ") && said.contains("has no routing control") && said.contains("c0ffee03"),
        "{said}"
    );
    assert_eq!((states(&case), case.faults.count(UPDATE)), ([On, Off], 0));
}

#[test]
fn a_lost_answer_is_observed_before_anything_is_set_again() {
    for (fault, updates) in [(Fault::UnknownBefore, 2), (Fault::UnknownAfter, 1)] {
        let case = case(Faults::none().nth(UPDATE, 0, fault));
        let first = case.look(0);
        assert!(first.starts_with("AwsUnavailable: "), "{first}");
        (0..2).for_each(|_| drop(case.look(1)));
        assert_eq!((states(&case), case.faults.count(UPDATE)), ([Off, On], updates), "{fault:?}");
        let outcome = case.entry("set-routing-controls").unwrap().outcome;
        assert!(matches!(outcome, Some(EntryOutcome::Accepted { .. })), "{fault:?}: {outcome:?}");
    }
}

#[test]
fn controls_that_are_turned_back_by_somebody_meet_the_deadline() {
    let case = case(Faults::none());
    case.look(0);
    case.world.put_control(fixture::RECOVERY_CONTROL, Off);
    let said = case.look(60);
    assert!(said.starts_with("StepDeadlineExceeded: ") && said.contains("must still be set On: c0ffee02"), "{said}");
}

#[test]
fn on_the_way_home_they_are_turned_round() {
    let yaml = fixture::with_routing_controls(&fixture::plan_yaml_with_home());
    let (plans, run, ledger) = fixture::there_and_back(&yaml, Mode::Failback);
    let world = fixture::world();
    world.put_control(fixture::PRIMARY_CONTROL, Off);
    world.put_control(fixture::RECOVERY_CONTROL, On);
    let event = fixture::step_event(&run, Step::ShiftTraffic, now(), None);
    let said = told(&block_on(handle(event, &ledger, &plans, &world, &world, &world, now)));
    assert!(said.starts_with("on its way: routing controls were set On: c0ffee01; Off: c0ffee02"), "{said}");
    let states = world.values().controls;
    assert_eq!((states[fixture::PRIMARY_CONTROL], states[fixture::RECOVERY_CONTROL]), (On, Off));
}

#[test]
fn a_dry_run_sets_nothing() {
    let case = Case::of(&fixture::with_routing_controls(fixture::PLAN_YAML), Mode::DryRun, Faults::none());
    let said = case.look(0);
    assert!(said.starts_with("done: dry run: would be set On: c0ffee02; Off: c0ffee01"), "{said}");
    assert_eq!((states(&case), case.faults.count(UPDATE)), ([On, Off], 0));
}

fn undone(case: &Case) -> Result<(Status, String), Failure> {
    let entry = case.entry("set-routing-controls").unwrap();
    let world = Injected::new(&case.world, &case.faults);
    let (progress, _) = block_on(undo(&world, &component(case), &entry))?;
    Ok((progress.status, progress.detail))
}

#[test]
fn the_undo_goes_back_to_the_journalled_states_and_is_the_same_twice() {
    let case = case(Faults::none());
    case.world.assert_controls_on("one-region-serves", 1);
    let before = case.world.values();
    case.look(0);
    let back = (Status::Done, "routing controls are back: On: c0ffee01; Off: c0ffee02".to_owned());
    let set = (Status::InProgress, "routing controls were set back On: c0ffee01; Off: c0ffee02".to_owned());
    let looks: Vec<_> = (0..3).map(|_| undone(&case).unwrap()).collect();
    assert_eq!(looks, [set, back.clone(), back]);
    assert_eq!((case.world.values(), case.faults.count(UPDATE)), (before, 2));
}

#[test]
fn an_undo_that_a_safety_rule_forbids_says_what_is_true() {
    let case = case(Faults::none());
    case.look(0);
    case.world.assert_controls_on("two-regions-serve", 2);
    let failure = undone(&case).unwrap_err();
    assert_eq!(failure.name, FailureName::RollbackIncomplete);
    assert!(failure.what.contains("two-regions-serve"), "{failure}");
    assert_eq!(failure.now_true, "routing controls may still lead to the recovery Region");
}

#[test]
fn a_plan_with_another_switch_asks_no_cluster() {
    let case = Case::new(Faults::none());
    case.look(0);
    case.look(1);
    assert!(case.faults.calls().iter().all(|call| !call.name.starts_with("route53-recovery-cluster:")));
    assert_eq!(states(&case), [On, Off]);
}
