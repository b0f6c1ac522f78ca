//! The gate, invocation by invocation, over fakes of what it looks through and the test kit's ledger, plans and world.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

mod restores;

use std::cell::RefCell;
use std::collections::BTreeMap;

use check_health::assess::EVIDENCE as JUDGEMENT;
use check_health::look::{Alarms, Eyes, Instances};
use close_run::ports::Notifier;
use gate::handler::{Gatekeeper, handle};
use gate::losses::evidence_name;
use gate::pass::APPROVAL;
use http_probe::{Http, Request};
use jiff::SignedDuration;
use pilot_core::approval::ASKED;
use pilot_core::contract::{Assessment, GateRequest, Mode, Run, Status, Step, StepRef, StepResponse};
use pilot_core::decide::data_loss::DataLoss;
use pilot_core::decide::signal::aurora::{ClusterSeen, ReplicationSeen};
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::{
    AlarmState, ClusterInstance, ClusterObserved, HttpAnswer, LagSample, NoAnswer, ReplicaObserved,
};
use pilot_core::plan::Regions;
use pilot_core::{Failure, FailureName};
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use pilot_testkit::{
    FakeGlobalCluster, FakeLedger, FakePlans, FakeReplica, FakeWorld, advance_seconds, fixture, now, told,
};
use promote_db::databases::Databases;
use promote_db::handler::GATE;
use serde_json::{Value, json};

/// The looks have time limits, which need tokio's clock.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// A gate, and all around it. The plan has one signal, an alarm.
struct Scene {
    world: FakeWorld,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
    entered_at: jiff::Timestamp,
    assessment: Assessment,
    alarm: RefCell<AlarmState>,
    /// The primary Aurora cluster, as its own Region tells it.
    cluster: RefCell<Option<Result<ClusterSeen, CallError>>>,
    pages: RefCell<Vec<(String, String)>>,
}

impl Http for Scene {
    async fn ask(&self, _request: Request<'_>) -> Result<HttpAnswer, NoAnswer> {
        Ok(HttpAnswer { status: 200, headers: BTreeMap::new(), body: Vec::new() })
    }
}

impl Alarms for Scene {
    async fn state(&self, _region: &str, _name: &str) -> Result<Option<AlarmState>, CallError> {
        Ok(Some(self.alarm.borrow().clone()))
    }
}

impl Instances for Scene {
    async fn describe(&self, _region: &str, _identifier: &str) -> Result<Option<ReplicaObserved>, CallError> {
        Ok(None)
    }

    async fn cluster(&self, _region: &str, _identifier: &str) -> Result<Option<ClusterSeen>, CallError> {
        self.cluster.borrow().clone().transpose()
    }

    async fn global_replication(
        &self,
        _regions: &Regions,
        _global_cluster: &str,
        _recovery_cluster: &str,
    ) -> Result<Option<ReplicationSeen>, CallError> {
        Ok(None)
    }
}

impl Notifier for Scene {
    async fn publish(&self, subject: &str, message: &str) -> Result<(), CallError> {
        self.pages.borrow_mut().push((subject.to_owned(), message.to_owned()));
        Ok(())
    }
    fn resource(&self) -> &str {
        "topic"
    }
}

impl Scene {
    fn new(policy: &str, lag_seconds: f64) -> Self {
        Self::of_mode(policy, lag_seconds, Mode::Failover)
    }

    fn of_mode(policy: &str, lag_seconds: f64, mode: Mode) -> Self {
        Self::of_plan(fixture::PLAN_YAML, policy, lag_seconds, mode)
    }

    /// An Aurora global database in place of the read replica, and a signal of its primary cluster.
    fn aurora(policy: &str, lag_seconds: f64) -> Self {
        let signal = "signals:\n  - {kind: rdsCluster, name: cluster, fate: database, identifier: shop-aurora, region: ap-southeast-2}\n";
        let yaml = fixture::plan_yaml_with_global_cluster().replacen("signals:\n", signal, 1);
        Self::of_plan(&yaml, policy, lag_seconds, Mode::Failover)
    }

    fn of_plan(yaml: &str, policy: &str, lag_seconds: f64, mode: Mode) -> Self {
        let plans = FakePlans::new();
        let yaml = yaml.replace("maxDataLossSeconds: 60}", &format!("maxDataLossSeconds: 60, {policy}}}"));
        let run = Run { mode, ..fixture::run(plans.put(fixture::PLAN, &yaml)) };
        let (world, ledger) = (fixture::world(), FakeLedger::held_by(&run));
        let sample = LagSample { at: fixture::incident_at() - SignedDuration::from_secs(10), lag_seconds };
        world.change_replica(fixture::REPLICA, |replica: &mut FakeReplica| replica.lag = vec![sample]);
        world.change_global_cluster(fixture::GLOBAL_CLUSTER, |cluster: &mut FakeGlobalCluster| {
            cluster.lag = vec![sample]
        });
        Scene {
            world,
            ledger,
            plans,
            run,
            entered_at: now(),
            assessment: fixture::assessment(),
            alarm: AlarmState::Alarm.into(),
            cluster: RefCell::default(),
            pages: RefCell::default(),
        }
    }

