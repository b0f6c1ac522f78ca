use super::*;
use crate::observed::ReplicaObserved;

fn instance(status: &str, source: Option<&str>) -> InstanceObserved {
    InstanceObserved {
        arn: "arn:aws:rds:ap-southeast-2:111122223333:db:x".into(),
        state: ReplicaObserved {
            status: status.into(),
            source: source.map(Into::into),
            replication: source.map(|_| "replicating".into()),
            backup_retention_days: 7,
        },
    }
}

const SOURCE_ARN: &str = "arn:aws:rds:ap-southeast-1:111122223333:db:shop-db-replica";

fn decided(
    source: Option<&InstanceObserved>,
    follower: Option<&InstanceObserved>,
    set_aside: Option<i64>,
    created: Option<i64>,
) -> Decision {
    decide(&Pair {
        source_identifier: "shop-db-replica",
        source,
        follower_identifier: "shop-db",
        follower,
        set_aside_seconds_ago: set_aside,
        created_seconds_ago: created,
    })
}

fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Done(_) => "done",
        Decision::Wait { .. } => "wait",
        Decision::SetAside => "set aside",
        Decision::CreateReplica => "create",
        Decision::Fail(_) => "fail",
    }
}

#[test]
fn the_way_to_a_new_replica() {
    let serving = instance("available", None);
    let rows = [
        ("the old primary still has the name", Some(instance("available", None)), None, None, "set aside"),
        ("its renaming was accepted and does not show yet", Some(instance("available", None)), Some(2), None, "wait"),
        ("its renaming was lost", Some(instance("available", None)), Some(61), None, "set aside"),
        ("it is being renamed", Some(instance("renaming", None)), Some(9), None, "wait"),
        ("the name is free", None, Some(20), None, "create"),
        ("a replica was accepted and does not show yet", None, Some(30), Some(1), "wait"),
        ("the making of it was lost", None, Some(90), Some(61), "create"),
        ("it is being made", Some(instance("creating", Some(SOURCE_ARN))), Some(50), Some(9), "wait"),
        ("it follows", Some(instance("available", Some(SOURCE_ARN))), Some(50), Some(40), "done"),
        ("it followed already when the run began", Some(instance("available", Some(SOURCE_ARN))), None, None, "done"),
        ("it follows somebody else", Some(instance("available", Some("shop-db-other"))), None, None, "fail"),
        ("the old primary is dead", Some(instance("failed", None)), None, None, "fail"),
        ("the old primary is stopped", Some(instance("stopped", None)), None, None, "fail"),
    ];
    for (name, follower, set_aside, created, expected) in rows {
        let decision = decided(Some(&serving), follower.as_ref(), set_aside, created);
        assert_eq!(word(&decision), expected, "{name}");
    }
}

#[test]
fn a_follower_that_does_not_receive_is_waited_for() {
    let mut follower = instance("available", Some(SOURCE_ARN));
    follower.state.replication = Some("error".into());
    assert_eq!(word(&decided(Some(&instance("available", None)), Some(&follower), None, None)), "wait");
}

#[test]
fn who_serves_must_be_a_whole_primary() {
    let bare = {
        let mut bare = instance("available", None);
        bare.state.backup_retention_days = 0;
        bare
    };
    let rows = [
        ("it is not there", None, "fail"),
        ("it is a replica itself", Some(instance("available", Some("shop-db"))), "fail"),
        ("no replica can be made of it", Some(bare), "fail"),
        ("it is busy", Some(instance("backing-up", None)), "wait"),
    ];
    for (name, source, expected) in rows {
        assert_eq!(word(&decided(source.as_ref(), None, None, None)), expected, "{name}");
    }
}

#[test]
fn names_fit_into_what_rds_takes() {
    assert_eq!(aside_identifier("shop-db", 12), "shop-db-aside-12");
    let long = aside_identifier(&format!("{}-b", "a".repeat(53)), 12345);
    assert!(long.len() <= 63 && !long.contains("--"), "{long}");
}

#[test]
fn a_person_deletes_with_a_final_snapshot_and_lifts_the_protection_before() {
    assert_eq!(
        delete_commands("ap-southeast-2", "shop-db-aside-7"),
        [
            "aws rds modify-db-instance --region ap-southeast-2 --db-instance-identifier shop-db-aside-7 --no-deletion-protection \
             --apply-immediately",
            "aws rds delete-db-instance --region ap-southeast-2 --db-instance-identifier shop-db-aside-7 --no-skip-final-snapshot \
             --final-db-snapshot-identifier shop-db-aside-7-final",
        ]
    );
}
