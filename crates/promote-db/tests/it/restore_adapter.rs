//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as AWS Backup, RDS and DynamoDB do.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_rds::config::Credentials;
use pilot_core::plan::{RestoredKind, RestoredSettings};
use pilot_shell::CallError;
use pilot_shell::ports::{Backups, NewInstance, NewRestore, RestoredDatabases};
use promote_db::restore_adapter::AwsRestores;
use serde_json::{Value, json};

const POINT: &str = "arn:aws:backup:us-west-2:111122223333:recovery-point:1";
const ORIGINAL: &str = "arn:aws:rds:us-east-1:111122223333:cluster:shop";

/// What was asked: the whole request, head and body.
type Requests = Arc<Mutex<Vec<String>>>;

/// From a request, and how many came before it, to the answer's status and body.
type Answer = fn(&str, usize) -> (u16, String);

/// AWS on a port of its own.
fn aws(answer: Answer) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = read(&mut stream);
            let (status, body) = answer(&request, seen.lock().unwrap().len());
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

fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// The recovery Region's configuration, with the retries that the functions have.
async fn restores(url: &str) -> AwsRestores {
    let config: SdkConfig = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-west-2"))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .load()
        .await;
    AwsRestores::new(&config)
}

fn refused(code: &str) -> String {
    json!({"__type": code, "message": "no", "code": code}).to_string()
}

#[tokio::test]
async fn recovery_points_of_one_resource_are_listed_page_by_page() {
    let (url, requests) = aws(|_, before| {
        let point = |arn: &str, of: &str, status: &str| json!({"RecoveryPointArn": arn, "ResourceArn": of, "Status": status, "CreationDate": 1_769_904_000.5});
        let answer = match before {
            0 => json!({"RecoveryPoints": [point(POINT, ORIGINAL, "COMPLETED")], "NextToken": "more"}),
            _ => {
                json!({"RecoveryPoints": [point("arn:2", ORIGINAL, "PARTIAL"), point("arn:3", "arn:other", "COMPLETED")]})
            }
        };
        (200, answer.to_string())
    });
    let points = restores(&url).await.recovery_points("shop-vault", ORIGINAL).await.unwrap();
    let seen: Vec<(&str, &str)> = points.iter().map(|p| (p.arn.as_str(), p.status.as_str())).collect();
    assert_eq!(seen, [(POINT, "COMPLETED"), ("arn:2", "PARTIAL")], "a point of another resource restores other data");
    let requests = requests.lock().unwrap();
    assert!(requests[0].starts_with("GET /backup-vaults/shop-vault/recovery-points?"), "{}", requests[0]);
    assert!(requests[0].contains(&format!("resourceArn={}", ORIGINAL.replace(':', "%3A"))), "{}", requests[0]);
    assert!(requests[1].contains("nextToken=more"), "{}", requests[1]);
}

#[tokio::test]
async fn a_restore_is_asked_for_with_one_token_however_often_it_is_tried() {
    let (url, requests) = aws(|_, before| match before {
        0 => (500, refused("ServiceUnavailableException")),
        _ => (200, json!({"RestoreJobId": "job-1"}).to_string()),
    });
    let restore = NewRestore {
        recovery_point_arn: POINT,
        role_arn: "arn:aws:iam::111122223333:role/restore",
        resource_type: "Aurora",
        metadata: BTreeMap::from([("DBClusterIdentifier".to_owned(), "shop-restored".to_owned())]),
        idempotency_token: "run-1-db",
    };
    assert_eq!(restores(&url).await.start_restore(&restore).await.unwrap(), "job-1");
    let requests = requests.lock().unwrap();
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
        assert_eq!(body(request), expected);
    }
}

