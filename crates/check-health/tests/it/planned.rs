//! The step `assess` of runs that begin on a good day: is who serves now well?

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use check_health::assess::ASSESSMENT;
use check_health::capacity::Capacities;
use check_health::handler::{Tools, handle};
use check_health::look::{Alarms, Eyes, Instances};
use http_probe::{Http, Request};
use jiff::SignedDuration;
use pilot_core::contract::{Mode, Run, Status, Step, StepResponse};
use pilot_core::decide::signal::aurora::{ClusterSeen, ReplicationSeen};
use pilot_core::observed::{AlarmState, HttpAnswer, NoAnswer, ReplicaObserved};
use pilot_core::plan::{Compute, Had, Regions};
use pilot_core::{Failure, FailureName};
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use pilot_testkit::{FakeLedger, FakePlans, advance_seconds, fixture, now};
use serde_json::json;

const AWAY: &str = "https://recovery-lb.shop.test/health";
const HOME: &str = "https://primary-lb.shop.test/health";
/// The plan's `assessTimeoutSeconds`, where it says nothing.
const TIMEOUT_SECONDS: i64 = 300;

/// An application in either Region, and the plan's only signal: an alarm on the primary.
struct Stage {
    alarm: RefCell<AlarmState>,
    application_status: Cell<u16>,
    asked: RefCell<Vec<String>>,
    ledger: FakeLedger,
    plans: FakePlans,
    run: Run,
}

impl Http for Stage {
    async fn ask(&self, request: Request<'_>) -> Result<HttpAnswer, NoAnswer> {
        self.asked.borrow_mut().push(request.url.to_owned());
        Ok(HttpAnswer { status: self.application_status.get(), headers: BTreeMap::new(), body: Vec::new() })
    }
}

impl Alarms for Stage {
    async fn state(&self, _region: &str, name: &str) -> Result<Option<AlarmState>, CallError> {
        self.asked.borrow_mut().push(name.to_owned());
        Ok(Some(self.alarm.borrow().clone()))
    }
}

impl Capacities for Stage {
    async fn had(&self, region: &str, component: &Compute) -> Result<Option<Had>, CallError> {
        unreachable!("a step writes down nothing: {region}, {}", component.name())
    }
}

impl Instances for Stage {
    async fn describe(&self, _region: &str, _identifier: &str) -> Result<Option<ReplicaObserved>, CallError> {
        Ok(None)
    }

    async fn cluster(&self, _region: &str, _identifier: &str) -> Result<Option<ClusterSeen>, CallError> {
        Ok(None)
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

impl Stage {
    fn well(mode: Mode) -> Self {
        let yaml = fixture::plan_yaml_with_home();
        let yaml =
            yaml.replacen("holdSeconds: 0,", &format!("holdSeconds: 0, assessTimeoutSeconds: {TIMEOUT_SECONDS},"), 1);
        let (plans, run, ledger) = fixture::there_and_back(&yaml, mode);
        let (alarm, application_status) = (RefCell::new(AlarmState::Ok), Cell::new(200));
        Stage { alarm, application_status, asked: RefCell::default(), ledger, plans, run }
    }

    fn make_ill(&self) {
        self.alarm.replace(AlarmState::Alarm);
        self.application_status.set(503);
    }

    fn make_well(&self) {
        self.alarm.replace(AlarmState::Ok);
        self.application_status.set(200);
    }

    async fn assess(&self) -> Result<StepResponse, Failure> {
        let tools = Tools {
            ledger: &self.ledger,
            plans: &self.plans,
            eyes: Eyes { http: self, alarms: self, instances: self },
            capacities: self,
            clock: now,
            namespace: "PilotLight",
            publish: |_| {},
        };
        let event = fixture::step_event(&self.run, Step::Assess, self.run.started_at, None);
        handle(event, &tools).await.map(|answer| serde_json::from_value(answer).unwrap())
    }

    /// What was asked by whom it is that answers, each once.
    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.take();
        asked.sort();
        asked.dedup();
        asked
    }
}

const MODES: [Mode; 3] = [Mode::Switchover, Mode::Failback, Mode::Protect];

#[tokio::test]
async fn it_is_who_serves_that_is_asked() {
    for (mode, asked) in
        [(Mode::Switchover, vec!["shop-canary"]), (Mode::Failback, vec![AWAY]), (Mode::Protect, vec![AWAY])]
    {
        let stage = Stage::well(mode);
        let response = stage.assess().await.unwrap();
        assert_eq!(response.status, Status::Done, "{mode:?}: {response:?}");
        let seen = stage.asked();
        assert_eq!(seen, asked, "{mode:?}");
        assert!(!seen.iter().any(|url| url == HOME), "home does not serve yet");
        let assessment = response.assessment.unwrap();
        assert_eq!((assessment.incident_at, assessment.last_healthy_at), (now(), Some(now())), "nothing happened");
        let kept = stage.ledger.evidence(&stage.run.run_id).await.unwrap().remove(ASSESSMENT).unwrap();
        assert_eq!(kept, json!(assessment));
    }
}

#[tokio::test]
async fn what_is_not_well_is_waited_for_and_then_refused() {
    for mode in MODES {
        let stage = Stage::well(mode);
        stage.make_ill();
        let response = stage.assess().await.unwrap();
        assert_eq!((response.status, response.retry_after_seconds), (Status::InProgress, 3), "{mode:?}");
        assert!(response.assessment.is_none());
        advance_seconds(TIMEOUT_SECONDS - 1);
        assert_eq!(stage.assess().await.unwrap().status, Status::InProgress, "{mode:?}");
        advance_seconds(1);
        let failure = stage.assess().await.unwrap_err();
        assert_eq!(failure.name, FailureName::NotHealthy, "{mode:?}");
        assert!(failure.what.contains(mode.as_str()), "{failure}");
        assert!(!stage.ledger.evidence(&stage.run.run_id).await.unwrap().contains_key(ASSESSMENT));
        stage.make_well();
        assert_eq!(stage.assess().await.unwrap().status, Status::Done, "{mode:?}");
    }
}

#[tokio::test]
async fn an_assessment_that_was_taken_up_holds_whatever_is_seen_now() {
    for mode in MODES {
        let stage = Stage::well(mode);
        let earlier = fixture::assessment();
        stage.ledger.keep_evidence(&stage.run.run_id, ASSESSMENT, &json!(earlier)).await.unwrap();
        // The run before fenced who served.
        stage.make_ill();
        advance_seconds(60);
        let response = stage.assess().await.unwrap();
        assert_eq!(response.status, Status::Done, "{mode:?}");
        let assessment = response.assessment.unwrap();
        assert_eq!((assessment.incident_at, assessment.decided_at), (earlier.incident_at, now()));
        assert_eq!(assessment.decided_at, earlier.decided_at + SignedDuration::from_secs(60));
        assert!(stage.asked().is_empty());
    }
}
