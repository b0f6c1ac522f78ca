//! Closing runs against the ledger and the plans in memory: what is left behind, in which order, and that twice is once.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use close_run::handler::{Closer, handle};
use close_run::page::{MESSAGE_BYTES_MAX, SUBJECT_CHARS_MAX};
use close_run::ports::{Notifier, ReportStore};
use jiff::SignedDuration;
use pilot_core::contract::{Assessment, ClosedRun, Mode, Outcome, Run, Status, Step};
use pilot_core::journal::{Action, Entry, EntryOutcome, LeasePhase, StepRecord, Unfinished};
use pilot_core::report::Report;
use pilot_core::{Failure, FailureName};
use pilot_shell::CallError;
use pilot_shell::ledger::{LeaseRequest, Ledger};
use pilot_testkit::fixture::{PLAN, assessment, plans, run};
use pilot_testkit::{FakeLedger, FakePlans, advance_seconds, now};
use serde_json::{Value, json};

/// Keeps what was put and sent, in order, and can be told to fail once.
#[derive(Debug, Default)]
struct Outside {
    documents: RefCell<BTreeMap<String, String>>,
    sent: RefCell<Vec<(String, String)>>,
    order: RefCell<Vec<&'static str>>,
    fail_put: Cell<bool>,
    fail_publish: Cell<bool>,
}

fn no_answer() -> CallError {
    CallError::Unknown { message: "no answer".into() }
}

impl ReportStore for Outside {
    async fn put(&self, key: &str, _content_type: &str, body: String) -> Result<(), CallError> {
        if self.fail_put.take() {
            return Err(no_answer());
        }
        self.order.borrow_mut().push("put");
        self.documents.borrow_mut().insert(key.to_owned(), body);
        Ok(())
    }

    fn location(&self, key: &str) -> String {
        format!("s3://artifacts/{key}")
    }
}

impl Notifier for Outside {
    async fn publish(&self, subject: &str, message: &str) -> Result<(), CallError> {
        if self.fail_publish.take() {
            return Err(no_answer());
        }
        self.order.borrow_mut().push("publish");
        self.sent.borrow_mut().push((subject.to_owned(), message.to_owned()));
        Ok(())
    }

    fn resource(&self) -> &str {
        "topic"
    }
}

/// A run that holds its lease, with everything closing needs around it.
struct Scene {
    ledger: FakeLedger,
    plans: FakePlans,
    outside: Outside,
    run: Run,
    assessment: Assessment,
}

impl Scene {
    fn new() -> Self {
        let (plans, pin) = plans();
        let run = run(pin);
        Scene { ledger: FakeLedger::held_by(&run), plans, outside: Outside::default(), run, assessment: assessment() }
    }

    fn event(&self, outcome: Outcome, error: Option<&Failure>) -> Value {
        let error =
            error.map(|f| json!({"Error": f.name, "Cause": json!({"errorMessage": f.to_string()}).to_string()}));
        json!({
            "run": self.run, "open": self.opening(json!({"plan": PLAN, "mode": "failover"})), "outcome": outcome,
            "error": error, "assessment": self.assessment,
        })
    }

    fn opening(&self, request: Value) -> Value {
        json!({
            "runId": self.run.run_id, "executionArn": self.run.execution_arn, "startedAt": self.run.started_at,
            "request": request,
        })
    }

    async fn close(&self, event: Value) -> Result<ClosedRun, Failure> {
        let closer = Closer {
            ledger: &self.ledger,
            plans: &self.plans,
            reports: &self.outside,
            notifier: &self.outside,
            metrics_namespace: "PilotLight",
            clock: now,
        };
        handle(event, &closer).await
    }

    async fn step(&self, name: Step, outcome: Status, error: Option<&str>) {
        let ended_at = (outcome != Status::InProgress).then(|| now() + SignedDuration::from_secs(9));
        let error = error.map(str::to_owned);
        let record = StepRecord { name, started_at: now(), ended_at, outcome, components: Vec::new(), error };
        self.ledger.record_step(&self.run.run_id, &record).await.unwrap();
        advance_seconds(10);
    }

    async fn act(&self, action: Action, step: Step, component: &str, outcome: Option<EntryOutcome>) {
        let entry = Entry {
            step,
            component: component.into(),
            action,
            resource: format!("{component}-resource"),
            intent_at: now(),
            generation: self.run.generation,
            irreversible: action == Action::PromoteReadReplica,
            before: json!({"min": 0, "note": "<script>alert('before')</script>"}),
            outcome: None,
            undone_at: None,
            adopted_from: None,
        };
        self.ledger.intend(&self.run, &entry).await.unwrap();
        if let Some(outcome) = outcome {
            self.ledger.conclude(&self.run.run_id, &entry.key(), &outcome).await.unwrap();
        }
    }

