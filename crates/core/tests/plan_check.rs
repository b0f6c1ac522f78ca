//! Checking plans: what is refused, by which words, and that nothing slips through.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's panic is its report")]

use pilot_core::FailureName;
use pilot_core::plan::{self, RecoveryPlan};
use proptest::prelude::*;
use serde_json::{Value, json};

const EXAMPLE: &str = include_str!("../../../examples/plans/pilot-light.yaml");

fn example() -> Value {
    serde_json::to_value(plan::check(EXAMPLE.as_bytes()).unwrap()).unwrap()
}

/// The example with the value at a path replaced (`Value::Null` of a field: removed).
fn example_with(path: &str, value: Value) -> Value {
    let mut plan = example();
    // Other ways for traffic want another way home.
    if let (Value::Object(fields), "/traffic") = (&mut plan, path) {
        fields.remove("home");
    }
    let (parent, field) = path.rsplit_once('/').unwrap();
    match plan.pointer_mut(parent).unwrap() {
        Value::Object(fields) if value.is_null() => drop(fields.remove(field)),
        Value::Object(fields) => drop(fields.insert(field.to_owned(), value)),
        Value::Array(items) if field == "-" => items.push(value),
        Value::Array(items) => items[field.parse::<usize>().unwrap()] = value,
        _ => panic!("{parent} is no block"),
    }
    plan
}

