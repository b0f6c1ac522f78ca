//! The handler's four ways in, over the test kit's world and fakes of the application and the name servers.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

mod promoted;
mod restores;

mod caches;
mod global_caches;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use http_probe::{Http, Request};
use jiff::{SignedDuration, Timestamp};
use pilot_core::contract::{Assessment, ComponentProgress, Run, Status, Step, StepResponse};
use pilot_core::decide::backup::RecoveryPointSeen;
use pilot_core::decide::last_known::{Known, LastKnown};
use pilot_core::decide::routing::{ControlState, ControlStates};
use pilot_core::journal::StepRecord;
use pilot_core::observed::{
    CacheObserved, DatastoreObserved, DeploymentObserved, DocumentObserved, FailoverStateObserved, FunctionObserved,
    GlobalClusterObserved, GroupObserved, HookFunctionObserved, HttpAnswer, InRegionCluster, LagSample, NoAnswer,
    ProvisionedStatus, ReplicaObserved, RestorableObserved, RestoredObserved, ServiceObserved,
};
use pilot_core::plan::{DnsRecord, Method, RecordType, RestoredKind, RoutingControl};
use pilot_core::{Failure, FailureName};
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{
    Automations, Backups, Builds, CacheReads, Concurrencies, GlobalCacheReads, GlobalClusters, Groups, HookFunctions,
    InRegionReads, Listed, Records, Replicas, RestoredDatabases, RoutingControls, Services, StopObjects,
};
use pilot_testkit::fixture::{
    FUNCTION, GLOBAL_CLUSTER, GROUP, RECOVERY_CLUSTER_ARN, REPLICA, SERVICE, STOP_BUCKET, STOP_KEY, ZONE,
};
use pilot_testkit::{
    FakeFunction, FakeGlobalCluster, FakeGroup, FakeLedger, FakePlans, FakeService, FakeWorld, advance_seconds,
    fixture, now,
};
use serde_json::{Value, json};
use validate::event::{self, Event};
use validate::handler::{Tools, handle};
use validate::ports::{Dns, Eyes, Region};

mod in_region;

/// The test kit's plan, with the validation that this function is about.
fn plan_yaml() -> String {
    let (before, _) = fixture::PLAN_YAML.split_once("validation:").unwrap();
    format!(
        "{before}validation:
  timeoutSeconds: 60
  endpoints:
    - {{name: reads, url: 'https://recovery.test/health', expectBody: '\"writable\":true'}}
    - {{name: writes, method: POST, url: 'https://recovery.test/orders', jsonBody: {{number: 0}}, expectStatus: 201}}
  dns:
    - {{name: shop.test, recordType: CNAME, expectAnyOf: [recovery-lb.shop.test], nameServers: ['192.0.2.53:53', '192.0.2.54:53']}}
"
    )
}

