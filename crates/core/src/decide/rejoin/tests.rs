use super::*;
use crate::observed::{FailoverStateObserved, GlobalMember};

const FOLLOWER: (&str, &str) = ("payments-use1", "us-east-1");

fn member(region: &str, identifier: &str, is_writer: bool, synchronization: &str) -> GlobalMember {
    let arn = format!("arn:aws:rds:{region}:111122223333:cluster:{identifier}");
    GlobalMember { arn, is_writer, synchronization: Some(synchronization.into()) }
}

fn global(follower: Option<GlobalMember>, moving: Option<&str>) -> GlobalClusterObserved {
    let writer = member("us-east-2", "payments-use2", true, "connected");
    GlobalClusterObserved {
        status: "available".into(),
        engine_version: Some("16.4".into()),
        members: follower.into_iter().chain([writer]).collect(),
        failover_state: moving.map(|status| FailoverStateObserved { status: status.into(), to_arn: None }),
        recovery: None,
    }
}

fn snapshot(identifier: &str, status: &str) -> ClusterSnapshotObserved {
    ClusterSnapshotObserved { identifier: identifier.into(), arn: format!("arn:{identifier}"), status: status.into() }
}

fn decided(observed: Option<&GlobalClusterObserved>, snapshots: &[ClusterSnapshotObserved]) -> Decision {
    decide("payments", FOLLOWER, observed, snapshots)
}

fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Done { .. } => "done",
        Decision::Wait { .. } => "wait",
        Decision::Copy { .. } => "copy",
        Decision::Fail(_) => "fail",
    }
}

const AUTOMATED: &str = "rds:unplanned-global-failover-payments-2026-11-21-03-04";
const COPY: &str = "kept-unplanned-global-failover-payments-2026-11-21-03-04";

#[test]
fn the_old_primary_comes_back() {
    let back = |synchronization| Some(member(FOLLOWER.1, FOLLOWER.0, false, synchronization));
    let rows = [
        ("it follows, and nothing was lost", global(back("connected"), None), vec![], "done"),
        ("it is on its way", global(back("pending-resync"), None), vec![], "wait"),
        ("the failover is not over", global(back("connected"), Some("failing-over")), vec![], "wait"),
        ("a word of a later day is still moving", global(back("connected"), Some("resharding")), vec![], "wait"),
        ("it left", global(None, None), vec![], "fail"),
        ("it is the writer", global(Some(member(FOLLOWER.1, FOLLOWER.0, true, "connected")), None), vec![], "fail"),
        (
            "what was lost is copied first of all",
            global(back("pending-resync"), None),
            vec![snapshot(AUTOMATED, "available")],
            "copy",
        ),
        ("it is being made", global(back("connected"), None), vec![snapshot(AUTOMATED, "creating")], "wait"),
        (
            "its copy is being made",
            global(back("connected"), None),
            vec![snapshot(AUTOMATED, "available"), snapshot(COPY, "copying")],
            "wait",
        ),
        (
            "its copy is there",
            global(back("connected"), None),
            vec![snapshot(AUTOMATED, "available"), snapshot(COPY, "available")],
            "done",
        ),
        (
            "retention took it, the copy stays",
            global(back("connected"), None),
            vec![snapshot(COPY, "available")],
            "done",
        ),
        (
            "the nightly snapshot is none of it",
            global(back("connected"), None),
            vec![snapshot("rds:payments-use1-2026-11-21", "available")],
            "done",
        ),
    ];
    for (name, observed, snapshots, expected) in rows {
        assert_eq!(word(&decided(Some(&observed), &snapshots)), expected, "{name}");
    }
    assert_eq!(word(&decided(None, &[])), "fail");
}

#[test]
fn a_copy_is_named_after_its_source() {
    let observed = global(None, None);
    let Decision::Copy { source_arn, identifier } = decided(Some(&observed), &[snapshot(AUTOMATED, "available")])
    else {
        panic!("no copy")
    };
    assert_eq!((source_arn.as_str(), identifier.as_str()), (format!("arn:{AUTOMATED}").as_str(), COPY));
}

#[test]
fn a_copy_s_name_is_one_that_rds_takes() {
    let name = |cluster: &str| {
        let source = snapshot(&format!("rds:unplanned-global-failover-{cluster}-2026-11-21-03-04-05"), "available");
        copy_of(&source).unwrap()
    };
    for cluster in ["a", "payments-use1", "warm-standby-aurora-primary", &"b".repeat(63)] {
        let name = name(cluster);
        assert!(name.len() <= 63 && name.ends_with("2026-11-21-03-04-05") && !name.contains("--"), "{name}");
        let there = [
            snapshot(&format!("rds:unplanned-global-failover-{cluster}-2026-11-21-03-04-05"), "available"),
            snapshot(&name, "available"),
        ];
        assert_eq!(to_copy(&there), None, "it is seen to be its copy");
    }
    let long = "c".repeat(40);
    assert_ne!(name(&format!("{long}-one")), name(&format!("{long}-two")), "same end, another cluster");
}