#[tokio::test]
async fn metadata_and_jobs_are_read_and_a_missing_job_is_told_from_a_refusal() {
    let (url, requests) = aws(|request, _| match request.contains("/restore-metadata") {
        true => (200, json!({"RestoreMetadata": {"Engine": "aurora-postgresql"}}).to_string()),
        false => {
            let job = json!({
                "RestoreJobId": "job-1", "Status": "COMPLETED", "PercentDone": "100.00%", "StatusMessage": "",
                "CreatedResourceArn": "arn:aws:rds:us-west-2:111122223333:cluster:shop-restored", "CompletionDate": 1_769_904_000,
            });
            (200, job.to_string())
        }
    });
    let backup = restores(&url).await;
    let metadata = backup.restore_metadata("shop-vault", POINT).await.unwrap();
    assert_eq!(metadata, BTreeMap::from([("Engine".to_owned(), "aurora-postgresql".to_owned())]));
    let job = backup.restore_job("job-1").await.unwrap().unwrap();
    assert_eq!((job.status.as_str(), job.message, job.percent_done.as_deref()), ("COMPLETED", None, Some("100.00%")));
    assert_eq!(job.completed_at.unwrap().as_second(), 1_769_904_000);
    assert!(job.created_arn.unwrap().ends_with(":cluster:shop-restored"));
    assert!(requests.lock().unwrap()[1].starts_with("GET /restore-jobs/job-1"));

    let (url, _) = aws(|_, _| (400, refused("ResourceNotFoundException")));
    assert_eq!(restores(&url).await.restore_job("job-1").await.unwrap(), None);
    let (url, _) = aws(|_, _| (403, refused("AccessDeniedException")));
    let error = restores(&url).await.restore_job("job-1").await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
}

fn rds(operation: &str, result: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><{operation}Result>{result}</{operation}Result>\
         </{operation}Response>"
    )
}

fn rds_error(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>no</Message></Error></ErrorResponse>"
    )
}

const DOORS: &str = "<VpcSecurityGroups>\
    <VpcSecurityGroupMembership><VpcSecurityGroupId>sg-1</VpcSecurityGroupId><Status>active</Status></VpcSecurityGroupMembership>\
    <VpcSecurityGroupMembership><VpcSecurityGroupId>sg-2</VpcSecurityGroupId><Status>adding</Status></VpcSecurityGroupMembership>\
    </VpcSecurityGroups>";