thread_local! {
    static PUBLISHED: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

fn publish(document: &Value) {
    PUBLISHED.with_borrow_mut(|published| published.push(document.clone()));
}

/// The test kit's world, seen as this function sees it, with calls that fail by name.
struct Seen {
    world: FakeWorld,
    failing: RefCell<BTreeMap<&'static str, CallError>>,
}

impl Seen {
    fn check(&self, call: &str) -> Result<(), CallError> {
        self.failing.borrow().get(call).cloned().map_or(Ok(()), Err)
    }
}

impl InRegionReads for Seen {
    async fn in_region_cluster(&self, cluster: &str, instances: &[&str]) -> Result<Option<InRegionCluster>, CallError> {
        self.check("cluster")?;
        self.world.in_region_cluster(cluster, instances).await
    }

    async fn restorable(&self, kind: RestoredKind, identifier: &str) -> Result<Option<RestorableObserved>, CallError> {
        self.world.restorable(kind, identifier).await
    }
}

impl Region for Seen {
    async fn replica(&self, identifier: &str) -> Result<Option<ReplicaObserved>, CallError> {
        self.check("replica")?;
        Replicas::describe(&self.world, identifier).await
    }

    async fn lag_samples(&self, identifier: &str, from: Timestamp, to: Timestamp) -> Result<Vec<LagSample>, CallError> {
        self.check("lag")?;
        self.world.lag_samples(identifier, from, to).await
    }

    async fn global_cluster(
        &self,
        global_cluster: &str,
        recovery_cluster: &str,
    ) -> Result<Option<GlobalClusterObserved>, CallError> {
        self.check("global cluster")?;
        GlobalClusters::describe(&self.world, global_cluster, recovery_cluster).await
    }

    async fn rpo_lag_samples(
        &self,
        recovery_cluster: &str,
        source_region: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<LagSample>, CallError> {
        self.check("rpo lag")?;
        assert_eq!(source_region, "ap-southeast-2");
        self.world.rpo_lag_samples(recovery_cluster, source_region, from, to).await
    }

    async fn recovery_points(&self, vault_name: &str, resource_arn: &str) -> Result<Vec<RecoveryPointSeen>, CallError> {
        self.check("points")?;
        self.world.recovery_points(vault_name, resource_arn).await
    }

    async fn restored(&self, kind: RestoredKind, identifier: &str) -> Result<Option<RestoredObserved>, CallError> {
        self.check("restored")?;
        RestoredDatabases::describe(&self.world, kind, identifier).await
    }

    async fn parameter_group_family(&self, _kind: RestoredKind, name: &str) -> Result<Option<String>, CallError> {
        self.check("parameter group")?;
        Ok(self.world.parameter_group_family(name))
    }

    async fn cache(&self, replication_group_id: &str) -> Result<Option<CacheObserved>, CallError> {
        self.check("cache")?;
        self.world.cache(replication_group_id).await
    }

    async fn datastore(&self, id: &str, replication_group_id: &str) -> Result<Option<DatastoreObserved>, CallError> {
        self.check("datastore")?;
        self.world.datastore(id, replication_group_id).await
    }

    async fn group(&self, name: &str) -> Result<Option<GroupObserved>, CallError> {
        self.check("group")?;
        Groups::describe(&self.world, name).await
    }

    async fn service(&self, cluster: &str, service: &str) -> Result<Option<ServiceObserved>, CallError> {
        self.check("service")?;
        Services::describe(&self.world, cluster, service).await
    }

    async fn function(&self, function: &str, qualifier: Option<&str>) -> Result<Option<FunctionObserved>, CallError> {
        self.check("function")?;
        Concurrencies::describe(&self.world, function, qualifier).await
    }

    async fn build_project(&self, project: &str) -> Result<bool, CallError> {
        self.check("build project")?;
        self.world.project_exists(project).await
    }

    async fn hook_function(
        &self,
        function: &str,
        qualifier: Option<&str>,
    ) -> Result<Option<HookFunctionObserved>, CallError> {
        self.world.hook_function(function, qualifier).await
    }

    async fn document(&self, name: &str, version: Option<&str>) -> Result<Option<DocumentObserved>, CallError> {
        self.check("document")?;
        self.world.document(name, version).await
    }

    async fn bucket_exists(&self, bucket: &str) -> Result<bool, CallError> {
        self.check("bucket")?;
        Ok(bucket == STOP_BUCKET)
    }

    async fn stop_object(&self, bucket: &str, key: &str) -> Result<bool, CallError> {
        self.check("stop")?;
        self.world.present(bucket, key).await
    }

    async fn routing_controls(&self, component: &RoutingControl) -> Result<ControlStates, CallError> {
        self.check("controls")?;
        let controls: Vec<&str> = component.controls().collect();
        self.world.states(&component.cluster_endpoints, &controls).await
    }

    async fn records(&self, zone_id: &str, wanted: &[DnsRecord]) -> Result<Listed, CallError> {
        self.check("records")?;
        self.world.list(zone_id, wanted).await
    }

    async fn health_check_exists(&self, id: &str) -> Result<bool, CallError> {
        unreachable!("the plan gives no record the health check {id}")
    }
}

/// The recovered application: whether it takes writes, and the POSTs it got.
#[derive(Default)]
struct Application {
    writable: RefCell<bool>,
    /// The status of a POST, 201 unless set.
    post_status: RefCell<Option<u16>>,
    posts: RefCell<Vec<Value>>,
}

impl Http for Application {
    async fn ask(&self, request: Request<'_>) -> Result<HttpAnswer, NoAnswer> {
        let writable = *self.writable.borrow();
        let (status, body) = match request.method {
            Method::Get => (200, format!("{{\"writable\":{writable}}}")),
            Method::Post => {
                self.posts.borrow_mut().push(request.json_body.cloned().unwrap_or_default());
                (self.post_status.borrow().unwrap_or(201), String::new())
            }
        };
        Ok(HttpAnswer { status, headers: BTreeMap::new(), body: body.into_bytes() })
    }
}

/// What each name server answers.
#[derive(Default)]
struct NameServers {
    answers: RefCell<BTreeMap<&'static str, &'static str>>,
}

impl Dns for NameServers {
    async fn ask(
        &self,
        server: Option<SocketAddr>,
        name: &str,
        record_type: RecordType,
    ) -> Result<Vec<String>, String> {
        assert_eq!((name, record_type), ("shop.test", RecordType::Cname));
        let server = server.unwrap().to_string();
        let answer = self.answers.borrow().get(server.as_str()).copied();
        answer.map(|value| vec![value.to_owned()]).ok_or_else(|| "no answer".to_owned())
    }
}

struct Stage {
    seen: Seen,
    application: Application,
    name_servers: NameServers,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    assessment: Assessment,
}

impl Stage {
    /// Ready to fail over: the test kit's world, with the record that its plan would make anew.
    fn ready() -> Self {
        Self::ready_for(&plan_yaml())
    }

    fn ready_for(plan_yaml: &str) -> Self {
        let world = fixture::world();
        let new = DnsRecord::simple("new.shop.test", RecordType::A, 60, vec!["192.0.2.1".into()]);
        world.put_record(ZONE, &new);
        let plans = FakePlans::new();
        let run = fixture::run(plans.put(fixture::PLAN, plan_yaml));
        Stage {
            seen: Seen { world, failing: RefCell::default() },
            application: Application::default(),
            name_servers: NameServers::default(),
            ledger: FakeLedger::held_by(&run),
            plans,
            run,
            assessment: fixture::assessment(),
        }
    }

    /// Data and compute are there, and the application works.
    async fn recovered() -> Self {
        Self::recovered_by(&plan_yaml()).await
    }

    async fn recovered_by(plan_yaml: &str) -> Self {
        let stage = Self::ready_for(plan_yaml);
        stage.seen.world.change_replica(REPLICA, |replica| {
            replica.observed.source = None;
            replica.observed.replication = None;
        });
        stage.seen.world.put_group(GROUP, FakeGroup::of(2, 4, 2));
        stage.application.writable.replace(true);
        stage
    }

    /// And clients are led to it.
    async fn shifted() -> Self {
        let stage = Self::recovered().await;
        StopObjects::put(&stage.seen.world, STOP_BUCKET, STOP_KEY, "{}".into()).await.unwrap();
        for (name, record_type, value) in [
            ("api.shop.test", RecordType::Cname, "recovery-lb.shop.test"),
            ("new.shop.test", RecordType::A, "192.0.2.7"),
        ] {
            let values = vec![value.to_owned()];
            stage.seen.world.put_record(ZONE, &DnsRecord::simple(name, record_type, 5, values));
        }
        let answers = [("192.0.2.53:53", "recovery-lb.shop.test."), ("192.0.2.54:53", "Recovery-LB.shop.test.")];
        stage.name_servers.answers.borrow_mut().extend(answers);
        stage
    }

    fn fail(&self, call: &'static str, error: CallError) {
        self.seen.failing.borrow_mut().insert(call, error);
    }

    async fn invoke(&self, event: Value) -> Result<Value, Failure> {
        let tools = Tools {
            ledger: &self.ledger,
            plans: &self.plans,
            eyes: Eyes { region: &self.seen, http: &self.application, dns: &self.name_servers },
            clock: now,
            namespace: "PilotLight",
            publish,
        };
        handle(event, &tools).await
    }

    async fn step(&self, step: Step) -> Result<StepResponse, Failure> {
        let event = fixture::step_event(&self.run, step, self.run.started_at, Some(self.assessment.clone()));
        self.invoke(event).await.map(|answer| serde_json::from_value(answer).unwrap())
    }

    async fn readiness(&self) -> Value {
        self.invoke(json!({"readiness": {"plan": fixture::PLAN}})).await.unwrap()
    }
}

/// One thing that goes wrong.
type Break = fn(&Stage);

fn refused() -> CallError {
    CallError::Refused { code: "AccessDenied".into(), message: "not authorized".into() }
}

fn unanswered() -> CallError {
    CallError::Unknown { message: "no answer".into() }
}

fn detail<'a>(response: &'a StepResponse, name: &str) -> &'a str {
    &response.components.iter().find(|component| component.name == name).unwrap().detail
}

