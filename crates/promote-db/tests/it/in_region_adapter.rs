//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as RDS does.

use crate::adapter::{rds_answer, rds_error, service};
use pilot_shell::CallError;
use pilot_shell::ports::{InRegion, InRegionReads};
use promote_db::in_region_adapter::AwsInRegion;

fn described(request: &str) -> (u16, String) {
    if request.contains("Action=DescribeDBClusters") {
        let member = |id: &str, is_writer: bool| {
            format!(
                "<DBClusterMember><DBInstanceIdentifier>{id}</DBInstanceIdentifier><IsClusterWriter>{is_writer}</IsClusterWriter>\
                 </DBClusterMember>"
            )
        };
        let members = format!("{}{}", member("shop-a", true), member("shop-b", false));
        let cluster = format!(
            "<DBClusters><DBCluster><DBClusterIdentifier>shop</DBClusterIdentifier><Status>failing-over</Status>\
             <DBClusterMembers>{members}</DBClusterMembers></DBCluster></DBClusters>"
        );
        return rds_answer("DescribeDBClusters", &cluster);
    }
    if request.contains("DBInstanceIdentifier=shop-a") {
        return rds_error(404, "DBInstanceNotFound");
    }
    let instance = "<DBInstances><DBInstance><DBInstanceIdentifier>shop-b</DBInstanceIdentifier>\
                    <DBInstanceStatus>available</DBInstanceStatus><AvailabilityZone>us-east-1b</AvailabilityZone>\
                    </DBInstance></DBInstances>";
    rds_answer("DescribeDBInstances", instance)
}

#[tokio::test]
async fn a_cluster_is_described_with_the_instances_that_were_asked_for() {
    let (config, aws) = service(described).await;
    let cluster = AwsInRegion::new(&config).in_region_cluster("shop", &["shop-a", "shop-b"]).await.unwrap().unwrap();
    assert_eq!((cluster.status.as_str(), cluster.writer()), ("failing-over", Some("shop-a")));
    // One that RDS does not know any more is not there; the cluster still lists it.
    assert!(cluster.instance("shop-a").is_none() && cluster.member("shop-a").is_some());
    let reader = cluster.instance("shop-b").unwrap();
    assert_eq!((reader.status.as_str(), reader.availability_zone.as_deref()), ("available", Some("us-east-1b")));
    let requests = aws.requests();
    // By identifier: a role may be held to it.
    assert!(
        requests.iter().all(|request| request.contains("Identifier=shop") && !request.contains("Filters")),
        "{requests:?}"
    );
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_is_refused() {
    let (config, _) = service(|_| rds_error(404, "DBClusterNotFoundFault")).await;
    assert_eq!(AwsInRegion::new(&config).in_region_cluster("shop", &[]).await.unwrap(), None);
    let (config, _) = service(|_| rds_error(403, "AccessDenied")).await;
    let refused = AwsInRegion::new(&config).in_region_cluster("shop", &[]).await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDenied"));
}

#[tokio::test]
async fn a_failover_names_its_target_and_is_sent_once() {
    let (config, aws) = service(|_| rds_error(500, "InternalFailure")).await;
    let outcome = AwsInRegion::new(&config).fail_over_cluster("shop", "shop-b").await.unwrap_err();
    assert!(
        matches!(outcome, CallError::Unknown { .. }),
        "a server's error says nothing of what was done: {outcome:?}"
    );
    let requests = aws.requests();
    let [request] = requests.as_slice() else { panic!("sent {} times", requests.len()) };
    for part in
        ["Action=FailoverDBCluster", "DBClusterIdentifier=shop", "TargetDBInstanceIdentifier=shop-b", "/us-east-1/rds/"]
    {
        assert!(request.contains(part), "{part} is not in {request}");
    }
}