    fn invoke(&self, task_token: Option<&str>, answer: Option<Value>) -> Result<StepResponse, Failure> {
        let request = GateRequest {
            run: self.run.clone(),
            step: StepRef { name: Step::Gate, started_at: self.entered_at },
            assessment: Some(self.assessment.clone()),
            task_token: task_token.map(str::to_owned),
            answer,
        };
        let keeper = Gatekeeper {
            ledger: &self.ledger,
            plans: &self.plans,
            eyes: Eyes { http: self, alarms: self, instances: self },
            databases: Databases {
                replicas: &self.world,
                global_clusters: &self.world,
                in_region: &self.world,
                backups: &self.world,
                caches: &self.world,
            },
            notifier: self,
            clock: now,
        };
        block_on(handle(json!(request), &keeper))
    }

    fn evidence(&self, name: &str) -> Option<Value> {
        block_on(self.ledger.evidence(&self.run.run_id)).unwrap().remove(name)
    }

    fn fenced(&self) {
        let entry = Entry {
            step: Step::Fence,
            component: "web".into(),
            action: Action::FenceGroup,
            resource: "shop-app".into(),
            intent_at: now(),
            generation: 1,
            irreversible: false,
            before: json!({}),
            outcome: None,
            undone_at: None,
            adopted_from: None,
        };
        block_on(self.ledger.intend(&self.run, &entry)).unwrap();
    }
}

#[test]
fn within_the_bounds_the_gate_is_passed_and_the_loss_is_kept() {
    let scene = Scene::new("gate: automatic", 50.0);
    assert_eq!(
        told(&scene.invoke(None, None)),
        "done: its promotion loses at most 60.0 s, 60.0 s for certain | done: passed within the plan's bounds"
    );
    let loss: DataLoss = serde_json::from_value(scene.evidence(&evidence_name("db")).unwrap()).unwrap();
    assert_eq!((loss.rpo_seconds, loss.lag_seconds), (60.0, 50.0));
    assert!(scene.evidence(GATE).is_some() && scene.pages.borrow().is_empty());
}

#[test]
fn a_loss_that_is_too_high_or_unknown_is_refused_without_approvers() {
    for (lag_seconds, says) in [(55.0, "lose 65.0 to 65.0 seconds"), (-1.0, "cannot be told")] {
        let scene = Scene::new("gate: automatic", lag_seconds);
        let failure = scene.invoke(None, None).unwrap_err();
        assert_eq!(failure.name, FailureName::DataLossTooHigh);
        assert!(failure.what.contains(says), "{failure}");
        assert!(scene.evidence(GATE).is_none());
    }
}

#[test]
fn a_person_is_asked_answers_and_stands_in_the_evidence() {
    let scene = Scene::new("gate: automatic, approvers: [ana], approvalTimeoutSeconds: 100", 90.0);
    let wanted = scene.invoke(None, None).unwrap().approval.unwrap();
    assert_eq!((wanted.wait_seconds, wanted.loss_seconds), (100, Some(100.0)));
    assert!(scene.evidence(GATE).is_none(), "asked is not passed");

    scene.invoke(Some("token-1"), None).unwrap();
    assert_eq!(scene.evidence(ASKED).unwrap()["taskToken"], "token-1");
    let (subject, message) = scene.pages.borrow().first().cloned().unwrap();
    assert_eq!(subject, "Pilot Light: shop waits for your word");
    for part in [
        "pilot approve run-1 --as NAME --accept-loss-seconds 100",
        "pilot refuse run-1",
        "'token-1'",
        "at most 100.0 s",
        "ana",
    ] {
        assert!(message.contains(part), "{part} is missing in\n{message}");
    }
    let lease = block_on(scene.ledger.lease(fixture::PLAN, Mode::Failover)).unwrap().unwrap();
    assert!(lease.expires_at >= now() + SignedDuration::from_secs(1000), "the lease outlasts the wait");

    advance_seconds(40);
    let little = json!({"decision": "approve", "approver": "ana", "acceptLossSeconds": 50});
    let again = scene.invoke(None, Some(little)).unwrap().approval.unwrap();
    assert_eq!(again.wait_seconds, 60, "what is left");
    assert!(again.why.first().unwrap().contains("50 seconds are accepted, up to 100.0 may be lost"), "{again:?}");
    scene.invoke(Some("token-2"), None).unwrap();
    let (_, message) = scene.pages.borrow().last().cloned().unwrap();
    assert!(message.contains("50 seconds are accepted") && message.contains("'token-2'"), "{message}");
    let unreadable = scene.invoke(None, Some(json!({"decision": "yes"}))).unwrap();
    assert!(unreadable.approval.is_some());
    assert!(scene.evidence(GATE).is_none());

    let enough = json!({"decision": "approve", "approver": "ana", "acceptLossSeconds": 120, "reason": "sales go on"});
    let passed = told(&scene.invoke(None, Some(enough)));
    assert!(passed.ends_with("done: approved by ana, accepting a loss of up to 120 s"), "{passed}");
    let approval = scene.evidence(APPROVAL).unwrap();
    assert_eq!((&approval["acceptedLossSeconds"], &approval["statedLossSeconds"]), (&json!(120.0), &json!(100.0)));
    assert_eq!(scene.evidence(GATE).unwrap()["approval"]["reason"], "sales go on");
}