#[tokio::test]
async fn a_region_that_can_take_over_is_ready_and_says_at_what_loss() {
    let response = Stage::ready().step(Step::Ready).await.unwrap();
    assert_eq!(response.status, Status::Done, "{response:#?}");
    // A lag of 2 seconds, seen 10 seconds before the incident.
    assert_eq!(detail(&response, "db"), "available, a replica of shop-db; promoting loses at most 12.0 seconds");
    assert_eq!(response.components.len(), 4);
}

#[tokio::test]
async fn every_problem_is_said_at_once() {
    let stage = Stage::ready();
    let world = &stage.seen.world;
    world.change_replica(REPLICA, |replica| replica.observed.source = Some("other-db".into()));
    stage.fail("records", refused());
    let yaml =
        plan_yaml().replace("groupName: shop-app", "groupName: gone").replace("bucket: shop-stop", "bucket: gone-too");
    let run = fixture::run(stage.plans.put(fixture::PLAN, &yaml));
    let stage = Stage { run, ..stage };
    let failure = stage.step(Step::Ready).await.unwrap_err();
    assert_eq!(failure.name, FailureName::NotReady);
    for problem in [
        "db: shop-db-replica: replicates other-db, not shop-db",
        "web: gone: the recovery Region has no such Auto Scaling group",
        "switch: gone-too: there is no such bucket",
        "api: AWS refused to tell, refused with AccessDenied",
    ] {
        assert!(failure.what.contains(problem), "{problem:?} is not in {failure}");
    }
}

#[tokio::test]
async fn a_loss_above_the_plans_or_unknown_is_refused_by_its_own_name() {
    let sample = |age_seconds, lag_seconds| LagSample {
        at: fixture::incident_at() - SignedDuration::from_secs(age_seconds),
        lag_seconds,
    };
    for lag in [vec![sample(10, 120.0)], vec![sample(10, -1.0)], Vec::new(), vec![sample(400, 0.0)]] {
        let stage = Stage::ready();
        stage.seen.world.change_replica(REPLICA, |replica| replica.lag = lag.clone());
        let failure = stage.step(Step::Ready).await.unwrap_err();
        assert_eq!(failure.name, FailureName::DataLossTooHigh, "{lag:?}");
    }
    let stage = Stage::ready();
    stage.seen.world.change_replica(REPLICA, |replica| replica.lag = Vec::new());
    stage.fail("records", refused());
    let failure = stage.step(Step::Ready).await.unwrap_err();
    assert_eq!(failure.name, FailureName::NotReady, "a loss is one problem among others");
    assert!(failure.what.contains("cannot be told"), "{failure}");
}

#[tokio::test]
async fn a_promoted_replica_has_nothing_left_to_lose() {
    let stage = Stage::recovered().await;
    stage.seen.world.change_replica(REPLICA, |replica| replica.lag = Vec::new());
    let response = stage.step(Step::Ready).await.unwrap();
    assert_eq!((response.status, detail(&response, "db")), (Status::Done, "already promoted and available"));
}

#[tokio::test]
async fn what_is_busy_or_unanswered_is_looked_at_again_for_a_bounded_time() {
    let breaks: [Break; 3] = [
        |stage| stage.seen.world.change_replica(REPLICA, |replica| replica.busy = vec!["backing-up".into(); 2]),
        |stage| stage.fail("lag", unanswered()),
        |stage| stage.fail("bucket", unanswered()),
    ];
    for break_it in breaks {
        let stage = Stage::ready();
        break_it(&stage);
        assert_eq!(stage.step(Step::Ready).await.unwrap().status, Status::InProgress);
        advance_seconds(300);
        assert_eq!(stage.step(Step::Ready).await.unwrap_err().name, FailureName::StepDeadlineExceeded);
    }
}

#[tokio::test]
async fn a_recovered_application_is_proven_by_reads_and_one_write() {
    let stage = Stage::recovered().await;
    let response = stage.step(Step::Validate).await.unwrap();
    assert_eq!(response.status, Status::Done, "{response:#?}");
    assert_eq!(*stage.application.posts.borrow(), [json!({"number": 0})]);
    let names: Vec<&str> = response.components.iter().map(|component| component.name.as_str()).collect();
    assert_eq!(names, ["db", "web", "endpoint reads", "endpoint writes"]);
}