#[tokio::test]
async fn a_cluster_and_an_instance_are_read_with_the_settings_that_are_in_force() {
    let (url, _) = aws(|request, _| {
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
            return (200, rds("DescribeDBClusters", &cluster));
        }
        let instance = format!(
            "<DBInstances><DBInstance><DBInstanceArn>arn:instance</DBInstanceArn><DBInstanceStatus>modifying</DBInstanceStatus>\
             <Engine>postgres</Engine><DBClusterIdentifier>shop-restored</DBClusterIdentifier><DBSubnetGroup>\
             <DBSubnetGroupName>subnets</DBSubnetGroupName></DBSubnetGroup><DBParameterGroups><DBParameterGroup>\
             <DBParameterGroupName>params</DBParameterGroupName><ParameterApplyStatus>pending-reboot</ParameterApplyStatus>\
             </DBParameterGroup></DBParameterGroups><BackupRetentionPeriod>1</BackupRetentionPeriod>{DOORS}</DBInstance></DBInstances>"
        );
        (200, rds("DescribeDBInstances", &instance))
    });
    let databases = restores(&url).await;
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

    let (url, _) = aws(|request, _| match request.contains("Action=DescribeDBClusters") {
        true => (404, rds_error("DBClusterNotFoundFault")),
        false => (404, rds_error("DBInstanceNotFound")),
    });
    let databases = restores(&url).await;
    for kind in [RestoredKind::Cluster, RestoredKind::Instance] {
        assert_eq!(databases.describe(kind, "gone").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_parameter_group_tells_its_family_and_a_missing_one_is_none() {
    let (url, requests) = aws(|request, _| {
        let group = |kind: &str| {
            format!(
                "<{kind}s><{kind}><DBParameterGroupFamily>aurora-mysql8.0</DBParameterGroupFamily></{kind}></{kind}s>"
            )
        };
        match (request.contains("=params"), request.contains("Action=DescribeDBClusterParameterGroups")) {
            (true, true) => (200, rds("DescribeDBClusterParameterGroups", &group("DBClusterParameterGroup"))),
            (true, false) => (200, rds("DescribeDBParameterGroups", &group("DBParameterGroup"))),
            _ if request.contains("=forbidden") => (403, rds_error("AccessDenied")),
            _ => (404, rds_error("DBParameterGroupNotFound")),
        }
    });
    let databases = restores(&url).await;
    for kind in [RestoredKind::Cluster, RestoredKind::Instance] {
        let family = databases.parameter_group_family(kind, "params").await.unwrap();
        assert_eq!(family.as_deref(), Some("aurora-mysql8.0"));
        assert_eq!(databases.parameter_group_family(kind, "none").await.unwrap(), None);
        let refused = databases.parameter_group_family(kind, "forbidden").await.unwrap_err();
        assert!(matches!(refused, CallError::Refused { .. }), "{refused:?}");
    }
    let asked = requests.lock().unwrap().clone();
    assert!(
        asked[0].contains("DBClusterParameterGroupName=params")
            && asked[3].contains("Action=DescribeDBParameterGroups")
    );
}

#[tokio::test]
async fn what_is_set_is_sent_at_once_and_an_instance_is_made_once() {
    let (url, requests) = aws(|_, _| (500, rds_error("InternalFailure")));
    let databases = restores(&url).await;
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
    let sent = requests.lock().unwrap().clone();
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

    let (url, requests) = aws(|request, _| match request.contains("Action=ModifyDBCluster") {
        true => (200, rds("ModifyDBCluster", "<DBCluster/>")),
        false => (200, rds("ModifyDBInstance", "<DBInstance/>")),
    });
    let databases = restores(&url).await;
    let settings = RestoredSettings {
        security_group_ids: vec!["sg-1".into()],
        backup_retention_days: Some(7),
        deletion_protection: Some(true),
        ..RestoredSettings::default()
    };
    databases.modify_cluster("shop-restored", &settings).await.unwrap();
    databases.modify_instance("one", &settings).await.unwrap();
    for request in requests.lock().unwrap().iter() {
        for part in ["ApplyImmediately=true", "BackupRetentionPeriod=7", "DeletionProtection=true", "=sg-1"] {
            assert!(request.contains(part), "{part} is not in {request}");
        }
        assert!(!request.contains("ParameterGroupName"), "what the plan does not state is not sent: {request}");
    }
}

#[tokio::test]
async fn a_table_is_read_with_its_points_and_tags_and_set() {
    let (url, requests) = aws(|request, _| {
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
    });
    let databases = restores(&url).await;
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
    let requests = requests.lock().unwrap().clone();
    let sent = |operation: &str| {
        body(requests.iter().find(|request| request.contains(&format!("DynamoDB_20120810.{operation}"))).unwrap())
    };
    assert_eq!(sent("UpdateTable"), json!({"TableName": "shop-restored", "DeletionProtectionEnabled": true}));
    let points = json!({"PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 7});
    let expected = json!({"TableName": "shop-restored", "PointInTimeRecoverySpecification": points});
    assert_eq!(sent("UpdateContinuousBackups"), expected);
    assert_eq!(sent("TagResource"), json!({"ResourceArn": "arn:table", "Tags": [{"Key": "a", "Value": "b"}]}));

    let (url, _) =
        aws(|_, _| (400, json!({"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}).to_string()));
    assert_eq!(restores(&url).await.describe(RestoredKind::Table, "gone").await.unwrap(), None);
    // A table that is being made has no points or tags to ask for.
    let (url, requests) =
        aws(|_, _| (200, json!({"Table": {"TableArn": "arn:t", "TableStatus": "CREATING"}}).to_string()));
    let table = restores(&url).await.describe(RestoredKind::Table, "new").await.unwrap().unwrap();
    assert_eq!((table.status.as_str(), requests.lock().unwrap().len()), ("CREATING", 1));
}
