//! The handler's three ways in, over fakes of what it looks through and the test kit's ledger and plans.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::cell::RefCell;
use std::collections::BTreeMap;

use check_health::capacity::Capacities;
use check_health::event::{self, Event};
use check_health::handler::{Tools, handle};
use check_health::look::{Alarms, Eyes, Instances};
use http_probe::{Http, Request};
use pilot_core::contract::{Run, Status, Step, StepResponse};
use pilot_core::decide::health::Memory;
use pilot_core::decide::signal::aurora::{ClusterSeen, ReplicationSeen};
use pilot_core::observed::{
    AlarmState, ClusterInstance, ClusterObserved, GlobalClusterObserved, GlobalMember, HttpAnswer, LagSample, NoAnswer,
    ReplicaObserved,
};
use pilot_core::plan::{Compute, Had, Regions};
use pilot_core::{Failure, FailureName};
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use pilot_testkit::{FakeLedger, FakePlans, advance_seconds, fixture, now};
use serde_json::{Value, json};

const PLAN: &str = "pilot-light";
const PLAN_YAML: &str = include_str!("../../../../examples/plans/pilot-light.yaml");
const PRIMARY_URL: &str = "https://primary-lb.shop.example.com/health";
const CONTROL_URL: &str = "https://recovery-lb.shop.example.com/lb-live";

