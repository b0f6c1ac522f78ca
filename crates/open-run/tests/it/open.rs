//! Opening a run against the ledger and the plans in memory: what is refused, what is written, and that twice is once.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use jiff::SignedDuration;
use open_run::handler::{RUN_EVIDENCE, handle};
use pilot_core::contract::{Mode, Run, Step, TriggerKind};
use pilot_core::journal::{Action, Entry, EntryOutcome, LeasePhase, Unfinished};
use pilot_shell::ledger::Ledger;
use pilot_testkit::fixture::{PLAN, PLAN_YAML};
use pilot_testkit::{FakeLedger, FakePlans, advance_seconds, now};
use serde_json::{Value, json};

const REGION: &str = "ap-southeast-1";

fn event(run_id: &str, request: Value) -> Value {
    json!({
        "runId": run_id,
        "executionArn": format!("arn:aws:states:{REGION}:111122223333:execution:pilot-light:{run_id}"),
        "startedAt": now().to_string(),
        "request": request,
    })
}

fn by_hand(run_id: &str) -> Value {
    event(run_id, json!({"plan": PLAN, "mode": "failover", "reason": "the primary is gone"}))
}

fn by_alarm(run_id: &str) -> Value {
    let trigger = json!({"kind": "alarm", "alarmName": "shop-primary-down", "at": now().to_string()});
    event(run_id, json!({"plan": PLAN, "mode": "failover", "trigger": trigger}))
}

fn plans() -> FakePlans {
    let plans = FakePlans::new();
    plans.put(PLAN, PLAN_YAML);
    plans
}

async fn opened(ledger: &FakeLedger, event: Value) -> Run {
    handle(event, ledger, &plans(), REGION, now).await.unwrap()
}

