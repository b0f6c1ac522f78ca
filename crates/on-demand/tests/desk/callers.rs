//! Who asks: the identity that AWS wrote into the request's context, and nobody else.

use pilot_core::FailureName;
use serde_json::{Value, json};

use crate::scene::{ANA, Scene, metrics, request, sample};

#[tokio::test]
async fn without_an_identity_everything_is_refused_and_counted() {
    let nobody: [fn(&mut Value); 6] = [
        |context| drop(context.as_object_mut().unwrap().remove("authorizer")),
        |context| context["authorizer"] = Value::Null,
        |context| context["authorizer"] = json!({"iam": null}),
        |context| context["authorizer"]["iam"]["userArn"] = Value::Null,
        |context| context["authorizer"]["iam"]["userArn"] = json!(" "),
        |context| context["authorizer"]["iam"]["userArn"] = json!("anonymous"),
    ];
    let scene = Scene::default();
    let run_id = scene.asking(None).await;
    let approval = format!("/runs/{run_id}/approval");
    let start = json!({"plan": "shop", "mode": "failover", "reason": "x"}).to_string();
    let answer = json!({"approve": true}).to_string();
    for (i, take_away) in nobody.iter().enumerate() {
        for (method, path, body) in [
            ("POST", "/runs", Some(&start)),
            ("GET", "/runs/run-1", None),
            ("POST", approval.as_str(), Some(&answer)),
            ("GET", "/nothing", None),
        ] {
            let mut event = request(method, path, body.cloned());
            take_away(&mut event["requestContext"]);
            let reply = scene.invoke(event).await.unwrap();
            assert_eq!((reply.status_code, metrics()), (403, vec!["OnDemandUnauthenticated".to_owned()]), "{i} {path}");
        }
    }
    assert!(scene.machine.started().is_empty() && scene.machine.answers.borrow().is_empty());
}

/// What a caller writes into headers or body says nothing about who it is.
#[tokio::test]
async fn nobody_names_himself() {
    let scene = Scene::default();
    let run_id = scene.asking(None).await;
    let path = format!("/runs/{run_id}/approval");
    for name in ["approver", "userArn", "caller"] {
        let body = json!({"approve": true, name: "arn:aws:iam::111122223333:user/eve"});
        assert_eq!(scene.send("POST", &path, Some(body)).await.0, 400, "{name}");
    }
    let mut event = request("POST", &path, Some(json!({"approve": true, "acceptLossSeconds": 60}).to_string()));
    event["headers"]["x-amzn-iam-user-arn"] = json!("arn:aws:iam::111122223333:user/eve");
    assert_eq!(scene.invoke(event).await.unwrap().status_code, 202);
    assert_eq!(scene.machine.answers.borrow()[0].1.approver, ANA);
    assert!(metrics().is_empty());
}

#[tokio::test]
async fn the_samples() {
    let scene = Scene::default();
    let mut told = Vec::new();
    for name in ["start", "start-by-curl", "status", "approve", "without-identity"] {
        let reply = scene.invoke(sample(name)).await.unwrap();
        told.push((name, reply.status_code));
    }
    // The same body in base64 is the same start; nothing of this run is in the table, so nobody is asked.
    let expected =
        [("start", 202), ("start-by-curl", 202), ("status", 200), ("approve", 404), ("without-identity", 403)];
    assert_eq!(told, expected);
    assert_eq!(scene.machine.started().len(), 1);
    let failure = scene.invoke(sample("bad-direct-invoke")).await.unwrap_err();
    assert_eq!(failure.name, FailureName::EventInvalid);
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let scene = Scene::default();
    for (method, path, status, name) in [
        ("GET", "/", 404, "NoSuchPath"),
        ("GET", "/run", 404, "NoSuchPath"),
        ("POST", "/runs/a/approval/b", 404, "NoSuchPath"),
        ("GET", "/runs", 405, "WrongMethod"),
        ("PUT", "/runs", 405, "WrongMethod"),
        ("DELETE", "/runs/run-1", 405, "WrongMethod"),
        ("GET", "/runs/run-1/approval", 405, "WrongMethod"),
        ("GET", "/runs/..%2F..%2Fx", 400, "RequestInvalid"),
        ("GET", "/runs/run:1", 400, "RequestInvalid"),
    ] {
        let (code, answer) = scene.send(method, path, None).await;
        assert_eq!((code, &answer["error"]["name"]), (status, &json!(name)), "{method} {path}");
    }
}
