//! `GET /runs/{id}`.

use on_demand::ports::ExecutionStatus;
use pilot_core::contract::{Status, Step};
use pilot_core::journal::StepRecord;
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use pilot_testkit::{advance_seconds, now};
use serde_json::{Value, json};

use crate::scene::Scene;

/// A run that was started under the id of the fixture's, and waits at its gate.
async fn at_its_gate(scene: &Scene) -> String {
    let run_id = scene.asking(Some(12.5)).await;
    let body = json!({"plan": "shop", "mode": "failover", "reason": "x", "name": run_id});
    assert_eq!(scene.send("POST", "/runs", Some(body)).await.0, 202);
    step(scene, &run_id, Status::InProgress).await;
    run_id
}

async fn step(scene: &Scene, run_id: &str, outcome: Status) {
    let record =
        StepRecord { name: Step::Gate, started_at: now(), ended_at: None, outcome, components: vec![], error: None };
    scene.ledger.record_step(run_id, &record).await.unwrap();
}

async fn status(scene: &Scene, run_id: &str) -> Value {
    let (code, answer) = scene.send("GET", &format!("/runs/{run_id}"), None).await;
    assert_eq!(code, 200, "{answer}");
    answer
}

#[tokio::test]
async fn a_run_tells_its_state_its_steps_and_what_it_asks_while_it_asks() {
    let scene = Scene::default();
    let run_id = at_its_gate(&scene).await;
    let answer = status(&scene, &run_id).await;
    assert_eq!(
        (&answer["state"], &answer["plan"], &answer["mode"]),
        (&json!("RUNNING"), &json!("shop"), &json!("failover"))
    );
    assert_eq!((&answer["steps"][0]["name"], &answer["steps"][0]["outcome"]), (&json!("gate"), &json!("inProgress")));
    let question = json!({
        "why": ["the plan wants every promotion approved"],
        "lossSeconds": 12.5,
        "askedAt": answer["asked"]["askedAt"],
        "expiresAt": answer["asked"]["expiresAt"],
        "answer": format!("POST /runs/{run_id}/approval"),
    });
    assert_eq!(answer["asked"], question);
    advance_seconds(61);
    assert_eq!(status(&scene, &run_id).await["asked"], Value::Null, "its time is over");
}

#[tokio::test]
async fn a_question_that_was_answered_is_not_shown() {
    let scene = Scene::default();
    let run_id = at_its_gate(&scene).await;
    step(&scene, &run_id, Status::Done).await;
    assert_eq!(status(&scene, &run_id).await["asked"], Value::Null);
}

#[tokio::test]
async fn a_run_that_ended_tells_how() {
    let closed = json!({"runId": "r", "outcome": "refused", "reason": "PlanNotFound: there is no such plan", "report": "s3://b/k"});
    let scene = Scene::default();
    let run_id = at_its_gate(&scene).await;
    scene.machine.end(&run_id, |execution| {
        execution.status = ExecutionStatus::Ended("FAILED".into());
        (execution.error, execution.cause) = (Some("Refused".into()), Some(closed.to_string()));
        execution.output = Some("{}".into());
    });
    let answer = status(&scene, &run_id).await;
    assert_eq!((&answer["state"], &answer["closed"]), (&json!("FAILED"), &closed));
    assert_eq!(answer["error"], Value::Null, "said by the closed run already");

    scene.machine.end(&run_id, |execution| {
        execution.status = ExecutionStatus::Succeeded;
        (execution.error, execution.cause, execution.output) = (None, None, Some(closed.to_string()));
    });
    let answer = status(&scene, &run_id).await;
    assert_eq!((&answer["state"], &answer["closed"]), (&json!("SUCCEEDED"), &closed));

    scene.machine.end(&run_id, |execution| {
        execution.status = ExecutionStatus::Ended("ABORTED".into());
        (execution.error, execution.cause) = (None, Some("somebody's abort".into()));
    });
    let answer = status(&scene, &run_id).await;
    let told = (&answer["state"], &answer["closed"], &answer["cause"]);
    assert_eq!(told, (&json!("ABORTED"), &Value::Null, &json!("somebody's abort")));
}

/// Refused before it was opened: nothing is in the table, and the execution says why.
#[tokio::test]
async fn a_run_that_was_never_opened_is_found_by_its_execution() {
    let scene = Scene::default();
    let body = json!({"plan": "shop", "mode": "failover", "reason": "x", "name": "one"});
    scene.send("POST", "/runs", Some(body)).await;
    let answer = status(&scene, "one").await;
    assert_eq!((&answer["state"], &answer["plan"], &answer["steps"]), (&json!("RUNNING"), &Value::Null, &json!([])));
}

#[tokio::test]
async fn an_execution_that_aws_has_forgotten_is_told_from_the_table() {
    let scene = Scene::default();
    let run_id = at_its_gate(&scene).await;
    scene.machine.executions.borrow_mut().clear();
    assert_eq!(status(&scene, &run_id).await["state"], "FORGOTTEN");
}

#[tokio::test]
async fn a_run_that_is_not_there_and_one_that_cannot_be_seen() {
    let scene = Scene::default();
    let (code, answer) = scene.send("GET", "/runs/nobody", None).await;
    assert_eq!((code, &answer["error"]["name"]), (404, &json!("NoSuchRun")));
    scene.machine.fails.replace(Some(CallError::Unknown { message: "no answer".into() }));
    let (code, answer) = scene.send("GET", "/runs/nobody", None).await;
    assert_eq!((code, &answer["error"]["name"]), (503, &json!("AwsUnavailable")));
    scene.ledger.keep_evidence("odd", "run", &json!({"runId": 7})).await.unwrap();
    let (code, answer) = scene.send("GET", "/runs/odd", None).await;
    assert_eq!((code, &answer["error"]["name"]), (500, &json!("JournalUnavailable")));
}
