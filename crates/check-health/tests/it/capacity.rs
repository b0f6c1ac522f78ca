//! What the probe writes down of the primary's capacity, and when it does not.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::cell::{Cell, RefCell};

use check_health::capacity::{Capacities, write_down};
use futures::executor::block_on;
use jiff::Timestamp;
use pilot_core::FailureName;
use pilot_core::decide::health::Verdict;
use pilot_core::decide::last_known::{Known, LastKnown};
use pilot_core::plan::{self, Compute, Had, RecoveryPlan};
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use pilot_testkit::{FakeLedger, Fault, Faults, Injected, advance_seconds, fixture, now};

/// The test kit's plan with a way home and a share of the primary's group.
fn plan_yaml() -> String {
    fixture::plan_yaml_with_home().replacen("desired: 2}", "desired: 2, percentOfPrimary: 75}", 1)
}

fn plan() -> RecoveryPlan {
    plan::check(plan_yaml().as_bytes()).unwrap()
}

/// The primary's groups.
struct Primary {
    answer: RefCell<Result<Option<Had>, CallError>>,
    looks: Cell<u32>,
}

impl Primary {
    fn with(desired: u32) -> Self {
        Primary { answer: RefCell::new(Ok(Some(desired.into()))), looks: Cell::new(0) }
    }
}

impl Capacities for Primary {
    async fn had(&self, region: &str, component: &Compute) -> Result<Option<Had>, CallError> {
        assert_eq!((region, component.name()), ("ap-southeast-2", "web"));
        self.looks.set(self.looks.get() + 1);
        self.answer.borrow().clone()
    }
}

fn write<L: Ledger>(plan: &RecoveryPlan, verdict: Verdict, ledger: &L, primary: &Primary) {
    block_on(write_down(plan, verdict, ledger, primary, now())).unwrap();
}

fn known(ledger: &FakeLedger) -> Option<(u32, Timestamp)> {
    let record: LastKnown = block_on(ledger.capacity(fixture::PLAN)).unwrap();
    record.components.get("web").map(|Known { desired, seen_at, .. }| (*desired, *seen_at))
}

#[test]
fn a_healthy_primary_is_written_down_and_what_is_newer_replaces_it() {
    let (plan, ledger, primary) = (plan(), FakeLedger::new(), Primary::with(8));
    write(&plan, Verdict::Healthy, &ledger, &primary);
    assert_eq!(known(&ledger), Some((8, now())));
    advance_seconds(60);
    *primary.answer.borrow_mut() = Ok(Some(5.into()));
    write(&plan, Verdict::Healthy, &ledger, &primary);
    assert_eq!(known(&ledger), Some((5, now())));
}

#[test]
fn a_primary_that_is_not_healthy_tells_no_capacity() {
    for verdict in [Verdict::Down, Verdict::Impaired, Verdict::Unknown] {
        let (ledger, primary) = (FakeLedger::new(), Primary::with(8));
        write(&plan(), verdict, &ledger, &primary);
        assert_eq!((known(&ledger), primary.looks.get()), (None, 0), "{verdict:?}");
    }
}

#[test]
fn while_a_run_is_under_way_nothing_is_written_down() {
    let run = fixture::run(fixture::plans().1);
    let (ledger, primary) = (FakeLedger::held_by(&run), Primary::with(8));
    write(&plan(), Verdict::Healthy, &ledger, &primary);
    assert_eq!((known(&ledger), primary.looks.get()), (None, 0));
    assert!(block_on(ledger.release(&run, None)).unwrap());
    write(&plan(), Verdict::Healthy, &ledger, &primary);
    assert_eq!(known(&ledger), Some((8, now())));
    // One that died keeps its lease, and nobody else's hands off the primary, only until it expires.
    let (ledger, primary) = (FakeLedger::held_by(&run), Primary::with(8));
    advance_seconds(901);
    write(&plan(), Verdict::Healthy, &ledger, &primary);
    assert_eq!(known(&ledger), Some((8, now())));
}

#[test]
fn what_cannot_be_seen_keeps_what_was_known() {
    let (plan, ledger, primary) = (plan(), FakeLedger::new(), Primary::with(8));
    write(&plan, Verdict::Healthy, &ledger, &primary);
    let first = known(&ledger);
    let throttled = CallError::Throttled { code: "Throttling".into(), message: "Rate exceeded".into() };
    for answer in [Err(throttled), Ok(None), Ok(Some(0.into()))] {
        advance_seconds(60);
        *primary.answer.borrow_mut() = answer;
        write(&plan, Verdict::Healthy, &ledger, &primary);
        assert_eq!(known(&ledger), first);
    }
}

#[test]
fn of_a_plan_that_wants_no_share_nothing_is_read_or_written() {
    let faults = Faults::none();
    let (ledger, primary) = (FakeLedger::new(), Primary::with(8));
    let plain = plan::check(fixture::plan_yaml_with_home().as_bytes()).unwrap();
    write(&plain, Verdict::Healthy, &Injected::new(&ledger, &faults), &primary);
    assert!(faults.calls().is_empty() && primary.looks.get() == 0);
}

#[test]
fn a_table_that_cannot_be_written_is_told() {
    let faults = Faults::none().every("ledger:set_capacity", Fault::Throttled);
    let (ledger, primary) = (FakeLedger::new(), Primary::with(8));
    let written = block_on(write_down(&plan(), Verdict::Healthy, &Injected::new(&ledger, &faults), &primary, now()));
    assert_eq!(written.unwrap_err().name, FailureName::AwsUnavailable);
}

#[test]
fn both_figures_of_a_function_are_written_down() {
    let (plan, ledger, primary) = (plan(), FakeLedger::new(), Primary::with(8));
    *primary.answer.borrow_mut() = Ok(Some(Had { desired: 0, provisioned: Some(7) }));
    write(&plan, Verdict::Healthy, &ledger, &primary);
    let record: LastKnown = block_on(ledger.capacity(fixture::PLAN)).unwrap();
    assert_eq!(record.components["web"], Known { desired: 0, provisioned: Some(7), seen_at: now() });
}
