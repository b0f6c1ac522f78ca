use proptest::prelude::*;

use super::*;
use crate::observed::{ClusterInstance, FailoverStateObserved};

const PRIMARY: &str = "arn:aws:rds:us-east-1:111122223333:cluster:shop";
const RECOVERY: &str = "arn:aws:rds:us-east-2:111122223333:cluster:shop-dr";

fn target(planned: bool) -> Target<'static> {
    Target { global_cluster: "shop-global", recovery_cluster: "shop-dr", recovery_region: "us-east-2", planned }
}

fn member(arn: &str, is_writer: bool) -> GlobalMember {
    GlobalMember { arn: arn.into(), is_writer, synchronization: (!is_writer).then(|| "connected".into()) }
}

/// Healthy, the writer in the primary Region.
fn healthy() -> GlobalClusterObserved {
    GlobalClusterObserved {
        status: "available".into(),
        engine_version: Some("15.4".into()),
        members: vec![member(PRIMARY, true), member(RECOVERY, false)],
        failover_state: None,
        recovery: Some(ClusterObserved {
            status: "available".into(),
            engine_version: Some("15.4".into()),
            instances: vec![ClusterInstance { identifier: "shop-dr-1".into(), is_writer: false }],
        }),
    }
}

fn with(change: impl FnOnce(&mut GlobalClusterObserved)) -> Option<GlobalClusterObserved> {
    let mut global = healthy();
    change(&mut global);
    Some(global)
}

fn recovery(global: &mut GlobalClusterObserved) -> &mut ClusterObserved {
    global.recovery.as_mut().unwrap()
}

fn moving(status: &str) -> Option<FailoverStateObserved> {
    Some(FailoverStateObserved { status: status.into(), to_arn: Some(RECOVERY.into()) })
}

fn moved(global: &mut GlobalClusterObserved) {
    global.members = vec![member(PRIMARY, false), member(RECOVERY, true)];
}

/// The decision in a line, as a reviewer wants to read it.
fn line(decision: &Decision) -> String {
    match decision {
        Decision::Done => "done".into(),
        Decision::FailOver { target_arn } => format!("FAIL OVER to {target_arn}"),
        Decision::SwitchOver { target_arn, writer_region } => format!("SWITCH OVER in {writer_region} to {target_arn}"),
        Decision::Wait { reason, after_seconds } => format!("wait {after_seconds} s: {reason}"),
        Decision::Fail(failure) => format!("fail {}: {} [{}]", failure.name, failure.what, failure.resource),
    }
}

type Row = (&'static str, bool, Option<GlobalClusterObserved>, Option<i64>, &'static str);

#[test]
fn unplanned() {
    let failover = "FAIL OVER to arn:aws:rds:us-east-2:111122223333:cluster:shop-dr";
    let rows: [Row; 23] = [
        ("no such global cluster", false, None, None, "fail PromotionFailed: RDS knows no such global cluster"),
        ("the primary is dead, its API silent", false, with(|_| {}), None, failover),
        (
            "the secondary is cut off: a failover is what that is for",
            false,
            with(|g| g.members[1].synchronization = Some("pending-resync".into())),
            None,
            failover,
        ),
        ("the global cluster itself is not available", false, with(|g| g.status = "modifying".into()), None, failover),
        ("no writer left", false, with(|g| g.members[0].is_writer = false), None, failover),
        ("nobody tells a version", false, with(|g| g.engine_version = None), None, failover),
        (
            "typed in capitals, kept in small letters",
            false,
            with(|g| g.members[1].arn = RECOVERY.to_uppercase().replace("US-EAST-2", "us-east-2")),
            None,
            "FAIL OVER",
        ),
        (
            "not a member",
            false,
            with(|g| {
                g.members.pop();
            }),
            None,
            "fail PromotionFailed: shop-global has no member shop-dr in the recovery Region us-east-2, its members are shop (us-east-1) [shop-dr]",
        ),
        (
            "a member in another Region",
            false,
            with(|g| g.members[1].arn = RECOVERY.replace("us-east-2", "eu-west-1")),
            None,
            "fail PromotionFailed: shop-dr of shop-global lies in eu-west-1, not in the recovery Region us-east-2",
        ),
        (
            "one name in every Region but the plan's",
            false,
            with(|g| {
                g.members[0].arn = RECOVERY.replace("us-east-2", "us-east-1");
                g.members[1].arn = RECOVERY.replace("us-east-2", "eu-west-1");
            }),
            None,
            "fail PromotionFailed: shop-dr of shop-global lies in us-east-1 and in eu-west-1, not in the recovery Region us-east-2",
        ),
        (
            "a member that its own Region does not know",
            false,
            with(|g| g.recovery = None),
            None,
            "fail PromotionFailed: the recovery Region has no such DB cluster",
        ),
        (
            "no instance",
            false,
            with(|g| recovery(g).instances.clear()),
            None,
            "fail PromotionFailed: the secondary has no instance",
        ),
        (
            "another engine version",
            false,
            with(|g| recovery(g).engine_version = Some("14.9".into())),
            None,
            "fail PromotionFailed: the secondary runs engine version 14.9, the global cluster 15.4",
        ),
        (
            "its key is gone",
            false,
            with(|g| recovery(g).status = "inaccessible-encryption-credentials".into()),
            None,
            "fail PromotionFailed: the cluster is `inaccessible",
        ),
        ("busy", false, with(|g| recovery(g).status = "backing-up".into()), None, "wait 3 s: still `backing-up`"),
        ("accepted a moment ago, nothing shows", false, with(|_| {}), Some(0), "wait 1 s: the change was accepted"),
        ("accepted, last second of grace", false, with(|_| {}), Some(180), "wait 1 s"),
        (
            "accepted, and given up",
            false,
            with(|_| {}),
            Some(181),
            "fail PromotionFailed: 181 seconds after RDS accepted",
        ),
        (
            "accepted and pending",
            false,
            with(|g| g.failover_state = moving("pending")),
            Some(400),
            "wait 2 s: the global cluster is on the move: `pending`, to arn",
        ),
        (
            "somebody else's change under way",
            false,
            with(|g| g.failover_state = moving("failing-over")),
            None,
            "wait 2 s",
        ),
        (
            "a word of a later day",
            false,
            with(|g| g.failover_state = moving("re-arranging")),
            None,
            "wait 2 s: the global cluster is on the move: `re-arranging`",
        ),
        (
            "the writer already, and still on the move",
            false,
            with(|g| {
                moved(g);
                g.failover_state = moving("failing-over");
            }),
            Some(60),
            "wait 2 s",
        ),
        ("moved", false, with(moved), Some(60), "done"),
    ];
    hold(&rows);
}

