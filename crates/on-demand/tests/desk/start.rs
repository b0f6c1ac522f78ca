//! `POST /runs`.

use on_demand::ports::ExecutionStatus;
use pilot_core::contract::Mode;
use pilot_shell::CallError;
use serde_json::{Value, json};

use crate::scene::{EXECUTIONS, Scene, request};

fn body(name: Option<&str>) -> Value {
    let mut body = json!({"plan": "shop", "mode": "failover", "reason": "the Region is dark"});
    if let Some(name) = name {
        body["name"] = json!(name);
    }
    body
}

#[tokio::test]
async fn a_run_is_started_with_who_asked_for_it() {
    let scene = Scene::default();
    let (status, answer) = scene.send("POST", "/runs", Some(body(None))).await;
    let run_id = "shop-20260201T000000Z";
    let arn = format!("{EXECUTIONS}:{run_id}");
    assert_eq!(
        (status, answer),
        (202, json!({"runId": run_id, "executionArn": arn, "status": format!("/runs/{run_id}")}))
    );
    let (name, input) = scene.machine.started().pop().unwrap();
    assert_eq!((name.as_str(), input.plan.as_str(), input.mode), (run_id, "shop", Mode::Failover));
    let reason = "the Region is dark (asked for over HTTP by arn:aws:iam::111122223333:user/ana)";
    assert_eq!(
        (input.reason.as_deref(), input.trigger),
        (Some(reason), None),
        "a person, not held back by the cooldown"
    );
}

#[tokio::test]
async fn every_mode_can_be_asked_for() {
    let scene = Scene::default();
    for mode in ["failover", "switchover", "failback", "protect", "dryRun"] {
        let body = json!({"plan": "shop", "mode": mode, "reason": "x", "name": mode});
        assert_eq!(scene.send("POST", "/runs", Some(body)).await.0, 202, "{mode}");
    }
    assert_eq!(scene.machine.started().len(), 5);
}

#[tokio::test]
async fn the_same_start_under_one_name_is_one_run_while_it_is_on_its_way_and_when_it_is_over() {
    let scene = Scene::default();
    let first = scene.send("POST", "/runs", Some(body(Some("region-down-1")))).await;
    assert_eq!(scene.send("POST", "/runs", Some(body(Some("region-down-1")))).await, first);
    scene.machine.end("region-down-1", |execution| execution.status = ExecutionStatus::Succeeded);
    let again = scene.send("POST", "/runs", Some(body(Some("region-down-1")))).await;
    assert_eq!(again, (200, first.1));
    assert_eq!(scene.machine.started().len(), 1);
}

#[tokio::test]
async fn a_name_that_is_another_start_s_is_refused() {
    let scene = Scene::default();
    assert_eq!(scene.send("POST", "/runs", Some(body(Some("one")))).await.0, 202);
    let other = json!({"plan": "shop", "mode": "dryRun", "reason": "the Region is dark", "name": "one"});
    let (status, answer) = scene.send("POST", "/runs", Some(other)).await;
    assert_eq!((status, &answer["error"]["name"]), (409, &json!("NameTaken")), "another mode");
    let mut event = request("POST", "/runs", Some(body(Some("one")).to_string()));
    event["requestContext"]["authorizer"]["iam"]["userArn"] = json!("arn:aws:iam::111122223333:user/ben");
    assert_eq!(scene.invoke(event).await.unwrap().status_code, 409, "another person");
    assert_eq!(scene.machine.started().len(), 1);
}

#[tokio::test]
async fn a_wrong_body_starts_nothing_and_is_told() {
    let long = "x".repeat(1001);
    let table = [
        (json!({}), "missing field"),
        (json!({"plan": "shop", "mode": "failover"}), "reason"),
        (json!({"plan": "Shop!", "mode": "failover", "reason": "x"}), "/plan"),
        (json!({"plan": "shop", "mode": "fly", "reason": "x"}), "unknown variant"),
        (json!({"plan": "shop", "mode": "failover", "reason": "  "}), "/reason"),
        (json!({"plan": "shop", "mode": "failover", "reason": long}), "/reason"),
        (json!({"plan": "shop", "mode": "failover", "reason": "x", "name": "a b"}), "/name"),
        (json!({"plan": "shop", "mode": "failover", "reason": "x", "name": ""}), "/name"),
        (json!({"plan": "shop", "mode": "failover", "reason": "x", "resume": "run-1"}), "unknown field"),
        (json!({"plan": "shop", "mode": "failover", "reason": "x", "trigger": {"kind": "alarm"}}), "unknown field"),
    ];
    let scene = Scene::default();
    for (body, part) in table {
        let (status, answer) = scene.send("POST", "/runs", Some(body.clone())).await;
        assert_eq!((status, &answer["error"]["name"]), (400, &json!("RequestInvalid")), "{body}");
        assert!(answer["error"]["what"].as_str().unwrap().contains(part), "{body}: {answer}");
    }
    for text in [None, Some("not JSON".to_owned())] {
        assert_eq!(scene.invoke(request("POST", "/runs", text)).await.unwrap().status_code, 400);
    }
    let mut event = request("POST", "/runs", Some("*not base64*".into()));
    event["isBase64Encoded"] = json!(true);
    assert_eq!(scene.invoke(event).await.unwrap().status_code, 400);
    assert!(scene.machine.started().is_empty());
}

#[tokio::test]
async fn what_became_of_a_start_that_failed_is_told() {
    let denied = CallError::Refused { code: "AccessDeniedException".into(), message: "no".into() };
    let throttled = CallError::Throttled { code: "ThrottlingException".into(), message: "slow".into() };
    let unknown = CallError::Unknown { message: "no answer".into() };
    for (error, status, now_true) in [
        (denied, 500, "this call had no effect"),
        (throttled, 503, "this call had no effect"),
        (unknown, 503, "whether the run was started is not known"),
    ] {
        let scene = Scene::default();
        scene.machine.fails.replace(Some(error.clone()));
        let (code, answer) = scene.send("POST", "/runs", Some(body(None))).await;
        assert_eq!((code, &answer["error"]["nowTrue"]), (status, &json!(now_true)), "{error:?}");
        let next = answer["error"]["next"].as_str().unwrap();
        assert_eq!(next.contains("\"name\": \"shop-20260201T000000Z\""), !error.certainly_not_done(), "{next}");
    }
}
