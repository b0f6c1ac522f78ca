//! The gate of a planned run: nothing is promoted before a sample proves that every write of the fenced primary is there.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use check_health::look::{Alarms, Eyes, Instances};
use close_run::ports::Notifier;
use gate::handler::{Gatekeeper, LAST_LOOK, handle};
use gate::losses::evidence_name;
use http_probe::{Http, Request};
use jiff::{SignedDuration, Timestamp};
use pilot_core::contract::{GateRequest, Mode, Run, Status, Step, StepRef, StepResponse};
use pilot_core::decide::caught_up::CAUGHT_UP_TIMEOUT_SECONDS;
use pilot_core::decide::data_loss::DataLoss;
use pilot_core::decide::signal::aurora::{ClusterSeen, ReplicationSeen};
use pilot_core::observed::{AlarmState, HttpAnswer, LagSample, NoAnswer, ReplicaObserved};
use pilot_core::plan::Regions;
use pilot_core::{Failure, FailureName};
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use pilot_testkit::{
    FakeLedger, FakePlans, FakeReplica, FakeWorld, Fault, Faults, Injected, advance_seconds, fixture, now, told,
};
use promote_db::databases::Databases;
use promote_db::handler::GATE;
use serde_json::json;

const LAG: &str = "cloudwatch:GetMetricData";

/// The looks have time limits, which need tokio's clock.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// The primary of a planned run was fenced by the run itself: whoever asks it has not understood.
struct NobodyAsks;

impl Http for NobodyAsks {
    async fn ask(&self, request: Request<'_>) -> Result<HttpAnswer, NoAnswer> {
        unreachable!("{} was asked", request.url)
    }
}

impl Alarms for NobodyAsks {
    async fn state(&self, _region: &str, name: &str) -> Result<Option<AlarmState>, CallError> {
        unreachable!("alarm {name} was asked")
    }
}

impl Instances for NobodyAsks {
    async fn describe(&self, _region: &str, identifier: &str) -> Result<Option<ReplicaObserved>, CallError> {
        unreachable!("{identifier} was asked")
    }

    async fn cluster(&self, _region: &str, identifier: &str) -> Result<Option<ClusterSeen>, CallError> {
        unreachable!("{identifier} was asked")
    }

    async fn global_replication(
        &self,
        _regions: &Regions,
        global_cluster: &str,
        _recovery_cluster: &str,
    ) -> Result<Option<ReplicationSeen>, CallError> {
        unreachable!("{global_cluster} was asked")
    }
}

impl Notifier for NobodyAsks {
    async fn publish(&self, subject: &str, _message: &str) -> Result<(), CallError> {
        unreachable!("a person was told: {subject}")
    }

    fn resource(&self) -> &str {
        "topic"
    }
}

struct Scene {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    entered_at: Timestamp,
    replica: &'static str,
    faults: Faults,
}

impl Scene {
    fn new(plan_yaml: &str, mode: Mode, faults: Faults) -> Self {
        let (plans, run, ledger) = fixture::there_and_back(plan_yaml, mode);
        let world = fixture::world();
        // On the way home the old primary is the replica.
        let replica = if mode.leads_home() { fixture::INSTANCE } else { fixture::REPLICA };
        world.put_replica(replica, FakeReplica::replicating("arn:aws:rds:REGION:111122223333:db:source"));
        Scene { world, ledger, plans, run, entered_at: now(), replica, faults }
    }

    /// A sample of the lag, so long after the step began.
    fn sample(&self, after_seconds: i64, lag_seconds: f64) {
        let at = self.entered_at + SignedDuration::from_secs(after_seconds);
        self.world.change_replica(self.replica, |replica| replica.lag.push(LagSample { at, lag_seconds }));
    }

    fn invoke(&self) -> Result<StepResponse, Failure> {
        let request = GateRequest {
            run: self.run.clone(),
            step: StepRef { name: Step::Gate, started_at: self.entered_at },
            assessment: Some(fixture::assessment()),
            task_token: None,
            answer: None,
        };
        let world = Injected::new(&self.world, &self.faults);
        let keeper = Gatekeeper {
            ledger: &self.ledger,
            plans: &self.plans,
            eyes: Eyes { http: &NobodyAsks, alarms: &NobodyAsks, instances: &NobodyAsks },
            databases: Databases {
                replicas: &world,
                global_clusters: &world,
                in_region: &world,
                backups: &world,
                caches: &world,
            },
            notifier: &NobodyAsks,
            clock: now,
        };
        block_on(handle(json!(request), &keeper))
    }

    fn look(&self, seconds: i64) -> String {
        advance_seconds(seconds);
        told(&self.invoke())
    }

    /// What the run keeps under this name.
    fn evidence(&self, name: &str) -> Option<serde_json::Value> {
        block_on(self.ledger.evidence(&self.run.run_id)).unwrap().remove(name)
    }

    fn loss(&self) -> Option<DataLoss> {
        self.evidence(&evidence_name("db")).map(|loss| serde_json::from_value(loss).unwrap())
    }

    fn passed(&self) -> bool {
        self.evidence(GATE).is_some()
    }
}

