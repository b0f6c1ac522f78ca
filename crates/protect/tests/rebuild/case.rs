//! One workload whose replication is rebuilt.

use futures::executor::block_on;
use pilot_core::contract::{Mode, Run, Status, Step, StepResponse};
use pilot_core::journal::{Action, Entry};
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::Ledger;
use pilot_testkit::{FakeLedger, FakePlans, Faults, advance_seconds, fixture, now, told};
use protect::handler::handle;
use serde_json::Value;

use crate::fake_rds::{FakeRds, FaultyRds};

/// More than any walk needs: a walk that is not through by then goes round in circles.
const LOOKS_MAX: usize = 100;

pub struct Case {
    pub rds: FakeRds,
    pub ledger: FakeLedger,
    pub plans: FakePlans,
    pub run: Run,
    pub event: Value,
}

impl Case {
    pub fn new(plan_yaml: &str, mode: Mode, rds: FakeRds) -> Self {
        let (plans, run, ledger) = fixture::there_and_back(plan_yaml, mode);
        let event = fixture::step_event(&run, Step::Protect, now(), Some(fixture::assessment()));
        Case { rds, ledger, plans, run, event }
    }

    /// One invocation.
    pub fn invoke(&self, faults: &Faults) -> Result<StepResponse, Failure> {
        let regions = FaultyRds { rds: &self.rds, faults };
        block_on(handle(self.event.clone(), &self.ledger, &self.plans, &regions, now))
    }

    /// One invocation in a line, `seconds` after the last.
    pub fn look(&self, seconds: i64, faults: &Faults) -> String {
        advance_seconds(seconds);
        told(&self.invoke(faults))
    }

    /// As the state machine does: again after the time that was asked for, and after what is worth another try.
    pub fn walk(&self, faults: &Faults) -> Result<StepResponse, Failure> {
        for _ in 0..LOOKS_MAX {
            match self.invoke(faults) {
                Ok(response) if response.status == Status::Done => return Ok(response),
                Ok(response) => advance_seconds(response.retry_after_seconds.into()),
                Err(failure) if failure.name == FailureName::AwsUnavailable => advance_seconds(2),
                Err(failure) => return Err(failure),
            }
        }
        panic!("not through after {LOOKS_MAX} looks; accepted so far: {:?}", self.rds.accepted());
    }

    pub fn entries(&self) -> Vec<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap()
    }

    pub fn entry(&self, action: Action) -> Option<Entry> {
        self.entries().into_iter().find(|entry| entry.action == action)
    }
}