fn problems(document: &Value) -> Vec<String> {
    match plan::check(document.to_string().as_bytes()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[track_caller]
fn check(path: &str, value: Value, expected: &str) {
    let found = problems(&example_with(path, value.clone()));
    assert!(found.iter().any(|problem| problem == expected), "{path} = {value}: {found:#?}");
}

#[test]
fn shapes() {
    let not_yet = "must be `pilotlight.dev/v1`, is \"pilotlight.dev/v2\"";
    check("/apiVersion", json!("pilotlight.dev/v2"), &format!("/apiVersion: {not_yet}"));
    check("/kind", json!("Plan"), "/kind: must be `RecoveryPlan`, is \"Plan\"");
    check("/traffic", Value::Null, "/traffic: is missing");
    check("/signals", json!({}), "/signals: must be a list, is a block of fields");
    check("/regions", json!("ap-southeast-1"), "/regions: must be a block of fields, is \"ap-southeast-1\"");
    check("/objectives/rtoSeconds", json!("300"), "/objectives/rtoSeconds: must be a whole number, is \"300\"");
    check("/objectives/rtoSeconds", json!(300.0), "/objectives/rtoSeconds: must be a whole number, is 300.0");
    check("/objectives/rtoSeconds", json!(0.5), "/objectives/rtoSeconds: must be a whole number, is 0.5");
    check("/objectives/rtoSeconds", json!(-1), "/objectives/rtoSeconds: must be at least 1, is -1");
    check("/policy/quorum", json!(11), "/policy/quorum: must be at most 10, is 11");
    check("/compute/0/groupName", json!(""), "/compute/0/groupName: must not be empty");
    check("/compute/0/groupName", json!(1.5), "/compute/0/groupName: must be a text, is 1.5");
    check(
        "/backups/0/resourceArn",
        json!("shop-db"),
        "/backups/0/resourceArn: must be an ARN such as arn:aws:rds:ap-southeast-1:111122223333:db:orders, is \"shop-db\"",
    );
    check(
        "/signals/1/region",
        json!("Singapore"),
        "/signals/1/region: must be a Region such as ap-southeast-1, is \"Singapore\"",
    );
    check(
        "/validation/endpoints/0/method",
        json!("get"),
        "/validation/endpoints/0/method: must be one of GET, POST, is \"get\"; did you mean `GET`?",
    );
    check(
        "/databases/0/name",
        json!("a#b"),
        "/databases/0/name: must be 1 to 64 letters, digits, dots, hyphens, underscores or spaces, is \"a#b\"",
    );
}

#[test]
fn unknown_fields() {
    check("/polcy", json!({}), "/polcy: is not a field of this block; did you mean `policy`?");
    check(
        "/databases/0/replicaID",
        json!("x"),
        "/databases/0/replicaID: is not a field of this block; its fields are backupRetentionDays, homeSettings, kind, name, primaryIdentifier, primarySettings, promotedSettings, replicaIdentifier, replicaSettings, timeoutSeconds, wave",
    );
    check(
        "/compute/0/capacity/wanted",
        json!(2),
        "/compute/0/capacity/wanted: is not a field of this block; its fields are desired, max, min, percentOfPrimary",
    );
    check(
        "/metadata/a~0b~1c",
        json!(2),
        "/metadata/a~00b~01c: is not a field of this block; its fields are description, name, owner",
    );
}

#[test]
fn a_group_that_could_not_rest() {
    check(
        "/compute/0/restingCapacity",
        json!({"min": 1, "max": 4, "desired": 0}),
        "/compute/0/restingCapacity: must keep min <= desired <= max, is 1 <= 0 <= 4",
    );
}

#[test]
fn kinds() {
    let kinds = "http, alarm, rdsInstance, rdsReplication, rdsCluster, auroraReplication";
    check(
        "/signals/0/kind",
        json!("https"),
        &format!("/signals/0/kind: must be one of {kinds}, is \"https\"; did you mean `http`?"),
    );
    check("/signals/0/kind", Value::Null, &format!("/signals/0/kind: is missing; the kinds are {kinds}"));
    check("/signals/0/kind", json!(7), &format!("/signals/0/kind: must be one of {kinds}, is 7"));
    check("/signals/0", json!("http"), "/signals/0: must be a block with `kind`, is \"http\"");
    check(
        "/databases/0/kind",
        json!("auroraGlobal"),
        "/databases/0/kind: must be one of rdsReadReplica, auroraGlobalCluster, auroraCluster, restoreFromBackup, restoreToPointInTime, elastiCache, elastiCacheGlobal, is \"auroraGlobal\"; did you mean `auroraGlobalCluster`?",
    );
    // What is wrong within the named kind, and nothing about the other kinds.
    let found = problems(&example_with("/signals/0/alarmName", json!("shop-canary")));
    assert_eq!(
        found,
        [
            "/signals/0/alarmName: is not a field of this block; its fields are expectStatus, fate, kind, name, timeoutSeconds, url"
        ]
    );
}

#[test]
fn a_required_field_mistyped_is_one_problem() {
    let mut plan = example();
    let fields = plan.pointer_mut("/databases/0").unwrap().as_object_mut().unwrap();
    let value = fields.remove("replicaIdentifier").unwrap();
    fields.insert("replicaIdentifer".into(), value);
    let expected = "/databases/0/replicaIdentifer: is not a field of this block; did you mean `replicaIdentifier`?";
    assert_eq!(problems(&plan), [expected]);
}

#[test]
fn rules() {
    check(
        "/regions/recovery",
        json!("ap-southeast-2"),
        "/regions/recovery: is the primary Region too, and what it recovers lives by two (shop-db): name another Region to go to",
    );
    check(
        "/objectives/rpoSeconds",
        json!(30),
        "/policy/maxDataLossSeconds: is 60, above the objective of 30 seconds (objectives.rpoSeconds)",
    );
    check(
        "/policy/quorum",
        json!(3),
        "/policy/quorum: asks for 3 fates, the signals have 2 (application, database): it could never be met",
    );
    check("/compute/0/name", json!("shop-db"), "/compute/0/name: \"shop-db\" is taken by /databases/0/name");
    check("/signals/1/name", json!("storefront"), "/signals/1/name: \"storefront\" is taken by /signals/0/name");
    check("/signals/0/url", json!("ftp://shop/"), "/signals/0/url: must begin with http:// or https://");
    check(
        "/signals/2/region",
        json!("ap-southeast-1"),
        "/signals/2/region: is ap-southeast-1, not the primary Region ap-southeast-2",
    );
    check(
        "/signals/2/identifier",
        json!("shop-dv"),
        "/signals/2/identifier: \"shop-dv\" is no database's primaryIdentifier in this plan (shop-db)",
    );
    check(
        "/signals/3/identifier",
        json!("shop-db"),
        "/signals/3/identifier: \"shop-db\" is no database's replicaIdentifier in this plan (shop-db-replica)",
    );
    check(
        "/observer",
        Value::Null,
        "/observer/controlUrls: is empty: without a control the observer's own network failing would read as the primary failing",
    );
    check("/compute/0/capacity/min", json!(3), "/compute/0/capacity: must keep min <= desired <= max, is 3 <= 2 <= 4");
    check("/traffic", json!([]), "/traffic: is empty: clients would never be led to the recovery Region");
    check("/validation/endpoints", json!([]), "/validation/endpoints: is empty: nothing would prove the recovery");
    check(
        "/validation/endpoints/0/jsonBody",
        json!({}),
        "/validation/endpoints/0/jsonBody: a GET carries no body; `method: POST` does",
    );
    check(
        "/validation/dns/0/expectAnyOf",
        json!([]),
        "/validation/dns/0/expectAnyOf: is empty: no answer could be right",
    );
    check(
        "/validation/dns/0/nameServers/0",
        json!("192.0.2.53"),
        "/validation/dns/0/nameServers/0: \"192.0.2.53\" is not an address and port, as in 192.0.2.1:53",
    );
    let again = example()["traffic"][0].clone();
    check(
        "/traffic/-",
        again,
        "/traffic/1/key: \"s3://pilot-light-stop-111122223333-ap-southeast-1/stop/pilot-light\" is taken by /traffic/0/key",
    );
}

/// The example with two Aurora global databases, and signals on the first of them.
fn aurora(signals: Value) -> Vec<String> {
    let database = |name: &str| {
        json!({"kind": "auroraGlobalCluster", "name": name, "globalClusterIdentifier": format!("{name}-global"),
               "primaryClusterIdentifier": name, "recoveryClusterIdentifier": format!("{name}-dr")})
    };
    let mut plan = example_with("/databases", json!([database("orders"), database("ledger")]));
    let kept: Vec<Value> = plan["signals"].as_array().unwrap().iter().take(2).cloned().collect();
    plan["signals"] = kept.into_iter().chain(signals.as_array().unwrap().iter().cloned()).collect();
    problems(&plan)
}

fn cluster_signal(identifier: &str, region: &str) -> Value {
    json!({"kind": "rdsCluster", "name": "cluster", "fate": "database", "identifier": identifier, "region": region})
}

fn replication_signal(global: &str, recovery: &str) -> Value {
    json!({"kind": "auroraReplication", "name": "replication", "fate": "database", "globalClusterIdentifier": global,
           "recoveryClusterIdentifier": recovery})
}

#[test]
fn aurora_rules() {
    let (cluster, replication) =
        (cluster_signal("orders", "ap-southeast-2"), replication_signal("orders-global", "orders-dr"));
    assert_eq!(aurora(json!([cluster, replication])), Vec::<String>::new());
    assert_eq!(
        aurora(json!([cluster_signal("order", "ap-southeast-1"), replication])),
        [
            "/signals/2/identifier: \"order\" is no database's primaryClusterIdentifier in this plan (orders, ledger)",
            "/signals/2/region: is ap-southeast-1, not the primary Region ap-southeast-2",
        ]
    );
    assert_eq!(
        aurora(json!([cluster, replication_signal("orders-globe", "orders-dr")])),
        [
            "/signals/3/globalClusterIdentifier: \"orders-globe\" is no database's globalClusterIdentifier in this plan (orders-global, ledger-global)"
        ]
    );
    // The secondary of another global database says nothing about this one.
    assert_eq!(
        aurora(json!([cluster, replication_signal("orders-global", "ledger-dr")])),
        [
            "/signals/3/recoveryClusterIdentifier: \"ledger-dr\" is no database's recoveryClusterIdentifier in this plan (orders-dr)"
        ]
    );
    let mut twice = example_with("/signals", json!([example()["signals"][0], cluster]));
    twice["policy"]["quorum"] = json!(1);
    let database = json!({"kind": "auroraGlobalCluster", "name": "a", "globalClusterIdentifier": "shop",
                          "primaryClusterIdentifier": "orders", "recoveryClusterIdentifier": "orders-dr"});
    let mut again = database.clone();
    again["name"] = json!("b");
    again["globalClusterIdentifier"] = json!("Shop");
    twice["databases"] = json!([database, again]);
    assert_eq!(
        problems(&twice),
        ["/databases/1/globalClusterIdentifier: \"shop\" is taken by /databases/0/globalClusterIdentifier"]
    );
    check(
        "/databases/0",
        json!({"kind": "auroraGlobalCluster", "name": "a", "globalClusterIdentifier": "", "primaryClusterIdentifier": "b"}),
        "/databases/0/recoveryClusterIdentifier: is missing",
    );
}

#[test]
fn ecs_services() {
    let service = |name: &str, cluster: &str, service: &str| {
        json!({"kind": "ecsService", "name": name, "clusterName": cluster, "serviceName": service,
               "capacity": {"min": 1, "max": 4, "desired": 2}})
    };
    let compute = |compute: Value| problems(&example_with("/compute", compute));
    // The same name in another cluster is another service.
    assert_eq!(compute(json!([service("a", "shop", "api"), service("b", "shop-2", "api")])), Vec::<String>::new());
    assert_eq!(
        compute(json!([service("a", "shop", "api"), service("b", "shop", "api")])),
        ["/compute/1/serviceName: \"shop/api\" is taken by /compute/0/serviceName"]
    );
    let mut narrow = service("a", "shop", "api");
    narrow["capacity"]["max"] = json!(1);
    assert_eq!(compute(json!([narrow])), ["/compute/0/capacity: must keep min <= desired <= max, is 1 <= 2 <= 1"]);
    let arn = "arn:aws:ecs:ap-southeast-1:111122223333:cluster/shop";
    let found = compute(json!([service("a", arn, "api")]));
    assert!(found.len() == 1 && found[0].starts_with("/compute/0/clusterName: must be a text like"), "{found:?}");

    let fenced = json!({"kind": "ecsService", "name": "old", "clusterName": "shop", "serviceName": "api"});
    let mut again = fenced.clone();
    again["name"] = json!("older");
    assert_eq!(
        problems(&example_with("/fence/items", json!([fenced, again]))),
        ["/fence/items/1: \"shop/api\" is taken by /fence/items/0"]
    );
    // Compute, so the recovery Region's may be fenced on the way home, and comes back without a door to open.
    assert_eq!(problems(&example_with("/home/fence/items", json!([fenced]))), Vec::<String>::new());
    assert_eq!(problems(&example_with("/fence/items", json!([fenced]))), Vec::<String>::new());
    assert_eq!(problems(&example_with("/home/compute", json!([service("back", "shop", "api")]))), Vec::<String>::new());
}

#[test]
fn lambda_concurrency() {
    let function = |name: &str, function: &str, rest: Value| {
        let mut component = json!({"kind": "lambdaConcurrency", "name": name, "functionName": function, "qualifier": "live",
               "capacity": {"reservedConcurrency": 10, "provisionedConcurrency": 5}});
        for (field, value) in rest.as_object().unwrap() {
            component[field] = value.clone();
        }
        component
    };
    let compute = |compute: Value| problems(&example_with("/compute", compute));
    let one = |rest: Value| compute(json!([function("a", "api", rest)]));
    assert_eq!(
        one(json!({"restingCapacity": {"reservedConcurrency": 0, "provisionedConcurrency": 0}})),
        Vec::<String>::new()
    );
    assert_eq!(one(json!({"restingCapacity": {"unreserved": true}})), Vec::<String>::new());
    // Reserved concurrency belongs to the function, whatever the alias.
    assert_eq!(
        compute(json!([function("a", "api", json!({})), function("b", "api", json!({"qualifier": "blue"}))])),
        ["/compute/1/functionName: \"api\" is taken by /compute/0/functionName"]
    );
    let rows = [
        (json!({"capacity": {}}), "/compute/0/capacity: states neither reservedConcurrency nor provisionedConcurrency"),
        (
            json!({"capacity": {"reservedConcurrency": 0}}),
            "/compute/0/capacity/reservedConcurrency: must be at least 1",
        ),
        (
            json!({"capacity": {"reservedConcurrency": 4, "provisionedConcurrency": 5}}),
            "/compute/0/capacity/provisionedConcurrency: is 5, above the reservedConcurrency of 4",
        ),
        (
            json!({"qualifier": "$LATEST"}),
            "/compute/0/qualifier: is $LATEST, which cannot have provisioned concurrency",
        ),
        (json!({"qualifier": null}), "/compute/0/qualifier: is missing: provisioned concurrency belongs to an alias"),
        (json!({"capacity": {"reservedConcurrency": 4}}), "/compute/0/qualifier: is of no use without"),
        (
            json!({"restingCapacity": {"reservedConcurrency": 1, "unreserved": true, "provisionedConcurrency": 0}}),
            "/compute/0/restingCapacity/unreserved: must be false",
        ),
        (
            json!({"capacity": {"reservedConcurrency": 10, "provisionedConcurrency": 5, "percentOfPrimary": 50}}),
            "/compute/0/capacity/max: is missing: percentOfPrimary needs to know",
        ),
        (
            json!({"capacity": {"reservedConcurrency": 10, "provisionedConcurrency": 5, "percentOfPrimary": 50, "max": 9}}),
            "/compute/0/capacity/max: is 9, below the 10 that are stated",
        ),
        (
            json!({"capacity": {"reservedConcurrency": 10, "provisionedConcurrency": 5, "max": 90}}),
            "/compute/0/capacity/max: is of no use without percentOfPrimary",
        ),
        (
            json!({"capacity": {"reservedConcurrency": 10, "provisionedConcurrency": 5, "percentOfPrimary": 50, "max": 90}}),
            "/compute/0/capacity/percentOfPrimary: has nothing to be a share of: /home/compute names no \"a\"",
        ),
        // What is provisioned while it serves would stay, above what is reserved at rest.
        (
            json!({"restingCapacity": {"reservedConcurrency": 2}}),
            "/compute/0/restingCapacity/provisionedConcurrency: is 5, above the reservedConcurrency of 2",
        ),
    ];
    for (rest, expected) in rows {
        let found = one(rest.clone());
        assert!(found.iter().any(|problem| problem.starts_with(expected)), "{rest}: {found:#?}");
    }
    let arn = "arn:aws:lambda:ap-southeast-1:111122223333:function:api";
    let found = compute(json!([function("a", arn, json!({}))]));
    assert!(found.len() == 1 && found[0].starts_with("/compute/0/functionName: must be a text like"), "{found:?}");
}

#[test]
fn shares_of_the_primary() {
    let share = json!({"min": 1, "max": 4, "desired": 2, "percentOfPrimary": 75});
    assert_eq!(problems(&example_with("/compute/0/capacity", share.clone())), Vec::<String>::new());
    check(
        "/home/compute/0/capacity",
        share.clone(),
        "/home/compute/0/capacity/percentOfPrimary: is for /compute only: nobody writes down what \"web\" has away from home",
    );
    let mut nameless = example_with("/compute/0/capacity", share.clone());
    nameless["home"]["compute"][0]["name"] = json!("other");
    let missing = "/compute/0/capacity/percentOfPrimary: has nothing to be a share of: /home/compute names no \"web\"";
    assert_eq!(problems(&nameless), [missing]);
    let tasks =
        json!([{"kind": "ecsService", "name": "web", "clusterName": "shop", "serviceName": "api", "capacity": share}]);
    check(
        "/compute",
        tasks,
        "/compute/0/capacity/percentOfPrimary: has nothing to be a share of: \"web\" of /home/compute is of the kind autoScalingGroup, this one is of ecsService",
    );
    let mut none =
        example_with("/compute/0/capacity", json!({"min": 1, "max": 4, "desired": 2, "percentOfPrimary": 0}));
    none.as_object_mut().unwrap().remove("home");
    assert!(problems(&none).contains(&"/compute/0/capacity/percentOfPrimary: must be at least 1, is 0".to_owned()));
}

fn routing(on: &[&str], off: &[&str], regions: &[&str]) -> Value {
    let arn = |id: &&str| format!("arn:aws:route53-recovery-control::111122223333:controlpanel/p1/routingcontrol/{id}");
    let arns = |ids: &[&str]| ids.iter().map(arn).collect::<Vec<_>>();
    let endpoint = |region: &&str| json!({"region": region, "url": format!("https://{region}.example.com/v1")});
    let endpoints: Vec<Value> = regions.iter().map(endpoint).collect();
    json!({"kind": "routingControl", "name": "cells", "clusterEndpoints": endpoints, "controlsOn": arns(on), "controlsOff": arns(off)})
}

#[test]
fn routing_control_rules() {
    let primary = example_with("/traffic", json!([]))["regions"]["primary"].as_str().unwrap().to_owned();
    let found = |component: Value| problems(&example_with("/traffic", json!([component])));
    let two = [primary.as_str(), "eu-west-1"];
    assert_eq!(found(routing(&["r1"], &["p1"], &two)), Vec::<String>::new());
    let many: Vec<String> = (0..6).map(|i| format!("r{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let said = |component: Value, expected: &str| {
        let found = found(component);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{expected}: {found:?}");
    };
    said(routing(&[], &[], &two), "/traffic/0: has neither controlsOn nor controlsOff");
    said(routing(&many, &["a", "b", "c", "d", "e"], &two), "/traffic/0: turns 11 controls, one call takes 10");
    said(routing(&["r1"], &["r1"], &two), "/traffic/0/controlsOff/0: ");
    said(
        routing(&["r1"], &[], &["eu-west-1", "eu-west-1"]),
        "/traffic/0/clusterEndpoints/1/region: \"eu-west-1\" is taken",
    );
    said(routing(&["r1"], &[], &[&primary]), "/traffic/0/clusterEndpoints: are all in ");
    let mut bare = routing(&["r1"], &[], &two);
    bare["clusterEndpoints"][1]["url"] = json!("b.example.com");
    said(bare, "/traffic/0/clusterEndpoints/1/url: must begin with http");
    let mut wrong = routing(&["r1"], &[], &two);
    wrong["controlsOn"][0] = json!("arn:aws:route53-recovery-control::111122223333:controlpanel/p1");
    said(wrong, "/traffic/0/controlsOn/0: must be a text like");
    let taken = json!([routing(&["r1"], &["p1"], &two), {"kind": "stopObject", "name": "s", "bucket": "shop-stop", "key": "k"}]);
    assert_eq!(problems(&example_with("/traffic", taken)), Vec::<String>::new());
    let again = example_with("/home/traffic", json!([routing(&["r1"], &["p1"], &two)]));
    assert!(
        problems(&again)
            .iter()
            .any(|p| p.starts_with("/home/traffic/0/kind: routing controls of /traffic are turned round"))
    );
}

fn records(records: Value) -> Value {
    json!([{"kind": "route53Records", "name": "api", "hostedZoneId": "Z1", "records": records}])
}

fn record(record_type: &str, values: &[&str]) -> Value {
    json!({"name": "api.example.com", "recordType": record_type, "ttlSeconds": 5, "values": values})
}

fn one(record_type: &str, values: &[&str]) -> Value {
    records(json!([record(record_type, values)]))
}

#[test]
fn record_policies() {
    let of = |fields: &[Value]| {
        let mut list = Vec::new();
        for fields in fields {
            let mut one = record("A", &["192.0.2.1"]);
            one.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            list.push(one);
        }
        problems(&example_with("/traffic", records(json!(list))))
    };
    let weighted = |id: &str, weight: u32| json!({"setIdentifier": id, "weight": weight});
    let role = |id: &str, role: &str| json!({"setIdentifier": id, "failover": role});
    let none = Vec::<String>::new();
    assert_eq!(of(&[weighted("a", 0), weighted("b", 255)]), none);
    assert_eq!(of(&[role("a", "PRIMARY"), role("b", "SECONDARY")]), none);
    let at = "/traffic/0/records/";
    let other = json!({"name": "other.example.com"});
    let rows: [(&[Value], &str); 10] = [
        (
            &[weighted("a", 1), other, weighted("b", 1)],
            "2: stands apart from /traffic/0/records/0 of its name and type",
        ),
        (&[json!({"weight": 1})], "0/setIdentifier: is missing: a record with weight or failover needs one"),
        (&[json!({"failover": "PRIMARY"})], "0/setIdentifier: is missing"),
        (&[json!({"setIdentifier": "a"})], "0/setIdentifier: needs weight or failover"),
        (&[json!({"healthCheckId": "h"})], "0/healthCheckId: needs weight or failover"),
        (&[json!({"setIdentifier": "a", "weight": 1, "failover": "PRIMARY"})], "0: has weight and failover"),
        (
            &[weighted("a", 1), role("b", "PRIMARY")],
            "1: is failover, /traffic/0/records/0 of its name and type is weighted",
        ),
        (&[weighted("a", 1), json!({})], "1: is simple, /traffic/0/records/0 of its name and type is weighted"),
        (&[role("a", "PRIMARY"), role("b", "PRIMARY")], "1/failover: PRIMARY is /traffic/0/records/0 already"),
        (&[weighted("a", 1), weighted("a", 2)], "1: \"api.example.com A \"a\" in Z1\" is taken by"),
    ];
    for (fields, expected) in rows {
        let found = of(fields);
        assert!(found.len() == 1 && found[0].starts_with(&format!("{at}{expected}")), "{expected}: {found:?}");
    }
    assert!(
        of(&[weighted("a", 256)])[0].starts_with("/traffic/0/records/0/weight: must be at most 255"),
        "{:?}",
        of(&[weighted("a", 256)])
    );
}

#[test]
fn record_rules() {
    let long = "v".repeat(16_000);
    check("/traffic", records(json!([])), "/traffic/0/records: is empty");
    check("/traffic", one("A", &[]), "/traffic/0/records/0/values: is empty");
    check(
        "/traffic",
        one("A", &["lb.example.com"]),
        "/traffic/0/records/0/values/0: must be an IPv4 address, is \"lb.example.com\"",
    );
    check(
        "/traffic",
        one("AAAA", &["192.0.2.1"]),
        "/traffic/0/records/0/values/0: must be an IPv6 address, is \"192.0.2.1\"",
    );
    check(
        "/traffic",
        one("CNAME", &["https://lb.example.com"]),
        "/traffic/0/records/0/values/0: must be a host name, is \"https://lb.example.com\"",
    );
    check(
        "/traffic",
        one("CNAME", &["a.example.com", "b.example.com"]),
        "/traffic/0/records/0/values: a CNAME has one value",
    );
    check(
        "/traffic",
        one("TXT", &[&long]),
        "/traffic/0/records/0: is too long: Route 53 takes 32000 characters, an UPSERT counted twice",
    );
    let twice = records(json!([record("A", &["192.0.2.1"]), record("A", &["192.0.2.2"])]));
    check("/traffic", twice, "/traffic/0/records/1: \"api.example.com A in Z1\" is taken by /traffic/0/records/0");
    assert_eq!(problems(&example_with("/traffic", one("A", &["192.0.2.1", "192.0.2.2"]))), Vec::<String>::new());
}

#[test]
fn documents_that_cannot_be_read() {
    let bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
                d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let long = "a".repeat(plan::check::PLAN_BYTES_MAX + 1);
    let rows: [(&str, &[u8], &str); 10] = [
        ("empty", b"", "/: the document is empty"),
        ("only a comment", b"# a plan\n", "/: the document is empty"),
        (
            "a key twice",
            b"kind: RecoveryPlan\nkind: RecoveryPlan\n",
            "/: line 2, column 1: `kind` stands twice in one block",
        ),
        ("an open list", b"signals: [1\nkind: x\n", "/: line 2, column 5: not YAML or JSON"),
        ("a tab", b"signals:\n\t- kind: http\n", "/: line 2, column 2: not YAML or JSON: tabs disallowed"),
        ("two documents", b"kind: a\n---\nkind: b\n", "/: line 3, column 1: a second document begins"),
        ("a bomb of aliases", bomb.as_bytes(), "more than 20000 values"),
        ("too deep", deep.as_bytes(), "more than 20000 values, 32 levels"),
        ("too long", long.as_bytes(), "/: the document has more than 262144 bytes"),
        ("not text", b"kind: \xff\n", "/: byte 6 is not UTF-8 text"),
    ];
    for (name, document, expected) in rows {
        let found: Vec<String> = plan::check(document).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(found[0].contains(expected), "{name}: {found:?}");
        assert!(!found[0].contains('\n'), "{name} is told in several lines: {found:?}");
    }
}

#[test]
fn words_of_old_yaml_stay_words() {
    let document = EXAMPLE.replace("owner: shop on-call", "owner: no");
    assert_eq!(plan::check(document.as_bytes()).unwrap().metadata.owner, "no");
}

#[test]
fn anchors_within_reason_are_welcome() {
    let document = EXAMPLE.replacen("expectStatus: 200", "expectStatus: &fine 200", 1);
    let document = document.replacen("expectStatus: 200", "expectStatus: *fine", 1);
    assert_ne!(document, EXAMPLE);
    assert_eq!(plan::check(document.as_bytes()), plan::check(EXAMPLE.as_bytes()));
}

#[test]
fn a_function_refuses_a_bad_plan_by_name_and_says_everything() {
    let failure = plan::parse(b"kind: RecoveryPlan\n", "s3://artifacts/plans/shop.yaml").unwrap_err();
    assert_eq!(failure.name, FailureName::PlanInvalid);
    assert_eq!(failure.resource, "s3://artifacts/plans/shop.yaml");
    for field in ["apiVersion", "metadata", "regions", "objectives", "signals", "traffic", "validation"] {
        assert!(failure.what.contains(&format!("/{field}: is missing")), "{field}: {failure}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0u32..5).prop_map(Value::from),
        (-1e9f64..1e9).prop_map(Value::from),
        // Without control characters: a text that holds them is no YAML at all.
        "[ -~äß€]{0,12}".prop_map(Value::from),
        prop_oneof![Just("http"), Just("POST"), Just("A"), Just("ap-southeast-2")].prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,5}|kind|name", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Every place of a document.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| places(field, &format!("{path}/{name}"), found))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| places(item, &format!("{path}/{i}"), found))
        }
        _ => {}
    }
}

proptest! {
    // A whole plan is checked in each case.
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_refused_without_a_panic(document in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(plan::check(&document).is_err());
    }

    /// The schema and the types must agree: a document that passes the schema and is refused by the types would be told without a
    /// path, in serde's words.
    #[test]
    fn whatever_stands_anywhere_is_told_with_its_path(place in any::<prop::sample::Index>(), value in any_value()) {
        let mut document = example();
        let mut all = Vec::new();
        places(&document, "", &mut all);
        let place = place.get(&all);
        *document.pointer_mut(place).unwrap() = value;
        let text = document.to_string();
        match plan::check(text.as_bytes()) {
            Ok(plan) => {
                let written = serde_json::to_string(&plan).unwrap();
                prop_assert_eq!(plan::check(written.as_bytes()).unwrap(), plan, "it does not survive being written");
            }
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                for problem in problems {
                    prop_assert!(!problem.path.is_empty() || place.is_empty(), "{place}: {problem}");
                    prop_assert!(!problem.message.contains('\n'), "{problem}");
                }
            }
        }
    }
}

#[test]
fn a_checked_plan_deserializes_to_itself() {
    let typed: RecoveryPlan = plan::check(EXAMPLE.as_bytes()).unwrap();
    let written = serde_json::to_vec(&typed).unwrap();
    assert_eq!(plan::check(&written).unwrap(), typed);
}

/// The example within one Region: an Aurora cluster whose writer moves to another Availability Zone, and nothing that leads clients elsewhere.
fn one_region(databases: Value) -> Value {
    let mut plan = example_with("/databases", databases);
    plan["regions"] = json!({"primary": "ap-southeast-1", "recovery": "ap-southeast-1"});
    plan["signals"] = json!([plan["signals"][0], cluster_signal("shop", "ap-southeast-1")]);
    plan["traffic"] = json!([]);
    plan["compute"] = json!([]);
    plan["fence"] = json!({"items": []});
    plan.as_object_mut().unwrap().remove("home");
    plan
}

fn aurora_cluster(name: &str, cluster: &str, from: &str, to: &str) -> Value {
    json!({"kind": "auroraCluster", "name": name, "clusterIdentifier": cluster, "primaryInstanceIdentifier": from,
           "recoveryInstanceIdentifier": to})
}

#[test]
fn one_region_is_enough_for_what_is_recovered_in_it() {
    let cluster = aurora_cluster("db", "shop", "shop-a", "shop-b");
    assert_eq!(problems(&one_region(json!([cluster]))), Vec::<String>::new());
    // What lives by two Regions does not, and it is named.
    let replica = json!({"kind": "rdsReadReplica", "name": "old", "primaryIdentifier": "a", "replicaIdentifier": "b"});
    assert_eq!(
        problems(&one_region(json!([cluster, replica]))),
        [
            "/regions/recovery: is the primary Region too, and what it recovers lives by two (old): name another Region to go to"
        ]
    );
    let mut nothing = one_region(json!([]));
    nothing["compute"] = example()["compute"].clone();
    assert_eq!(
        problems(&nothing),
        [
            "/regions/recovery: is the primary Region too, and the plan recovers no database: name another Region to go to"
        ]
    );
    // In two Regions it has no place, and clients must be led over.
    let mut two = one_region(json!([cluster]));
    two["regions"]["primary"] = json!("ap-southeast-2");
    two["signals"][1]["region"] = json!("ap-southeast-2");
    assert_eq!(
        problems(&two),
        [
            "/databases/0/kind: moves a writer within one Region, and the plan leads from ap-southeast-2 to ap-southeast-1; \
             auroraGlobalCluster moves it between two",
            "/traffic: is empty: clients would never be led to the recovery Region",
        ]
    );
}

#[test]
fn an_aurora_cluster_has_two_instances_and_one_component() {
    let cluster = aurora_cluster("db", "shop", "shop-a", "shop-b");
    assert_eq!(
        problems(&one_region(json!([cluster, aurora_cluster("again", "Shop", "x", "X")]))),
        [
            "/databases/1/clusterIdentifier: \"shop\" is taken by /databases/0/clusterIdentifier",
            "/databases/1/recoveryInstanceIdentifier: is the primary instance: the writer would stay where it is",
        ]
    );
    let mut wrong = one_region(json!([cluster]));
    wrong["signals"] = json!([wrong["signals"][0], cluster_signal("shp", "ap-southeast-1"),
        {"kind": "rdsInstance", "name": "writer", "fate": "database", "identifier": "shop-b", "region": "ap-southeast-1"}]);
    assert_eq!(
        problems(&wrong),
        [
            "/signals/1/identifier: \"shp\" is no database's clusterIdentifier in this plan (shop)",
            "/signals/2/identifier: \"shop-b\" is no database's primaryInstanceIdentifier in this plan (shop-a)",
        ]
    );
}

#[test]
fn in_one_region_nothing_is_fenced_that_is_brought_up() {
    let mut plan = one_region(json!([aurora_cluster("db", "shop", "shop-a", "shop-b")]));
    let group = |name: &str| json!({"kind": "autoScalingGroup", "name": name, "groupName": "shop-app"});
    plan["compute"] = json!([group("web")]);
    plan["compute"][0]["capacity"] = json!({"min": 1, "max": 2, "desired": 1});
    plan["fence"]["items"] = json!([group("old-web"),
        {"kind": "rdsInstance", "name": "old-db", "identifier": "shop-a", "closedSecurityGroupId": "sg-0c105ed000000000"}]);
    assert_eq!(
        problems(&plan),
        [
            "/fence/items/0: is what \"web\" brings up, in the same Region: it would be fenced and brought up at once",
            "/fence/items/1: is an instance of \"db\": an Aurora cluster has one door for all its instances",
        ]
    );
}

#[test]
fn hooks_are_held_to_their_names() {
    let hook = |environment: Value| json!({"kind": "codeBuildHook", "name": "deploy", "projectName": "shop-deploy", "environment": environment});
    assert_eq!(problems(&example_with("/compute/-", hook(json!({"STAGE": "dr", "_debug": ""})))), Vec::<String>::new());
    let rows = [
        ("PILOT_RUN_ID", "begins with PILOT_, which is not the plan's to set"),
        ("codebuild_src_dir", "begins with CODEBUILD_, which is not the plan's to set"),
        ("a-b", "is no name of an environment variable: letters, digits and underscores"),
        ("1A", "is no name of an environment variable: letters, digits and underscores"),
        ("", "is no name of an environment variable: letters, digits and underscores"),
    ];
    for (name, said) in rows {
        let found = problems(&example_with("/compute/-", hook(json!({ name: "x" }))));
        assert_eq!(found, [format!("/compute/1/environment/{name}: {said}")]);
    }
    // The way home is held to the same.
    let found = problems(&example_with("/home/compute/-", hook(json!({"PILOT_X": "x"}))));
    assert_eq!(found, ["/home/compute/1/environment/PILOT_X: begins with PILOT_, which is not the plan's to set"]);
    let arn = "arn:aws:codebuild:us-east-1:111122223333:project/shop-deploy";
    let found =
        problems(&example_with("/compute/-", json!({"kind": "codeBuildHook", "name": "deploy", "projectName": arn})));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("/compute/1/projectName: must be"), "{found:?}");
}