thread_local! {
    static PUBLISHED: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

fn publish(document: &Value) {
    PUBLISHED.with_borrow_mut(|published| published.push(document.clone()));
}

/// What there is to see.
#[derive(Default)]
struct Scene {
    http: RefCell<BTreeMap<&'static str, Result<u16, NoAnswer>>>,
    alarm: RefCell<Option<Result<AlarmState, CallError>>>,
    /// By Region.
    instances: RefCell<BTreeMap<&'static str, Result<ReplicaObserved, CallError>>>,
    cluster: RefCell<Option<Result<ClusterSeen, CallError>>>,
    replication: RefCell<Option<Result<ReplicationSeen, CallError>>>,
}

impl Http for Scene {
    async fn ask(&self, request: Request<'_>) -> Result<HttpAnswer, NoAnswer> {
        let status = self.http.borrow().get(request.url).cloned().unwrap_or(Err(NoAnswer::Refused))?;
        Ok(HttpAnswer { status, headers: BTreeMap::new(), body: Vec::new() })
    }
}

impl Alarms for Scene {
    async fn state(&self, _region: &str, name: &str) -> Result<Option<AlarmState>, CallError> {
        assert_eq!(name, "shop-canary");
        self.alarm.borrow().clone().transpose()
    }
}

impl Capacities for Scene {
    async fn had(&self, region: &str, component: &Compute) -> Result<Option<Had>, CallError> {
        assert_eq!((region, component.name()), ("ap-southeast-2", "web"));
        Ok(Some(8.into()))
    }
}

impl Instances for Scene {
    async fn describe(&self, region: &str, _identifier: &str) -> Result<Option<ReplicaObserved>, CallError> {
        self.instances.borrow().get(region).cloned().transpose()
    }

    async fn cluster(&self, region: &str, _identifier: &str) -> Result<Option<ClusterSeen>, CallError> {
        assert_eq!(region, "ap-southeast-2", "the cluster's own Region tells");
        self.cluster.borrow().clone().transpose()
    }

    async fn global_replication(
        &self,
        regions: &Regions,
        _global_cluster: &str,
        _recovery_cluster: &str,
    ) -> Result<Option<ReplicationSeen>, CallError> {
        assert_eq!((regions.primary.as_str(), regions.recovery.as_str()), ("ap-southeast-2", "ap-southeast-1"));
        self.replication.borrow().clone().transpose()
    }
}

fn instance(status: &str, source: Option<&str>, replication: Option<&str>) -> ReplicaObserved {
    ReplicaObserved {
        status: status.into(),
        source: source.map(Into::into),
        replication: replication.map(Into::into),
        backup_retention_days: 7,
    }
}

const SOURCE: Option<&str> = Some("arn:aws:rds:ap-southeast-2:111122223333:db:shop-db");

impl Scene {
    fn well() -> Self {
        let scene = Scene::default();
        scene.http.borrow_mut().extend([(PRIMARY_URL, Ok(200)), (CONTROL_URL, Ok(404))]);
        scene.alarm.replace(Some(Ok(AlarmState::Ok)));
        scene.database_up();
        scene
    }

    fn database_up(&self) {
        let instances = [
            ("ap-southeast-2", instance("available", None, None)),
            ("ap-southeast-1", instance("available", SOURCE, Some("replicating"))),
        ];
        self.instances.borrow_mut().extend(instances.map(|(region, seen)| (region, Ok(seen))));
    }

    fn application_down(&self) {
        self.http.borrow_mut().insert(PRIMARY_URL, Err(NoAnswer::Refused));
        self.alarm.replace(Some(Ok(AlarmState::Alarm)));
    }

    fn database_down(&self) {
        let mut instances = self.instances.borrow_mut();
        instances.insert("ap-southeast-2", Ok(instance("failed", None, None)));
        instances.insert("ap-southeast-1", Ok(instance("available", SOURCE, Some("error"))));
    }

    /// The primary Region is cut off: its load balancer and its API do not answer.
    fn region_cut_off(&self) {
        self.application_down();
        self.database_down();
        let error = CallError::Unknown { message: "dispatch failure: connection reset".into() };
        self.instances.borrow_mut().insert("ap-southeast-2", Err(error));
    }

    /// Only the observer's own way out fails.
    fn own_network_down(&self) {
        self.http.borrow_mut().clear();
    }

    /// Nothing the observer asks is answered.
    fn blind() -> Self {
        let scene = Scene::default();
        let denied = || CallError::Refused { code: "AccessDenied".into(), message: "no".into() };
        scene.alarm.replace(Some(Err(denied())));
        scene.instances.borrow_mut().extend([("ap-southeast-1", Err(denied())), ("ap-southeast-2", Err(denied()))]);
        scene
    }

    fn down() -> Self {
        let scene = Self::well();
        scene.application_down();
        scene.database_down();
        scene
    }
}

struct Stage {
    scene: Scene,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
}

impl Stage {
    fn with(scene: Scene) -> Self {
        let plans = FakePlans::new();
        let run = fixture::run(plans.put(PLAN, PLAN_YAML));
        Stage { scene, ledger: FakeLedger::held_by(&run), plans, run }
    }

    async fn invoke(&self, event: Value) -> Result<Value, Failure> {
        let tools = Tools {
            ledger: &self.ledger,
            plans: &self.plans,
            eyes: Eyes { http: &self.scene, alarms: &self.scene, instances: &self.scene },
            capacities: &self.scene,
            clock: now,
            namespace: "PilotLight",
            publish,
        };
        handle(event, &tools).await
    }

    async fn assess(&self) -> Result<StepResponse, Failure> {
        let event = fixture::step_event(&self.run, Step::Assess, self.run.started_at, None);
        self.invoke(event).await.map(|answer| serde_json::from_value(answer).unwrap())
    }

    async fn probe(&self) -> Value {
        self.invoke(json!({"probe": {"plan": PLAN}})).await.unwrap()
    }

    async fn capacity(&self) -> Value {
        serde_json::to_value(self.ledger.capacity(PLAN).await.unwrap()).unwrap()
    }

    async fn memory(&self) -> Memory {
        self.ledger.memory(PLAN).await.unwrap()
    }
}

#[tokio::test]
async fn three_different_failures_give_three_different_verdicts() {
    type Break = fn(&Scene);
    let broken: [(Break, &str); 6] = [
        (|_| {}, "healthy"),
        (Scene::application_down, "impaired"),
        (Scene::database_down, "impaired"),
        (Scene::own_network_down, "unknown"),
        (Scene::region_cut_off, "down"),
        (|scene| (scene.application_down(), scene.database_down()).1, "down"),
    ];
    for (breaks, verdict) in broken {
        let scene = Scene::well();
        breaks(&scene);
        let answer = Stage::with(scene).invoke(json!({"look": {"plan": PLAN}})).await.unwrap();
        assert_eq!(answer["verdict"], verdict, "{answer:#}");
    }
}

const AURORA_SIGNALS: &str = "signals:
  - {kind: http, name: storefront, fate: application, url: 'https://primary-lb.shop.example.com/health'}
  - {kind: rdsCluster, name: cluster, fate: database, identifier: shop, region: ap-southeast-2}
  - {kind: auroraReplication, name: replication, fate: storage, globalClusterIdentifier: shop-global,
     recoveryClusterIdentifier: shop-dr}
";
const AURORA_DATABASES: &str = "databases:
  - {kind: auroraGlobalCluster, name: shop-db, globalClusterIdentifier: shop-global, primaryClusterIdentifier: shop,
     recoveryClusterIdentifier: shop-dr}
";

/// The example with its part of this name replaced.
fn with_part(yaml: &str, name: &str, part: &str) -> String {
    let start = yaml.find(&format!("\n{name}:")).unwrap() + 1;
    let length = yaml[start..]
        .match_indices('\n')
        .map(|(at, _)| at + 1)
        .find(|at| yaml[start + at..].starts_with(|next: char| next.is_ascii_lowercase()));
    format!("{}{part}{}", &yaml[..start], &yaml[start + length.unwrap()..])
}

fn cluster_seen(writer_status: &str) -> ClusterSeen {
    let instances = vec![ClusterInstance { identifier: "shop-1".into(), is_writer: true }];
    let cluster = ClusterObserved { status: "available".into(), engine_version: None, instances };
    ClusterSeen { cluster, writer_status: Some(writer_status.into()) }
}

fn replication_seen(synchronization: &str, lag_seconds: Option<f64>) -> ReplicationSeen {
    let arn = |region: &str, id: &str| format!("arn:aws:rds:{region}:111122223333:cluster:{id}");
    let member =
        |arn: String, is_writer| GlobalMember { arn, is_writer, synchronization: Some(synchronization.into()) };
    let global = GlobalClusterObserved {
        status: "available".into(),
        engine_version: None,
        members: vec![member(arn("ap-southeast-2", "shop"), true), member(arn("ap-southeast-1", "shop-dr"), false)],
        failover_state: None,
        recovery: Some(cluster_seen("available").cluster),
    };
    ReplicationSeen { global, newest_lag: lag_seconds.map(|lag_seconds| LagSample { at: now(), lag_seconds }) }
}

#[tokio::test]
async fn an_aurora_primary_is_judged_by_its_own_region_and_from_the_recovery_region() {
    type Break = fn(&Scene);
    let unanswered = || CallError::Unknown { message: "dispatch failure: connection reset".into() };
    let denied = || CallError::Refused { code: "AccessDenied".into(), message: "no".into() };
    let cut_off: Break = |scene| {
        scene.http.borrow_mut().insert(PRIMARY_URL, Err(NoAnswer::Refused));
        scene.cluster.replace(Some(Err(CallError::Unknown { message: "connection reset".into() })));
    };
    let rows: [(Break, [&str; 3], &str); 6] = [
        (|_| {}, ["healthy", "healthy", "healthy"], "healthy"),
        // The Region is gone: what its API does not say, the recovery Region sees.
        (
            |scene| {
                scene.http.borrow_mut().insert(PRIMARY_URL, Err(NoAnswer::Refused));
                scene.replication.replace(Some(Ok(replication_seen("connected", Some(90.0)))));
            },
            ["failing", "healthy", "failing"],
            "down",
        ),
        (
            |scene| drop(scene.cluster.replace(Some(Ok(cluster_seen("storage-full"))))),
            ["healthy", "failing", "healthy"],
            "impaired",
        ),
        // Missing data is not healthy, and no failure either.
        (
            |scene| drop(scene.replication.replace(Some(Ok(replication_seen("connected", None))))),
            ["healthy", "healthy", "unknown"],
            "healthy",
        ),
        (cut_off, ["failing", "unknown", "healthy"], "impaired"),
        (
            |scene| drop(scene.replication.replace(Some(Ok(replication_seen("pending-resync", None))))),
            ["healthy", "healthy", "failing"],
            "impaired",
        ),
    ];
    let yaml = with_part(&with_part(PLAN_YAML, "signals", AURORA_SIGNALS), "databases", AURORA_DATABASES);
    let look = async |breaks: &dyn Fn(&Scene)| {
        let scene = Scene::well();
        scene.cluster.replace(Some(Ok(cluster_seen("available"))));
        scene.replication.replace(Some(Ok(replication_seen("connected", Some(0.4)))));
        breaks(&scene);
        let stage = Stage::with(scene);
        stage.plans.put(PLAN, &yaml);
        stage.invoke(json!({"look": {"plan": PLAN}})).await.unwrap()
    };
    for (breaks, states, verdict) in rows {
        let answer = look(&breaks).await;
        let seen: Vec<&str> =
            answer["judgement"]["signals"].as_array().unwrap().iter().map(|s| s["state"].as_str().unwrap()).collect();
        assert_eq!((seen.as_slice(), &answer["verdict"]), (states.as_slice(), &json!(verdict)), "{answer:#}");
    }
    for error in [unanswered(), denied()] {
        let answer = look(&|scene: &Scene| {
            scene.cluster.replace(Some(Err(error.clone())));
            scene.replication.replace(Some(Err(error.clone())));
        })
        .await;
        for signal in &answer["judgement"]["signals"].as_array().unwrap()[1..] {
            assert_eq!(signal["state"], "unknown", "an observer's own error: {answer:#}");
        }
    }
}

#[tokio::test]
async fn the_observers_own_errors_are_unknown_and_never_down() {
    let scene = Scene::blind();
    let stage = Stage::with(scene);
    let answer = stage.probe().await;
    assert_eq!(answer["verdict"], "unknown", "{answer:#}");
    assert_eq!(answer["judgement"]["observerNetworkOk"], false);
    assert_eq!(stage.memory().await, Memory { looked_at: Some(now()), ..Memory::default() });
}

#[tokio::test]
async fn the_probe_publishes_down_only_when_it_knows() {
    let cases: [(Scene, Value); 4] = [
        (Scene::well(), json!({"PrimaryDown": 0.0, "PrimaryUnknown": 0.0, "PrimaryImpaired": 0.0})),
        (Scene::down(), json!({"PrimaryDown": 1.0, "PrimaryUnknown": 0.0, "PrimaryImpaired": 0.0})),
        (Scene::blind(), json!({"PrimaryDown": null, "PrimaryUnknown": 1.0, "PrimaryImpaired": 0.0})),
        (
            {
                let scene = Scene::well();
                scene.application_down();
                scene
            },
            json!({"PrimaryDown": 0.0, "PrimaryUnknown": 0.0, "PrimaryImpaired": 1.0}),
        ),
    ];
    for (scene, expected) in cases {
        PUBLISHED.take();
        Stage::with(scene).probe().await;
        let [document] = <[Value; 1]>::try_from(PUBLISHED.take()).unwrap();
        assert_eq!(document["Workload"], PLAN);
        let directive = &document["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "PilotLight");
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&document[name], value, "{name}");
            let declared = directive["Metrics"].as_array().unwrap().iter().any(|metric| metric["Name"] == *name);
            assert_eq!(declared, !value.is_null(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_look_writes_nothing() {
    PUBLISHED.take();
    let stage = Stage::with(Scene::down());
    let answer = stage.invoke(json!({"look": {"plan": PLAN}})).await.unwrap();
    assert_eq!(answer["verdict"], "down");
    assert_eq!(stage.memory().await, Memory::default());
    assert!(PUBLISHED.take().is_empty());
}

#[tokio::test]
async fn a_run_finds_the_incidents_clock_running() {
    let stage = Stage::with(Scene::well());
    stage.probe().await;
    let healthy_at = now();
    advance_seconds(60);
    stage.scene.region_cut_off();
    stage.probe().await;
    let incident_at = now();
    advance_seconds(45);
    let response = stage.assess().await.unwrap();
    assert_eq!(response.status, Status::Done);
    let assessment = response.assessment.unwrap();
    assert_eq!(assessment.incident_at, incident_at);
    assert_eq!(assessment.last_healthy_at, Some(healthy_at));
    assert_eq!(assessment.decided_at, now());
    assert_eq!(response.components.len(), 4);
    let evidence = stage.ledger.evidence(&stage.run.run_id).await.unwrap();
    assert_eq!(evidence["judgement"]["verdict"], "down");
}

#[tokio::test]
async fn a_run_that_begins_the_look_itself_holds_before_it_acts() {
    let stage = Stage::with(Scene::down());
    let incident_at = now();
    for _ in 0..6 {
        let response = stage.assess().await.unwrap();
        assert_eq!((response.status, response.assessment), (Status::InProgress, None));
        advance_seconds(5);
    }
    let assessment = stage.assess().await.unwrap().assessment.unwrap();
    assert_eq!((assessment.incident_at, assessment.decided_at), (incident_at, now()));
}

#[tokio::test]
async fn a_memory_nobody_refreshed_is_not_held() {
    let stage = Stage::with(Scene::down());
    stage.probe().await;
    advance_seconds(3600);
    let response = stage.assess().await.unwrap();
    assert_eq!(response.status, Status::InProgress);
    assert_eq!(stage.memory().await.failing_since, Some(now()));
}

#[tokio::test]
async fn a_healthy_primary_ends_the_run_by_name() {
    let stage = Stage::with(Scene::well());
    let failure = stage.assess().await.unwrap_err();
    assert_eq!(failure.name, FailureName::PrimaryHealthy);
    assert_eq!(failure.what, "the primary is healthy: failing none; healthy application, database; unknown none");
    let steps = stage.ledger.steps(&stage.run.run_id).await.unwrap();
    assert_eq!(steps[0].outcome, Status::Failed);
}

#[tokio::test]
async fn an_impaired_primary_is_looked_at_until_the_time_is_over() {
    let stage = Stage::with(Scene::well());
    stage.scene.application_down();
    assert_eq!(stage.assess().await.unwrap().status, Status::InProgress);
    advance_seconds(300);
    let failure = stage.assess().await.unwrap_err();
    assert_eq!(failure.name, FailureName::PrimaryNotDown);
    assert!(failure.what.contains("the primary is impaired: failing application; healthy database"), "{failure}");
}

#[tokio::test]
async fn another_runs_step_is_refused_before_it_looks() {
    let mut stage = Stage::with(Scene::down());
    stage.run.generation = 2;
    assert_eq!(stage.assess().await.unwrap_err().name, FailureName::LeaseLost);
    assert_eq!(stage.memory().await, Memory::default());
}

#[tokio::test]
async fn a_step_of_another_function_is_refused() {
    let stage = Stage::with(Scene::down());
    let event = fixture::step_event(&stage.run, Step::PromoteData, now(), None);
    assert_eq!(stage.invoke(event).await.unwrap_err().name, FailureName::EventInvalid);
}

#[test]
fn the_samples_are_what_it_takes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/check-health");
    let mut kinds = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let sample: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let kind = match event::read(sample) {
            Ok(Event::Probe { .. }) => "probe",
            Ok(Event::Look { .. }) => "look",
            Ok(Event::Assess(_)) => "assess",
            Err(failure) => failure.name.as_str(),
        };
        kinds.insert(name, kind);
    }
    let expected = [("assess", "assess"), ("bad-run", "EventInvalid"), ("look", "look"), ("probe-schedule", "probe")];
    assert_eq!(kinds, expected.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect());
}

#[tokio::test]
async fn the_probe_writes_down_what_the_plan_wants_a_share_of_and_a_look_does_not() {
    let mut stage = Stage::with(Scene::well());
    stage.ledger = FakeLedger::new();
    stage.plans.put(PLAN, &PLAN_YAML.replacen("desired: 2}", "desired: 2, percentOfPrimary: 75}", 1));
    stage.invoke(json!({"look": {"plan": PLAN}})).await.unwrap();
    assert_eq!(stage.capacity().await, json!({"components": {}}));
    stage.probe().await;
    assert_eq!(stage.capacity().await["components"]["web"], json!({"desired": 8, "seenAt": now()}));

    let stage = Stage::with(Scene::well());
    stage.probe().await;
    assert_eq!(stage.capacity().await, json!({"components": {}}), "the plan wants no share");
}
