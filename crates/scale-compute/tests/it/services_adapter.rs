//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as ECS and Application Auto Scaling do.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::Credentials;
use pilot_core::observed::{DeploymentObserved, ScalableTarget, ServiceObserved};
use pilot_shell::CallError;
use pilot_shell::ports::Services;
use scale_compute::services_adapter::AwsServices;
use serde_json::{Value, json};

/// What was asked: the whole request, head and body.
type Requests = Arc<Mutex<Vec<String>>>;

/// From a request to the answer's status and body.
type Answer = fn(&str) -> (u16, String);

/// ECS and Application Auto Scaling on a port of their own.
fn aws(answer: Answer) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = read(&mut stream);
            let (status, body) = answer(&request);
            seen.lock().unwrap().push(request);
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    (url, requests)
}

/// One request, head and body.
fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "the request ended early: {text}");
        bytes.extend(&chunk[..count]);
    }
}

async fn config(url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-2"))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .load()
        .await
}

/// Which operation a request is of, as `X-Amz-Target` names it after the API's version.
fn operation(request: &str) -> &str {
    let target = request.lines().find(|line| line.to_ascii_lowercase().starts_with("x-amz-target: ")).unwrap();
    target.trim().rsplit('.').next().unwrap()
}

/// Each request's operation and body.
fn asked(requests: &Requests) -> Vec<(String, Value)> {
    let body = |request: &String| serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    requests.lock().unwrap().iter().map(|request| (operation(request).to_owned(), body(request))).collect()
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
    let (url, requests) = aws(described);
    let services = AwsServices::new(&config(&url).await);
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
        asked(&requests),
        [
            ("DescribeServices".to_owned(), json!({"cluster": "shop", "services": ["api"]})),
            ("DescribeScalableTargets".to_owned(), target),
        ]
    );
}

#[tokio::test]
async fn each_act_sets_its_own_part_and_nothing_else() {
    let (url, requests) = aws(described);
    let services = AwsServices::new(&config(&url).await);
    services.set_scalable_target("shop", "api", ScalableTarget { min: 0, max: 0 }).await.unwrap();
    services.set_desired_count("shop", "api", 0).await.unwrap();
    let register = json!({"ServiceNamespace": "ecs", "ResourceId": "service/shop/api",
                          "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 0, "MaxCapacity": 0});
    assert_eq!(
        asked(&requests),
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
        let (url, requests) = aws(answer);
        let services = AwsServices::new(&config(&url).await);
        assert_eq!(services.describe("shop", "api").await.unwrap(), None);
        assert_eq!(asked(&requests).len(), 1, "the target of what is not there was asked for");
    }
    let pending: Answer = |_| {
        let message = "You already have a pending update to an Application Auto Scaling resource.";
        (400, json!({"__type": "ConcurrentUpdateException", "Message": message}).to_string())
    };
    let (url, _) = aws(pending);
    let services = AwsServices::new(&config(&url).await);
    let error = services.set_scalable_target("shop", "api", ScalableTarget { min: 0, max: 1 }).await.unwrap_err();
    assert!(matches!(error, CallError::Throttled { .. }), "a pending update is no refusal: {error}");
}