#[test]
fn an_automations_own_parameters_are_left_to_us() {
    let hook = |parameters: Value| json!({"kind": "automationHook", "name": "runbook", "documentName": "shop-runbook", "parameters": parameters});
    assert_eq!(problems(&example_with("/compute/-", hook(json!({"Stage": ["dr"]})))), Vec::<String>::new());
    let found =
        problems(&example_with("/compute/-", hook(json!({"PilotRunId": ["x"], "AutomationAssumeRole": ["x"]}))));
    assert_eq!(
        found,
        [
            "/compute/1/parameters/AutomationAssumeRole: is what assumeRoleArn is for",
            "/compute/1/parameters/PilotRunId: begins with Pilot, which is not the plan's to set",
        ]
    );
    let arn = "arn:aws:ssm:us-east-1:111122223333:document/shop-runbook";
    let wrong = json!({"kind": "automationHook", "name": "runbook", "documentName": arn, "assumeRoleArn": "runbook"});
    let found = problems(&example_with("/compute/-", wrong));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("/compute/1/assumeRoleArn: must be") && found[1].contains("documentName"),
        "{found:?}"
    );
}

fn to_point_in_time(arn: &str, restored: &str, more: Value) -> Value {
    let mut component =
        json!({"kind": "restoreToPointInTime", "name": restored, "resourceArn": arn, "restoredIdentifier": restored});
    component.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    component
}

