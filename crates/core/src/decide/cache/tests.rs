use proptest::prelude::*;

use super::fixture::{component, group};
use super::*;
use crate::observed::CacheNodeGroup;

/// The decision in a line, as a reviewer wants to read it.
fn line(decision: Decision) -> String {
    match decision {
        Decision::Done => "done".into(),
        Decision::Create => "create".into(),
        Decision::Wait { reason, after_seconds } => format!("wait {after_seconds}: {reason}"),
        Decision::Fail(failure) => format!("{}: {}; {}", failure.name.as_str(), failure.what, failure.now_true),
    }
}

fn changed(change: impl FnOnce(&mut CacheObserved)) -> Option<CacheObserved> {
    let mut group = group();
    change(&mut group);
    Some(group)
}

#[test]
fn a_group_is_created_once_and_done_only_when_all_of_it_is_available() {
    let rows = [
        (None, None, "create"),
        (None, Some(3), "wait 2: the creation was accepted and has not begun to show"),
        (
            None,
            Some(ACCEPTED_GRACE_SECONDS + 1),
            "PromotionFailed: 121 seconds after ElastiCache accepted the creation there is no such group; the group is not there; no second \
             one was created",
        ),
        // One that is being created tells none of its settings yet.
        (
            changed(|g| *g = CacheObserved { status: "creating".into(), ..CacheObserved::default() }),
            Some(3),
            "wait 5: the group is `creating`",
        ),
        (changed(|g| g.status = "modifying".into()), None, "wait 5: the group is `modifying`"),
        (changed(|g| g.status = "snapshotting".into()), None, "wait 5: the group is `snapshotting`"),
        (changed(|g| g.status = "a new word".into()), None, "wait 5: the group is `a new word`"),
        (changed(|g| g.node_groups[1].status = "creating".into()), Some(9), "wait 5: node group 0002 is `creating`"),
        (changed(|g| g.node_groups.clear()), Some(9), "wait 5: the group is `available` and tells no node group yet"),
        (
            changed(|g| g.status = "deleting".into()),
            None,
            "wait 10: a group of that id is being deleted, its id is free after that",
        ),
        (
            changed(|g| g.status = "create-failed".into()),
            Some(9),
            "PromotionFailed: the group is `create-failed`; the group was left as it is",
        ),
        (changed(|_| {}), None, "done"),
        (changed(|_| {}), Some(300), "done"),
    ];
    for (observed, accepted, expected) in rows {
        assert_eq!(line(decide(&component(), observed.as_ref(), accepted)), expected, "{observed:?}");
    }
}

