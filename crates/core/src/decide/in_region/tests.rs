use proptest::prelude::*;

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

/// The cluster with its writer, its status, and the status of `shop-b` (`None`: RDS knows no such instance).
fn cluster(writer: &str, status: &str, of_target: Option<&str>) -> InRegionCluster {
    let member = |id: &str| ClusterInstance { identifier: id.into(), is_writer: id == writer };
    let instance = |id: &str, zone: &str, status: &str| ZonedInstance {
        identifier: id.into(),
        status: status.into(),
        availability_zone: Some(zone.into()),
    };
    InRegionCluster {
        status: status.into(),
        members: vec![member("shop-a"), member("shop-b")],
        instances: [
            Some(instance("shop-a", "us-east-1a", "failed")),
            of_target.map(|s| instance("shop-b", "us-east-1b", s)),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

/// The decision in a line, as a reviewer wants to read it.
fn line(decision: Decision) -> String {
    match decision {
        Decision::Done => "done".into(),
        Decision::FailOver => "fail over".into(),
        Decision::Wait { reason, after_seconds } => format!("wait {after_seconds}: {reason}"),
        Decision::Fail(failure) => format!("{}: {}; {}", failure.name.as_str(), failure.what, failure.now_true),
    }
}

#[test]
fn the_writer_moves_and_is_seen_to_have_moved() {
    let ok = Some("available");
    let untouched = "the writer is where it was; nothing was failed over";
    let rows = [
        // Writer, cluster, target, accepted: the decision.
        (Some(cluster("shop-a", "available", ok)), None, "fail over".to_owned()),
        // Accepted, and nothing shows yet.
        (
            Some(cluster("shop-a", "available", ok)),
            Some(3),
            "wait 1: the failover was accepted and has not begun to show".into(),
        ),
        (Some(cluster("shop-a", "failing-over", ok)), Some(5), "wait 2: the cluster is failing over".into()),
        // Aurora moves by itself: its own move is waited for, and nothing is asked.
        (Some(cluster("shop-a", "failing-over", ok)), None, "wait 2: the cluster is failing over".into()),
        // The writer already, and not through yet: no `done` before both are available.
        (
            Some(cluster("shop-b", "failing-over", ok)),
            Some(9),
            "wait 2: shop-b is the writer, and not through yet: the cluster is `failing-over`, shop-b is `available`".into(),
        ),
        (
            Some(cluster("shop-b", "available", Some("rebooting"))),
            Some(9),
            "wait 2: shop-b is the writer, and not through yet: the cluster is `available`, shop-b is `rebooting`".into(),
        ),
        (Some(cluster("shop-b", "available", ok)), Some(20), "done".into()),
        // Aurora moved by itself.
        (Some(cluster("shop-b", "available", ok)), None, "done".into()),
        // Busy: RDS would refuse.
        (
            Some(cluster("shop-a", "modifying", ok)),
            None,
            "wait 3: both must be `available` for a failover: the cluster is `modifying`, shop-b is `available`".into(),
        ),
        (
            Some(cluster("shop-a", "available", ok)),
            Some(ACCEPTED_GRACE_SECONDS + 1),
            "PromotionFailed: 181 seconds after RDS accepted the failover shop-b is still no writer; nothing is on the move; no \
             second failover was tried"
                .into(),
        ),
        (None, None, format!("PromotionFailed: the Region has no such DB cluster; {untouched}")),
        (
            Some(cluster("shop-a", "stopped", ok)),
            None,
            format!("PromotionFailed: the cluster is `stopped`; {untouched}"),
        ),
        (
            Some(cluster("shop-a", "available", Some("failed"))),
            None,
            format!("PromotionFailed: shop-b is `failed`; {untouched}"),
        ),
        (
            Some(cluster("shop-a", "available", None)),
            None,
            format!("PromotionFailed: RDS knows no DB instance shop-b; {untouched}"),
        ),
    ];
    for (observed, accepted, expected) in rows {
        assert_eq!(line(decide(&component(), observed.as_ref(), accepted)), expected, "{observed:?}");
    }
    let mut other = cluster("shop-a", "available", ok);
    other.members.pop();
    assert_eq!(
        line(decide(&component(), Some(&other), None)),
        format!("PromotionFailed: shop-b is no instance of shop, its instances are shop-a; {untouched}")
    );
}

#[test]
fn identifiers_are_as_rds_keeps_them() {
    let component = AuroraCluster { recovery_instance_identifier: "Shop-B".into(), ..component() };
    let there = cluster("shop-b", "available", Some("available"));
    assert_eq!(decide(&component, Some(&there), None), Decision::Done);
}

#[test]
fn an_old_writer_comes_back_as_a_reader() {
    let rows = [
        (Some(cluster("shop-a", "available", Some("available"))), "done"),
        (
            Some(cluster("shop-a", "available", Some("rebooting"))),
            "wait: shop-b is `rebooting`, the cluster `available`",
        ),
        (
            Some(cluster("shop-a", "modifying", Some("available"))),
            "wait: shop-b is `available`, the cluster `modifying`",
        ),
        (Some(cluster("shop-a", "available", Some("failed"))), "ProtectFailed: shop-b is `failed`"),
        (
            Some(cluster("shop-b", "available", Some("available"))),
            "ProtectFailed: shop-b is the writer itself: nobody is left to follow",
        ),
        (None, "ProtectFailed: the Region has no such DB cluster"),
    ];
    for (observed, expected) in rows {
        let said = match rejoin(&component(), observed.as_ref()) {
            Rejoin::Done => "done".into(),
            Rejoin::Wait { reason, .. } => format!("wait: {reason}"),
            Rejoin::Fail(failure) => format!("{}: {}", failure.name.as_str(), failure.what),
        };
        assert_eq!(said, expected);
    }
}

proptest! {
    #[test]
    fn nothing_is_done_before_the_named_instance_writes_and_all_is_available(
        writer in prop::sample::select(vec!["shop-a", "shop-b", ""]),
        status in prop::sample::select(vec!["available", "failing-over", "modifying", "a-new-word"]),
        of_target in prop::sample::select(vec!["available", "rebooting", "modifying", "a-new-word"]),
        accepted in prop::option::of(0..400_i64),
    ) {
        let observed = cluster(writer, status, Some(of_target));
        let decision = decide(&component(), Some(&observed), accepted);
        let through = writer == "shop-b" && status == "available" && of_target == "available";
        prop_assert_eq!(decision == Decision::Done, through);
        // Asked for once at most, and only of a cluster that takes it.
        let asked = decision == Decision::FailOver;
        prop_assert!(!asked || (accepted.is_none() && writer != "shop-b" && status == "available" && of_target == "available"));
    }
}
