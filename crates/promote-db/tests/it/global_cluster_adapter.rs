//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as RDS does.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_rds::config::Credentials;
use pilot_shell::CallError;
use pilot_shell::ports::GlobalClusters;
use promote_db::global_cluster_adapter::AwsGlobalClusters;

const TARGET: &str = "arn:aws:rds:us-east-2:111122223333:cluster:shop-dr";

/// What was asked: the whole request, head and form.
type Requests = Arc<Mutex<Vec<String>>>;

/// From a request to the answer's status and body.
type Answer = fn(&str) -> (u16, String);

/// RDS on a port of its own.
fn rds(answer: Answer) -> (String, Requests) {
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

/// The recovery Region's configuration, with the retries that the functions have.
async fn config(url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-2"))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .load()
        .await
}

fn described(failover_state: &str) -> String {
    format!(
        "<DescribeGlobalClustersResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribeGlobalClustersResult>\
         <GlobalClusters><GlobalClusterMember><GlobalClusterIdentifier>shop-global</GlobalClusterIdentifier>\
         <Status>available</Status><EngineVersion>15.4</EngineVersion>{failover_state}<GlobalClusterMembers>\
         <GlobalClusterMember><DBClusterArn>arn:aws:rds:us-east-1:111122223333:cluster:shop</DBClusterArn>\
         <Readers><member>{TARGET}</member></Readers><IsWriter>true</IsWriter></GlobalClusterMember>\
         <GlobalClusterMember><DBClusterArn>{TARGET}</DBClusterArn><IsWriter>false</IsWriter>\
         <SynchronizationStatus>pending-resync</SynchronizationStatus></GlobalClusterMember>\
         </GlobalClusterMembers></GlobalClusterMember></GlobalClusters></DescribeGlobalClustersResult>\
         </DescribeGlobalClustersResponse>"
    )
}

fn cluster() -> String {
    "<DescribeDBClustersResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribeDBClustersResult><DBClusters>\
     <DBCluster><Status>available</Status><EngineVersion>15.4</EngineVersion><DBClusterMembers><DBClusterMember>\
     <DBInstanceIdentifier>shop-dr-1</DBInstanceIdentifier><IsClusterWriter>false</IsClusterWriter></DBClusterMember>\
     </DBClusterMembers></DBCluster></DBClusters></DescribeDBClustersResult></DescribeDBClustersResponse>"
        .to_owned()
}

fn error(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>no</Message></Error></ErrorResponse>"
    )
}

#[tokio::test]
async fn a_description_is_read_whole_and_an_empty_state_means_nothing_moves() {
    let answers: [(Answer, Option<&str>); 3] = [
        (
            |r| (200, if r.contains("Action=DescribeDBClusters") { cluster() } else { described("<FailoverState/>") }),
            None,
        ),
        (|r| (200, if r.contains("Action=DescribeDBClusters") { cluster() } else { described("") }), None),
        (
            |r| {
                let state = "<FailoverState><Status>switching-over</Status><IsDataLossAllowed>false</IsDataLossAllowed></FailoverState>";
                (200, if r.contains("Action=DescribeDBClusters") { cluster() } else { described(state) })
            },
            Some("switching-over"),
        ),
    ];
    for (answer, moving) in answers {
        let (url, _) = rds(answer);
        let clusters = AwsGlobalClusters::new(&config(&url).await);
        let global = clusters.describe("shop-global", "shop-dr").await.unwrap().unwrap();
        assert_eq!(global.failover_state.as_ref().map(|state| state.status.as_str()), moving);
        let member = global.member("shop-dr", "us-east-2").unwrap();
        assert_eq!((member.is_writer, member.synchronization.as_deref()), (false, Some("pending-resync")));
        assert!(global.member("shop", "us-east-1").unwrap().is_writer);
        let recovery = global.recovery.unwrap();
        assert_eq!((recovery.status.as_str(), recovery.instances.len()), ("available", 1));
        assert_eq!((recovery.engine_version, global.engine_version), (Some("15.4".into()), Some("15.4".into())));
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_is_refused() {
    let (url, _) = rds(|request| match request.contains("Action=DescribeDBClusters") {
        true => (404, error("DBClusterNotFoundFault")),
        false => (200, described("")),
    });
    let clusters = AwsGlobalClusters::new(&config(&url).await);
    assert_eq!(clusters.describe("shop-global", "shop-dr").await.unwrap().unwrap().recovery, None);

    let (url, _) = rds(|_| (404, error("GlobalClusterNotFoundFault")));
    let clusters = AwsGlobalClusters::new(&config(&url).await);
    assert_eq!(clusters.describe("shop-global", "shop-dr").await.unwrap(), None);

    let (url, _) = rds(|_| (403, error("AccessDenied")));
    let clusters = AwsGlobalClusters::new(&config(&url).await);
    let refused = clusters.describe("shop-global", "shop-dr").await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDenied"));
}

#[tokio::test]
async fn a_failover_allows_data_loss_and_is_sent_once_from_the_recovery_region() {
    let (url, requests) = rds(|_| (500, error("InternalFailure")));
    let clusters = AwsGlobalClusters::new(&config(&url).await);
    let outcome = clusters.fail_over("shop-global", TARGET).await.unwrap_err();
    assert!(
        matches!(outcome, CallError::Unknown { .. }),
        "a server's error says nothing of what was done: {outcome:?}"
    );
    let requests = requests.lock().unwrap();
    let [request] = requests.as_slice() else { panic!("sent {} times", requests.len()) };
    for part in
        ["Action=FailoverGlobalCluster", "AllowDataLoss=true", "GlobalClusterIdentifier=shop-global", "/us-east-2/rds/"]
    {
        assert!(request.contains(part), "{part} is not in {request}");
    }
    assert!(request.contains(&format!("TargetDbClusterIdentifier={}", TARGET.replace(':', "%3A"))), "{request}");
    assert!(!request.contains("Switchover="), "{request}");
}

#[tokio::test]
async fn a_switchover_is_sent_once_to_the_writers_region() {
    let (url, requests) = rds(|_| (400, error("InvalidGlobalClusterStateFault")));
    let clusters = AwsGlobalClusters::new(&config(&url).await);
    let outcome = clusters.switch_over("us-east-1", "shop-global", TARGET).await.unwrap_err();
    assert_eq!(outcome.code(), Some("InvalidGlobalClusterStateFault"));
    let requests = requests.lock().unwrap();
    let [request] = requests.as_slice() else { panic!("sent {} times", requests.len()) };
    assert!(request.contains("Action=SwitchoverGlobalCluster") && request.contains("/us-east-1/rds/"), "{request}");
    assert!(!request.contains("AllowDataLoss"), "{request}");
}