#[test]
fn restores_to_a_point_in_time() {
    let (cluster, table) = (
        "arn:aws:rds:ap-southeast-1:111122223333:cluster:orders",
        "arn:aws:dynamodb:ap-southeast-1:111122223333:table/carts",
    );
    let instances = json!({"instances": [{"identifier": "orders-2-a", "instanceClass": "db.r6g.large"}]});
    let plan = |databases: Value| {
        let mut plan = one_region(databases);
        plan["signals"] = json!([plan["signals"][0]]);
        plan["policy"]["quorum"] = json!(1);
        problems(&plan)
    };
    let good = json!([
        to_point_in_time(cluster, "orders-2", instances.clone()),
        to_point_in_time(
            table,
            "carts-2",
            json!({"restoreTo": "2026-01-31T12:00:00Z", "settings": {"backupRetentionDays": 35}})
        ),
    ]);
    assert_eq!(plan(good), Vec::<String>::new());
    let elsewhere = cluster.replace("ap-southeast-1", "us-east-1");
    let rows = [
        (
            to_point_in_time(&elsewhere, "orders-2", instances.clone()),
            "/databases/0/resourceArn: lies in us-east-1; a point in time is restored to within the recovery Region ap-southeast-1",
        ),
        (
            to_point_in_time("arn:aws:rds:ap-southeast-1:111122223333:db:orders", "orders-2", json!({})),
            "/databases/0/resourceArn: must be the ARN of an Aurora cluster (rds ...:cluster:NAME) or a DynamoDB table \
          (dynamodb ...:table/NAME), is \"arn:aws:rds:ap-southeast-1:111122223333:db:orders\"",
        ),
        (
            to_point_in_time(cluster, "Orders", instances.clone()),
            "/databases/0/restoredIdentifier: is the original's name: a restore makes another beside it",
        ),
        (
            to_point_in_time(cluster, "orders-2", json!({})),
            "/databases/0/instances: is missing: a restored cluster has no instance, and serves nobody",
        ),
        (
            to_point_in_time(table, "carts-2", instances.clone()),
            "/databases/0/instances: must not be there: a restored table has none",
        ),
        (
            to_point_in_time(table, "carts-2", json!({"restoreTo": "yesterday"})),
            "/databases/0/restoreTo: must be a time such as 2026-01-31T12:00:00Z, is \"yesterday\"",
        ),
        (
            to_point_in_time(table, "carts-2", json!({"settings": {"subnetGroup": "x"}})),
            "/databases/0/settings/subnetGroup: is no setting of a table",
        ),
    ];
    for (component, expected) in rows {
        assert_eq!(plan(json!([component])), [expected]);
    }
}