const PLANNED: [Mode; 2] = [Mode::Switchover, Mode::Failback];

#[test]
fn a_planned_run_waits_until_a_sample_proves_that_nothing_is_missing() {
    for mode in PLANNED {
        let scene = Scene::new(&fixture::plan_yaml_with_home(), mode, Faults::none());
        let id = scene.replica;
        // From before the step: it proves nothing of what was written until then.
        scene.sample(-5, 0.0);
        let missing = format!("on its way: {id} is not known to have the last writes");
        assert_eq!(scene.look(10), format!("{missing}: no sample of its lag yet (again in 2s)"));
        scene.sample(11, 12.5);
        let lag = scene.look(10);
        assert!(lag.starts_with(&format!("{missing}: its lag was 12.5 seconds at ")), "{lag}");
        scene.sample(21, -1.0);
        assert_eq!(scene.look(10), format!("{missing}: it does not replicate (again in 2s)"));
        assert!(!scene.passed() && scene.loss().is_none(), "{mode:?}");

        scene.sample(31, 31.0);
        let response = {
            advance_seconds(10);
            scene.invoke().unwrap()
        };
        assert_eq!(response.status, Status::Done, "{mode:?}: {response:?}");
        assert!(scene.passed() && response.approval.is_none());
        let loss = scene.loss().unwrap();
        assert_eq!((loss.rpo_seconds, loss.doubt_seconds, loss.lag_seconds), (0.0, 0.0, 31.0));
        assert_eq!(loss.recovery_point_at, scene.entered_at);
        assert!(scene.evidence(LAST_LOOK).is_none(), "nobody judged the primary");
    }
}

#[test]
fn a_lag_that_reaches_back_behind_the_fence_proves_nothing() {
    let scene = Scene::new(&fixture::plan_yaml_with_home(), Mode::Switchover, Faults::none());
    scene.sample(30, 30.1);
    assert!(scene.look(40).starts_with("on its way: "));
    scene.sample(31, 30.9);
    assert!(scene.look(2).starts_with("done: "));
}

#[test]
fn what_does_not_catch_up_in_time_is_not_promoted() {
    let scene = Scene::new(&fixture::plan_yaml_with_home(), Mode::Switchover, Faults::none());
    scene.sample(60, 400.0);
    assert!(scene.look(i64::from(CAUGHT_UP_TIMEOUT_SECONDS) - 1).starts_with("on its way: "));
    advance_seconds(1);
    let failure = scene.invoke().unwrap_err();
    assert_eq!(failure.name, FailureName::NotCaughtUp);
    assert!(failure.what.contains("shop-db-replica is not known to have the last writes"), "{failure}");
    assert!(!scene.passed() && scene.loss().is_none());
    // A proof that comes at the last moment is one.
    scene.sample(590, 0.5);
    assert!(scene.look(0).starts_with("done: "));
    assert!(scene.passed());
}

#[test]
fn lag_that_cannot_be_read_is_told_by_what_it_means() {
    for (fault, name) in [
        (Fault::Throttled, FailureName::AwsUnavailable),
        (Fault::UnknownBefore, FailureName::AwsUnavailable),
        (Fault::Refused, FailureName::AwsRefused),
    ] {
        let scene = Scene::new(&fixture::plan_yaml_with_home(), Mode::Switchover, Faults::none().nth(LAG, 0, fault));
        scene.sample(1, 0.0);
        advance_seconds(5);
        assert_eq!(scene.invoke().unwrap_err().name, name);
        assert!(!scene.passed());
        assert!(scene.look(2).starts_with("done: "));
    }
}

#[test]
fn a_global_database_needs_no_sample() {
    for mode in PLANNED {
        let yaml = fixture::with_home(&fixture::plan_yaml_with_global_cluster());
        let scene = Scene::new(&yaml, mode, Faults::none());
        scene.world.change_global_cluster(fixture::GLOBAL_CLUSTER, |cluster| cluster.lag.clear());
        assert!(scene.look(0).starts_with("done: "), "{mode:?}");
        assert_eq!(scene.faults.count(LAG), 0);
        let loss = scene.loss().unwrap();
        assert_eq!((loss.rpo_seconds, loss.lag_seconds, loss.doubt_seconds), (0.0, 0.0, 0.0));
        assert!(scene.passed());
    }
}

#[test]
fn a_cache_has_nothing_to_catch_up_with() {
    let yaml = fixture::cache::with_cache(&fixture::plan_yaml_without_database());
    let scene = Scene::new(&yaml, Mode::Switchover, Faults::none());
    assert!(scene.look(0).starts_with("done: "), "no sample was there to wait for");
    assert!(scene.passed() && scene.evidence(&evidence_name("cache")).is_none());
}

#[test]
fn a_global_datastore_has_nothing_to_catch_up_with() {
    let yaml = fixture::datastore::with_datastore(&fixture::plan_yaml_without_database());
    let scene = Scene::new(&yaml, Mode::Switchover, Faults::none());
    assert!(scene.look(0).starts_with("done: "), "no sample was there to wait for");
    assert!(scene.passed() && scene.evidence(&evidence_name("sessions")).is_none());
}
