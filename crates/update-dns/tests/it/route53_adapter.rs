//! The adapter's calls as they cross the wire, against a listener on 127.0.0.1 that answers as Route 53 does.

use pilot_core::decide::records::key;
use pilot_core::plan::{DnsRecord, FailoverRole, RecordType};
use pilot_shell::ports::Records;
use pilot_testkit::wire::{Answer, Service};
use update_dns::route53_adapter::AwsRecords;

/// Route 53 on a port of its own, and the adapter that asks it.
async fn route53(answer: Answer) -> (AwsRecords, Service) {
    let aws = Service::start(answer);
    (AwsRecords::new(&aws.config("us-east-2").await), aws)
}

/// A page of the zone. `next`: what the list goes on with.
fn page(sets: &[String], next: &str) -> (u16, String) {
    let sets = sets.concat();
    let truncated = !next.is_empty();
    let body = format!(
        "<ListResourceRecordSetsResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ResourceRecordSets>{sets}\
         </ResourceRecordSets><IsTruncated>{truncated}</IsTruncated>{next}<MaxItems>300</MaxItems></ListResourceRecordSetsResponse>"
    );
    (200, body)
}

fn set(name: &str, policy: &str) -> String {
    format!(
        "<ResourceRecordSet><Name>{name}</Name><Type>A</Type>{policy}<TTL>5</TTL><ResourceRecords><ResourceRecord>\
         <Value>192.0.2.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>"
    )
}

fn weight(identifier: &str, weight: u8) -> String {
    format!("<SetIdentifier>{identifier}</SetIdentifier><Weight>{weight}</Weight>")
}

fn simple(name: &str) -> DnsRecord {
    DnsRecord::simple(name, RecordType::A, 5, vec!["192.0.2.1".into()])
}

fn weighted(name: &str, identifier: &str, weight: u8) -> DnsRecord {
    DnsRecord { set_identifier: Some(identifier.into()), weight: Some(weight), ..simple(name) }
}

#[tokio::test]
async fn records_of_one_name_are_read_across_pages_and_the_next_name_ends_the_look() {
    let (records, aws) = route53(|request| {
        if request.contains("identifier=home") {
            let followed = "<SetIdentifier>home</SetIdentifier><Weight>9</Weight><HealthCheckId>h-1</HealthCheckId>";
            page(&[set("a.shop.test.", followed), set("b.shop.test.", "")], "")
        } else {
            let next = "<NextRecordName>a.shop.test.</NextRecordName><NextRecordType>A</NextRecordType>\
                        <NextRecordIdentifier>home</NextRecordIdentifier>";
            page(&[set("a.shop.test.", &weight("away", 0))], next)
        }
    })
    .await;
    let wanted = [weighted("a.shop.test", "away", 9), weighted("a.shop.test", "home", 0)];
    let listed = records.list("Z1", &wanted).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[&key("a.shop.test", "A", Some("away"))].weight, Some(0));
    let home = &listed[&key("a.shop.test", "A", Some("home"))];
    assert_eq!((home.weight, home.health_check_id.as_deref(), home.ttl_seconds), (Some(9), Some("h-1"), 5));
    assert_eq!(aws.requests().len(), 2, "one look for both records of the name, in two pages");
}

#[tokio::test]
async fn for_hundreds_of_records_the_zone_is_read_whole() {
    let (records, aws) = route53(|request| {
        let names = |numbers: std::ops::Range<u32>| -> Vec<String> {
            numbers.map(|i| set(&format!("r{i:03}.shop.test."), "")).collect()
        };
        if request.contains("name=r300") {
            page(&names(300..420), "")
        } else {
            page(&names(0..300), "<NextRecordName>r300.shop.test.</NextRecordName><NextRecordType>A</NextRecordType>")
        }
    })
    .await;
    let wanted: Vec<DnsRecord> = (0..400).map(|i| simple(&format!("r{i:03}.shop.test"))).collect();
    let listed = records.list("Z1", &wanted).await.unwrap();
    assert_eq!(listed.len(), 400, "those nobody wants are left out");
    assert_eq!(aws.requests().len(), 2);
}

