//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as ElastiCache does.

use pilot_core::observed::CacheNodeGroup;
use pilot_core::plan::ElastiCache;
use pilot_shell::CallError;
use pilot_shell::ports::{CacheReads, Caches};
use pilot_testkit::fixture::cache::component;
use pilot_testkit::wire::{Answer, Service};
use promote_db::cache_adapter::AwsCaches;

/// ElastiCache on a port of its own, and the adapter that asks it, with the retries that the functions have.
pub async fn service(answer: Answer) -> (AwsCaches, Service) {
    let aws = Service::start(answer);
    (AwsCaches::new(&aws.config("us-west-2").await), aws)
}

pub fn answer(action: &str, result: &str) -> (u16, String) {
    let namespace = "http://elasticache.amazonaws.com/doc/2015-02-02/";
    (
        200,
        format!("<{action}Response xmlns=\"{namespace}\"><{action}Result>{result}</{action}Result></{action}Response>"),
    )
}

pub fn error(status: u16, code: &str) -> (u16, String) {
    let xml = format!(
        "<ErrorResponse xmlns=\"http://elasticache.amazonaws.com/doc/2015-02-02/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>no</Message></Error></ErrorResponse>"
    );
    (status, xml)
}

pub fn group(status: &str, more: &str) -> (u16, String) {
    let member = |id: &str| format!("<NodeGroupMember><CacheClusterId>{id}</CacheClusterId></NodeGroupMember>");
    let group = format!(
        "<ReplicationGroups><ReplicationGroup><ReplicationGroupId>shop-cache</ReplicationGroupId><Status>{status}</Status>\
         <MemberClusters><ClusterId>shop-cache-001</ClusterId><ClusterId>shop-cache-002</ClusterId></MemberClusters>\
         <NodeGroups><NodeGroup><NodeGroupId>0001</NodeGroupId><Status>modifying</Status><NodeGroupMembers>{}{}</NodeGroupMembers>\
         </NodeGroup></NodeGroups><AutomaticFailover>enabling</AutomaticFailover><MultiAZ>disabled</MultiAZ>\
         <CacheNodeType>cache.r7g.large</CacheNodeType><TransitEncryptionEnabled>true</TransitEncryptionEnabled>\
         <AtRestEncryptionEnabled>false</AtRestEncryptionEnabled><KmsKeyId></KmsKeyId>\
         <ARN>arn:aws:elasticache:us-west-2:111122223333:replicationgroup:shop-cache</ARN>{more}</ReplicationGroup>\
         </ReplicationGroups>",
        member("shop-cache-001"),
        member("shop-cache-002")
    );
    answer("DescribeReplicationGroups", &group)
}

fn cluster() -> (u16, String) {
    let cluster = "<CacheClusters><CacheCluster><CacheClusterId>shop-cache-001</CacheClusterId><Engine>valkey</Engine>\
         <EngineVersion>8.0.1</EngineVersion><CacheSubnetGroupName>subnets</CacheSubnetGroupName><CacheParameterGroup>\
         <CacheParameterGroupName>default.valkey8</CacheParameterGroupName></CacheParameterGroup><SecurityGroups><member>\
         <SecurityGroupId>sg-0a</SecurityGroupId><Status>active</Status></member></SecurityGroups></CacheCluster></CacheClusters>";
    answer("DescribeCacheClusters", cluster)
}

fn whole(request: &str) -> (u16, String) {
    if request.contains("Action=DescribeCacheClusters") {
        return cluster();
    }
    if request.contains("Action=ListTagsForResource") {
        let tags = "<TagList><Tag><Key>team</Key><Value>shop</Value></Tag></TagList>";
        return answer("ListTagsForResource", tags);
    }
    group("available", "")
}