#[tokio::test]
async fn nothing_is_written_before_the_rest_holds() {
    let breaks: [(Break, &str, &str); 5] = [
        (
            |stage| stage.seen.world.change_replica(REPLICA, |r| r.observed.source = Some("shop-db".into())),
            "db",
            "still a replica",
        ),
        (|stage| stage.seen.world.put_group(GROUP, FakeGroup::of(1, 4, 1)), "web", "not at its capacity"),
        (
            |stage| stage.seen.world.change_group(GROUP, |group| (group.in_service, group.launches) = (1, false)),
            "web",
            "1 of 2 in service",
        ),
        (
            |stage| {
                stage.application.writable.replace(false);
            },
            "endpoint reads",
            "does not hold the expected text",
        ),
        (|stage| stage.fail("group", unanswered()), "web", "could not be seen"),
    ];
    for (break_it, component, missing) in breaks {
        let stage = Stage::recovered().await;
        break_it(&stage);
        let response = stage.step(Step::Validate).await.unwrap();
        assert_eq!((response.status, response.retry_after_seconds), (Status::InProgress, 2), "{component}");
        assert!(detail(&response, component).contains(missing), "{response:#?}");
        assert!(stage.application.posts.borrow().is_empty());
        advance_seconds(60);
        let failure = stage.step(Step::Validate).await.unwrap_err();
        assert_eq!(failure.name, FailureName::ValidationFailed);
        assert!(failure.what.contains(&format!("{component}: ")) && failure.what.contains(missing), "{failure}");
    }
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_not_recovered() {
    let stage = Stage::recovered().await;
    stage.application.post_status.replace(Some(503));
    let response = stage.step(Step::Validate).await.unwrap();
    assert_eq!(response.status, Status::InProgress);
    assert_eq!(detail(&response, "endpoint writes"), "HTTP 503, expected 201");
}

#[tokio::test]
async fn clients_are_led_when_switch_servers_and_application_agree() {
    let stage = Stage::shifted().await;
    let response = stage.step(Step::Verify).await.unwrap();
    assert_eq!(response.status, Status::Done, "{response:#?}");
    assert!(stage.application.posts.borrow().is_empty(), "verify writes nothing");
    let names: Vec<&str> = response.components.iter().map(|component| component.name.as_str()).collect();
    assert_eq!(names, ["switch", "api", "dns shop.test CNAME", "endpoint reads"]);
}

#[tokio::test]
async fn what_leads_clients_astray_is_told_from_what_does_not_answer() {
    let breaks: [(Break, FailureName, &str); 5] = [
        (
            |stage| {
                stage.name_servers.answers.borrow_mut().insert("192.0.2.54:53", "primary-lb.shop.test.");
            },
            FailureName::TrafficFailed,
            "shop.test CNAME at 192.0.2.54:53: still primary-lb.shop.test",
        ),
        (
            |stage| {
                stage.name_servers.answers.borrow_mut().remove("192.0.2.53:53");
            },
            FailureName::TrafficFailed,
            "no answer",
        ),
        (
            |stage| stage.seen.world.put_record(ZONE, &fixture::api_record()),
            FailureName::TrafficFailed,
            "api: not as wanted: api.shop.test",
        ),
        (|stage| stage.fail("stop", unanswered()), FailureName::TrafficFailed, "switch: could not be seen"),
        (
            |stage| {
                stage.application.writable.replace(false);
            },
            FailureName::ValidationFailed,
            "endpoint reads: ",
        ),
    ];
    for (break_it, name, missing) in breaks {
        let stage = Stage::shifted().await;
        break_it(&stage);
        let response = stage.step(Step::Verify).await.unwrap();
        assert_eq!((response.status, response.retry_after_seconds), (Status::InProgress, 1), "{missing}");
        advance_seconds(60);
        let failure = stage.step(Step::Verify).await.unwrap_err();
        assert_eq!(failure.name, name, "{missing}");
        assert!(failure.what.contains(missing), "{failure}");
    }
}

fn fresh_lag(stage: &Stage, lag_seconds: f64) {
    stage.seen.world.change_replica(REPLICA, |replica| {
        replica.lag = vec![LagSample { at: now() - SignedDuration::from_secs(30), lag_seconds }];
    });
}

#[tokio::test]
async fn readiness_is_published_with_what_stands_in_its_way() {
    let breaks: [(Break, &[&str]); 5] = [
        (|_| {}, &[]),
        (|stage| fresh_lag(stage, 61.0), &["lags 61.0 seconds, the objective is 60"]),
        (|stage| fresh_lag(stage, -1.0), &["it does not replicate"]),
        (|stage| stage.seen.world.change_replica(REPLICA, |r| r.observed.source = None), &["is no replica any more"]),
        (
            |stage| {
                fresh_lag(stage, 90.0);
                stage.fail("records", refused());
            },
            &["lags 90.0 seconds", "AWS refused to tell"],
        ),
    ];
    for (break_it, problems) in breaks {
        PUBLISHED.take();
        let stage = Stage::ready();
        fresh_lag(&stage, 0.4);
        break_it(&stage);
        let report = stage.readiness().await;
        assert_eq!(report["ready"], problems.is_empty(), "{report:#}");
        let said = report["problems"].as_array().unwrap();
        assert_eq!(said.len(), problems.len(), "{report:#}");
        for problem in problems {
            assert!(said.iter().any(|text| text.as_str().unwrap().contains(problem)), "{report:#}");
        }
        let [document] = <[Value; 1]>::try_from(PUBLISHED.take()).unwrap();
        assert_eq!(document["Ready"], if problems.is_empty() { 1.0 } else { 0.0 });
        assert_eq!(document["Workload"], fixture::PLAN);
    }
}

#[tokio::test]
async fn traffic_that_is_switched_already_is_not_ready() {
    let stage = Stage::ready();
    fresh_lag(&stage, 0.4);
    StopObjects::put(&stage.seen.world, STOP_BUCKET, STOP_KEY, "{}".into()).await.unwrap();
    let report = stage.readiness().await;
    assert_eq!(report["ready"], false);
    assert!(report["problems"][0].as_str().unwrap().contains("the traffic is switched already"), "{report:#}");
}

#[tokio::test]
async fn routing_controls_are_looked_at_before_and_read_back_after() {
    let stage = Stage::ready_for(&fixture::with_routing_controls(&plan_yaml()));
    fresh_lag(&stage, 0.4);
    let report = stage.readiness().await;
    assert_eq!(report["ready"], true, "{report:#}");
    let said = report["inOrder"].to_string();
    assert!(said.contains("switch: routing controls are On: c0ffee01; Off: c0ffee02"), "{report:#}");

    let response = stage.step(Step::Verify).await.unwrap();
    assert_eq!(detail(&response, "switch"), "must still be set On: c0ffee02; Off: c0ffee01");
    stage.seen.world.put_control(fixture::PRIMARY_CONTROL, ControlState::Off);
    stage.seen.world.put_control(fixture::RECOVERY_CONTROL, ControlState::On);
    let response = stage.step(Step::Verify).await.unwrap();
    assert_eq!(detail(&response, "switch"), "routing controls are On: c0ffee02; Off: c0ffee01");
    let report = stage.readiness().await;
    assert_eq!(report["ready"], false);
    assert!(report["problems"].to_string().contains("the traffic is switched already"), "{report:#}");

    let yaml = fixture::with_routing_controls(&plan_yaml()).replace("c0ffee02", "c0ffee03");
    let stage = Stage::ready_for(&yaml);
    fresh_lag(&stage, 0.4);
    let report = stage.readiness().await;
    assert_eq!(report["ready"], false);
    assert!(
        report["problems"][0].as_str().unwrap().contains("no routing control arn:aws:route53-recovery-control"),
        "{report:#}"
    );
    let failure = stage.step(Step::Ready).await.unwrap_err();
    assert!(failure.name == FailureName::NotReady && failure.what.contains("c0ffee03"), "{failure}");
    stage.fail("controls", unanswered());
    let failure = stage.invoke(json!({"readiness": {"plan": fixture::PLAN}})).await.unwrap_err();
    assert_eq!(failure.name, FailureName::AwsUnavailable);
}

#[tokio::test]
async fn readiness_that_could_not_be_seen_is_not_published() {
    PUBLISHED.take();
    let stage = Stage::ready();
    stage.fail("lag", unanswered());
    let failure = stage.invoke(json!({"readiness": {"plan": fixture::PLAN}})).await.unwrap_err();
    assert_eq!(failure.name, FailureName::AwsUnavailable);
    assert!(PUBLISHED.take().is_empty());
}

/// The same with an Aurora global database in place of the read replica.
fn aurora_yaml() -> String {
    let (head, rest) = plan_yaml().split_once("databases:").map(|(h, r)| (h.to_owned(), r.to_owned())).unwrap();
    let (_, tail) = rest.split_once("compute:").unwrap();
    let aurora = fixture::plan_yaml_with_global_cluster();
    let (_, databases) = aurora.split_once("databases:").unwrap();
    let (databases, _) = databases.split_once("compute:").unwrap();
    format!("{head}databases:{databases}compute:{tail}")
}

impl Stage {
    fn aurora_of(yaml: &str) -> Self {
        let stage = Self::ready();
        let run = fixture::run(stage.plans.put(fixture::PLAN, yaml));
        Stage { run, ..stage }
    }

    fn aurora() -> Self {
        Self::aurora_of(&aurora_yaml())
    }

    fn change_global(&self, change: impl FnOnce(&mut FakeGlobalCluster)) {
        self.seen.world.change_global_cluster(GLOBAL_CLUSTER, change);
    }
}

fn writer_moved(cluster: &mut FakeGlobalCluster) {
    for member in &mut cluster.observed.members {
        member.is_writer = member.arn == RECOVERY_CLUSTER_ARN;
    }
}

fn moving(cluster: &mut FakeGlobalCluster) {
    cluster.observed.failover_state = Some(FailoverStateObserved { status: "switching-over".into(), to_arn: None });
}

fn fresh_rpo_lag(stage: &Stage, lag_seconds: f64) {
    let at = now() - SignedDuration::from_secs(30);
    stage.change_global(|cluster| cluster.lag = vec![LagSample { at, lag_seconds }]);
}

#[tokio::test]
async fn a_global_cluster_that_can_take_over_is_ready_and_says_at_what_loss() {
    let response = Stage::aurora().step(Step::Ready).await.unwrap();
    assert_eq!(response.status, Status::Done, "{response:#?}");
    assert_eq!(
        detail(&response, "db"),
        "shop-aurora-dr is available with 1 instances, a secondary of shop-aurora; promoting loses at most 12.0 seconds"
    );
    let stage = Stage::aurora();
    stage.change_global(|cluster| (writer_moved(cluster), cluster.lag.clear()).1);
    let response = stage.step(Step::Ready).await.unwrap();
    assert_eq!((response.status, detail(&response, "db")), (Status::Done, "shop-aurora-dr is its writer already"));
}

#[tokio::test]
async fn a_wrong_plan_of_a_global_cluster_is_refused_with_what_to_mend() {
    let edits: [(&str, &str, &str); 4] = [
        (
            "globalClusterIdentifier: shop-global",
            "globalClusterIdentifier: shop",
            "db: shop: RDS knows no such global cluster; make it, or correct globalClusterIdentifier",
        ),
        (
            "recoveryClusterIdentifier: shop-aurora-dr",
            "recoveryClusterIdentifier: shop-dr",
            "has no member shop-dr in the recovery Region ap-southeast-1",
        ),
        (
            "recoveryClusterIdentifier: shop-aurora-dr",
            "recoveryClusterIdentifier: shop-aurora",
            "shop-aurora of shop-global lies in ap-southeast-2, not in the recovery Region ap-southeast-1",
        ),
        (
            "primaryClusterIdentifier: shop-aurora,",
            "primaryClusterIdentifier: ledger,",
            "does not hold ledger of ap-southeast-2",
        ),
    ];
    for (right, wrong, problem) in edits {
        let yaml = aurora_yaml();
        assert!(yaml.contains(right), "{right}");
        let failure = Stage::aurora_of(&yaml.replace(right, wrong)).step(Step::Ready).await.unwrap_err();
        assert_eq!(failure.name, FailureName::NotReady);
        assert!(failure.what.contains(problem), "{problem:?} is not in {failure}");
    }
    let stage = Stage::aurora();
    stage.change_global(|cluster| cluster.observed.recovery.as_mut().unwrap().instances.clear());
    let failure = stage.step(Step::Ready).await.unwrap_err();
    assert!(failure.what.contains("has no instance") && failure.what.contains("add a DB instance"), "{failure}");
}

#[tokio::test]
async fn a_global_cluster_whose_loss_is_too_high_or_unknown_is_refused_by_its_own_name() {
    let sample = |age_seconds, lag_seconds| LagSample {
        at: fixture::incident_at() - SignedDuration::from_secs(age_seconds),
        lag_seconds,
    };
    for lag in [vec![sample(10, 120.0)], Vec::new(), vec![sample(400, 0.0)]] {
        let stage = Stage::aurora();
        stage.change_global(|cluster| cluster.lag = lag.clone());
        let failure = stage.step(Step::Ready).await.unwrap_err();
        assert_eq!(failure.name, FailureName::DataLossTooHigh, "{lag:?}");
        assert!(failure.what.contains("shop-aurora-dr"), "{failure}");
    }
}

#[tokio::test]
async fn a_global_cluster_on_the_move_or_unanswered_is_looked_at_again_for_a_bounded_time() {
    let breaks: [Break; 3] = [
        |stage| stage.change_global(moving),
        |stage| stage.fail("global cluster", unanswered()),
        |stage| stage.fail("rpo lag", unanswered()),
    ];
    for break_it in breaks {
        let stage = Stage::aurora();
        break_it(&stage);
        assert_eq!(stage.step(Step::Ready).await.unwrap().status, Status::InProgress);
        advance_seconds(300);
        assert_eq!(stage.step(Step::Ready).await.unwrap_err().name, FailureName::StepDeadlineExceeded);
    }
}

#[tokio::test]
async fn a_global_cluster_is_proven_by_its_writer_and_by_nothing_on_the_move() {
    type Change = fn(&mut FakeGlobalCluster);
    let steps: [(Change, Status, &str); 3] = [
        (|_| {}, Status::InProgress, "shop-aurora-dr is not the writer of shop-global"),
        (|c| (writer_moved(c), moving(c)).1, Status::InProgress, "shop-global is on the move, `switching-over`"),
        (writer_moved, Status::Done, "shop-aurora-dr is the writer of shop-global, and nothing is on the move"),
    ];
    for (change, status, says) in steps {
        let stage = Stage::aurora();
        stage.seen.world.put_group(GROUP, FakeGroup::of(2, 4, 2));
        stage.application.writable.replace(true);
        stage.change_global(change);
        let response = stage.step(Step::Validate).await.unwrap();
        assert_eq!((response.status, detail(&response, "db")), (status, says));
        assert_eq!(stage.application.posts.borrow().is_empty(), status != Status::Done, "writes go last");
    }
}

#[tokio::test]
async fn readiness_of_a_global_cluster_is_published_with_what_stands_in_its_way() {
    let breaks: [(Break, &[&str]); 8] = [
        (|_| {}, &[]),
        (|stage| fresh_rpo_lag(stage, 61.0), &["lags 61.0 seconds, the objective is 60"]),
        (|stage| stage.change_global(|c| c.lag.clear()), &["no AuroraGlobalDBRPOLag sample"]),
        (|stage| stage.change_global(writer_moved), &["is its writer already: there is nothing to fail over to"]),
        (
            |stage| stage.change_global(|c| c.observed.members[1].synchronization = Some("pending-resync".into())),
            &["its synchronization is `pending-resync`"],
        ),
        (
            |stage| stage.change_global(|c| c.observed.recovery.as_mut().unwrap().instances.clear()),
            &["add a DB instance to the cluster"],
        ),
        (
            |stage| {
                stage.change_global(|c| c.observed.recovery.as_mut().unwrap().engine_version = Some("14.9".into()));
            },
            &["upgrade the clusters of the global database to one version"],
        ),
        (|stage| stage.fail("global cluster", refused()), &["AWS refused to tell"]),
    ];
    for (break_it, problems) in breaks {
        PUBLISHED.take();
        let stage = Stage::aurora();
        fresh_rpo_lag(&stage, 0.4);
        break_it(&stage);
        let report = stage.readiness().await;
        assert_eq!(report["ready"], problems.is_empty(), "{report:#}");
        let said = report["problems"].as_array().unwrap();
        assert_eq!(said.len(), problems.len(), "{report:#}");
        for problem in problems {
            assert!(said.iter().any(|text| text.as_str().unwrap().contains(problem)), "{report:#}");
        }
    }
}

#[tokio::test]
async fn a_run_that_lost_its_lease_writes_nothing() {
    let mut stage = Stage::recovered().await;
    stage.run.generation = 2;
    assert_eq!(stage.step(Step::Validate).await.unwrap_err().name, FailureName::LeaseLost);
    assert!(stage.application.posts.borrow().is_empty());
}

#[test]
fn the_samples_are_what_it_takes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/validate");
    let mut kinds = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let sample: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let kind = match event::read(sample) {
            Ok(Event::Readiness { .. }) => "readiness",
            Ok(Event::Step(step, _)) => step.as_str(),
            Err(failure) => failure.name.as_str(),
        };
        kinds.insert(name, kind);
    }
    let expected = [
        ("bad-no-assessment", "EventInvalid"),
        ("readiness-schedule", "readiness"),
        ("ready", "ready"),
        ("validate", "validate"),
        ("verify", "verify"),
    ];
    assert_eq!(kinds, expected.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect());
}