    /// What a recovery leaves in the ledger.
    async fn recovery(&self) {
        for step in [Step::Open, Step::Assess, Step::Ready] {
            self.step(step, Status::Done, None).await;
        }
        self.act(Action::ResizeGroup, Step::ScaleCompute, "web", Some(accepted())).await;
        self.act(Action::PromoteReadReplica, Step::PromoteData, "db", Some(accepted())).await;
        let loss = json!({"recoveryPointAt": now(), "rpoSeconds": 2.5, "lagSeconds": 2.0});
        self.ledger.keep_evidence(&self.run.run_id, "data-loss#db", &loss).await.unwrap();
        for step in [Step::PromoteData, Step::ScaleCompute, Step::Validate, Step::ShiftTraffic, Step::Verify] {
            self.step(step, Status::Done, None).await;
        }
    }

    /// What a run leaves that failed after its promotion.
    async fn stuck(&self) {
        self.step(Step::Open, Status::Done, None).await;
        self.act(Action::PromoteReadReplica, Step::PromoteData, "db", Some(accepted())).await;
        self.step(Step::PromoteData, Status::Done, None).await;
        self.step(Step::Validate, Status::Failed, Some(&invalid().to_string())).await;
    }

    fn report(&self, plan: &str) -> Report {
        let documents = self.outside.documents.borrow();
        serde_json::from_str(&documents[&format!("runs/{plan}/run-1/report.json")]).unwrap()
    }

    fn html(&self, plan: &str) -> String {
        self.outside.documents.borrow()[&format!("runs/{plan}/run-1/report.html")].clone()
    }

    /// The one notification.
    fn page(&self) -> String {
        let sent = self.outside.sent.borrow();
        assert_eq!(sent.len(), 1);
        let (subject, message) = &sent[0];
        assert!(subject.len() <= SUBJECT_CHARS_MAX && subject.chars().all(|c| c == ' ' || c.is_ascii_graphic()));
        format!("{subject}\n\n{message}")
    }

    async fn phase(&self) -> LeasePhase {
        self.ledger.lease(PLAN, Mode::Failover).await.unwrap().unwrap().phase
    }

    async fn cooldown_until(&self) -> Option<jiff::Timestamp> {
        self.ledger.lease(PLAN, Mode::Failover).await.unwrap().unwrap().cooldown_until
    }
}

fn accepted() -> EntryOutcome {
    EntryOutcome::Accepted { at: now(), detail: "accepted".into() }
}

fn not_done() -> EntryOutcome {
    EntryOutcome::NotDone { at: now(), detail: "refused".into() }
}

fn invalid() -> Failure {
    Failure::new(FailureName::ValidationFailed, "reads", "the answer is 503 <b>and not 200</b>")
        .now("no client was led there")
        .next("look at the application's log")
}

fn healthy() -> Failure {
    Failure::new(FailureName::PrimaryHealthy, PLAN, "the primary is healthy").now("nothing was touched").next("nothing")
}

#[tokio::test]
async fn a_recovery_is_reported_told_and_given_up() {
    let scene = Scene::new();
    scene.recovery().await;
    let closed = scene.close(scene.event(Outcome::Recovered, None)).await.unwrap();

    assert_eq!(closed.report, "s3://artifacts/runs/shop/run-1/report.json");
    let report = scene.report(PLAN);
    assert_eq!((report.outcome, report.rto_from_decision_seconds), (Outcome::Recovered, Some(79.0)));
    assert_eq!((report.rpo_seconds, report.journal.len(), report.steps.len()), (Some(2.5), 2, 8));
    assert_eq!(report.evidence.keys().collect::<Vec<_>>(), ["data-loss#db"]);
    assert_eq!(*scene.outside.order.borrow(), ["put", "put", "publish"]);
    assert_eq!(scene.phase().await, LeasePhase::Released);
    assert_eq!(scene.cooldown_until().await, Some(now() + SignedDuration::from_secs(1800)));
    insta::assert_snapshot!("page_of_a_recovery", scene.page());
}