async fn refused(ledger: &FakeLedger, plans: &FakePlans, event: Value) -> String {
    handle(event, ledger, plans, REGION, now).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_run_is_pinned_and_holds_the_lease() {
    let ledger = FakeLedger::new();
    let run = opened(&ledger, by_hand("run-1")).await;

    assert_eq!((run.run_id.as_str(), run.generation, run.plan.version.as_str()), ("run-1", 1, "1"));
    assert_eq!(run.trigger.kind, TriggerKind::Manual);
    assert_eq!(run.trigger.reason.as_deref(), Some("the primary is gone"));
    let lease = ledger.lease(PLAN, Mode::Failover).await.unwrap().unwrap();
    assert_eq!((lease.run_id.as_str(), lease.phase), ("run-1", LeasePhase::Acting));
    assert_eq!(lease.expires_at, now() + SignedDuration::from_secs(900));
    assert_eq!(ledger.evidence("run-1").await.unwrap()[RUN_EVIDENCE], serde_json::to_value(&run).unwrap());
    let steps = ledger.steps("run-1").await.unwrap();
    assert_eq!(steps.iter().map(|step| step.name).collect::<Vec<_>>(), [Step::Open]);
}

#[tokio::test]
async fn opening_twice_is_the_same_run() {
    let ledger = FakeLedger::new();
    let event = by_hand("run-1");
    let first = opened(&ledger, event.clone()).await;
    advance_seconds(5);
    assert_eq!(opened(&ledger, event).await, first);
}

#[tokio::test]
async fn of_two_starts_one_runs_whoever_started_them() {
    let ledger = FakeLedger::new();
    opened(&ledger, by_alarm("run-1")).await;
    let message = refused(&ledger, &plans(), by_hand("run-2")).await;
    assert!(message.starts_with("LeaseHeld:") && message.contains("run-1"), "{message}");
    assert_eq!(ledger.steps("run-2").await.unwrap(), []);
}

#[tokio::test]
async fn the_cooldown_holds_back_an_alarm_and_no_person() {
    let ledger = FakeLedger::new();
    let first = opened(&ledger, by_alarm("run-1")).await;
    ledger.release(&first, Some(now() + SignedDuration::from_secs(1800))).await.unwrap();

    let message = refused(&ledger, &plans(), by_alarm("run-2")).await;
    assert!(message.starts_with("CooldownActive:"), "{message}");
    let second = opened(&ledger, by_hand("run-3")).await;
    assert_eq!(second.generation, 2);

    // A person's run in between does not lift it; time does.
    ledger.release(&second, None).await.unwrap();
    let message = refused(&ledger, &plans(), by_alarm("run-4")).await;
    assert!(message.starts_with("CooldownActive:"), "{message}");
    advance_seconds(1800);
    assert_eq!(opened(&ledger, by_alarm("run-5")).await.generation, 3);
}

#[tokio::test]
async fn a_bad_start_is_refused_by_name_and_writes_nothing() {
    let bad_plan = FakePlans::new();
    bad_plan.put(PLAN, "apiVersion: pilotlight.dev/v1\nkind: RecoveryPlan\n");
    let elsewhere = FakePlans::new();
    elsewhere.put(PLAN, &PLAN_YAML.replace("recovery: ap-southeast-1", "recovery: eu-west-1"));
    let good = |request: Value| (plans(), event("run-1", request));
    let cases = [
        ("EventInvalid", "unknown variant `explode`", good(json!({"plan": PLAN, "mode": "explode"}))),
        ("EventInvalid", "missing field `plan`", good(json!({"mode": "failover"}))),
        ("EventInvalid", "unknown field `plna`", good(json!({"plan": PLAN, "mode": "failover", "plna": 1}))),
        ("EventInvalid", "/request/plan", good(json!({"plan": "../shop", "mode": "failover"}))),
        ("PlanNotFound", "plans/shop.yaml", (FakePlans::new(), by_hand("run-1"))),
        ("PlanInvalid", "signals", (bad_plan, by_hand("run-1"))),
        ("PlanInvalid", "/regions/recovery", (elsewhere, by_hand("run-1"))),
    ];
    for (name, says, (plans, event)) in cases {
        let ledger = FakeLedger::new();
        let message = refused(&ledger, &plans, event).await;
        assert!(message.starts_with(&format!("{name}:")) && message.contains(says), "{message}");
        assert!(message.contains("Now: nothing was touched."), "{message}");
        assert_eq!(ledger.lease(PLAN, Mode::Failover).await.unwrap(), None);
        assert!(ledger.evidence("run-1").await.unwrap().is_empty());
    }
}

/// An act of a run, as its journal holds it.
fn act(component: &str, outcome: Option<EntryOutcome>) -> Entry {
    Entry {
        step: Step::ScaleCompute,
        component: component.into(),
        action: Action::ResizeGroup,
        resource: format!("{component}-group"),
        intent_at: now(),
        generation: 1,
        irreversible: false,
        before: json!({"min": 0, "max": 0, "desired": 0}),
        outcome,
        undone_at: None,
        adopted_from: None,
    }
}

fn resuming(run_id: &str, resume: &str) -> Value {
    event(run_id, json!({"plan": PLAN, "mode": "failover", "resume": resume, "reason": "the page said so"}))
}

/// A run that acted: one act is open, one was refused, one is undone.
async fn acted(ledger: &FakeLedger, run_id: &str) -> Run {
    let run = opened(ledger, by_hand(run_id)).await;
    let not_done = EntryOutcome::NotDone { at: now(), detail: "refused".into() };
    for component in ["open", "refused", "undone"] {
        ledger.intend(&run, &act(component, None)).await.unwrap();
    }
    ledger.conclude(run_id, &act("refused", None).key(), &not_done).await.unwrap();
    ledger.mark_undone(run_id, &act("undone", None).key(), now()).await.unwrap();
    for name in ["assessment", "gate", "capacity", "data-loss#db", "judgement"] {
        ledger.keep_evidence(run_id, name, &json!(name)).await.unwrap();
    }
    run
}

#[tokio::test]
async fn a_run_goes_on_with_the_journal_of_one_that_died() {
    // Anybody, once its lease has run out; or at once whoever names it.
    for (by_name, seconds) in [(false, 900), (true, 1)] {
        let start = |run_id: &str| if by_name { resuming(run_id, "run-1") } else { by_hand(run_id) };
        let ledger = FakeLedger::new();
        acted(&ledger, "run-1").await;
        advance_seconds(seconds);
        let run = opened(&ledger, start("run-2")).await;
        assert_eq!((run.generation, run.resumes.as_deref()), (2, Some("run-1")));
        let journal = ledger.entries("run-2").await.unwrap();
        let adopted: Vec<_> = journal.iter().map(|e| (e.component.as_str(), e.adopted_from.as_deref())).collect();
        assert_eq!(adopted, [("open", Some("run-1"))], "what was refused or undone is as if it had never been");
        let evidence = ledger.evidence("run-2").await.unwrap();
        assert!(["assessment", "gate", "capacity", "data-loss#db"].iter().all(|name| evidence.contains_key(*name)));
        assert!(!evidence.contains_key("judgement"), "it judges for itself");
        assert_eq!(opened(&ledger, start("run-2")).await, run, "twice is the same");
    }
}

#[tokio::test]
async fn a_run_goes_on_with_one_that_is_stuck_and_with_no_other() {
    let ledger = FakeLedger::new();
    let over = opened(&ledger, by_hand("run-0")).await;
    ledger.release(&over, None).await.unwrap();
    let stuck = acted(&ledger, "run-1").await;
    ledger.set_unfinished(PLAN, &Unfinished { run_id: "run-1".into(), finished_at: None }).await.unwrap();
    ledger.release(&stuck, None).await.unwrap();
    let message = refused(&ledger, &plans(), resuming("run-2", "run-0")).await;
    assert!(message.starts_with("NothingToResume:") && message.contains("run-0"), "{message}");
    let second = ledger.lease(PLAN, Mode::Failover).await.unwrap().unwrap();
    ledger.release(&Run { run_id: "run-2".into(), generation: second.generation, ..stuck }, None).await.unwrap();
    let run = opened(&ledger, resuming("run-3", "run-1")).await;
    assert_eq!(run.resumes.as_deref(), Some("run-1"));
    assert_eq!(ledger.entries("run-3").await.unwrap().len(), 1);
}

/// A switchover that got stuck, and the next run of another mode.
async fn after_a_stuck_switchover(request: Value) -> (FakeLedger, Result<Run, String>) {
    let ledger = FakeLedger::new();
    let stuck = opened(&ledger, event("run-1", json!({"plan": PLAN, "mode": "switchover"}))).await;
    ledger.intend(&stuck, &act("open", None)).await.unwrap();
    ledger.set_unfinished(PLAN, &Unfinished { run_id: "run-1".into(), finished_at: None }).await.unwrap();
    ledger.release(&stuck, None).await.unwrap();
    let result = handle(event("run-2", request), &ledger, &plans(), REGION, now).await;
    (ledger, result.map_err(|failure| failure.to_string()))
}

#[tokio::test]
async fn a_journal_is_gone_on_with_in_its_own_mode_only() {
    let named = json!({"plan": PLAN, "mode": "failover", "resume": "run-1"});
    let message = after_a_stuck_switchover(named).await.1.unwrap_err();
    assert!(message.starts_with("NothingToResume:") && message.contains("switchover"), "{message}");

    let alarm = json!({"plan": PLAN, "mode": "failover", "trigger": {"kind": "alarm", "alarmName": "PrimaryDown"}});
    let message = after_a_stuck_switchover(alarm).await.1.unwrap_err();
    assert!(message.starts_with("UnfinishedRun:") && message.contains("run-1"), "{message}");

    let (ledger, run) = after_a_stuck_switchover(json!({"plan": PLAN, "mode": "failover"})).await;
    assert_eq!(run.unwrap().resumes, None, "a person begins anew");
    assert!(ledger.entries("run-2").await.unwrap().is_empty());

    let run = after_a_stuck_switchover(json!({"plan": PLAN, "mode": "switchover"})).await.1.unwrap();
    assert_eq!(run.resumes.as_deref(), Some("run-1"));
}

#[tokio::test]
async fn a_run_that_never_was_opened_leaves_nothing_to_go_on_with() {
    let ledger = FakeLedger::new();
    let run = opened(&ledger, resuming("run-2", "run-1")).await;
    assert_eq!((run.generation, run.resumes), (1, None));
}

#[tokio::test]
async fn a_run_that_is_alive_is_not_taken_over_by_another_name() {
    let ledger = FakeLedger::new();
    acted(&ledger, "run-1").await;
    let message = refused(&ledger, &plans(), resuming("run-2", "run-0")).await;
    assert!(message.starts_with("LeaseHeld:") && message.contains("run-1"), "{message}");
}

#[tokio::test]
async fn a_dry_run_goes_beside_a_real_one_and_goes_on_with_nothing() {
    let ledger = FakeLedger::new();
    acted(&ledger, "run-1").await;
    let run = opened(&ledger, event("dry-1", json!({"plan": PLAN, "mode": "dryRun"}))).await;
    assert_eq!((run.generation, run.resumes), (1, None));
    assert!(ledger.entries("dry-1").await.unwrap().is_empty());
    let lease = ledger.lease(PLAN, Mode::Failover).await.unwrap().unwrap();
    assert_eq!(lease.run_id, "run-1", "the real run keeps its lease");
}