/// A change to a group, and what is said of it.
type Row = (fn(&mut CacheObserved), &'static str);

#[test]
fn every_stated_setting_is_compared() {
    let rows: [Row; 16] = [
        (|g| g.engine = Some("redis".into()), "engine is redis, must be valkey"),
        (|g| g.engine_version = Some("8.1.0".into()), "engineVersion is 8.1.0, must be 8.0"),
        (|g| g.engine_version = Some("8.01".into()), "engineVersion is 8.01, must be 8.0"),
        (|g| g.node_type = None, "nodeType is unknown, must be cache.r7g.large"),
        (|g| g.node_groups.truncate(1), "numNodeGroups is 1, must be 2"),
        (|g| g.node_groups[1].nodes = 1, "replicasPerNodeGroup is 0 in node group 0002, must be 1"),
        (|g| g.subnet_group = Some("other".into()), "subnetGroup is other, must be subnets"),
        (|g| g.parameter_group = None, "parameterGroup is unknown, must be params"),
        (|g| g.security_group_ids.truncate(1), "securityGroupIds are sg-0b, must be sg-0a, sg-0b"),
        (|g| g.automatic_failover = Some(false), "automaticFailover is false, must be true"),
        (|g| g.multi_az = None, "multiAz is unknown, must be true"),
        (|g| g.transit_encryption = Some(false), "transitEncryption is false, must be true"),
        (|g| g.at_rest_encryption = Some(false), "atRestEncryption is false, must be true"),
        (|g| g.kms_key_id = Some("2".into()), "kmsKeyId is 2, must be arn:aws:kms:us-west-2:111122223333:key/1"),
        (|g| g.tags = Some([("team".to_owned(), "other".to_owned())].into()), "tags lack team, or have another value"),
        (|g| g.tags = None, "tags lack team, or have another value"),
    ];
    for (change, expected) in rows {
        let seen = changed(change);
        let said = line(decide(&component(), seen.as_ref(), None));
        let prefix = "PromotionFailed: the group that is there is not as the plan says: ";
        assert_eq!(said, format!("{prefix}{expected}; the group was left as it is"));
    }
}

#[test]
fn what_the_plan_leaves_out_is_elasticaches_to_choose() {
    let stated = component();
    let bare = ElastiCache {
        engine_version: None,
        subnet_group: None,
        parameter_group: None,
        security_group_ids: Vec::new(),
        automatic_failover: None,
        multi_az: None,
        transit_encryption: None,
        at_rest_encryption: None,
        kms_key_id: None,
        tags: Default::default(),
        ..stated
    };
    let seen = CacheObserved {
        status: "available".into(),
        node_groups: group().node_groups,
        engine: Some("valkey".into()),
        node_type: Some("cache.r7g.large".into()),
        ..CacheObserved::default()
    };
    assert_eq!(decide(&bare, Some(&seen), None), Decision::Done);
    // A key by its id, a version by its family.
    let by_id = ElastiCache { kms_key_id: Some("1".into()), engine_version: Some("8.x".into()), ..component() };
    assert_eq!(decide(&by_id, Some(&group()), None), Decision::Done);
}

fn tagged(status: &str, tag: Option<&str>) -> CacheObserved {
    let tags = tag.map(|run| (RUN_TAG.to_owned(), run.to_owned())).into_iter().collect();
    CacheObserved { status: status.into(), tags: Some(tags), ..group() }
}

#[test]
fn only_what_this_run_made_is_deleted() {
    let untold = |status: &str| CacheObserved { status: status.into(), tags: None, ..group() };
    let left = Undo::Done("left: it does not bear this run's tag, so somebody else made it".into());
    let rows = [
        (None, true, Undo::Done("not there, as before the run".into())),
        (None, false, Undo::Done("not there, as before the run".into())),
        (Some(tagged("available", Some("run-1"))), true, Undo::Delete),
        // The answer was lost, and the group tells who made it.
        (Some(tagged("available", Some("run-1"))), false, Undo::Delete),
        (Some(tagged("available", Some("run-0"))), true, left.clone()),
        (Some(tagged("available", None)), false, left),
        (Some(untold("creating")), true, Undo::Wait("`creating`, it can be deleted once it is `available`".into())),
        (Some(untold("deleting")), true, Undo::Wait("being deleted".into())),
        (Some(untold("create-failed")), true, Undo::Delete),
        (
            Some(untold("create-failed")),
            false,
            Undo::Fail("neither the journal nor the group's tags tell whether this run made the group".into()),
        ),
    ];
    for (observed, accepted, expected) in rows {
        assert_eq!(decide_undo(observed.as_ref(), "run-1", accepted), expected, "{observed:?} {accepted}");
    }
}

const STATUSES: [&str; 7] =
    ["creating", "available", "modifying", "deleting", "create-failed", "snapshotting", "a new word"];

proptest! {
    /// Whatever is seen: nothing is created over a group that is there, and nothing is done that does not serve in whole.
    #[test]
    fn done_means_available_in_whole(
        status in prop::sample::select(&STATUSES[..]),
        shards in prop::collection::vec((prop::sample::select(&STATUSES[..]), 0_u32..4), 0..4),
        accepted in prop::option::of(-5_i64..500),
    ) {
        let node_groups = shards.into_iter().enumerate().map(|(i, (status, nodes))| {
            CacheNodeGroup { id: format!("{i:04}"), status: status.into(), nodes }
        });
        let seen = CacheObserved { status: status.into(), node_groups: node_groups.collect(), ..group() };
        let decision = decide(&component(), Some(&seen), accepted);
        prop_assert_ne!(&decision, &Decision::Create);
        if decision == Decision::Done {
            prop_assert_eq!(seen.status, "available");
            prop_assert!(seen.node_groups.len() == 2 && seen.node_groups.iter().all(|g| g.status == "available" && g.nodes == 2));
        }
    }

    /// A group that bears another run's tag, or none, is never deleted.
    #[test]
    fn nobody_elses_group_is_deleted(status in prop::sample::select(&STATUSES[..]), tag in prop::option::of("[a-z]{1,4}"), accepted: bool) {
        prop_assume!(tag.as_deref() != Some("mine"));
        prop_assert_ne!(decide_undo(Some(&tagged(status, tag.as_deref())), "mine", accepted), Undo::Delete);
    }
}
