//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as ElastiCache does.

use pilot_core::observed::DatastoreMember;
use pilot_shell::CallError;
use pilot_shell::ports::{GlobalCacheReads, GlobalCaches};

use crate::cache_adapter::{answer, error, group, service};

fn datastore() -> (u16, String) {
    let member = |group: &str, region: &str, role: &str| {
        format!(
            "<GlobalReplicationGroupMember><ReplicationGroupId>{group}</ReplicationGroupId>\
             <ReplicationGroupRegion>{region}</ReplicationGroupRegion><Role>{role}</Role>\
             <AutomaticFailover>enabled</AutomaticFailover><Status>associated</Status></GlobalReplicationGroupMember>"
        )
    };
    let found = format!(
        "<GlobalReplicationGroups><GlobalReplicationGroup><GlobalReplicationGroupId>ldgnf-shop</GlobalReplicationGroupId>\
         <Status>available</Status><Members>{}{}</Members></GlobalReplicationGroup></GlobalReplicationGroups>",
        member("shop", "us-east-1", "PRIMARY"),
        member("shop-cache", "us-west-2", "SECONDARY")
    );
    answer("DescribeGlobalReplicationGroups", &found)
}

fn whole(request: &str) -> (u16, String) {
    if request.contains("Action=DescribeGlobalReplicationGroups") { datastore() } else { group("available", "") }
}

#[tokio::test]
async fn a_datastore_is_described_with_its_members_and_this_regions_group() {
    let (caches, aws) = service(whole).await;
    let seen = caches.datastore("LDGNF-Shop", "Shop-Cache").await.unwrap().unwrap();
    let member = |group: &str, region: &str, is_primary| DatastoreMember {
        replication_group_id: group.into(),
        region: region.into(),
        is_primary,
    };
    assert_eq!(seen.status, "available");
    assert_eq!(seen.members, [member("shop", "us-east-1", true), member("shop-cache", "us-west-2", false)]);
    let group = seen.group.unwrap();
    assert_eq!((group.status.as_str(), group.node_groups[0].status.as_str()), ("available", "modifying"));
    let requests = aws.requests();
    let asked = requests.iter().find(|r| r.contains("Action=DescribeGlobalReplicationGroups")).unwrap();
    assert!(asked.contains("GlobalReplicationGroupId=ldgnf-shop") && asked.contains("ShowMemberInfo=true"), "{asked}");
    let asked = requests.iter().find(|r| r.contains("Action=DescribeReplicationGroups")).unwrap();
    assert!(asked.contains("ReplicationGroupId=shop-cache"), "{asked}");
    assert_eq!(requests.len(), 2, "a group in a datastore is not asked for its nodes and tags");
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_is_refused() {
    let (caches, _) = service(|request| match request.contains("Action=DescribeGlobalReplicationGroups") {
        true => error(404, "GlobalReplicationGroupNotFoundFault"),
        false => error(403, "AccessDenied"),
    })
    .await;
    assert_eq!(caches.datastore("ldgnf-shop", "shop-cache").await.unwrap(), None);
    let (caches, _) = service(|request| match request.contains("Action=DescribeGlobalReplicationGroups") {
        true => datastore(),
        false => error(404, "ReplicationGroupNotFoundFault"),
    })
    .await;
    assert_eq!(caches.datastore("ldgnf-shop", "shop-cache").await.unwrap().unwrap().group, None);
    let (caches, _) = service(|_| error(403, "AccessDenied")).await;
    assert_eq!(caches.datastore("ldgnf-shop", "shop-cache").await.unwrap_err().code(), Some("AccessDenied"));
}

#[tokio::test]
async fn a_failover_names_the_group_that_becomes_primary_and_is_sent_once() {
    let (caches, aws) = service(|_| error(500, "InternalFailure")).await;
    let outcome = caches.fail_over_datastore("ldgnf-shop", "us-west-2", "Shop-Cache").await.unwrap_err();
    assert!(
        matches!(outcome, CallError::Unknown { .. }),
        "a server's error says nothing of what was done: {outcome:?}"
    );
    let requests = aws.requests();
    let [request] = requests.as_slice() else { panic!("sent {} times", requests.len()) };
    for part in [
        "Action=FailoverGlobalReplicationGroup",
        "GlobalReplicationGroupId=ldgnf-shop",
        "PrimaryRegion=us-west-2",
        "PrimaryReplicationGroupId=shop-cache",
        "us-west-2/elasticache/aws4_request",
    ] {
        assert!(request.contains(part), "{part} is not in {request}");
    }
}

#[tokio::test]
async fn a_refusal_keeps_its_code() {
    let (caches, _) = service(|_| error(400, "InvalidGlobalReplicationGroupState")).await;
    let outcome = caches.fail_over_datastore("ldgnf-shop", "us-west-2", "shop-cache").await.unwrap_err();
    assert_eq!(outcome.code(), Some("InvalidGlobalReplicationGroupState"));
    assert!(outcome.certainly_not_done());
}