/// A stage whose plan has an ECS service beside its group.
fn with_service(service: FakeService) -> Stage {
    let stage = Stage::ready_for(&fixture::with_service(&plan_yaml()));
    stage.seen.world.put_service(SERVICE, service);
    stage
}

#[tokio::test]
async fn a_service_is_ready_when_it_is_active_and_its_revision_starts() {
    let stage = with_service(FakeService::of(0, Some((0, 0))));
    let response = stage.step(Step::Ready).await.unwrap();
    let there = "there, scalable target min 0, max 0, desired count 0, 0 running";
    assert_eq!((response.status, detail(&response, "api-tasks")), (Status::Done, there));

    let breaks: [(Break, &str); 4] = [
        (|stage| stage.seen.world.change_service(SERVICE, |s| s.status = "INACTIVE".into()), "is `INACTIVE`"),
        (
            |stage| {
                let reason = "tasks failed to start".to_owned();
                stage.seen.world.change_service(SERVICE, |s| s.deployment = DeploymentObserved::Failed { reason });
            },
            "tasks failed to start",
        ),
        (|stage| stage.fail("service", refused()), "AWS refused to tell"),
        (|stage| stage.seen.world.take_service(SERVICE), "no such ECS service"),
    ];
    for (break_it, problem) in breaks {
        let stage = with_service(FakeService::of(0, None));
        break_it(&stage);
        let failure = stage.step(Step::Ready).await.unwrap_err();
        assert_eq!(failure.name, FailureName::NotReady);
        assert!(failure.what.contains("api-tasks: ") && failure.what.contains(problem), "{failure}");
        let report = stage.readiness().await;
        assert!(report["ready"] == false && report["problems"].to_string().contains(problem), "{report:#}");
    }
}

