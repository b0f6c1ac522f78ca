//! The adapter's calls as they cross the wire, against endpoints on 127.0.0.1 that answer as a routing control cluster's do.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::net::TcpListener;

use pilot_core::decide::routing::ControlState::{Off, On};
use pilot_core::decide::routing::ControlStates;
use pilot_core::plan::ClusterEndpoint;
use pilot_shell::CallError;
use pilot_shell::ports::RoutingControls;
use pilot_testkit::wire::{self, Service};
use serde_json::{Value, json};
use update_dns::routing_control_adapter::AwsRoutingControls;

const ON: &str = "arn:aws:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/r";
const OFF: &str = "arn:aws:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/p";

/// Status, error code and document.
type Reply = (u16, &'static str, Value);

/// One endpoint on a port of its own.
fn endpoint(region: &str, answer: wire::Answer<Reply>) -> (ClusterEndpoint, Service) {
    let aws = Service::start(answer);
    (ClusterEndpoint { region: region.into(), url: format!("{}/v1", aws.url()) }, aws)
}

/// An endpoint where nobody listens.
fn dead(region: &str) -> ClusterEndpoint {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    ClusterEndpoint { region: region.into(), url: format!("http://{}/v1", listener.local_addr().unwrap()) }
}

/// The adapter, with a configuration that leads nowhere: the endpoints are the plan's.
async fn controls() -> AwsRoutingControls {
    AwsRoutingControls::new(&wire::config("us-east-2", "http://127.0.0.1:9").await)
}

fn serves(request: &str) -> Reply {
    if request.contains("UpdateRoutingControlStates") {
        return (200, "", json!({}));
    }
    let (arn, state) = if request.contains(ON) { (ON, "On") } else { (OFF, "Off") };
    (200, "", json!({"RoutingControlArn": arn, "RoutingControlState": state, "RoutingControlName": "shop"}))
}

fn unavailable(_: &str) -> Reply {
    (503, "EndpointTemporarilyUnavailableException", json!({"message": "maintenance"}))
}

fn forbidden(_: &str) -> Reply {
    (409, "ConflictException", json!({"message": "the safety rule one-region-serves forbids it"}))
}

fn denied(_: &str) -> Reply {
    (403, "AccessDeniedException", json!({"message": "not authorized"}))
}

fn wanted() -> ControlStates {
    [(ON.to_owned(), On), (OFF.to_owned(), Off)].into_iter().collect()
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
        assert!(not_served.requests().len() <= 1, "{:?}", not_served.requests());
        let served = served.requests();
        assert_eq!(served.len(), 3);
        assert!(served.iter().all(|request| request.contains("/eu-west-1/route53-recovery-cluster/")), "{served:?}");
    }
}

#[tokio::test]
async fn both_directions_go_in_one_call_that_overrides_no_rule() {
    let (serving, aws) = endpoint("eu-west-1", serves);
    let controls = controls().await;
    controls.set(&[dead("us-east-1"), serving, dead("us-west-2")], &wanted()).await.unwrap();
    let requests = aws.requests();
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
    assert_eq!(first.requests().len() + second.requests().len(), 1);
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
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1), "the next endpoint is the second attempt");
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
