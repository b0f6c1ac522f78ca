use proptest::prelude::*;

use super::*;

fn replica(status: &str, source: Option<&str>) -> ReplicaObserved {
    ReplicaObserved {
        status: status.into(),
        source: source.map(Into::into),
        replication: source.map(|_| "replicating".into()),
        backup_retention_days: 7,
    }
}

/// The decision in a line, as a reviewer wants to read it.
fn line(decision: &Decision) -> String {
    match decision {
        Decision::Done => "done".into(),
        Decision::Promote => "PROMOTE".into(),
        Decision::Wait { reason, after_seconds } => format!("wait {after_seconds} s: {reason}"),
        Decision::Fail(failure) => format!("fail {}: {}. Now: {}", failure.name, failure.what, failure.now_true),
    }
}

#[test]
fn decisions() {
    let source = Some("shop-db");
    let rows: [(&str, Option<ReplicaObserved>, Option<i64>, &str); 10] = [
        ("no such instance", None, None, "fail PromotionFailed"),
        ("an idle replica", Some(replica("available", source)), None, "PROMOTE"),
        ("a replica that backs up: AWS would refuse", Some(replica("backing-up", source)), None, "wait 3"),
        ("accepted a moment ago, still reads as a replica", Some(replica("available", source)), Some(0), "wait 1"),
        ("accepted, last second of grace", Some(replica("available", source)), Some(180), "wait 1"),
        ("accepted, and a replica again", Some(replica("available", source)), Some(181), "fail PromotionFailed"),
        ("accepted, rebooting", Some(replica("rebooting", source)), Some(20), "wait 2"),
        ("source gone, still modifying", Some(replica("modifying", None)), Some(60), "wait 2"),
        ("promoted", Some(replica("available", None)), Some(90), "done"),
        ("promoted before this run", Some(replica("available", None)), None, "done"),
    ];
    for (name, observed, accepted, expected) in rows {
        let decided = line(&decide("shop-db-replica", observed.as_ref(), accepted));
        assert!(decided.starts_with(expected), "{name}: {decided}");
    }
}

#[test]
fn every_status_at_every_moment() {
    let statuses = ["available", "backing-up", "modifying", "rebooting", "failed", "storage-full", "a-new-word"];
    let mut table = format!("{:<14}{:<10}{:<14}{}\n", "status", "source", "accepted", "decision");
    for status in statuses {
        for source in [Some("shop-db"), None] {
            for accepted in [None, Some(5), Some(600)] {
                let decision = decide("shop-db-replica", Some(&replica(status, source)), accepted);
                let accepted = accepted.map_or("-".into(), |ago| format!("{ago} s ago"));
                let source = if source.is_some() { "present" } else { "absent" };
                table += &format!("{status:<14}{source:<10}{accepted:<14}{}\n", line(&decision));
            }
        }
    }
    insta::assert_snapshot!(table);
}

proptest! {
    #[test]
    fn it_is_total_and_promotes_only_what_can_be(
        status in prop_oneof![Just("available".to_owned()), "[a-z-]{0,20}"],
        source in proptest::option::of(".{0,10}"),
        accepted in proptest::option::of(any::<i64>()),
    ) {
        let observed = replica(&status, source.as_deref());
        let decision = decide("shop-db-replica", Some(&observed), accepted);
        if decision == Decision::Promote {
            prop_assert!(source.is_some() && status == "available", "promotes what is no idle replica");
            prop_assert_eq!(accepted, None, "promotes a second time");
        }
        prop_assert_eq!(decision == Decision::Done, source.is_none() && status == "available");
    }
}