#[tokio::test]
async fn a_service_is_proven_by_its_running_tasks_and_by_being_steady() {
    type Change = fn(&mut FakeService);
    let rows: [(Change, Status, &str); 4] = [
        (|service| service.desired = 1, Status::InProgress, "the service is not at its capacity of 2"),
        (
            |service| (service.running, service.launches) = (1, false),
            Status::InProgress,
            "1 of 2 tasks running and steady",
        ),
        (
            |service| service.deployment = DeploymentObserved::InProgress,
            Status::InProgress,
            "2 of 2 tasks running and steady",
        ),
        (|_| {}, Status::Done, "2 or more tasks running, and steady"),
    ];
    for (change, status, says) in rows {
        let stage = with_service(FakeService::of(2, Some((1, 4))));
        stage.seen.world.put_group(GROUP, FakeGroup::of(2, 4, 2));
        stage.seen.world.change_replica(REPLICA, |r| (r.observed.source, r.observed.replication) = (None, None));
        stage.application.writable.replace(true);
        stage.seen.world.change_service(SERVICE, change);
        let response = stage.step(Step::Validate).await.unwrap();
        assert_eq!((response.status, detail(&response, "api-tasks")), (status, says));
        assert_eq!(stage.application.posts.borrow().is_empty(), status != Status::Done, "writes go last");
    }
}

