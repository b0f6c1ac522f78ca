//! The adapter's calls as they cross the wire, against endpoints on 127.0.0.1 that answer as a routing control cluster's do.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_route53recoverycluster::config::Credentials;
use pilot_core::decide::routing::ControlState::{Off, On};
use pilot_core::decide::routing::ControlStates;
use pilot_core::plan::ClusterEndpoint;
use pilot_shell::CallError;
use pilot_shell::ports::RoutingControls;
use serde_json::{Value, json};
use update_dns::routing_control_adapter::AwsRoutingControls;

const ON: &str = "arn:aws:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/r";
const OFF: &str = "arn:aws:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/p";

/// What was asked: the whole request, head and body.
type Requests = Arc<Mutex<Vec<String>>>;
/// From a request to the answer's status, error code and body.
type Answer = fn(&str) -> (u16, &'static str, Value);

/// One endpoint on a port of its own.
fn endpoint(region: &str, answer: Answer) -> (ClusterEndpoint, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = read(&mut stream);
            let (status, code, body) = answer(&request);
            seen.lock().unwrap().push(request);
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.0\r\nx-amzn-errortype: {code}\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    (ClusterEndpoint { region: region.into(), url }, requests)
}

/// An endpoint where nobody listens.
fn dead(region: &str) -> ClusterEndpoint {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    ClusterEndpoint { region: region.into(), url: format!("http://{}/v1", listener.local_addr().unwrap()) }
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

async fn controls() -> AwsRoutingControls {
    let config: SdkConfig = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-2"))
        .endpoint_url("http://127.0.0.1:9")
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .load()
        .await;
    AwsRoutingControls::new(&config)
}

fn serves(request: &str) -> (u16, &'static str, Value) {
    if request.contains("UpdateRoutingControlStates") {
        return (200, "", json!({}));
    }
    let (arn, state) = if request.contains(ON) { (ON, "On") } else { (OFF, "Off") };
    (200, "", json!({"RoutingControlArn": arn, "RoutingControlState": state, "RoutingControlName": "shop"}))
}

fn unavailable(_: &str) -> (u16, &'static str, Value) {
    (503, "EndpointTemporarilyUnavailableException", json!({"message": "maintenance"}))
}

fn forbidden(_: &str) -> (u16, &'static str, Value) {
    (409, "ConflictException", json!({"message": "the safety rule one-region-serves forbids it"}))
}

fn denied(_: &str) -> (u16, &'static str, Value) {
    (403, "AccessDeniedException", json!({"message": "not authorized"}))
}

fn wanted() -> ControlStates {
    [(ON.to_owned(), On), (OFF.to_owned(), Off)].into_iter().collect()
}

fn sent(requests: &Requests) -> Vec<String> {
    requests.lock().unwrap().clone()
}

#[tokio::test]
async fn endpoints_are_tried_in_turn_and_the_one_that_served_is_asked_first_from_then_on() {
    // Wherever the first call begins, the one endpoint that serves is found, and from then on nobody asks another.
    for _ in 0..8 {
        let (away, not_served) = endpoint("us-east-1", unavailable);
        let (serving, served) = endpoint("eu-west-1", serves);
        let endpoints = [away, serving];
        let controls = controls().await;
        assert_eq!(controls.states(&endpoints, &[ON, OFF]).await.unwrap(), wanted());
        controls.set(&endpoints, &wanted()).await.unwrap();
        assert!(sent(&not_served).len() <= 1, "{:?}", sent(&not_served));
        let served = sent(&served);
        assert_eq!(served.len(), 3);
        assert!(served.iter().all(|request| request.contains("/eu-west-1/route53-recovery-cluster/")), "{served:?}");
    }
}

#[tokio::test]
async fn both_directions_go_in_one_call_that_overrides_no_rule() {
    let (serving, requests) = endpoint("eu-west-1", serves);
    let controls = controls().await;
    controls.set(&[dead("us-east-1"), serving, dead("us-west-2")], &wanted()).await.unwrap();
    let requests = sent(&requests);
    let [request] = requests.as_slice() else { panic!("sent {} times", requests.len()) };
    assert!(request.contains("ToggleCustomerAPI.UpdateRoutingControlStates"), "{request}");
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let entry = |arn: &str, state: &str| json!({"RoutingControlArn": arn, "RoutingControlState": state});
    assert_eq!(body, json!({"UpdateRoutingControlStateEntries": [entry(OFF, "Off"), entry(ON, "On")]}));
}

#[tokio::test]
async fn a_safety_rules_word_is_the_clusters_and_no_other_endpoint_is_asked() {
    let (one, first) = endpoint("us-east-1", forbidden);
    let (other, second) = endpoint("eu-west-1", forbidden);
    let error = controls().await.set(&[one, other], &wanted()).await.unwrap_err();
    assert_eq!(error.code(), Some("ConflictException"));
    assert!(error.to_string().contains("one-region-serves"), "{error}");
    assert_eq!(sent(&first).len() + sent(&second).len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_refuses_for_itself_does_not_end_the_call() {
    let (refusing, _) = endpoint("us-east-1", denied);
    let (serving, _) = endpoint("eu-west-1", serves);
    controls().await.set(&[refusing.clone(), serving], &wanted()).await.unwrap();
    let error = controls().await.set(std::slice::from_ref(&refusing), &wanted()).await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
}

#[tokio::test]
async fn when_none_answers_every_one_was_asked_and_the_outcome_is_unknown() {
    let (one, first) = endpoint("us-east-1", unavailable);
    let (other, second) = endpoint("eu-west-1", denied);
    let error = controls().await.set(&[one, other, dead("us-west-2")], &wanted()).await.unwrap_err();
    let CallError::Unknown { message } = &error else { panic!("{error:?}") };
    assert!(["us-east-1: ", "eu-west-1: ", "us-west-2: "].iter().all(|region| message.contains(region)), "{message}");
    assert_eq!((sent(&first).len(), sent(&second).len()), (1, 1), "the next endpoint is the second attempt");
}

#[tokio::test]
async fn a_control_that_does_not_exist_is_left_out() {
    let (serving, _) = endpoint("eu-west-1", |request| {
        if request.contains(OFF) {
            (404, "ResourceNotFoundException", json!({"message": "none"}))
        } else {
            serves(request)
        }
    });
    let states = controls().await.states(&[serving], &[ON, OFF]).await.unwrap();
    assert_eq!(states, [(ON.to_owned(), On)].into_iter().collect());
}
