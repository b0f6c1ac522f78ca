use super::*;
use crate::observed::{ClusterInstance, ZonedInstance};

fn component() -> AuroraCluster {
    AuroraCluster {
        name: "db".into(),
        wave: 1,
        cluster_identifier: "shop".into(),
        primary_instance_identifier: "shop-a".into(),
        recovery_instance_identifier: "shop-b".into(),
        timeout_seconds: 900,
    }
}

fn healthy() -> InRegionCluster {
    let member = |id: &str, is_writer| ClusterInstance { identifier: id.into(), is_writer };
    let instance = |id: &str, zone: &str| ZonedInstance {
        identifier: id.into(),
        status: "available".into(),
        availability_zone: Some(zone.into()),
    };
    InRegionCluster {
        status: "available".into(),
        members: vec![member("shop-a", true), member("shop-b", false)],
        instances: vec![instance("shop-a", "us-east-1a"), instance("shop-b", "us-east-1b")],
    }
}

fn said(readiness: Readiness) -> String {
    match readiness {
        Readiness::Ready(detail) => format!("ready: {detail}"),
        Readiness::Wait(detail) => format!("wait: {detail}"),
        Readiness::Problem(detail) => format!("problem: {detail}"),
    }
}

#[test]
fn what_can_take_over_is_ready_and_what_cannot_says_what_to_mend() {
    type Change = fn(&mut InRegionCluster);
    let rows: [(Change, &str); 9] = [
        (|_| {}, "ready: shop-b is available, a reader beside the writer shop-a"),
        // The writer's Availability Zone is dead: that is what the failover is for.
        (|c| c.instances[0].status = "failed".into(), "ready: shop-b is available, a reader beside the writer shop-a"),
        (
            |c| {
                c.members[0].is_writer = false;
                c.members[1].is_writer = true;
            },
            "ready: shop-b is its writer already",
        ),
        (
            |c| c.status = "failing-over".into(),
            "wait: the cluster is `failing-over`, its writer can move once it is `available`",
        ),
        (
            |c| c.instances[1].status = "rebooting".into(),
            "wait: shop-b is `rebooting`, it can take over once `available`",
        ),
        (
            |c| c.members[0].is_writer = false,
            "problem: shop: has no writer, as a secondary of a global database has none; correct clusterIdentifier, or use \
             auroraGlobalCluster",
        ),
        (
            |c| c.members[0].identifier = "other".into(),
            "problem: shop: shop-a is no instance of it, its instances are other, shop-b; correct primaryInstanceIdentifier",
        ),
        (
            |c| c.members[1].identifier = "other".into(),
            "problem: shop: shop-b is no instance of shop, its instances are shop-a, other; correct recoveryInstanceIdentifier in the \
             plan, or add a reader of that name to the cluster",
        ),
        (
            |c| c.instances[1].status = "incompatible-network".into(),
            "problem: shop: shop-b is `incompatible-network`; mend it, or name another reader in the plan",
        ),
    ];
    for (change, expected) in rows {
        let mut observed = healthy();
        change(&mut observed);
        assert_eq!(said(cluster(&component(), Some(&observed))), expected);
    }
    assert_eq!(
        said(cluster(&component(), None)),
        "problem: shop: the Region has no such DB cluster; correct clusterIdentifier or regions.recovery in the plan"
    );
}

#[test]
fn two_instances_of_one_zone_would_die_together() {
    type Change = fn(&mut InRegionCluster);
    let rows: [(Change, Result<&str, &str>); 4] = [
        (|_| {}, Ok("shop-a stands in us-east-1a, shop-b in us-east-1b")),
        (
            |c| c.instances[1].availability_zone = Some("us-east-1a".into()),
            Err(
                "shop: shop-a and shop-b both stand in us-east-1a and would die together; make the reader in another Availability Zone",
            ),
        ),
        (
            |c| c.instances[1].availability_zone = None,
            Err("shop: RDS does not tell where shop-b stands; correct recoveryInstanceIdentifier"),
        ),
        (
            |c| c.members[1].is_writer = true,
            Err("shop: shop-b is its writer already: there is nothing to fail over to; move it back to shop-a"),
        ),
    ];
    for (change, expected) in rows {
        let mut observed = healthy();
        change(&mut observed);
        let found = spread(&component(), &observed);
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }
}