#[test]
fn a_function_that_is_a_hook_is_one_of_the_region_that_is_brought_up() {
    let hook = |function: &str, more: Value| {
        let mut hook = json!({"kind": "lambdaHook", "name": "call", "functionName": function});
        hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        problems(&example_with("/compute/-", hook))
    };
    let arn = |region: &str| format!("arn:aws:lambda:{region}:111122223333:function:shop-hook");
    // What the owner's function is told is no field of ours: fractions are fine there.
    let told = json!({"payload": {"ratio": 0.5, "sizes": [1.5]}, "qualifier": "live", "undoCall": true});
    for right in ["shop-hook", &arn("ap-southeast-1")] {
        assert_eq!(hook(right, told.clone()), Vec::<String>::new());
    }
    let elsewhere = "/compute/1/functionName: lies in eu-west-1; a hook is a function of the Region that is brought up, ap-southeast-1";
    assert_eq!(hook(&arn("eu-west-1"), json!({})), [elsewhere]);
    let of_alias = hook(&format!("{}:live", arn("ap-southeast-1")), json!({}));
    assert!(of_alias[0].starts_with("/compute/1/functionName: must be"), "{of_alias:?}");
    let large = hook("shop-hook", json!({"payload": "x".repeat(20_000)}));
    assert_eq!(large, ["/compute/1/payload: has 20002 bytes as JSON, more than the 16384 that go along with a call"]);
    let patient = hook("shop-hook", json!({"callTimeoutSeconds": 16}));
    assert_eq!(patient, ["/compute/1/callTimeoutSeconds: must be at most 15, is 16"]);
    let fraction = hook("shop-hook", json!({"callTimeoutSeconds": 1.5}));
    assert_eq!(fraction, ["/compute/1/callTimeoutSeconds: must be a whole number, is 1.5"]);
}