#[tokio::test]
async fn a_group_is_described_with_what_only_its_members_and_tags_tell() {
    let (caches, aws) = service(whole).await;
    let seen = caches.cache("shop-cache").await.unwrap().unwrap();
    assert_eq!(seen.arn, "arn:aws:elasticache:us-west-2:111122223333:replicationgroup:shop-cache");
    assert_eq!(seen.node_groups, [CacheNodeGroup { id: "0001".into(), status: "modifying".into(), nodes: 2 }]);
    assert_eq!((seen.engine.as_deref(), seen.engine_version.as_deref()), (Some("valkey"), Some("8.0.1")));
    assert_eq!((seen.automatic_failover, seen.multi_az), (Some(true), Some(false)));
    assert_eq!((seen.transit_encryption, seen.at_rest_encryption), (Some(true), Some(false)));
    assert_eq!((seen.kms_key_id, seen.secondary_of), (None, None));
    assert_eq!((seen.subnet_group.as_deref(), seen.security_group_ids), (Some("subnets"), vec!["sg-0a".to_owned()]));
    assert_eq!(seen.parameter_group.as_deref(), Some("default.valkey8"));
    assert_eq!(seen.tags, Some([("team".to_owned(), "shop".to_owned())].into()));
    let requests = aws.requests();
    // By id: a role may be held to it.
    assert!(requests.iter().all(|r| r.contains("shop-cache") && r.contains("/us-west-2/elasticache/")), "{requests:?}");
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn of_a_group_on_the_move_nothing_more_is_asked() {
    let (caches, aws) = service(|_| group("creating", "")).await;
    let seen = caches.cache("shop-cache").await.unwrap().unwrap();
    assert_eq!((seen.status.as_str(), seen.tags), ("creating", None));
    assert_eq!(aws.requests().len(), 1);
    // It began to move after it was described.
    let (caches, _) = service(|request| {
        if request.contains("Action=ListTagsForResource") {
            return error(400, "InvalidReplicationGroupState");
        }
        whole(request)
    })
    .await;
    assert_eq!(caches.cache("shop-cache").await.unwrap().unwrap().tags, None);
}

#[tokio::test]
async fn a_secondary_of_a_global_datastore_is_told() {
    let (caches, _) = service(|_| {
        let info = "<GlobalReplicationGroupInfo><GlobalReplicationGroupId>abcde-shop</GlobalReplicationGroupId>\
             <GlobalReplicationGroupMemberRole>SECONDARY</GlobalReplicationGroupMemberRole></GlobalReplicationGroupInfo>";
        group("modifying", info)
    })
    .await;
    assert_eq!(caches.cache("shop-cache").await.unwrap().unwrap().secondary_of.as_deref(), Some("abcde-shop"));
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_is_refused() {
    let (caches, _) = service(|_| error(404, "ReplicationGroupNotFoundFault")).await;
    assert_eq!(caches.cache("shop-cache").await.unwrap(), None);
    let (caches, _) = service(|_| error(403, "AccessDenied")).await;
    assert_eq!(caches.cache("shop-cache").await.unwrap_err().code(), Some("AccessDenied"));
}

#[tokio::test]
async fn a_creation_says_everything_the_plan_states_and_is_sent_once() {
    let (caches, aws) = service(|_| error(500, "InternalFailure")).await;
    let key = Some("key-1".to_owned());
    let cache = ElastiCache { kms_key_id: key, parameter_group: Some("params".into()), ..component() };
    let outcome = caches.create_cache(&cache, "run-1").await.unwrap_err();
    assert!(
        matches!(outcome, CallError::Unknown { .. }),
        "a server's error says nothing of what was done: {outcome:?}"
    );
    let requests = aws.requests();
    let [request] = requests.as_slice() else { panic!("sent {} times", requests.len()) };
    for part in [
        "Action=CreateReplicationGroup",
        "ReplicationGroupId=shop-cache",
        "ReplicationGroupDescription=shop",
        "Engine=valkey",
        "EngineVersion=8.0",
        "CacheNodeType=cache.r7g.large",
        "NumNodeGroups=1",
        "ReplicasPerNodeGroup=1",
        "CacheSubnetGroupName=shop-subnets",
        "CacheParameterGroupName=params",
        "SecurityGroupIds.SecurityGroupId.1=sg-0b00000000000009",
        "AutomaticFailoverEnabled=true",
        "MultiAZEnabled=true",
        "TransitEncryptionEnabled=true",
        "AtRestEncryptionEnabled=true",
        "KmsKeyId=key-1",
        "Tags.Tag.1.Key=team",
        "Tags.Tag.1.Value=shop",
        "Tags.Tag.2.Key=pilot-light%3Arun",
        "Tags.Tag.2.Value=run-1",
    ] {
        assert!(request.contains(part), "{part} is not in {request}");
    }
    assert!(!request.contains("AuthToken"), "{request}");
}

#[tokio::test]
async fn what_the_plan_leaves_out_is_not_sent() {
    let (caches, aws) = service(|_| answer("CreateReplicationGroup", "")).await;
    let bare = ElastiCache {
        engine_version: None,
        subnet_group: None,
        security_group_ids: Vec::new(),
        automatic_failover: None,
        multi_az: None,
        transit_encryption: None,
        at_rest_encryption: None,
        ..component()
    };
    caches.create_cache(&bare, "run-1").await.unwrap();
    let request = aws.requests().join("");
    for part in
        ["EngineVersion", "Subnet", "SecurityGroup", "AutomaticFailover", "MultiAZ", "Encryption", "Kms", "Parameter"]
    {
        assert!(!request.contains(part), "{part} is in {request}");
    }
}

#[tokio::test]
async fn a_deletion_takes_no_final_snapshot_and_is_sent_once() {
    let (caches, aws) = service(|_| error(500, "InternalFailure")).await;
    assert!(matches!(caches.delete_cache("Shop-Cache").await, Err(CallError::Unknown { .. })));
    let requests = aws.requests();
    let [request] = requests.as_slice() else { panic!("sent {} times", requests.len()) };
    for part in ["Action=DeleteReplicationGroup", "ReplicationGroupId=shop-cache", "RetainPrimaryCluster=false"] {
        assert!(request.contains(part), "{part} is not in {request}");
    }
    assert!(!request.contains("Snapshot"), "{request}");
}
