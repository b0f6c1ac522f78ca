//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as RDS does.

use pilot_core::plan::InstanceSettings;
use pilot_shell::CallError;
use pilot_testkit::wire::{Answer, Service, body};
use protect::adapter::AwsRegion;
use protect::ports::{Clusters, Instances, NewReplica};

const SOURCE: &str = "arn:aws:rds:ap-southeast-1:111122223333:db:shop-db-replica";

/// RDS on a port of its own, and a client of it.
async fn rds(answer: Answer) -> (AwsRegion, Service) {
    let aws = Service::start(answer);
    (AwsRegion::new(&aws.config("ap-southeast-2").await), aws)
}

fn answered(action: &str, result: &str) -> (u16, String) {
    let xmlns = "http://rds.amazonaws.com/doc/2014-10-31/";
    (200, format!("<{action}Response xmlns=\"{xmlns}\"><{action}Result>{result}</{action}Result></{action}Response>"))
}

fn error(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>no</Message></Error></ErrorResponse>"
    )
}

/// The form of the only request, one parameter a line.
fn only(aws: &Service) -> Vec<String> {
    let requests = aws.requests();
    let [request] = requests.as_slice() else { panic!("sent {} times", requests.len()) };
    assert!(request.contains("/ap-southeast-2/rds/"), "signed for the Region that is to follow: {request}");
    let mut parameters: Vec<String> =
        body(request).split('&').map(|p| p.replace("%3A", ":").replace("%2F", "/")).collect();
    parameters.sort();
    parameters
}

#[tokio::test]
async fn a_replica_is_made_with_what_the_plan_states_of_it() {
    let (region, aws) = rds(|_| answered("CreateDBInstanceReadReplica", "<DBInstance/>")).await;
    let settings = InstanceSettings {
        instance_class: Some("db.r6g.large".into()),
        subnet_group: Some("shop-subnets".into()),
        parameter_group: Some("shop-parameters".into()),
        security_group_ids: vec!["sg-1".into(), "sg-2".into()],
        kms_key_id: Some("alias/shop".into()),
        deletion_protection: true,
        tags: [("owner".to_owned(), "shop".to_owned())].into(),
    };
    region
        .create_replica(&NewReplica { identifier: "shop-db", source_arn: SOURCE, settings: &settings })
        .await
        .unwrap();
    assert_eq!(
        only(&aws),
        [
            "Action=CreateDBInstanceReadReplica",
            "DBInstanceClass=db.r6g.large",
            "DBInstanceIdentifier=shop-db",
            "DBParameterGroupName=shop-parameters",
            "DBSubnetGroupName=shop-subnets",
            "DeletionProtection=true",
            "KmsKeyId=alias/shop",
            &format!("SourceDBInstanceIdentifier={SOURCE}"),
            "Tags.Tag.1.Key=owner",
            "Tags.Tag.1.Value=shop",
            "Version=2014-10-31",
            "VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1",
            "VpcSecurityGroupIds.VpcSecurityGroupId.2=sg-2",
        ]
    );
}

#[tokio::test]
async fn what_the_plan_does_not_state_is_not_sent() {
    let (region, aws) = rds(|_| answered("CreateDBInstanceReadReplica", "<DBInstance/>")).await;
    let settings = InstanceSettings::default();
    region
        .create_replica(&NewReplica { identifier: "shop-db", source_arn: SOURCE, settings: &settings })
        .await
        .unwrap();
    assert_eq!(
        only(&aws),
        [
            "Action=CreateDBInstanceReadReplica",
            "DBInstanceIdentifier=shop-db",
            "DeletionProtection=false",
            &format!("SourceDBInstanceIdentifier={SOURCE}"),
            "Version=2014-10-31",
        ]
    );
}

#[tokio::test]
async fn a_renaming_takes_effect_at_once_and_is_sent_once() {
    let (region, aws) = rds(|_| (500, error("InternalFailure"))).await;
    let outcome = region.rename("shop-db", "shop-db-aside-1").await.unwrap_err();
    assert!(
        matches!(outcome, CallError::Unknown { .. }),
        "a server's error says nothing of what was done: {outcome:?}"
    );
    assert_eq!(
        only(&aws),
        [
            "Action=ModifyDBInstance",
            "ApplyImmediately=true",
            "DBInstanceIdentifier=shop-db",
            "NewDBInstanceIdentifier=shop-db-aside-1",
            "Version=2014-10-31",
        ]
    );
}

