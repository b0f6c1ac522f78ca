//! One workload whose traffic is shifted, look by look.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use futures::executor::block_on;
use pilot_core::contract::{Mode, Run, Step};
use pilot_core::journal::Entry;
use pilot_core::plan::RecoveryPlan;
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use pilot_testkit::{FakeLedger, FakePlans, FakeWorld, Faults, Injected, advance_seconds, fixture, now, told};
use serde_json::Value;
use update_dns::handler::handle;

pub struct Case {
    pub world: FakeWorld,
    pub ledger: FakeLedger,
    pub plans: FakePlans,
    pub run: Run,
    pub faults: Faults,
    event: Value,
}

impl Case {
    pub fn new(faults: Faults) -> Self {
        Self::of(fixture::PLAN_YAML, Mode::Failover, faults)
    }

    /// A run of this mode of another plan.
    pub fn of(plan_yaml: &str, mode: Mode, faults: Faults) -> Self {
        let plans = FakePlans::new();
        let run = Run { mode, ..fixture::run(plans.put(fixture::PLAN, plan_yaml)) };
        let event = fixture::step_event(&run, Step::ShiftTraffic, now(), None);
        Case { world: fixture::world(), ledger: FakeLedger::held_by(&run), plans, run, faults, event }
    }

    /// One invocation, `seconds` after the last.
    pub fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        let world = Injected::new(&self.world, &self.faults);
        told(&block_on(handle(self.event.clone(), &self.ledger, &self.plans, &world, &world, &world, now)))
    }

    /// The journal's entry of this action.
    pub fn entry(&self, action: &str) -> Option<Entry> {
        let entries = block_on(self.ledger.entries(&self.run.run_id)).unwrap();
        entries.into_iter().find(|entry| entry.action.as_str() == action)
    }

    pub fn plan(&self) -> RecoveryPlan {
        block_on(self.plans.pinned(&self.run.plan)).unwrap()
    }
}
