//! Builds, against a listener that answers as CodeBuild does.

use jiff::Timestamp;
use pilot_core::observed::HookRunObserved;
use pilot_shell::CallError;
use pilot_shell::ports::{BuildStart, Builds};
use pilot_testkit::wire::{Answer, operation};
use serde_json::{Value, json};

use super::{answering, asked};

fn build(id: &str, run_id: &str, component: &str, at: i64) -> Value {
    json!({
        "id": id, "buildStatus": "FAILED", "currentPhase": "COMPLETED", "startTime": at,
        "phases": [
            {"phaseType": "INSTALL", "phaseStatus": "SUCCEEDED", "contexts": [{"statusCode": "", "message": ""}]},
            {"phaseType": "BUILD", "phaseStatus": "FAILED",
             "contexts": [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": "exit status 1"}]},
            {"phaseType": "COMPLETED"}
        ],
        "logs": {"deepLink": "https://console.test/log"},
        "environment": {"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL", "environmentVariables": [
            {"name": "PILOT_RUN_ID", "value": run_id, "type": "PLAINTEXT"},
            {"name": "PILOT_COMPONENT", "value": component, "type": "PLAINTEXT"}
        ]}
    })
}

fn answered(request: &str) -> (u16, String) {
    let answer = match operation(request) {
        "BatchGetProjects" if request.contains("\"deploy\"") => {
            json!({"projects": [{"name": "deploy"}], "projectsNotFound": []})
        }
        "BatchGetProjects" => json!({"projects": [], "projectsNotFound": ["deploi"]}),
        "StartBuild" => json!({"build": {"id": "deploy:1", "buildStatus": "IN_PROGRESS"}}),
        "ListBuildsForProject" => json!({"ids": ["deploy:3", "deploy:2", "deploy:1"]}),
        "BatchGetBuilds" => json!({"builds": [
            build("deploy:3", "run-2", "deploy", 300),
            build("deploy:2", "run-1", "deploy", 200),
            build("deploy:1", "run-1", "other", 100)
        ], "buildsNotFound": []}),
        _ => json!({}),
    };
    (200, answer.to_string())
}

fn seen(id: &str, at: i64) -> HookRunObserved {
    HookRunObserved {
        id: id.into(),
        status: "FAILED".into(),
        started_at: Some(Timestamp::from_second(at).unwrap()),
        doing: Some("BUILD".into()),
        reason: Some("exit status 1".into()),
        log: Some("https://console.test/log".into()),
    }
}

#[tokio::test]
async fn a_build_is_started_with_its_variables_and_its_token() {
    let (hooks, aws) = answering(answered).await;
    let environment = vec![("STAGE".to_owned(), "dr".to_owned()), ("PILOT_RUN_ID".to_owned(), "run-1".to_owned())];
    let start = BuildStart { project: "deploy".into(), environment, token: "a-token".into() };
    assert_eq!(hooks.start_build(&start).await.unwrap(), "deploy:1");
    hooks.stop_build("deploy:1").await.unwrap();
    let variable = |name: &str, value: &str| json!({"name": name, "value": value, "type": "PLAINTEXT"});
    let expected = json!({
        "projectName": "deploy", "idempotencyToken": "a-token",
        "environmentVariablesOverride": [variable("STAGE", "dr"), variable("PILOT_RUN_ID", "run-1")]
    });
    let expected = [("StartBuild".to_owned(), expected), ("StopBuild".to_owned(), json!({"id": "deploy:1"}))];
    assert_eq!(asked(&aws), expected);
}

#[tokio::test]
async fn a_build_is_read_with_its_failed_phase_and_its_log() {
    let (hooks, aws) = answering(answered).await;
    assert_eq!(hooks.build("deploy:3").await.unwrap(), Some(seen("deploy:3", 300)));
    assert_eq!(asked(&aws), [("BatchGetBuilds".to_owned(), json!({"ids": ["deploy:3"]}))]);
}

#[tokio::test]
async fn a_lost_build_is_found_by_what_it_was_handed() {
    let (hooks, aws) = answering(answered).await;
    let found = async |component: &str, runs: &[&str]| hooks.find_build("deploy", component, runs).await.unwrap();
    assert_eq!(found("deploy", &["run-1"]).await, Some(seen("deploy:2", 200)));
    assert_eq!(found("deploy", &["run-1", "run-2"]).await, Some(seen("deploy:3", 300)));
    assert_eq!(found("deploy", &["run-3"]).await, None);
    let asked = asked(&aws);
    let list = json!({"projectName": "deploy", "sortOrder": "DESCENDING"});
    assert_eq!(asked[0], ("ListBuildsForProject".to_owned(), list));
    assert_eq!(asked[1], ("BatchGetBuilds".to_owned(), json!({"ids": ["deploy:3", "deploy:2", "deploy:1"]})));

    let empty: Answer = |_| (200, json!({"ids": []}).to_string());
    let (hooks, aws) = answering(empty).await;
    assert_eq!(hooks.find_build("deploy", "deploy", &["run-1"]).await.unwrap(), None);
    assert_eq!(super::asked(&aws).len(), 1, "CodeBuild refuses to get no builds");
}

#[tokio::test]
async fn what_is_not_there_is_no_error_and_what_is_refused_is() {
    let (hooks, _) = answering(answered).await;
    assert!(hooks.project_exists("deploy").await.unwrap());
    assert!(!hooks.project_exists("deploi").await.unwrap());
    let none: Answer = |_| (200, json!({"builds": [], "buildsNotFound": ["deploy:9"]}).to_string());
    let (hooks, _) = answering(none).await;
    assert_eq!(hooks.build("deploy:9").await.unwrap(), None);
    let limit: Answer = |_| {
        let message = "Cannot have more than 1 builds in queue for the account";
        (400, json!({"__type": "AccountLimitExceededException", "message": message}).to_string())
    };
    let (hooks, _) = answering(limit).await;
    let start = BuildStart { project: "deploy".into(), environment: Vec::new(), token: "t".into() };
    let error = hooks.start_build(&start).await.unwrap_err();
    assert_eq!(error.code(), Some("AccountLimitExceededException"));
    assert!(matches!(error, CallError::Refused { .. }), "{error}");
}