#[test]
fn a_persons_no_ends_the_run_and_so_does_silence() {
    let scene = Scene::new("gate: approval, approvalTimeoutSeconds: 100", 1.0);
    assert!(scene.invoke(None, None).unwrap().approval.is_some(), "approval wanted although the loss is small");
    let no = json!({"decision": "refuse", "approver": "ana", "reason": "it is only a network"});
    let failure = scene.invoke(None, Some(no)).unwrap_err();
    assert_eq!(failure.name, FailureName::ApprovalRefused);
    assert!(failure.what.contains("ana") && failure.what.contains("it is only a network"), "{failure}");
    assert_eq!(scene.evidence(APPROVAL).unwrap()["decision"], "refuse");

    let scene = Scene::new("gate: approval, approvalTimeoutSeconds: 100", 1.0);
    advance_seconds(100);
    assert_eq!(scene.invoke(None, None).unwrap_err().name, FailureName::ApprovalExpired);
}

#[test]
fn a_primary_that_is_back_calls_the_run_off() {
    let scene = Scene::new("gate: automatic", 1.0);
    scene.alarm.replace(AlarmState::Ok);
    assert_eq!(scene.invoke(None, None).unwrap_err().name, FailureName::PrimaryRecovered);
    assert!(scene.evidence(GATE).is_none());
}

#[test]
fn what_this_runs_own_fence_touched_proves_nothing() {
    let scene = Scene::new("gate: automatic", 1.0);
    scene.fenced();
    scene.alarm.replace(AlarmState::Ok);
    assert!(scene.evidence(JUDGEMENT).is_none());
    assert!(
        told(&scene.invoke(None, None)).starts_with("done:"),
        "an alarm that is quiet because nothing runs is no recovery"
    );
}

#[test]
fn what_is_meant_already_is_past_the_gate() {
    let scene = Scene::new("gate: automatic", 1.0);
    let entry = Entry {
        step: Step::PromoteData,
        component: "db".into(),
        action: Action::PromoteReadReplica,
        resource: fixture::REPLICA.into(),
        intent_at: now(),
        generation: 1,
        irreversible: true,
        before: json!({}),
        outcome: None,
        undone_at: None,
        adopted_from: Some("run-0".into()),
    };
    block_on(scene.ledger.intend(&scene.run, &entry)).unwrap();
    scene.alarm.replace(AlarmState::Ok);
    let said = told(&scene.invoke(None, None));
    assert!(said.contains("passed by run run-0"), "{said}");
}

#[test]
fn a_word_given_to_an_earlier_run_holds_for_what_it_accepted() {
    let scene = Scene::new("gate: approval, approvers: [ana]", 90.0);
    let approval = json!({"approver": "ana", "decision": "approve", "acceptedLossSeconds": 120.0, "statedLossSeconds": 100.0,
                          "reason": null, "at": now()});
    block_on(scene.ledger.keep_evidence(&scene.run.run_id, APPROVAL, &approval)).unwrap();
    assert!(told(&scene.invoke(None, None)).ends_with("done: approved by ana, accepting a loss of up to 120 s"));
    let too_much = LagSample { at: fixture::incident_at() - SignedDuration::from_secs(10), lag_seconds: 200.0 };
    scene.world.change_replica(fixture::REPLICA, |replica: &mut FakeReplica| replica.lag = vec![too_much]);
    assert!(scene.invoke(None, None).unwrap().approval.is_some(), "more than was accepted is asked again");
}

#[test]
fn a_dry_run_asks_nobody_and_walks_on() {
    let scene = Scene::of_mode("gate: approval", 90.0, Mode::DryRun);
    let said = told(&scene.invoke(None, None));
    assert!(said.starts_with("done: dry run: would be asked of a person"), "{said}");
    assert!(scene.pages.borrow().is_empty() && scene.evidence(GATE).is_none());
    assert!(scene.evidence("decision#gate#approval#ask").is_some());
    scene.alarm.replace(AlarmState::Ok);
    let said = told(&scene.invoke(None, None));
    assert!(said.contains("a real run would end here: PrimaryRecovered"), "{said}");
}

