//! Drives a run to its end as the state machine does: the fence, promote and scale side by side, then shift traffic; `AwsUnavailable` is tried
//! again; any other failure leads to the rollback.

use fence::primary::Primaries;
use futures::executor::block_on;
use pilot_core::contract::{Assessment, Disposition, RollbackResponse, Run, Status, Step, StepResponse};
use pilot_core::journal::Entry;
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::Ledger;
use pilot_testkit::{FakeLedger, FakePlans, FakePrimary, FakeWorld, Faults, Injected, advance_seconds, fixture, now};
use promote_db::databases::Databases;
use rollback::undo::Undoers;
use scale_compute::computes::Computes;
use serde_json::Value;

/// As often as the state machine tries a state again (`MaxAttempts`).
const RETRIES_MAX: usize = 6;
/// Far more looks than any run needs: a run that gets here would never end.
const LOOKS_MAX: usize = 1_000;

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// Every step is done.
    Recovered,
    /// The rollback ended, after this failure, with this.
    RolledBack { after: Failure, disposition: Disposition },
    /// The rollback failed too.
    Stuck { after: Failure, failure: Failure },
}

/// What befalls a run besides the faults.
#[derive(Debug, Clone, Copy, Default)]
pub struct Course {
    /// Every invocation happens twice, as Lambda may do it.
    pub twice: bool,
    /// The last step, `verify`, fails although everything before is done.
    pub verify_fails: bool,
}

/// A workload and a run of it.
pub struct Drive {
    pub world: FakeWorld,
    pub ledger: FakeLedger,
    pub plans: FakePlans,
    pub run: Run,
    pub faults: Faults,
    assessment: Assessment,
}

impl Drive {
    /// The fixture's workload, with these faults in front of every call.
    pub fn new(plan_yaml: &str, faults: Faults) -> Self {
        let plans = FakePlans::new();
        Self::over(plans, plan_yaml, faults)
    }

    /// The same with a store that has read the plan before.
    pub fn over(plans: FakePlans, plan_yaml: &str, faults: Faults) -> Self {
        let run = fixture::run(plans.put(fixture::PLAN, plan_yaml));
        let (world, ledger) = (fixture::world(), FakeLedger::held_by(&run));
        // The gate has its own tests; here the run stands behind it.
        block_on(ledger.keep_evidence(&run.run_id, promote_db::handler::GATE, &Value::Null)).unwrap();
        Drive { world, ledger, plans, run, faults, assessment: fixture::assessment() }
    }

    /// Drives the run to its end.
    pub fn to_the_end(&self, course: Course) -> End {
        block_on(async {
            let after = match self.forward(course).await {
                Ok(()) => return End::Recovered,
                Err(failure) => failure,
            };
            match self.back(course).await {
                Ok(RollbackResponse { disposition, .. }) => End::RolledBack { after, disposition },
                Err(failure) => End::Stuck { after, failure },
            }
        })
    }

    /// The run's journal.
    pub fn journal(&self) -> Vec<Entry> {
        block_on(self.ledger.entries(&self.run.run_id)).unwrap()
    }

    async fn forward(&self, course: Course) -> Result<(), Failure> {
        self.side_by_side(&[Step::Fence], course).await?;
        self.side_by_side(&[Step::PromoteData, Step::ScaleCompute], course).await?;
        self.side_by_side(&[Step::ShiftTraffic], course).await?;
        if course.verify_fails {
            return Err(Failure::new(FailureName::ValidationFailed, "shop", "the name still leads to the primary"));
        }
        Ok(())
    }

    async fn side_by_side(&self, steps: &[Step], course: Course) -> Result<(), Failure> {
        let mut open: Vec<Value> = steps.iter().map(|step| self.event(*step)).collect();
        for _ in 0..LOOKS_MAX {
            let mut still_open = Vec::new();
            let mut wait_seconds = 0;
            for event in open {
                let response = self.retried(course, || self.step(event.clone())).await?;
                if response.status != Status::Done {
                    wait_seconds = response.retry_after_seconds.max(wait_seconds);
                    still_open.push(event);
                }
            }
            if still_open.is_empty() {
                return Ok(());
            }
            open = still_open;
            assert!((1..=60).contains(&wait_seconds), "waits {wait_seconds} seconds");
            advance_seconds(i64::from(wait_seconds));
        }
        panic!("{steps:?} never end");
    }

    async fn back(&self, course: Course) -> Result<RollbackResponse, Failure> {
        let event = self.event(Step::Rollback);
        for _ in 0..LOOKS_MAX {
            let response = self.retried(course, || self.rollback(event.clone())).await?;
            if response.status == Status::Done {
                return Ok(response);
            }
            advance_seconds(i64::from(response.retry_after_seconds));
        }
        panic!("the rollback never ends");
    }

    async fn retried<T>(&self, course: Course, invoke: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
        for _ in 0..RETRIES_MAX {
            if course.twice {
                // Nobody sees what the other copy answered.
                let _ = invoke().await;
                advance_seconds(1);
            }
            match invoke().await {
                Err(failure) if failure.name == FailureName::AwsUnavailable => advance_seconds(1),
                result => return result,
            }
        }
        invoke().await
    }

    /// The event of a step entered now.
    pub fn event(&self, step: Step) -> Value {
        fixture::step_event(&self.run, step, now(), Some(self.assessment.clone()))
    }

    /// One invocation of the function the step belongs to.
    pub async fn step(&self, event: Value) -> Result<StepResponse, Failure> {
        let world = Injected::new(&self.world, &self.faults);
        let ledger = Injected::new(&self.ledger, &self.faults);
        match event["step"]["name"].as_str().unwrap() {
            "fence" => fence::handler::handle(event, &ledger, &self.plans, &self.primaries(), now).await,
            "promote-data" => {
                let databases = Databases {
                    replicas: &world,
                    global_clusters: &world,
                    in_region: &world,
                    backups: &world,
                    caches: &world,
                };
                promote_db::handler::handle(event, &ledger, &self.plans, &databases, now).await
            }
            "scale-compute" => {
                let computes = Computes { groups: &world, services: &world, concurrencies: &world, hooks: &world };
                scale_compute::handler::handle(event, &ledger, &self.plans, &computes, &computes, now).await
            }
            "shift-traffic" => {
                update_dns::handler::handle(event, &ledger, &self.plans, &world, &world, &world, now).await
            }
            other => panic!("no function for {other}"),
        }
    }

    /// One invocation of `rollback`.
    pub async fn rollback(&self, event: Value) -> Result<RollbackResponse, Failure> {
        let world = Injected::new(&self.world, &self.faults);
        let ledger = Injected::new(&self.ledger, &self.faults);
        let primaries = self.primaries();
        let computes = Computes { groups: &world, services: &world, concurrencies: &world, hooks: &world };
        let undoers = Undoers {
            primaries: &primaries,
            computes,
            objects: &world,
            records: &world,
            caches: &world,
            controls: &world,
        };
        rollback::handler::handle(event, &ledger, &self.plans, &undoers, now).await
    }

    fn primaries(&self) -> PlansPrimary<'_> {
        PlansPrimary { primary: self.world.primary(), faults: &self.faults }
    }
}

/// The fixture's primary Region, and no other.
struct PlansPrimary<'a> {
    primary: &'a FakePrimary,
    faults: &'a Faults,
}

impl<'a> Primaries for PlansPrimary<'a> {
    type Region = Injected<'a, FakePrimary>;

    async fn region(&self, name: &str) -> Self::Region {
        assert_eq!(name, "ap-southeast-2");
        Injected::new(self.primary, self.faults)
    }
}
