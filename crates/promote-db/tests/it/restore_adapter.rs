//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as AWS Backup, RDS and DynamoDB do.

use std::collections::BTreeMap;

use pilot_core::plan::{RestoredKind, RestoredSettings};
use pilot_shell::CallError;
use pilot_shell::ports::{Backups, NewInstance, NewRestore, RestoredDatabases};
use pilot_testkit::wire::{Service, document};
use promote_db::restore_adapter::AwsRestores;
use serde_json::json;

use crate::adapter::{rds_answer, rds_error};

const POINT: &str = "arn:aws:backup:us-west-2:111122223333:recovery-point:1";
const ORIGINAL: &str = "arn:aws:rds:us-east-1:111122223333:cluster:shop";

/// AWS on a port of its own, and the recovery Region's adapter, with the retries that the functions have.
async fn restores(answer: impl FnMut(&str) -> (u16, String) + Send + 'static) -> (AwsRestores, Service) {
    let aws = Service::start(answer);
    (AwsRestores::new(&aws.config("us-west-2").await), aws)
}

fn refused(code: &str) -> String {
    json!({"__type": code, "message": "no", "code": code}).to_string()
}

#[tokio::test]
async fn recovery_points_of_one_resource_are_listed_page_by_page() {
    let mut calls = 0..;
    let (databases, aws) = restores(move |_| {
        let point = |arn: &str, of: &str, status: &str| {
            json!({"RecoveryPointArn": arn, "ResourceArn": of, "Status": status, "CreationDate": 1_769_904_000.5})
        };
        let answer = match calls.next() {
            Some(0) => json!({"RecoveryPoints": [point(POINT, ORIGINAL, "COMPLETED")], "NextToken": "more"}),
            _ => {
                json!({"RecoveryPoints": [point("arn:2", ORIGINAL, "PARTIAL"), point("arn:3", "arn:other", "COMPLETED")]})
            }
        };
        (200, answer.to_string())
    })
    .await;
    let points = databases.recovery_points("shop-vault", ORIGINAL).await.unwrap();
    let seen: Vec<(&str, &str)> = points.iter().map(|p| (p.arn.as_str(), p.status.as_str())).collect();
    assert_eq!(seen, [(POINT, "COMPLETED"), ("arn:2", "PARTIAL")], "a point of another resource restores other data");
    let requests = aws.requests();
    assert!(requests[0].starts_with("GET /backup-vaults/shop-vault/recovery-points?"), "{}", requests[0]);
    assert!(requests[0].contains(&format!("resourceArn={}", ORIGINAL.replace(':', "%3A"))), "{}", requests[0]);
    assert!(requests[1].contains("nextToken=more"), "{}", requests[1]);
}

#[tokio::test]
async fn a_restore_is_asked_for_with_one_token_however_often_it_is_tried() {
    let mut calls = 0..;
    let (databases, aws) = restores(move |_| match calls.next() {
        Some(0) => (500, refused("ServiceUnavailableException")),
        _ => (200, json!({"RestoreJobId": "job-1"}).to_string()),
    })
    .await;
    let restore = NewRestore {
        recovery_point_arn: POINT,
        role_arn: "arn:aws:iam::111122223333:role/restore",
        resource_type: "Aurora",
        metadata: BTreeMap::from([("DBClusterIdentifier".to_owned(), "shop-restored".to_owned())]),
        idempotency_token: "run-1-db",
    };
    assert_eq!(databases.start_restore(&restore).await.unwrap(), "job-1");
    let requests = aws.requests();
    assert_eq!(requests.len(), 2);
    for request in requests.iter() {
        assert!(request.starts_with("PUT /restore-jobs "), "{request}");
        let expected = json!({
            "RecoveryPointArn": POINT,
            "IamRoleArn": "arn:aws:iam::111122223333:role/restore",
            "ResourceType": "Aurora",
            "Metadata": {"DBClusterIdentifier": "shop-restored"},
            "IdempotencyToken": "run-1-db",
        });
        assert_eq!(document(request), expected);
    }
}