/// A stage whose plan has a Lambda function beside its group.
fn with_function(function: FakeFunction) -> Stage {
    let stage = Stage::ready_for(&fixture::with_function(&plan_yaml()));
    stage.seen.world.put_function(FUNCTION, function);
    stage
}

#[tokio::test]
async fn a_function_is_ready_when_it_and_its_alias_are_there() {
    let stage = with_function(FakeFunction::of(Some(0), None));
    let response = stage.step(Step::Ready).await.unwrap();
    let there = "there and throttled, reserved concurrency 0, provisioned none";
    assert_eq!((response.status, detail(&response, "price")), (Status::Done, there));

    let latest = |function: &mut FakeFunction| drop(function.qualifiers.insert("live".into(), "$LATEST".into()));
    let breaks: [(Break, &str); 3] = [
        (|stage| stage.seen.world.change_function(FUNCTION, |f| f.qualifiers.clear()), "no alias or version live"),
        (|stage| stage.fail("function", refused()), "AWS refused to tell"),
        (|stage| stage.seen.world.take_function(FUNCTION), "no Lambda function shop-price"),
    ];
    for (break_it, problem) in breaks {
        let stage = with_function(FakeFunction::of(Some(2), None));
        break_it(&stage);
        is_refused(&stage, problem).await;
    }
    let stage = with_function(FakeFunction::of(Some(2), None));
    stage.seen.world.change_function(FUNCTION, latest);
    is_refused(&stage, "cannot have provisioned concurrency").await;
}

async fn is_refused(stage: &Stage, problem: &str) {
    let failure = stage.step(Step::Ready).await.unwrap_err();
    assert_eq!(failure.name, FailureName::NotReady);
    assert!(failure.what.contains("price: ") && failure.what.contains(problem), "{failure}");
    let report = stage.readiness().await;
    assert!(report["ready"] == false && report["problems"].to_string().contains(problem), "{report:#}");
}

#[tokio::test]
async fn a_function_is_proven_by_what_is_available_and_ready() {
    type Change = fn(&mut FakeFunction);
    let rows: [(Change, Status, &str); 4] = [
        (|function| function.reserved = Some(8), Status::InProgress, "the function is not at reserved concurrency 10"),
        (
            |function| {
                let live = function.provisioned.get_mut("live").unwrap();
                (live.looks_left, live.observed.status, live.observed.available) =
                    (9, ProvisionedStatus::InProgress, 4);
            },
            Status::InProgress,
            "4 provisioned available and ready",
        ),
        (|function| function.fails = Some("no room".into()), Status::InProgress, "concurrency of 5 failed: no room"),
        (|_| {}, Status::Done, "reserved concurrency 10, provisioned 5"),
    ];
    for (change, status, says) in rows {
        let stage = with_function(FakeFunction::of(Some(10), Some(5)));
        stage.seen.world.put_group(GROUP, FakeGroup::of(2, 4, 2));
        stage.seen.world.change_replica(REPLICA, |r| (r.observed.source, r.observed.replication) = (None, None));
        stage.application.writable.replace(true);
        stage.seen.world.change_function(FUNCTION, change);
        let response = stage.step(Step::Validate).await.unwrap();
        assert_eq!(response.status, status, "{response:#?}");
        assert!(detail(&response, "price").contains(says), "{response:#?}");
    }
}

/// A stage whose plan wants 75 % of the primary's group, at least 2 and at most 4.
fn with_share() -> Stage {
    Stage::ready_for(&fixture::with_home(&plan_yaml()).replacen("desired: 2}", "desired: 2, percentOfPrimary: 75}", 1))
}

async fn primary_has(stage: &Stage, desired: u32) {
    let known =
        LastKnown { components: [("web".to_owned(), Known { desired, provisioned: None, seen_at: now() })].into() };
    stage.ledger.set_capacity(fixture::PLAN, &known).await.unwrap();
}

