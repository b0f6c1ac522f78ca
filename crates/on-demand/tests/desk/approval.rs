//! `POST /runs/{id}/approval`.

use pilot_core::contract::{ApprovalAnswer, ApprovalDecision};
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use serde_json::{Value, json};

use crate::scene::{ANA, FakeMachine, Scene, TOKEN, run};

async fn answer(scene: &Scene, run_id: &str, body: Value) -> (u16, Value) {
    scene.send("POST", &format!("/runs/{run_id}/approval"), Some(body)).await
}

#[tokio::test]
async fn an_answer_goes_to_the_run_in_the_callers_name() {
    let table = [
        (json!({"approve": true, "acceptLossSeconds": 60}), ApprovalDecision::Approve, Some(60.0), None),
        (
            json!({"approve": true, "acceptLossSeconds": 13, "reason": " go "}),
            ApprovalDecision::Approve,
            Some(13.0),
            Some("go"),
        ),
        // A no accepts nothing, whatever stands beside it.
        (
            json!({"approve": false, "acceptLossSeconds": 60, "reason": "only the network"}),
            ApprovalDecision::Refuse,
            None,
            Some("only the network"),
        ),
    ];
    for (body, decision, accept_loss_seconds, reason) in table {
        let scene = Scene::default();
        let run_id = scene.asking(Some(12.5)).await;
        let (status, told) = answer(&scene, &run_id, body.clone()).await;
        let expected =
            ApprovalAnswer { decision, approver: ANA.into(), accept_loss_seconds, reason: reason.map(Into::into) };
        assert_eq!((status, &told["answer"], &told["warning"]), (202, &json!(expected), &Value::Null), "{body}");
        assert_eq!(*scene.machine.answers.borrow(), [(TOKEN.to_owned(), expected)], "{body}");
    }
}

#[tokio::test]
async fn an_approval_that_may_not_do_is_handed_over_with_a_warning() {
    for (stated, accepted, part) in [
        (Some(12.5), None, "no loss is accepted, up to 12.5 seconds may be lost"),
        (Some(12.5), Some(5), "acceptLossSeconds of 13 would be enough"),
        (None, None, "cannot be told"),
    ] {
        let scene = Scene::default();
        let run_id = scene.asking(stated).await;
        let (status, told) = answer(&scene, &run_id, json!({"approve": true, "acceptLossSeconds": accepted})).await;
        assert_eq!(status, 202);
        assert!(told["warning"].as_str().unwrap().contains(part), "{told}");
        assert_eq!(scene.machine.answers.borrow().len(), 1);
    }
}

#[tokio::test]
async fn a_wrong_body_answers_nothing() {
    let scene = Scene::default();
    let run_id = scene.asking(None).await;
    for body in [
        json!({}),
        json!({"approve": "yes"}),
        json!({"approve": true, "acceptLossSeconds": -1}),
        json!({"approve": true, "acceptLossSeconds": "60"}),
        json!({"approve": true, "reason": ""}),
        json!({"approve": true, "decision": "refuse"}),
    ] {
        let (status, told) = answer(&scene, &run_id, body.clone()).await;
        assert_eq!((status, &told["error"]["name"]), (400, &json!("RequestInvalid")), "{body}");
    }
    assert!(scene.machine.answers.borrow().is_empty());
}

#[tokio::test]
async fn a_run_that_asks_nobody() {
    let scene = Scene::default();
    let body = json!({"approve": true});
    let (status, told) = answer(&scene, "nobody", body.clone()).await;
    assert_eq!((status, &told["error"]["name"]), (404, &json!("NoSuchRun")));
    let run = run();
    scene.ledger.keep_evidence(&run.run_id, "run", &json!(run)).await.unwrap();
    let (status, told) = answer(&scene, &run.run_id, body.clone()).await;
    assert_eq!((status, &told["error"]["name"]), (409, &json!("NothingAsked")));
    let late = Scene { machine: FakeMachine { nobody_waits: true, ..FakeMachine::default() }, ..Scene::default() };
    let run_id = late.asking(None).await;
    let (status, told) = answer(&late, &run_id, body).await;
    assert_eq!((status, &told["error"]["name"]), (409, &json!("NobodyWaits")));
}

#[tokio::test]
async fn whether_an_answer_arrived_is_told() {
    let throttled = CallError::Throttled { code: "ThrottlingException".into(), message: "slow".into() };
    let unknown = CallError::Unknown { message: "no answer".into() };
    for (error, now_true) in
        [(throttled, "this call had no effect"), (unknown, "whether the answer arrived is not known")]
    {
        let scene = Scene::default();
        let run_id = scene.asking(None).await;
        scene.machine.fails.replace(Some(error));
        let (status, told) = answer(&scene, &run_id, json!({"approve": true})).await;
        assert_eq!((status, &told["error"]["nowTrue"]), (503, &json!(now_true)));
    }
}
