use crate::plan::{Database, Traffic, check};

const PLAN: &str = include_str!("../../../tests/plans/there-and-back.yaml");

#[test]
fn mirrored_twice_it_is_itself() {
    let plan = check(PLAN.as_bytes()).unwrap();
    let mirror = plan.mirrored().unwrap();
    assert_ne!(mirror, plan);
    assert_eq!(mirror.mirrored().unwrap(), plan);
}

#[test]
fn the_mirror_leads_home() {
    let plan = check(PLAN.as_bytes()).unwrap();
    let mirror = plan.mirrored().unwrap();
    assert_eq!(
        (mirror.regions.primary.as_str(), mirror.regions.recovery.as_str()),
        ("ap-southeast-1", "ap-southeast-2")
    );
    let [Database::RdsReadReplica(database)] = mirror.databases.as_slice() else { panic!() };
    assert_eq!(
        (database.primary_identifier.as_str(), database.replica_identifier.as_str()),
        ("shop-db-replica", "shop-db")
    );
    assert_eq!(database.replica_settings.security_group_ids, ["sg-0a1b2c3d4e5f60003"]);
    assert_eq!(mirror.validation.endpoints[0].url, "https://primary-lb.shop.test/health");
    let [Traffic::StopObject(switch), Traffic::Route53Records(api)] = mirror.traffic.as_slice() else { panic!() };
    assert_eq!((switch.key.as_str(), api.records[0].values[0].as_str()), ("stop/shop", "primary-lb.shop.test"));
}

#[test]
fn the_mirror_turns_routing_controls_round() {
    let arn = |id: &str| format!("arn:aws:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/{id}");
    let stop = "  - {kind: stopObject, name: switch, bucket: shop-stop, key: stop/shop}";
    let (on, off) = (arn("r"), arn("p"));
    let controls = format!(
        "  - {{kind: routingControl, name: switch, clusterEndpoints: [{{region: eu-west-1, url: 'https://a.example.com'}}], \
         controlsOn: ['{on}'], controlsOff: ['{off}']}}"
    );
    assert!(PLAN.contains(stop));
    let plan = check(PLAN.replace(stop, &controls).as_bytes()).unwrap();
    let mirror = plan.mirrored().unwrap();
    let [Traffic::RoutingControl(switch), Traffic::Route53Records(_)] = mirror.traffic.as_slice() else { panic!() };
    assert_eq!((switch.controls_on.as_slice(), switch.controls_off.as_slice()), ([off].as_slice(), [on].as_slice()));
    assert_eq!(mirror.mirrored().unwrap(), plan);
}

#[test]
fn a_plan_without_a_way_home_has_no_mirror() {
    let plan = check(PLAN.split("home:").next().unwrap().as_bytes()).unwrap();
    assert_eq!(plan.mirrored(), None);
}

#[test]
fn a_way_home_that_leads_nowhere_is_told_by_path() {
    let rows = [
        ("openSecurityGroupIds: [sg-0a1b2c3d4e5f60003],", "", "/fence/items/1/openSecurityGroupIds: is missing"),
        (
            "records: [{name: api.shop.test, recordType: CNAME, ttlSeconds: 5, values: [primary-lb.shop.test]}]",
            "records: []",
            "/home/traffic/1/records: is empty",
        ),
        (
            "capacity: {min: 2, max: 4, desired: 2} # home",
            "capacity: {min: 3, max: 4, desired: 2}",
            "/home/compute/0/capacity: must keep min <= desired <= max",
        ),
        (
            "items: [{kind: autoScalingGroup, name: recovery-web, groupName: shop-app}] # home",
            "items: []",
            "/home/fence/items: is empty: nothing would stop",
        ),
        ("name: api # home", "name: other", "/home/traffic: has no \"api\""),
    ];
    for (good, bad, expected) in rows {
        assert!(PLAN.contains(good), "{good}");
        let problems: Vec<String> =
            check(PLAN.replace(good, bad).as_bytes()).unwrap_err().iter().map(ToString::to_string).collect();
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{expected}: {problems:?}");
    }
}