#[test]
fn the_loss_of_a_global_cluster_is_that_of_its_rpo_lag_at_the_incident() {
    let scene = Scene::aurora("gate: automatic", 50.0);
    assert_eq!(
        told(&scene.invoke(None, None)),
        "done: its promotion loses at most 60.0 s, 60.0 s for certain | done: passed within the plan's bounds"
    );
    let loss: DataLoss = serde_json::from_value(scene.evidence(&evidence_name("db")).unwrap()).unwrap();
    assert_eq!((loss.rpo_seconds, loss.lag_seconds), (60.0, 50.0));

    let scene = Scene::aurora("gate: automatic", 55.0);
    let failure = scene.invoke(None, None).unwrap_err();
    assert_eq!((failure.name, failure.resource.as_str()), (FailureName::DataLossTooHigh, "shop-aurora-dr"));

    let scene = Scene::aurora("gate: automatic", 1.0);
    scene.world.change_global_cluster(fixture::GLOBAL_CLUSTER, |cluster| cluster.lag.clear());
    let failure = scene.invoke(None, None).unwrap_err();
    assert!(failure.what.contains("shop-aurora-dr would lose cannot be told: no valid lag sample"), "{failure}");
}

#[test]
fn behind_a_fence_the_primary_cluster_alone_is_asked() {
    let judged = json!({"verdict": "down", "fates": {}, "observerNetworkOk": true, "signals": [
        {"name": "cluster", "fate": "database", "overHttp": false, "state": "failing", "evidence": "gone"}
    ]});
    let cluster = |status: &str| {
        let instances = vec![ClusterInstance { identifier: "shop-aurora-1".into(), is_writer: true }];
        let cluster = ClusterObserved { status: "available".into(), engine_version: None, instances };
        ClusterSeen { cluster, writer_status: Some(status.into()) }
    };
    let unanswered = || CallError::Unknown { message: "no answer".into() };
    for (seen, back) in
        [(Ok(cluster("available")), true), (Ok(cluster("storage-full")), false), (Err(unanswered()), false)]
    {
        let scene = Scene::aurora("gate: automatic", 1.0);
        scene.fenced();
        block_on(scene.ledger.keep_evidence(&scene.run.run_id, JUDGEMENT, &judged)).unwrap();
        scene.alarm.replace(AlarmState::Ok);
        scene.cluster.replace(Some(seen.clone()));
        let recovered =
            matches!(scene.invoke(None, None), Err(failure) if failure.name == FailureName::PrimaryRecovered);
        assert_eq!(recovered, back, "{seen:?}");
    }
}

#[test]
fn within_one_region_a_cluster_loses_nothing_and_needs_no_lag() {
    let scene = Scene::of_plan(&fixture::plan_yaml_in_one_region(), "gate: automatic", 900.0, Mode::Failover);
    let response = scene.invoke(None, None).unwrap();
    assert_eq!(response.status, Status::Done, "{response:?}");
    let loss = scene.evidence("data-loss#db").unwrap();
    assert_eq!((&loss["rpoSeconds"], &loss["recoveryPointAt"]), (&json!(0.0), &json!(fixture::incident_at())));
}

#[test]
fn a_cache_has_nothing_to_lose_and_leaves_no_loss_in_the_evidence() {
    let yaml = fixture::cache::with_cache(&fixture::plan_yaml_without_database());
    let scene = Scene::of_plan(&yaml, "gate: automatic", -1.0, Mode::Failover);
    assert_eq!(
        told(&scene.invoke(None, None)),
        "done: its promotion loses at most 0.0 s, 0.0 s for certain | done: passed within the plan's bounds"
    );
    assert!(scene.evidence(GATE).is_some() && scene.evidence(&evidence_name("cache")).is_none());
    // It makes no other database's loss smaller.
    let scene =
        Scene::of_plan(&fixture::cache::with_cache(fixture::PLAN_YAML), "gate: automatic", 55.0, Mode::Failover);
    assert_eq!(scene.invoke(None, None).unwrap_err().name, FailureName::DataLossTooHigh);
}

#[test]
fn a_global_datastore_has_nothing_to_lose_that_is_counted() {
    let yaml = fixture::datastore::with_datastore(&fixture::plan_yaml_without_database());
    let scene = Scene::of_plan(&yaml, "gate: automatic", -1.0, Mode::Failover);
    assert_eq!(
        told(&scene.invoke(None, None)),
        "done: its promotion loses at most 0.0 s, 0.0 s for certain | done: passed within the plan's bounds"
    );
    assert!(scene.evidence(GATE).is_some() && scene.evidence(&evidence_name("sessions")).is_none());
}
