//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as RDS does.

use pilot_shell::CallError;
use pilot_shell::ports::GlobalClusters;
use pilot_testkit::wire::{Answer, Service};
use promote_db::global_cluster_adapter::AwsGlobalClusters;

use crate::adapter::rds_error;

const TARGET: &str = "arn:aws:rds:us-east-2:111122223333:cluster:shop-dr";

/// RDS on a port of its own, and the recovery Region's adapter, with the retries that the functions have.
async fn rds(answer: Answer) -> (AwsGlobalClusters, Service) {
    let aws = Service::start(answer);
    (AwsGlobalClusters::new(&aws.config("us-east-2").await), aws)
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
        let (clusters, _) = rds(answer).await;
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
    let (clusters, _) = rds(|request| match request.contains("Action=DescribeDBClusters") {
        true => rds_error(404, "DBClusterNotFoundFault"),
        false => (200, described("")),
    })
    .await;
    assert_eq!(clusters.describe("shop-global", "shop-dr").await.unwrap().unwrap().recovery, None);

    let (clusters, _) = rds(|_| rds_error(404, "GlobalClusterNotFoundFault")).await;
    assert_eq!(clusters.describe("shop-global", "shop-dr").await.unwrap(), None);

    let (clusters, _) = rds(|_| rds_error(403, "AccessDenied")).await;
    let refused = clusters.describe("shop-global", "shop-dr").await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDenied"));
}

#[tokio::test]
async fn a_failover_allows_data_loss_and_is_sent_once_from_the_recovery_region() {
    let (clusters, aws) = rds(|_| rds_error(500, "InternalFailure")).await;
    let outcome = clusters.fail_over("shop-global", TARGET).await.unwrap_err();
    assert!(
        matches!(outcome, CallError::Unknown { .. }),
        "a server's error says nothing of what was done: {outcome:?}"
    );
    let requests = aws.requests();
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
    let (clusters, aws) = rds(|_| rds_error(400, "InvalidGlobalClusterStateFault")).await;
    let outcome = clusters.switch_over("us-east-1", "shop-global", TARGET).await.unwrap_err();
    assert_eq!(outcome.code(), Some("InvalidGlobalClusterStateFault"));
    let requests = aws.requests();
    let [request] = requests.as_slice() else { panic!("sent {} times", requests.len()) };
    assert!(request.contains("Action=SwitchoverGlobalCluster") && request.contains("/us-east-1/rds/"), "{request}");
    assert!(!request.contains("AllowDataLoss"), "{request}");
}
