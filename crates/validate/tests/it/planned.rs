//! Readiness and the last look of the runs that lead there and back.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use http_probe::{Http, Request};
use jiff::Timestamp;
use pilot_core::contract::{Mode, Run, Status, Step, StepResponse};
use pilot_core::decide::backup::RecoveryPointSeen;
use pilot_core::decide::routing::ControlStates;
use pilot_core::observed::{
    CacheObserved, DatastoreObserved, DocumentObserved, FunctionObserved, GlobalClusterObserved, GroupObserved,
    HookFunctionObserved, HttpAnswer, InRegionCluster, LagSample, NoAnswer, ReplicaObserved, RestorableObserved,
    RestoredObserved, ServiceObserved,
};
use pilot_core::plan::{DnsRecord, RecordType, RestoredKind, RoutingControl};
use pilot_core::{Failure, FailureName};
use pilot_shell::CallError;
use pilot_shell::ports::{
    Backups, CacheReads, GlobalCacheReads, GlobalClusters, Groups, InRegionReads, Listed, Records, Replicas,
    RestoredDatabases, RoutingControls, StopObjects,
};
use pilot_testkit::{FakeLedger, FakePlans, FakeReplica, FakeWorld, advance_seconds, fixture, now};
use validate::handler::{Tools, handle};
use validate::ports::{Dns, Eyes, Region};

/// The Region that a run leads to, with an application that answers every read.
struct Stage {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
}

impl InRegionReads for Stage {
    async fn in_region_cluster(&self, cluster: &str, instances: &[&str]) -> Result<Option<InRegionCluster>, CallError> {
        self.world.in_region_cluster(cluster, instances).await
    }

    async fn restorable(&self, kind: RestoredKind, identifier: &str) -> Result<Option<RestorableObserved>, CallError> {
        self.world.restorable(kind, identifier).await
    }
}

impl Region for Stage {
    async fn replica(&self, identifier: &str) -> Result<Option<ReplicaObserved>, CallError> {
        Replicas::describe(&self.world, identifier).await
    }

    async fn lag_samples(&self, identifier: &str, from: Timestamp, to: Timestamp) -> Result<Vec<LagSample>, CallError> {
        self.world.lag_samples(identifier, from, to).await
    }

    async fn global_cluster(&self, global: &str, cluster: &str) -> Result<Option<GlobalClusterObserved>, CallError> {
        GlobalClusters::describe(&self.world, global, cluster).await
    }

