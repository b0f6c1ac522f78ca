//! Automations, against a listener that answers as SSM does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pilot_core::observed::DocumentObserved;
use pilot_shell::ports::{AutomationStart, Automations};
use pilot_testkit::wire::{Answer, operation};
use serde_json::json;

use super::{answering, asked};

fn answered(request: &str) -> (u16, String) {
    let answer = match operation(request) {
        "DescribeDocument" => {
            json!({"Document": {"Name": "shop", "Status": "Active", "DocumentType": "Automation", "Parameters": [
                {"Name": "Stage", "Type": "String"}, {"Name": "Size", "Type": "String", "DefaultValue": "1"}
            ]}})
        }
        "StartAutomationExecution" => json!({"AutomationExecutionId": "e-1"}),
        "DescribeAutomationExecutions" => json!({"AutomationExecutionMetadataList": [
            {"AutomationExecutionId": "e-1", "DocumentName": "shop", "ExecutionStartTime": 100},
            {"AutomationExecutionId": "e-2", "DocumentName": "shop-other", "ExecutionStartTime": 300},
            {"AutomationExecutionId": "e-3", "DocumentName": "shop", "ExecutionStartTime": 200}
        ]}),
        "GetAutomationExecution" => json!({"AutomationExecution": {
            "AutomationExecutionId": if request.contains("e-3") { "e-3" } else { "e-1" },
            "AutomationExecutionStatus": "Failed", "ExecutionStartTime": 100, "FailureMessage": "Step fails",
            "Parameters": {"Stage": ["dr"]},
            "StepExecutions": [{"StepName": "first", "StepStatus": "Success"}, {"StepName": "deploy", "StepStatus": "Failed"},
                               {"StepName": "last", "StepStatus": "Pending"}]
        }}),
        _ => json!({}),
    };
    (200, answer.to_string())
}

#[tokio::test]
async fn an_automation_is_started_with_its_parameters_and_its_token_and_cancelled() {
    let (hooks, aws) = answering(answered).await;
    let token = "00000000-0000-8000-8000-000000000000";
    let start = AutomationStart {
        document: "shop".into(),
        version: Some("2".into()),
        parameters: BTreeMap::from([("Stage".to_owned(), vec!["dr".to_owned()])]),
        token: token.into(),
    };
    assert_eq!(hooks.start_automation(&start).await.unwrap(), "e-1");
    let plain = AutomationStart { version: None, parameters: BTreeMap::new(), ..start };
    hooks.start_automation(&plain).await.unwrap();
    hooks.stop_automation("e-1").await.unwrap();
    let full =
        json!({"DocumentName": "shop", "DocumentVersion": "2", "Parameters": {"Stage": ["dr"]}, "ClientToken": token});
    let expected = [
        ("StartAutomationExecution".to_owned(), full),
        ("StartAutomationExecution".to_owned(), json!({"DocumentName": "shop", "ClientToken": token})),
        ("StopAutomationExecution".to_owned(), json!({"AutomationExecutionId": "e-1", "Type": "Cancel"})),
    ];
    assert_eq!(asked(&aws), expected);
}

#[tokio::test]
async fn an_execution_is_read_with_its_failed_step() {
    let (hooks, _) = answering(answered).await;
    let seen = hooks.automation("e-1").await.unwrap().unwrap();
    assert_eq!((seen.run.id.as_str(), seen.run.status.as_str()), ("e-1", "Failed"));
    assert_eq!((seen.run.doing.as_deref(), seen.run.reason.as_deref()), (Some("deploy"), Some("Step fails")));
    assert_eq!(seen.run.started_at, Some(Timestamp::from_second(100).unwrap()));
    assert_eq!(seen.parameters["Stage"], ["dr"]);
}

#[tokio::test]
async fn executions_of_a_document_are_listed_newest_first_and_none_of_another() {
    let (hooks, aws) = answering(answered).await;
    let found = hooks.automations_since("shop", Timestamp::from_second(60).unwrap()).await.unwrap();
    assert_eq!(found.iter().map(|one| one.run.id.as_str()).collect::<Vec<_>>(), ["e-3", "e-1"]);
    let filters = json!({"Filters": [
        {"Key": "DocumentNamePrefix", "Values": ["shop"]}, {"Key": "StartTimeAfter", "Values": ["1970-01-01T00:01:00Z"]}
    ]});
    assert_eq!(asked(&aws)[0], ("DescribeAutomationExecutions".to_owned(), filters));
}

#[tokio::test]
async fn a_document_is_read_and_one_that_is_not_there_is_no_error() {
    let (hooks, aws) = answering(answered).await;
    let seen = hooks.document("shop", Some("2")).await.unwrap();
    let parameters = BTreeMap::from([("Stage".to_owned(), false), ("Size".to_owned(), true)]);
    let expected = DocumentObserved { status: "Active".into(), document_type: "Automation".into(), parameters };
    assert_eq!(seen, Some(expected));
    assert_eq!(asked(&aws)[0].1, json!({"Name": "shop", "DocumentVersion": "2"}));
    let gone: [Answer; 2] = [
        |_| (400, json!({"__type": "InvalidDocument", "Message": "Document does not exist"}).to_string()),
        |_| (400, json!({"__type": "InvalidDocumentVersion", "Message": "no such version"}).to_string()),
    ];
    for answer in gone {
        let (hooks, _) = answering(answer).await;
        assert_eq!(hooks.document("shop", None).await.unwrap(), None);
    }
    let gone: Answer =
        |_| (400, json!({"__type": "AutomationExecutionNotFoundException", "Message": "no"}).to_string());
    let (hooks, _) = answering(gone).await;
    assert_eq!(hooks.automation("e-9").await.unwrap(), None);
}