#[tokio::test]
async fn metadata_and_jobs_are_read_and_a_missing_job_is_told_from_a_refusal() {
    let (databases, aws) = restores(|request| match request.contains("/restore-metadata") {
        true => (200, json!({"RestoreMetadata": {"Engine": "aurora-postgresql"}}).to_string()),
        false => {
            let job = json!({
                "RestoreJobId": "job-1", "Status": "COMPLETED", "PercentDone": "100.00%", "StatusMessage": "",
                "CreatedResourceArn": "arn:aws:rds:us-west-2:111122223333:cluster:shop-restored", "CompletionDate": 1_769_904_000,
            });
            (200, job.to_string())
        }
    })
    .await;
    let metadata = databases.restore_metadata("shop-vault", POINT).await.unwrap();
    assert_eq!(metadata, BTreeMap::from([("Engine".to_owned(), "aurora-postgresql".to_owned())]));
    let job = databases.restore_job("job-1").await.unwrap().unwrap();
    assert_eq!((job.status.as_str(), job.message, job.percent_done.as_deref()), ("COMPLETED", None, Some("100.00%")));
    assert_eq!(job.completed_at.unwrap().as_second(), 1_769_904_000);
    assert!(job.created_arn.unwrap().ends_with(":cluster:shop-restored"));
    assert!(aws.requests()[1].starts_with("GET /restore-jobs/job-1"));

    let (databases, _) = restores(|_| (400, refused("ResourceNotFoundException"))).await;
    assert_eq!(databases.restore_job("job-1").await.unwrap(), None);
    let (databases, _) = restores(|_| (403, refused("AccessDeniedException"))).await;
    let error = databases.restore_job("job-1").await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
}

const DOORS: &str = "<VpcSecurityGroups>\
    <VpcSecurityGroupMembership><VpcSecurityGroupId>sg-1</VpcSecurityGroupId><Status>active</Status></VpcSecurityGroupMembership>\
    <VpcSecurityGroupMembership><VpcSecurityGroupId>sg-2</VpcSecurityGroupId><Status>adding</Status></VpcSecurityGroupMembership>\
    </VpcSecurityGroups>";