    async fn rpo_lag_samples(
        &self,
        cluster: &str,
        source_region: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<LagSample>, CallError> {
        self.world.rpo_lag_samples(cluster, source_region, from, to).await
    }

    async fn recovery_points(&self, vault: &str, resource_arn: &str) -> Result<Vec<RecoveryPointSeen>, CallError> {
        self.world.recovery_points(vault, resource_arn).await
    }

    async fn restored(&self, kind: RestoredKind, identifier: &str) -> Result<Option<RestoredObserved>, CallError> {
        RestoredDatabases::describe(&self.world, kind, identifier).await
    }

    async fn parameter_group_family(&self, _kind: RestoredKind, name: &str) -> Result<Option<String>, CallError> {
        Ok(self.world.parameter_group_family(name))
    }

    async fn cache(&self, replication_group_id: &str) -> Result<Option<CacheObserved>, CallError> {
        self.world.cache(replication_group_id).await
    }

    async fn datastore(&self, id: &str, replication_group_id: &str) -> Result<Option<DatastoreObserved>, CallError> {
        self.world.datastore(id, replication_group_id).await
    }

    async fn group(&self, name: &str) -> Result<Option<GroupObserved>, CallError> {
        Groups::describe(&self.world, name).await
    }

    async fn service(&self, cluster: &str, service: &str) -> Result<Option<ServiceObserved>, CallError> {
        unreachable!("the plan has no service {cluster}/{service}")
    }

    async fn function(&self, function: &str, _qualifier: Option<&str>) -> Result<Option<FunctionObserved>, CallError> {
        unreachable!("the plan has no function {function}")
    }

    async fn build_project(&self, project: &str) -> Result<bool, CallError> {
        unreachable!("the plan has no hook {project}")
    }

    async fn document(&self, name: &str, _: Option<&str>) -> Result<Option<DocumentObserved>, CallError> {
        unreachable!("the plan has no hook {name}")
    }

    async fn hook_function(&self, name: &str, _: Option<&str>) -> Result<Option<HookFunctionObserved>, CallError> {
        unreachable!("the plan has no hook {name}")
    }

    async fn bucket_exists(&self, bucket: &str) -> Result<bool, CallError> {
        Ok(bucket == fixture::STOP_BUCKET)
    }

    async fn stop_object(&self, bucket: &str, key: &str) -> Result<bool, CallError> {
        self.world.present(bucket, key).await
    }

    async fn routing_controls(&self, component: &RoutingControl) -> Result<ControlStates, CallError> {
        let controls: Vec<&str> = component.controls().collect();
        self.world.states(&component.cluster_endpoints, &controls).await
    }

    async fn records(&self, zone_id: &str, wanted: &[DnsRecord]) -> Result<Listed, CallError> {
        self.world.list(zone_id, wanted).await
    }

    async fn health_check_exists(&self, id: &str) -> Result<bool, CallError> {
        unreachable!("the plan gives no record the health check {id}")
    }
}

impl Http for Stage {
    async fn ask(&self, _request: Request<'_>) -> Result<HttpAnswer, NoAnswer> {
        Ok(HttpAnswer { status: 200, headers: BTreeMap::new(), body: Vec::new() })
    }
}

impl Dns for Stage {
    async fn ask(&self, _server: Option<SocketAddr>, name: &str, _type: RecordType) -> Result<Vec<String>, String> {
        unreachable!("the plan wants no answer of {name}")
    }
}

fn record(name: &str, record_type: RecordType, value: &str) -> DnsRecord {
    DnsRecord::simple(name, record_type, 5, vec![value.into()])
}

impl Stage {
    /// One database in two Regions, as before a planned run.
    fn following(plan_yaml: &str, mode: Mode) -> Self {
        let (plans, run, ledger) = fixture::there_and_back(plan_yaml, mode);
        let world = fixture::world();
        world.put_record(fixture::ZONE, &record("new.shop.test", RecordType::A, "192.0.2.1"));
        let mut home = FakeReplica::replicating("arn:aws:rds:ap-southeast-1:111122223333:db:shop-db-replica");
        home.lag = world.peek_replica(fixture::REPLICA).unwrap().lag;
        world.put_replica(fixture::INSTANCE, home);
        Stage { world, ledger, plans, run }
    }

    /// Two databases that have parted, as after a failover: whoever was a replica stands alone.
    fn parted(plan_yaml: &str, mode: Mode) -> Self {
        let stage = Self::following(plan_yaml, mode);
        for identifier in [fixture::REPLICA, fixture::INSTANCE] {
            stage.world.change_replica(identifier, |replica| {
                replica.observed.source = None;
                replica.observed.replication = None;
            });
        }
        stage.world.change_global_cluster(fixture::GLOBAL_CLUSTER, |cluster| {
            for member in &mut cluster.observed.members {
                member.is_writer = member.arn == fixture::RECOVERY_CLUSTER_ARN;
            }
        });
        stage
    }

