//! Opening a run against the ledger and the plans in memory: what is refused, what is written, and that twice is once.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use jiff::SignedDuration;
use open_run::handler::{RUN_EVIDENCE, handle};
use pilot_core::contract::{Run, Step, TriggerKind};
use pilot_core::journal::LeasePhase;
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
    let lease = ledger.lease(PLAN).await.unwrap().unwrap();
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
        assert_eq!(ledger.lease(PLAN).await.unwrap(), None);
        assert!(ledger.evidence("run-1").await.unwrap().is_empty());
    }
}