#[tokio::test]
async fn readiness_says_what_a_share_is_of_and_warns_of_a_record_that_is_missing_or_old() {
    let stage = with_share();
    let report = stage.readiness().await;
    assert_eq!(report["ready"], true, "{report:#}");
    assert!(
        report["warnings"][0].as_str().unwrap().starts_with("web: the primary's capacity was not written down yet")
    );
    primary_has(&stage, 4).await;
    let report = stage.readiness().await;
    assert_eq!(report["warnings"], json!([]));
    let figure = "serves with 75 % of the primary's 4, seen 0 seconds ago, within 2 and 4";
    assert!(report["inOrder"].to_string().contains(figure), "{report:#}");
    // Nothing but the clock: whatever else the look finds a day later is no warning.
    advance_seconds(24 * 3600 + 1);
    let report = stage.readiness().await;
    assert!(report["warnings"][0].as_str().unwrap().contains("(4) was last seen 24 hours ago"), "{report:#}");
}

#[tokio::test]
async fn the_figure_is_pinned_when_the_run_looks_first_and_the_proof_is_held_against_it() {
    let stage = with_share();
    primary_has(&stage, 4).await;
    let response = stage.step(Step::Ready).await.unwrap();
    assert!(detail(&response, "web").contains("75 % of the primary's 4"), "{response:#?}");
    primary_has(&stage, 1).await;
    stage.seen.world.put_group(GROUP, FakeGroup::of(2, 4, 2));
    let response = stage.step(Step::Validate).await.unwrap();
    assert_eq!(detail(&response, "web"), "the group is not at its capacity of 3");
    stage.seen.world.put_group(GROUP, FakeGroup::of(2, 4, 3));
    let response = stage.step(Step::Validate).await.unwrap();
    assert_eq!(detail(&response, "web"), "3 or more in service");
}

/// A stage whose plan has a CodeBuild hook beside its group.
fn with_build() -> Stage {
    Stage::ready_for(&fixture::with_build(&plan_yaml()))
}

#[tokio::test]
async fn a_hook_is_ready_when_it_is_there() {
    let stage = with_build();
    let response = stage.step(Step::Ready).await.unwrap();
    assert_eq!(response.status, Status::Done, "{response:#?}");
    assert_eq!(detail(&response, "deploy"), "the CodeBuild project shop-deploy is there");
    let refused_to_tell = with_build();
    refused_to_tell.fail("build project", refused());
    let wrong = Stage::ready_for(&fixture::with_build(&plan_yaml()).replace(fixture::PROJECT, "shop-deploi"));
    for (stage, said) in [(refused_to_tell, "AWS refused to tell"), (wrong, "correct projectName in the plan")] {
        let failure = stage.step(Step::Ready).await.unwrap_err();
        assert_eq!(failure.name, FailureName::NotReady);
        assert!(failure.what.contains("deploy: ") && failure.what.contains(said), "{failure}");
    }
    let waits = with_build();
    waits.fail("build project", unanswered());
    assert_eq!(waits.step(Step::Ready).await.unwrap().status, Status::InProgress);
}

#[tokio::test]
async fn a_hook_is_proven_by_what_the_run_wrote_down_of_its_end() {
    let stage = Stage {
        seen: Stage::recovered().await.seen,
        application: Stage::recovered().await.application,
        ..with_build()
    };
    let rows = [
        (None, Status::InProgress, "this run has not run the hook"),
        (Some((Status::InProgress, "build 1 is `IN_PROGRESS`")), Status::InProgress, "build 1 is `IN_PROGRESS`"),
        (Some((Status::Done, "build 1 ended `SUCCEEDED`")), Status::Done, "build 1 ended `SUCCEEDED`"),
    ];
    for (recorded, expected, said) in rows {
        if let Some((status, detail)) = recorded {
            let components = vec![ComponentProgress { name: "deploy".into(), status, detail: detail.into() }];
            let record = StepRecord {
                name: Step::ScaleCompute,
                started_at: now(),
                ended_at: (status == Status::Done).then(now),
                outcome: status,
                components,
                error: None,
            };
            stage.ledger.record_step(&stage.run.run_id, &record).await.unwrap();
        }
        let response = stage.step(Step::Validate).await.unwrap();
        assert_eq!((response.status, detail(&response, "deploy")), (expected, said), "{response:#?}");
    }
}

#[tokio::test]
async fn an_automations_document_is_held_against_the_plan() {
    let of = |yaml: &str| Stage::ready_for(&fixture::with_automation(yaml));
    let response = of(&plan_yaml()).step(Step::Ready).await.unwrap();
    assert_eq!(response.status, Status::Done, "{response:#?}");
    assert_eq!(detail(&response, "runbook"), "the SSM document shop-runbook is Active");
    let wants = of(&plan_yaml());
    wants.seen.world.change_document(fixture::DOCUMENT, |document| {
        document.observed.parameters.insert("Size".into(), false);
    });
    let wrong = Stage::ready_for(&fixture::with_automation(&plan_yaml()).replace(fixture::DOCUMENT, "shop-runbok"));
    for (stage, said) in [(wants, "wants the parameter Size"), (wrong, "correct documentName")] {
        let failure = stage.step(Step::Ready).await.unwrap_err();
        assert_eq!(failure.name, FailureName::NotReady);
        assert!(failure.what.contains("runbook: ") && failure.what.contains(said), "{failure}");
    }
}

#[tokio::test]
async fn a_function_that_is_a_hook_is_ready_when_it_can_be_called() {
    let of = |yaml: &str| Stage::ready_for(&fixture::with_called(yaml));
    let response = of(&plan_yaml()).step(Step::Ready).await.unwrap();
    assert_eq!(response.status, Status::Done, "{response:#?}");
    assert_eq!(detail(&response, "call"), "the Lambda function shop-hook is there");
    let broken = of(&plan_yaml());
    broken.seen.world.change_hook_function(fixture::HOOK_FUNCTION, |function| function.state = "Failed".into());
    let wrong = Stage::ready_for(&fixture::with_called(&plan_yaml()).replace(fixture::HOOK_FUNCTION, "shop-hok"));
    for (stage, said) in [(broken, "is Failed"), (wrong, "correct functionName")] {
        let failure = stage.step(Step::Ready).await.unwrap_err();
        assert_eq!(failure.name, FailureName::NotReady);
        assert!(failure.what.contains("call: ") && failure.what.contains(said), "{failure}");
    }
}