    async fn step(&self, step: Step) -> Result<StepResponse, Failure> {
        let tools = Tools {
            ledger: &self.ledger,
            plans: &self.plans,
            eyes: Eyes { region: self, http: self, dns: self },
            clock: now,
            namespace: "PilotLight",
            publish: |_| {},
        };
        let event = fixture::step_event(&self.run, step, self.run.started_at, Some(fixture::assessment()));
        handle(event, &tools).await.map(|answer| serde_json::from_value(answer).unwrap())
    }
}

fn yamls() -> [String; 2] {
    [fixture::plan_yaml_with_home(), fixture::with_home(&fixture::plan_yaml_with_global_cluster())]
}

#[tokio::test]
async fn protect_is_for_what_has_parted() {
    for yaml in yamls() {
        let failure = Stage::following(&yaml, Mode::Protect).step(Step::Ready).await.unwrap_err();
        assert_eq!(failure.name, FailureName::NotReady);
        assert!(failure.what.contains("it still follows: the workload was not failed over"), "{failure}");
        let response = Stage::parted(&yaml, Mode::Protect).step(Step::Ready).await.unwrap();
        assert_eq!(response.status, Status::Done, "{response:?}");
    }
}

#[tokio::test]
async fn a_planned_run_wants_a_database_that_follows() {
    let read_replica = fixture::plan_yaml_with_home();
    for mode in [Mode::Switchover, Mode::Failback] {
        let response = Stage::following(&read_replica, mode).step(Step::Ready).await.unwrap();
        assert_eq!(response.status, Status::Done, "{mode:?}: {response:?}");
        let failure = Stage::parted(&read_replica, mode).step(Step::Ready).await.unwrap_err();
        assert_eq!(failure.name, FailureName::NotReady, "{mode:?}");
        assert!(failure.what.contains("it follows nobody: promoting it would bring up old data"), "{failure}");
    }
    // The recovery cluster is the writer already.
    let [_, global] = yamls();
    let failure = Stage::parted(&global, Mode::Switchover).step(Step::Ready).await.unwrap_err();
    assert!(failure.name == FailureName::NotReady && failure.what.contains("it follows nobody"), "{failure}");
    // A failover takes what was promoted before it as it is.
    let response = Stage::parted(&read_replica, Mode::Failover).step(Step::Ready).await.unwrap();
    assert_eq!(response.status, Status::Done);
}

#[tokio::test]
async fn a_run_that_goes_on_finds_what_it_promoted_itself() {
    for mode in [Mode::Switchover, Mode::Failback] {
        let mut stage = Stage::parted(&fixture::plan_yaml_with_home(), mode);
        stage.run.resumes = Some("run-0".into());
        assert_eq!(stage.step(Step::Ready).await.unwrap().status, Status::Done, "{mode:?}");
    }
    let mut protect = Stage::following(&fixture::plan_yaml_with_home(), Mode::Protect);
    protect.run.resumes = Some("run-0".into());
    assert_eq!(protect.step(Step::Ready).await.unwrap().status, Status::Done);
}

#[tokio::test]
async fn on_the_way_home_the_stop_object_is_to_be_gone() {
    let stage = Stage::parted(&fixture::plan_yaml_with_home(), Mode::Failback);
    stage.world.put_record(fixture::ZONE, &record("api.shop.test", RecordType::Cname, "primary-lb.shop.test"));
    stage.world.put_record(fixture::ZONE, &record("new.shop.test", RecordType::A, "192.0.2.8"));
    StopObjects::put(&stage.world, fixture::STOP_BUCKET, fixture::STOP_KEY, "{}".into()).await.unwrap();
    let response = stage.step(Step::Verify).await.unwrap();
    let open: Vec<&str> =
        response.components.iter().filter(|c| c.status != Status::Done).map(|c| c.name.as_str()).collect();
    assert_eq!((response.status, open), (Status::InProgress, vec!["switch"]));
    advance_seconds(3600);
    let failure = stage.step(Step::Verify).await.unwrap_err();
    assert_eq!(failure.name, FailureName::TrafficFailed);
    assert!(failure.what.contains("s3://shop-stop/stop/shop is there"), "{failure}");
    StopObjects::delete(&stage.world, fixture::STOP_BUCKET, fixture::STOP_KEY).await.unwrap();
    assert_eq!(stage.step(Step::Verify).await.unwrap().status, Status::Done);

    let out = Stage::parted(&fixture::plan_yaml_with_home(), Mode::Switchover);
    let response = out.step(Step::Verify).await.unwrap();
    let switch = response.components.iter().find(|component| component.name == "switch").unwrap();
    assert_eq!(switch.status, Status::InProgress, "on the way out it is to be there");
}