#[tokio::test]
async fn what_an_upsert_would_destroy_is_refused() {
    let rows: [(Answer, DnsRecord); 3] = [
        (|_| page(&[set("a.shop.test.", &weight("away", 1))], ""), simple("a.shop.test")),
        (|_| page(&[set("a.shop.test.", "")], ""), weighted("a.shop.test", "away", 1)),
        (
            |_| page(&[set("a.shop.test.", "<SetIdentifier>away</SetIdentifier><Region>us-east-1</Region>")], ""),
            weighted("a.shop.test", "away", 1),
        ),
    ];
    for (answer, wanted) in rows {
        let (records, _) = route53(answer).await;
        let refused = records.list("Z1", std::slice::from_ref(&wanted)).await.unwrap_err();
        assert_eq!(refused.code(), Some("NotTheRecordOfThePlan"), "{wanted:?}");
        assert!(refused.to_string().contains("a.shop.test. A"), "{refused}");
    }
}

#[tokio::test]
async fn a_change_carries_the_policy_and_is_one_batch() {
    let (records, aws) = route53(|_| {
        let body = "<ChangeResourceRecordSetsResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeInfo>\
                    <Id>/change/C7</Id><Status>PENDING</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo>\
                    </ChangeResourceRecordSetsResponse>";
        (200, body.to_owned())
    })
    .await;
    let role = DnsRecord {
        weight: None,
        failover: Some(FailoverRole::Secondary),
        health_check_id: Some("h-1".into()),
        ..weighted("b.shop.test", "standby", 0)
    };
    let id = records.upsert("Z1", &[weighted("a.shop.test", "away", 255), role]).await.unwrap();
    assert_eq!(id, "/change/C7");
    let requests = aws.requests();
    assert_eq!(requests.len(), 1);
    for part in [
        "<SetIdentifier>away</SetIdentifier><Weight>255</Weight>",
        "<SetIdentifier>standby</SetIdentifier><Failover>SECONDARY</Failover>",
        "<HealthCheckId>h-1</HealthCheckId>",
        "<Action>UPSERT</Action>",
    ] {
        assert!(requests[0].contains(part), "{part} is not in {}", requests[0]);
    }
}

#[tokio::test]
async fn a_batch_that_is_refused_names_its_first_message() {
    // Of its own kind, and of the kind that all services share.
    let own: Answer = |_| {
        let body = "<InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Messages><Message>RRSet of type CNAME \
                    conflicts</Message><Message>another one</Message></Messages></InvalidChangeBatch>";
        (400, body.to_owned())
    };
    let shared: Answer = |_| {
        let body = "<ErrorResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Error><Type>Sender</Type>\
                    <Code>InvalidChangeBatch</Code><Message>RRSet of type CNAME conflicts</Message></Error></ErrorResponse>";
        (400, body.to_owned())
    };
    for answer in [own, shared] {
        let (records, aws) = route53(answer).await;
        let batch = [simple("a.shop.test")];
        for result in [records.upsert("Z1", &batch).await, records.delete("Z1", &batch).await] {
            let refused = result.unwrap_err().to_string();
            assert_eq!(refused, "refused with InvalidChangeBatch: RRSet of type CNAME conflicts");
        }
        assert_eq!(aws.requests().len(), 2, "a refusal is for good");
    }
}

#[tokio::test]
async fn a_health_check_is_there_or_not_and_anything_else_is_an_error() {
    let (records, aws) = route53(|request| {
        let error = |status, code| {
            let body = format!(
                "<ErrorResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>said so</Message></Error><RequestId>1</RequestId></ErrorResponse>"
            );
            (status, body)
        };
        match request {
            r if r.contains("/there ") => (200, health_check("there")),
            r if r.contains("/gone ") => error(404, "NoSuchHealthCheck"),
            _ => error(403, "AccessDenied"),
        }
    })
    .await;
    assert!(records.health_check_exists("there").await.unwrap());
    assert!(!records.health_check_exists("gone").await.unwrap());
    assert!(records.health_check_exists("hidden").await.is_err());
    assert!(aws.requests()[0].starts_with("GET /2013-04-01/healthcheck/there "));
}

fn health_check(id: &str) -> String {
    format!(
        "<GetHealthCheckResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><HealthCheck><Id>{id}</Id>\
         <CallerReference>1</CallerReference><HealthCheckConfig><Type>HTTPS</Type></HealthCheckConfig>\
         <HealthCheckVersion>1</HealthCheckVersion></HealthCheck></GetHealthCheckResponse>"
    )
}
