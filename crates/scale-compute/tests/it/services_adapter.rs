//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as ECS and Application Auto Scaling do.

use pilot_core::observed::{DeploymentObserved, ScalableTarget, ServiceObserved};
use pilot_shell::CallError;
use pilot_shell::ports::Services;
use pilot_testkit::wire::{Answer, Service, operation};
use scale_compute::services_adapter::AwsServices;
use serde_json::json;

use crate::adapter::asked;

/// ECS and Application Auto Scaling on a port of their own, and the adapter that asks them.
async fn ecs(answer: Answer) -> (AwsServices, Service) {
    let aws = Service::start(answer);
    (AwsServices::new(&aws.config("us-east-2").await), aws)
}

fn described(request: &str) -> (u16, String) {
    let answer = match operation(request) {
        "DescribeServices" => json!({"failures": [], "services": [{
            "serviceName": "api", "status": "ACTIVE", "desiredCount": 3, "runningCount": 2, "pendingCount": 1,
            "deployments": [{"status": "PRIMARY", "desiredCount": 3, "runningCount": 2, "rolloutState": "IN_PROGRESS"}]
        }]}),
        "DescribeScalableTargets" => json!({"ScalableTargets": [{
            "ServiceNamespace": "ecs", "ResourceId": "service/shop/api", "ScalableDimension": "ecs:service:DesiredCount",
            "MinCapacity": 1, "MaxCapacity": 4, "RoleARN": "arn:aws:iam::111122223333:role/r", "CreationTime": 0
        }]}),
        _ => json!({}),
    };
    (200, answer.to_string())
}

#[tokio::test]
async fn a_service_is_described_with_the_scalable_target_of_its_desired_count() {
    let (services, aws) = ecs(described).await;
    let seen = services.describe("shop", "api").await.unwrap();
    let expected = ServiceObserved {
        status: "ACTIVE".into(),
        desired: 3,
        running: 2,
        deployment: DeploymentObserved::InProgress,
        target: Some(ScalableTarget { min: 1, max: 4 }),
    };
    assert_eq!(seen, Some(expected));
    let target = json!({"ServiceNamespace": "ecs", "ResourceIds": ["service/shop/api"], "ScalableDimension": "ecs:service:DesiredCount"});
    assert_eq!(
        asked(&aws),
        [
            ("DescribeServices".to_owned(), json!({"cluster": "shop", "services": ["api"]})),
            ("DescribeScalableTargets".to_owned(), target),
        ]
    );
}

#[tokio::test]
async fn each_act_sets_its_own_part_and_nothing_else() {
    let (services, aws) = ecs(described).await;
    services.set_scalable_target("shop", "api", ScalableTarget { min: 0, max: 0 }).await.unwrap();
    services.set_desired_count("shop", "api", 0).await.unwrap();
    let register = json!({"ServiceNamespace": "ecs", "ResourceId": "service/shop/api",
                          "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 0, "MaxCapacity": 0});
    assert_eq!(
        asked(&aws),
        [
            ("RegisterScalableTarget".to_owned(), register),
            ("UpdateService".to_owned(), json!({"cluster": "shop", "service": "api", "desiredCount": 0})),
        ]
    );
}

#[tokio::test]
async fn what_is_not_there_is_no_error_and_what_is_refused_is() {
    let missing: Answer = |_| {
        let failure = json!({"arn": "arn:aws:ecs:us-east-2:111122223333:service/shop/api", "reason": "MISSING"});
        (200, json!({"services": [], "failures": [failure]}).to_string())
    };
    let no_cluster: Answer =
        |_| (400, json!({"__type": "ClusterNotFoundException", "message": "Cluster not found."}).to_string());
    for answer in [missing, no_cluster] {
        let (services, aws) = ecs(answer).await;
        assert_eq!(services.describe("shop", "api").await.unwrap(), None);
        assert_eq!(asked(&aws).len(), 1, "the target of what is not there was asked for");
    }
    let pending: Answer = |_| {
        let message = "You already have a pending update to an Application Auto Scaling resource.";
        (400, json!({"__type": "ConcurrentUpdateException", "Message": message}).to_string())
    };
    let (services, _) = ecs(pending).await;
    let error = services.set_scalable_target("shop", "api", ScalableTarget { min: 0, max: 1 }).await.unwrap_err();
    assert!(matches!(error, CallError::Throttled { .. }), "a pending update is no refusal: {error}");
}