#[test]
fn planned() {
    let switchover = "SWITCH OVER in us-east-1 to arn:aws:rds:us-east-2:111122223333:cluster:shop-dr";
    let rows: [Row; 9] = [
        ("healthy", true, with(|_| {}), None, switchover),
        (
            "cut off",
            true,
            with(|g| g.members[1].synchronization = Some("pending-resync".into())),
            None,
            "wait 3 s: the secondary is `pending-resync`, a switchover needs it `connected`",
        ),
        (
            "nobody tells how it stands",
            true,
            with(|g| g.members[1].synchronization = None),
            None,
            "wait 3 s: the secondary is without a synchronization status",
        ),
        (
            "the global cluster is busy",
            true,
            with(|g| g.status = "modifying".into()),
            None,
            "wait 3 s: the global cluster is `modifying`",
        ),
        (
            "no writer",
            true,
            with(|g| g.members[0].is_writer = false),
            None,
            "fail PromotionFailed: none of its clusters is the writer",
        ),
        (
            "no instance",
            true,
            with(|g| recovery(g).instances.clear()),
            None,
            "fail PromotionFailed: the secondary has no instance",
        ),
        ("switching", true, with(|g| g.failover_state = moving("switching-over")), Some(30), "wait 2 s"),
        (
            "cancelled",
            true,
            with(|g| g.failover_state = moving("cancelling")),
            Some(30),
            "wait 2 s: the global cluster is on the move: `cancelling`",
        ),
        ("moved before this run", true, with(moved), None, "done"),
    ];
    hold(&rows);
}

#[track_caller]
fn hold(rows: &[Row]) {
    for (name, planned, observed, accepted, expected) in rows {
        let mut target = target(*planned);
        if name.contains("capitals") {
            target.recovery_cluster = "Shop-DR";
        }
        let decided = line(&decide(&target, observed.as_ref(), *accepted));
        assert!(decided.starts_with(expected), "{name}: {decided}");
    }
}

proptest! {
    #[test]
    fn it_is_total_and_asks_once_and_only_for_what_can_be(
        planned in any::<bool>(),
        status in prop_oneof![Just("available".to_owned()), "[a-z-]{0,20}"],
        failover_status in proptest::option::of("[a-z-]{0,12}"),
        arn in prop_oneof![Just(RECOVERY.to_owned()), ".{0,40}"],
        is_writer in any::<bool>(),
        synchronization in proptest::option::of(prop_oneof![Just("connected".to_owned()), ".{0,10}"]),
        version in proptest::option::of(prop_oneof![Just("15.4".to_owned()), ".{0,6}"]),
        instances in 0_usize..3,
        accepted in proptest::option::of(any::<i64>()),
    ) {
        let mut global = healthy();
        global.failover_state = failover_status.map(|status| FailoverStateObserved { status, to_arn: None });
        global.members[1] = GlobalMember { arn: arn.clone(), is_writer, synchronization };
        let instance = ClusterInstance { identifier: "shop-dr-1".into(), is_writer: false };
        global.recovery = Some(ClusterObserved { status, engine_version: version.clone(), instances: vec![instance; instances] });
        let decision = decide(&target(planned), Some(&global), accepted);
        if let Decision::FailOver { target_arn } | Decision::SwitchOver { target_arn, .. } = &decision {
            prop_assert_eq!(target_arn, RECOVERY);
            prop_assert!(global.failover_state.is_none() && !is_writer && instances > 0 && accepted.is_none());
            prop_assert!(version.is_none_or(|version| version == "15.4"));
            prop_assert_eq!(planned, matches!(decision, Decision::SwitchOver { .. }), "the wrong call");
        }
        prop_assert_eq!(decision == Decision::Done, is_writer && arn == RECOVERY && global.failover_state.is_none());
    }
}