#[tokio::test]
async fn a_replica_is_asked_for_once() {
    let (region, aws) = rds(|_| (503, error("ServiceUnavailable"))).await;
    let settings = InstanceSettings::default();
    let replica = NewReplica { identifier: "shop-db", source_arn: SOURCE, settings: &settings };
    assert!(!region.create_replica(&replica).await.unwrap_err().to_string().is_empty());
    assert!(only(&aws).contains(&"Action=CreateDBInstanceReadReplica".to_owned()));
}

#[tokio::test]
async fn a_snapshot_is_copied_with_its_tags_and_once() {
    let (region, aws) = rds(|_| (500, error("InternalFailure"))).await;
    let source = "arn:aws:rds:ap-southeast-2:111122223333:cluster-snapshot:rds:unplanned-global-failover-shop";
    assert!(matches!(region.copy_snapshot(source, "kept").await.unwrap_err(), CallError::Unknown { .. }));
    assert_eq!(
        only(&aws),
        [
            "Action=CopyDBClusterSnapshot",
            "CopyTags=true",
            &format!("SourceDBClusterSnapshotIdentifier={source}"),
            "TargetDBClusterSnapshotIdentifier=kept",
            "Version=2014-10-31",
        ]
    );
}

#[tokio::test]
async fn snapshots_of_every_page_are_read() {
    let (region, aws) = rds(|request| {
        let snapshot = |id: &str, status: &str| {
            format!(
                "<DBClusterSnapshot><DBClusterSnapshotIdentifier>{id}</DBClusterSnapshotIdentifier>\
                 <DBClusterSnapshotArn>arn:{id}</DBClusterSnapshotArn><Status>{status}</Status></DBClusterSnapshot>"
            )
        };
        let (one, marker) = match request.contains("Marker=next") {
            true => (snapshot("second", "copying"), ""),
            false => (snapshot("first", "available"), "<Marker>next</Marker>"),
        };
        let result = format!("{marker}<DBClusterSnapshots>{one}</DBClusterSnapshots>");
        answered("DescribeDBClusterSnapshots", &result)
    })
    .await;
    let snapshots = region.snapshots("shop-aurora").await.unwrap();
    let read: Vec<(&str, &str, &str)> =
        snapshots.iter().map(|s| (s.identifier.as_str(), s.arn.as_str(), s.status.as_str())).collect();
    assert_eq!(read, [("first", "arn:first", "available"), ("second", "arn:second", "copying")]);
    assert!(aws.requests().iter().all(|request| request.contains("DBClusterIdentifier=shop-aurora")));
}

#[tokio::test]
async fn an_instance_is_read_with_its_arn_and_what_is_not_there_is_told_from_what_is_refused() {
    let (region, _) = rds(|_| {
        let info = "<DBInstanceStatusInfo><StatusType>read replication</StatusType><Status>replicating</Status></DBInstanceStatusInfo>";
        let instance = format!(
            "<DBInstance><DBInstanceArn>arn:here</DBInstanceArn><DBInstanceStatus>available</DBInstanceStatus>\
             <BackupRetentionPeriod>7</BackupRetentionPeriod><ReadReplicaSourceDBInstanceIdentifier>{SOURCE}\
             </ReadReplicaSourceDBInstanceIdentifier><StatusInfos>{info}</StatusInfos></DBInstance>"
        );
        answered("DescribeDBInstances", &format!("<DBInstances>{instance}</DBInstances>"))
    })
    .await;
    let instance = region.describe("shop-db").await.unwrap().unwrap();
    assert_eq!((instance.arn.as_str(), instance.state.status.as_str()), ("arn:here", "available"));
    assert_eq!((instance.state.source.as_deref(), instance.state.backup_retention_days), (Some(SOURCE), 7));
    assert_eq!(instance.state.replication.as_deref(), Some("replicating"));

    let (region, _) = rds(|_| (404, error("DBInstanceNotFound"))).await;
    assert_eq!(region.describe("shop-db").await.unwrap(), None);
    let (region, _) = rds(|_| (403, error("AccessDenied"))).await;
    assert_eq!(region.describe("shop-db").await.unwrap_err().code(), Some("AccessDenied"));
}