#[tokio::test]
async fn a_cluster_and_an_instance_are_read_with_the_settings_that_are_in_force() {
    let (databases, _) = restores(|request| {
        let tags = "<TagList><Tag><Key>team</Key><Value>shop</Value></Tag></TagList>";
        if request.contains("Action=DescribeDBClusters") {
            let cluster = format!(
                "<DBClusters><DBCluster><DBClusterArn>arn:cluster</DBClusterArn><Status>available</Status><Engine>aurora-postgresql</Engine>\
                 <DBSubnetGroup>subnets</DBSubnetGroup><DBClusterParameterGroup>params</DBClusterParameterGroup>\
                 <BackupRetentionPeriod>7</BackupRetentionPeriod><DeletionProtection>true</DeletionProtection>\
                 <DBClusterMembers><DBClusterMember><DBClusterParameterGroupStatus>in-sync</DBClusterParameterGroupStatus></DBClusterMember>\
                 <DBClusterMember><DBClusterParameterGroupStatus>pending-reboot</DBClusterParameterGroupStatus></DBClusterMember>\
                 </DBClusterMembers><KmsKeyId>arn:key</KmsKeyId>{DOORS}{tags}</DBCluster></DBClusters>"
            );
            return rds_answer("DescribeDBClusters", &cluster);
        }
        let instance = format!(
            "<DBInstances><DBInstance><DBInstanceArn>arn:instance</DBInstanceArn><DBInstanceStatus>modifying</DBInstanceStatus>\
             <Engine>postgres</Engine><DBClusterIdentifier>shop-restored</DBClusterIdentifier><DBSubnetGroup>\
             <DBSubnetGroupName>subnets</DBSubnetGroupName></DBSubnetGroup><DBParameterGroups><DBParameterGroup>\
             <DBParameterGroupName>params</DBParameterGroupName><ParameterApplyStatus>pending-reboot</ParameterApplyStatus>\
             </DBParameterGroup></DBParameterGroups><BackupRetentionPeriod>1</BackupRetentionPeriod>{DOORS}</DBInstance></DBInstances>"
        );
        rds_answer("DescribeDBInstances", &instance)
    })
    .await;
    let cluster = databases.describe(RestoredKind::Cluster, "shop-restored").await.unwrap().unwrap();
    let expected = RestoredSettings {
        subnet_group: Some("subnets".into()),
        cluster_parameter_group: Some("params".into()),
        parameter_group: None,
        security_group_ids: vec!["sg-1".into()],
        backup_retention_days: Some(7),
        deletion_protection: Some(true),
        kms_key_id: Some("arn:key".into()),
        tags: BTreeMap::from([("team".into(), "shop".into())]),
    };
    assert_eq!(
        (cluster.arn.as_str(), cluster.status.as_str(), &cluster.settings),
        ("arn:cluster", "available", &expected)
    );
    assert!(cluster.pending_reboot, "one of its instances was not rebooted");
    let instance = databases.describe(RestoredKind::Instance, "one").await.unwrap().unwrap();
    assert!(instance.pending_reboot);
    assert_eq!((instance.status.as_str(), instance.cluster.as_deref()), ("modifying", Some("shop-restored")));
    let settings = instance.settings;
    assert_eq!(
        (settings.parameter_group.as_deref(), settings.subnet_group.as_deref()),
        (Some("params"), Some("subnets"))
    );
    assert_eq!((settings.deletion_protection, settings.backup_retention_days), (Some(false), Some(1)));

    let (databases, _) = restores(|request| match request.contains("Action=DescribeDBClusters") {
        true => rds_error(404, "DBClusterNotFoundFault"),
        false => rds_error(404, "DBInstanceNotFound"),
    })
    .await;
    for kind in [RestoredKind::Cluster, RestoredKind::Instance] {
        assert_eq!(databases.describe(kind, "gone").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_parameter_group_tells_its_family_and_a_missing_one_is_none() {
    let (databases, aws) = restores(|request| {
        let group = |kind: &str| {
            format!(
                "<{kind}s><{kind}><DBParameterGroupFamily>aurora-mysql8.0</DBParameterGroupFamily></{kind}></{kind}s>"
            )
        };
        match (request.contains("=params"), request.contains("Action=DescribeDBClusterParameterGroups")) {
            (true, true) => rds_answer("DescribeDBClusterParameterGroups", &group("DBClusterParameterGroup")),
            (true, false) => rds_answer("DescribeDBParameterGroups", &group("DBParameterGroup")),
            _ if request.contains("=forbidden") => rds_error(403, "AccessDenied"),
            _ => rds_error(404, "DBParameterGroupNotFound"),
        }
    })
    .await;
    for kind in [RestoredKind::Cluster, RestoredKind::Instance] {
        let family = databases.parameter_group_family(kind, "params").await.unwrap();
        assert_eq!(family.as_deref(), Some("aurora-mysql8.0"));
        assert_eq!(databases.parameter_group_family(kind, "none").await.unwrap(), None);
        let refused = databases.parameter_group_family(kind, "forbidden").await.unwrap_err();
        assert!(matches!(refused, CallError::Refused { .. }), "{refused:?}");
    }
    let asked = aws.requests();
    assert!(
        asked[0].contains("DBClusterParameterGroupName=params")
            && asked[3].contains("Action=DescribeDBParameterGroups")
    );
}

#[tokio::test]
async fn what_is_set_is_sent_at_once_and_an_instance_is_made_once() {
    let (databases, aws) = restores(|_| rds_error(500, "InternalFailure")).await;
    let settings = RestoredSettings { parameter_group: Some("params".into()), ..RestoredSettings::default() };
    let new = NewInstance {
        identifier: "one",
        instance_class: "db.r6g.large",
        cluster: "shop-restored",
        engine: "aurora-postgresql",
        settings: &settings,
    };
    let outcome = databases.create_instance(&new).await.unwrap_err();
    assert!(
        matches!(outcome, CallError::Unknown { .. }),
        "a server's error says nothing of what was done: {outcome:?}"
    );
    let sent = aws.requests();
    let [request] = sent.as_slice() else { panic!("sent {} times", sent.len()) };
    for part in [
        "Action=CreateDBInstance",
        "DBInstanceIdentifier=one",
        "DBClusterIdentifier=shop-restored",
        "Engine=aurora-postgresql",
        "DBInstanceClass=db.r6g.large",
        "DBParameterGroupName=params",
    ] {
        assert!(request.contains(part), "{part} is not in {request}");
    }

    let (databases, aws) = restores(|request| match request.contains("Action=ModifyDBCluster") {
        true => rds_answer("ModifyDBCluster", "<DBCluster/>"),
        false => rds_answer("ModifyDBInstance", "<DBInstance/>"),
    })
    .await;
    let settings = RestoredSettings {
        security_group_ids: vec!["sg-1".into()],
        backup_retention_days: Some(7),
        deletion_protection: Some(true),
        ..RestoredSettings::default()
    };
    databases.modify_cluster("shop-restored", &settings).await.unwrap();
    databases.modify_instance("one", &settings).await.unwrap();
    for request in aws.requests().iter() {
        for part in ["ApplyImmediately=true", "BackupRetentionPeriod=7", "DeletionProtection=true", "=sg-1"] {
            assert!(request.contains(part), "{part} is not in {request}");
        }
        assert!(!request.contains("ParameterGroupName"), "what the plan does not state is not sent: {request}");
    }
}

#[tokio::test]
async fn a_table_is_read_with_its_points_and_tags_and_set() {
    let (databases, aws) = restores(|request| {
        let answer = if request.contains("DynamoDB_20120810.DescribeTable") {
            json!({"Table": {"TableArn": "arn:table", "TableStatus": "ACTIVE", "DeletionProtectionEnabled": true,
                "SSEDescription": {"Status": "ENABLED", "KMSMasterKeyArn": "arn:key"}}})
        } else if request.contains("DescribeContinuousBackups") {
            json!({"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription":
                {"PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": 7}}})
        } else if request.contains("ListTagsOfResource") {
            json!({"Tags": [{"Key": "team", "Value": "shop"}]})
        } else {
            json!({})
        };
        (200, answer.to_string())
    })
    .await;
    let table = databases.describe(RestoredKind::Table, "shop-restored").await.unwrap().unwrap();
    let expected = RestoredSettings {
        backup_retention_days: Some(7),
        deletion_protection: Some(true),
        kms_key_id: Some("arn:key".into()),
        tags: BTreeMap::from([("team".into(), "shop".into())]),
        ..RestoredSettings::default()
    };
    assert_eq!((table.arn.as_str(), table.status.as_str(), table.settings), ("arn:table", "ACTIVE", expected));
    databases.protect_table("shop-restored", true).await.unwrap();
    databases.keep_table_points("shop-restored", 7).await.unwrap();
    databases.tag(RestoredKind::Table, "arn:table", &BTreeMap::from([("a".into(), "b".into())])).await.unwrap();
    let requests = aws.requests();
    let sent = |operation: &str| {
        document(requests.iter().find(|request| request.contains(&format!("DynamoDB_20120810.{operation}"))).unwrap())
    };
    assert_eq!(sent("UpdateTable"), json!({"TableName": "shop-restored", "DeletionProtectionEnabled": true}));
    let points = json!({"PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 7});
    let expected = json!({"TableName": "shop-restored", "PointInTimeRecoverySpecification": points});
    assert_eq!(sent("UpdateContinuousBackups"), expected);
    assert_eq!(sent("TagResource"), json!({"ResourceArn": "arn:table", "Tags": [{"Key": "a", "Value": "b"}]}));

    let (databases, _) = restores(|_| {
        (400, json!({"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}).to_string())
    })
    .await;
    assert_eq!(databases.describe(RestoredKind::Table, "gone").await.unwrap(), None);
    // A table that is being made has no points or tags to ask for.
    let (databases, aws) =
        restores(|_| (200, json!({"Table": {"TableArn": "arn:t", "TableStatus": "CREATING"}}).to_string())).await;
    let table = databases.describe(RestoredKind::Table, "new").await.unwrap().unwrap();
    assert_eq!((table.status.as_str(), aws.requests().len()), ("CREATING", 1));
}