#[tokio::test]
async fn a_stuck_run_pages_with_the_next_command_and_frees_the_lease_for_it() {
    let scene = Scene::new();
    scene.stuck().await;
    scene.close(scene.event(Outcome::Stuck, Some(&invalid()))).await.unwrap();
    assert_eq!(scene.phase().await, LeasePhase::Released);
    insta::assert_snapshot!("page_of_a_stuck_run", scene.page());

    let request = LeaseRequest {
        workload: PLAN.into(),
        run_id: "run-2".into(),
        automatic: false,
        mode: Mode::Failover,
        resume: None,
        now: now(),
        lease_seconds: 900,
    };
    assert_eq!(scene.ledger.take_lease(&request).await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_refused_run_tells_why_and_cools_nothing_down() {
    let scene = Scene::new();
    scene.step(Step::Open, Status::Done, None).await;
    scene.act(Action::PromoteReadReplica, Step::PromoteData, "db", Some(not_done())).await;
    let closed = scene.close(scene.event(Outcome::Refused, Some(&healthy()))).await.unwrap();
    assert_eq!(closed.reason, "PrimaryHealthy: the primary is healthy [shop]");
    assert_eq!((scene.phase().await, scene.cooldown_until().await), (LeasePhase::Released, None));
    assert!(scene.page().contains("run refused, nothing changed"));
}

#[tokio::test]
async fn an_act_of_unknown_outcome_cools_down_like_one_that_was_done() {
    let scene = Scene::new();
    scene.act(Action::ResizeGroup, Step::ScaleCompute, "web", None).await;
    scene.close(scene.event(Outcome::RolledBack, Some(&invalid()))).await.unwrap();
    assert!(scene.cooldown_until().await.is_some());
}

#[tokio::test]
async fn closing_twice_tells_once() {
    let scene = Scene::new();
    scene.recovery().await;
    let event = scene.event(Outcome::Recovered, None);
    let first = scene.close(event.clone()).await.unwrap();
    let cooldown_until = scene.cooldown_until().await;
    advance_seconds(7);
    assert_eq!(scene.close(event).await.unwrap(), first);
    assert_eq!(scene.outside.sent.borrow().len(), 1);
    assert_eq!(scene.outside.documents.borrow().len(), 2);
    assert_eq!(scene.cooldown_until().await, cooldown_until);
    assert!(!scene.report(PLAN).evidence.contains_key("notified"));
}

#[tokio::test]
async fn whatever_fails_on_the_way_the_next_try_ends_it() {
    for break_it in [|o: &Outside| o.fail_put.set(true), |o: &Outside| o.fail_publish.set(true)] {
        let scene = Scene::new();
        scene.recovery().await;
        break_it(&scene.outside);
        let event = scene.event(Outcome::Recovered, None);
        let failure = scene.close(event.clone()).await.unwrap_err();
        assert_eq!(failure.name, FailureName::AwsUnavailable);
        // Nobody starts the next run before this one is told.
        assert_eq!(scene.phase().await, LeasePhase::Acting);
        scene.close(event).await.unwrap();
        assert_eq!((scene.phase().await, scene.outside.sent.borrow().len()), (LeasePhase::Released, 1));
    }
}

#[tokio::test]
async fn a_lease_taken_over_meanwhile_stays_the_others() {
    let scene = Scene::new();
    let mut lease = scene.ledger.lease(PLAN, Mode::Failover).await.unwrap().unwrap();
    lease.run_id = "run-2".into();
    lease.generation += 1;
    scene.ledger.set_lease(lease.clone());
    let lost = Failure::new(FailureName::LeaseLost, PLAN, "run-2 took the lease over");
    scene.close(scene.event(Outcome::Refused, Some(&lost))).await.unwrap();
    assert_eq!(scene.ledger.lease(PLAN, Mode::Failover).await.unwrap(), Some(lease));
}

#[tokio::test]
async fn a_plan_that_was_rewritten_costs_the_objectives_only() {
    let scene = Scene::new();
    scene.recovery().await;
    scene.plans.rewrite(&scene.run.plan, "kind: Other");
    scene.close(scene.event(Outcome::Recovered, None)).await.unwrap();
    let report = scene.report(PLAN);
    assert_eq!((report.objectives, report.rto_from_decision_seconds), (None, Some(79.0)));
    assert!(scene.html(PLAN).contains("79.0 s"));
    assert_eq!(scene.phase().await, LeasePhase::Released);
}

/// A run that never was opened; another run, or nobody, holds the lease.
fn at_the_door(scene: &Scene, request: Value, name: FailureName) -> Value {
    let failure = Failure::new(name, PLAN, "not opened").now("nothing was touched").next("mend it");
    let cause = json!({"errorMessage": failure.to_string()}).to_string();
    json!({
        "run": null, "open": scene.opening(request), "outcome": "refused",
        "error": {"Error": name, "Cause": cause}, "assessment": null,
    })
}

#[tokio::test]
async fn a_run_refused_at_the_door_leaves_a_report_and_others_leases_alone() {
    let told = [(FailureName::LeaseHeld, 0), (FailureName::CooldownActive, 0), (FailureName::PlanInvalid, 1)];
    for (name, mails) in told {
        let mut scene = Scene::new();
        let lease = scene.ledger.lease(PLAN, Mode::Failover).await.unwrap();
        scene.run.run_id = "run-9".into();
        let closed = scene.close(at_the_door(&scene, json!({"plan": PLAN, "mode": "failover"}), name)).await.unwrap();
        assert_eq!(closed.report, "s3://artifacts/runs/shop/run-9/report.json");
        assert_eq!(closed.reason, format!("{name}: not opened [shop]"));
        assert_eq!(scene.outside.sent.borrow().len(), mails, "{name}");
        assert_eq!(scene.ledger.lease(PLAN, Mode::Failover).await.unwrap(), lease);
    }
}

#[tokio::test]
async fn whatever_was_asked_for_has_its_report() {
    for (request, plan) in [(json!("?"), "unnamed"), (json!({"plan": "../Shop", "mode": 7}), "shop")] {
        let scene = Scene::new();
        scene.close(at_the_door(&scene, request, FailureName::EventInvalid)).await.unwrap();
        let report = scene.report(plan);
        assert_eq!((report.mode, report.plan.version.as_str()), (None, ""));
        assert!(scene.html(plan).contains("refused before it was pinned"));
    }
}

#[tokio::test]
async fn a_lease_taken_by_an_opening_that_failed_is_given_up() {
    let scene = Scene::new();
    let request = json!({"plan": PLAN, "mode": "failover"});
    scene.close(at_the_door(&scene, request, FailureName::JournalUnavailable)).await.unwrap();
    assert_eq!((scene.phase().await, scene.outside.sent.borrow().len()), (LeasePhase::Released, 1));
}

#[tokio::test]
async fn the_page_for_people_holds_nothing_live_and_fetches_nothing() {
    for outcome in [Outcome::Recovered, Outcome::RolledBack, Outcome::Stuck, Outcome::Refused] {
        let scene = Scene::new();
        scene.stuck().await;
        let hostile = json!({"verdict": "</pre><img src=x onerror=alert(1)>"});
        scene.ledger.keep_evidence("run-1", "judgement", &hostile).await.unwrap();
        scene.close(scene.event(outcome, Some(&invalid()))).await.unwrap();
        let html = scene.html(PLAN);
        assert!(html.contains("&lt;script&gt;alert(&#x27;before&#x27;)"), "{html}");
        assert!(html.contains("503 &lt;b&gt;and not 200&lt;&#x2f;b&gt;"), "{html}");
        assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;"), "{html}");
        for live in ["<script", "<img", "<link", "src=\"", "href=", "url(", "@import", "http://", "https://"] {
            assert!(!html.contains(live), "{outcome:?}: {live}");
        }
        assert!(html.contains("<svg") && html.contains("cannot be undone"));
        let next = html.contains("What to do next") && html.contains("aws stepfunctions start-execution");
        assert_eq!(next, matches!(outcome, Outcome::Stuck | Outcome::RolledBack), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_message_longer_than_sns_takes_is_cut() {
    let scene = Scene::new();
    let long = Failure::new(FailureName::NotReady, PLAN, "ä".repeat(MESSAGE_BYTES_MAX));
    scene.close(scene.event(Outcome::Refused, Some(&long))).await.unwrap();
    let page = scene.page();
    assert!(page.len() <= MESSAGE_BYTES_MAX + SUBJECT_CHARS_MAX + 2 && page.contains("cut here"));
}

#[tokio::test]
async fn the_metrics_of_a_recovery_and_of_a_failure() {
    let scene = Scene::new();
    scene.recovery().await;
    scene.close(scene.event(Outcome::Recovered, None)).await.unwrap();
    insta::assert_json_snapshot!("metrics_of_a_recovery", close_run::metrics::of(&scene.report(PLAN), "PilotLight"));
    let stuck = Report { outcome: Outcome::Stuck, ..scene.report(PLAN) };
    assert_eq!(close_run::metrics::of(&stuck, "PilotLight").len(), 1);
}

#[tokio::test]
async fn a_stuck_run_is_left_to_the_next_and_any_other_end_settles_it() {
    for (outcome, left) in
        [(Outcome::Recovered, false), (Outcome::RolledBack, false), (Outcome::Refused, false), (Outcome::Stuck, true)]
    {
        let scene = Scene::new();
        let before = Unfinished { run_id: "run-0".into(), finished_at: None };
        scene.ledger.set_unfinished(PLAN, &before).await.unwrap();
        scene.close(scene.event(outcome, Some(&invalid()))).await.unwrap();
        let unfinished = scene.ledger.unfinished(PLAN).await.unwrap().map(|unfinished| unfinished.run_id);
        assert_eq!(unfinished, left.then(|| scene.run.run_id.clone()), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_run_that_lost_its_lease_says_nothing_of_the_workload() {
    let scene = Scene::new();
    let mut lease = scene.ledger.lease(PLAN, Mode::Failover).await.unwrap().unwrap();
    lease.run_id = "run-2".into();
    lease.generation += 1;
    scene.ledger.set_lease(lease);
    scene.close(scene.event(Outcome::Stuck, Some(&invalid()))).await.unwrap();
    assert!(scene.ledger.unfinished(PLAN).await.unwrap().is_none(), "the run that took the lease over has the word");
}

#[tokio::test]
async fn a_dead_run_is_not_forgotten_by_one_that_could_not_be_opened() {
    let scene = Scene::new();
    let mut lease = scene.ledger.lease(PLAN, Mode::Failover).await.unwrap().unwrap();
    lease.previous_run_id = Some("run-0".into());
    lease.previous_phase = Some(LeasePhase::Acting);
    scene.ledger.set_lease(lease);
    let event = at_the_door(&scene, json!({"plan": PLAN, "mode": "failover"}), FailureName::AwsUnavailable);
    scene.close(event).await.unwrap();
    assert_eq!(scene.phase().await, LeasePhase::Released);
    assert_eq!(scene.ledger.unfinished(PLAN).await.unwrap().map(|u| u.run_id).as_deref(), Some("run-0"));
}

#[tokio::test]
async fn a_dry_run_hands_over_its_decisions_and_tells_nobody() {
    let mut scene = Scene::new();
    scene.run.mode = Mode::DryRun;
    scene.ledger = FakeLedger::held_by(&scene.run);
    let decision = json!({"step": "promote-data", "component": "db", "action": "promote-read-replica", "resource": "shop-db-replica",
                          "detail": "promoted, which cannot be undone", "irreversible": true, "before": {}, "at": now()});
    scene
        .ledger
        .keep_evidence(&scene.run.run_id, "decision#promote-data#db#promote-read-replica", &decision)
        .await
        .unwrap();
    let closed = scene.close(scene.event(Outcome::DryRun, None)).await.unwrap();
    assert_eq!(closed.decisions.first().map(|d| d.resource.as_str()), Some("shop-db-replica"));
    assert!(scene.outside.sent.borrow().is_empty());
    let report = scene.report(PLAN);
    assert_eq!((report.outcome, report.decisions.len(), report.evidence.len()), (Outcome::DryRun, 1, 0));
    assert!(scene.html(PLAN).contains("Dry run"));
}

#[tokio::test]
async fn an_approval_is_told_and_its_token_is_not() {
    let scene = Scene::new();
    let asked = json!({"taskToken": "AQCEsecret", "why": ["the plan wants it"], "lossSeconds": 99.5});
    let approval = json!({"approver": "ana", "decision": "approve", "acceptedLossSeconds": 120.0, "statedLossSeconds": 99.5,
                          "reason": "sales go on", "at": now()});
    scene.ledger.keep_evidence(&scene.run.run_id, "approval-asked", &asked).await.unwrap();
    scene.ledger.keep_evidence(&scene.run.run_id, "approval", &approval).await.unwrap();
    scene.close(scene.event(Outcome::Recovered, None)).await.unwrap();
    let report = serde_json::to_string(&scene.report(PLAN)).unwrap();
    let html = scene.html(PLAN);
    assert!(
        html.contains("approved by ana") && html.contains("loss accepted 120.0 s, stated 99.5 s: sales go on"),
        "{html}"
    );
    assert!(report.contains("the plan wants it"));
    assert!(!report.contains("AQCEsecret") && !html.contains("AQCEsecret"));
}
