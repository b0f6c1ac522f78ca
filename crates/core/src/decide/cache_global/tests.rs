use proptest::prelude::*;

use super::fixture::{AWAY, HOME, at_home, away, component, group, member};
use super::*;

fn line(observed: Option<&DatastoreObserved>, accepted_seconds_ago: Option<i64>) -> String {
    match decide(&component(), AWAY, observed, accepted_seconds_ago) {
        Decision::Done => "done".into(),
        Decision::FailOver => "fail over".into(),
        Decision::Wait { reason, after_seconds } => format!("wait {after_seconds}: {reason}"),
        Decision::Fail(failure) => format!("{}: {}: {}", failure.name, failure.resource, failure.what),
    }
}

fn changed(change: impl FnOnce(&mut DatastoreObserved)) -> DatastoreObserved {
    let mut datastore = at_home();
    change(&mut datastore);
    datastore
}

/// A change to a settled datastore, and what is decided of it.
type Row = (fn(&mut DatastoreObserved), &'static str);

#[test]
fn one_whose_primary_is_elsewhere_is_failed_over_once_it_can_be() {
    let rows: [Row; 12] = [
        (|_| {}, "fail over"),
        (|d| d.members[1].replication_group_id = "Shop-DR".into(), "fail over"),
        (|d| d.status = "modifying".into(), "wait 3: the global datastore is `modifying`"),
        (|d| d.status = "creating".into(), "wait 3: the global datastore is `creating`"),
        (|d| d.status = "a word of a later day".into(), "wait 3: the global datastore is `a word of a later day`"),
        (
            |d| d.group = Some(group("snapshotting")),
            "wait 3: shop-dr is `snapshotting`, it can take over once it is `available`",
        ),
        (|d| d.group = None, "PromotionFailed: shop-dr: its Region has no such replication group"),
        (|d| d.group = Some(group("deleting")), "PromotionFailed: shop-dr: the replication group is `deleting`"),
        (
            |d| d.status = "primary-only".into(),
            "PromotionFailed: ldgnf-shop: the global datastore is `primary-only`: no secondary follows its primary, so there is nobody to take over",
        ),
        (|d| d.status = "deleting".into(), "PromotionFailed: ldgnf-shop: the global datastore is `deleting`"),
        (
            |d| d.members[1].region = "eu-west-1".into(),
            "PromotionFailed: shop-dr: shop-dr of ldgnf-shop lies in eu-west-1, not in the recovery Region us-west-2",
        ),
        (
            |d| drop(d.members.pop()),
            "PromotionFailed: shop-dr: ldgnf-shop has no member shop-dr in the recovery Region us-west-2, its members are shop (us-east-1)",
        ),
    ];
    for (change, expected) in rows {
        assert_eq!(line(Some(&changed(change)), None), expected);
    }
    assert_eq!(
        line(None, None),
        "PromotionFailed: ldgnf-shop: ElastiCache in us-west-2 knows no such global datastore"
    );
}

#[test]
fn a_datastore_without_a_secondary_says_so_rather_than_that_one_is_missing() {
    let alone = changed(|d| (d.status, _) = ("primary-only".into(), d.members.pop()));
    assert!(line(Some(&alone), None).contains("`primary-only`"), "{}", line(Some(&alone), None));
}

#[test]
fn done_is_the_role_and_a_datastore_at_rest_together() {
    assert_eq!(line(Some(&away()), None), "done");
    assert_eq!(line(Some(&away()), Some(5)), "done");
    let moving = DatastoreObserved { status: "modifying".into(), ..away() };
    assert_eq!(line(Some(&moving), Some(5)), "wait 3: the global datastore is `modifying`");
    // The old primary has left: the group takes writes all the same.
    let alone =
        DatastoreObserved { status: "primary-only".into(), members: vec![member("shop-dr", AWAY, true)], ..away() };
    assert_eq!(line(Some(&alone), None), "done");
}

#[test]
fn an_accepted_failover_that_does_not_show_is_not_asked_for_again() {
    let waits = "wait 2: the failover was accepted and has not begun to show";
    assert_eq!(line(Some(&at_home()), Some(0)), waits);
    assert_eq!(line(Some(&at_home()), Some(ACCEPTED_GRACE_SECONDS)), waits);
    assert_eq!(
        line(Some(&at_home()), Some(ACCEPTED_GRACE_SECONDS + 1)),
        "PromotionFailed: ldgnf-shop: 121 seconds after ElastiCache accepted the failover shop-dr is still a secondary"
    );
}

fn undo_line(observed: Option<&DatastoreObserved>, asked_seconds_ago: i64) -> String {
    match decide_undo(observed, ("shop", HOME), asked_seconds_ago) {
        Undo::Done(detail) => format!("done: {detail}"),
        Undo::FailBack => "fail back".into(),
        Undo::Wait(reason) => format!("wait: {reason}"),
        Undo::Fail(what) => format!("fail: {what}"),
    }
}

#[test]
fn the_undo_leads_back_to_the_group_that_was_primary() {
    assert_eq!(undo_line(Some(&away()), 5), "fail back");
    assert_eq!(undo_line(Some(&away()), 5000), "fail back");
    assert_eq!(undo_line(Some(&at_home()), 31), "done: shop of us-east-1 is primary, as before the run");
    // It may have been accepted and not yet begun: done would be said too early.
    assert_eq!(
        undo_line(Some(&at_home()), 30),
        "wait: shop is primary; the failover that is undone may yet begin to show"
    );
    for datastore in [at_home(), away()] {
        let moving = DatastoreObserved { status: "modifying".into(), ..datastore };
        assert_eq!(undo_line(Some(&moving), 500), "wait: the global datastore is `modifying`");
    }
}

#[test]
fn an_undo_that_has_nowhere_to_lead_is_said() {
    let left = DatastoreObserved {
        members: vec![member("shop-dr", AWAY, true), member("shop-eu", "eu-west-1", false)],
        ..away()
    };
    assert_eq!(
        undo_line(Some(&left), 500),
        "fail: shop of us-east-1, which was primary, is no member any more: its members are shop-dr (us-west-2), shop-eu (eu-west-1)"
    );
    let alone =
        DatastoreObserved { status: "primary-only".into(), members: vec![member("shop-dr", AWAY, true)], ..away() };
    assert_eq!(
        undo_line(Some(&alone), 500),
        "fail: the global datastore is `primary-only`: shop of us-east-1 cannot take it back"
    );
    assert_eq!(undo_line(None, 500), "fail: the recovery Region knows no such global datastore any more");
}

/// The mirror image: what was the primary is to follow.
fn mirrored() -> ElastiCacheGlobal {
    match crate::plan::Database::ElastiCacheGlobal(component()).mirrored() {
        crate::plan::Database::ElastiCacheGlobal(mirrored) => mirrored,
        other => panic!("{other:?}"),
    }
}

fn rejoin_line(observed: Option<&DatastoreObserved>) -> String {
    match rejoin(&mirrored(), HOME, observed) {
        Rejoin::Done => "done".into(),
        Rejoin::Wait(reason) => format!("wait: {reason}"),
        Rejoin::Fail(failure) => format!("{}: {} {}", failure.name, failure.resource, failure.what),
    }
}

#[test]
fn an_old_primary_follows_by_itself() {
    assert_eq!(rejoin_line(Some(&away())), "done");
    let rows: [Row; 8] = [
        (|d| d.status = "modifying".into(), "wait: the global datastore is `modifying`"),
        (|d| d.group = Some(group("modifying")), "wait: shop: the group is `modifying`"),
        (
            |d| d.group.as_mut().unwrap().node_groups[0].status = "creating".into(),
            "wait: shop: node group 0001 is `creating`",
        ),
        (|d| d.group = None, "ProtectFailed: shop its Region has no such replication group"),
        (|d| d.group = Some(group("create-failed")), "ProtectFailed: shop the replication group is `create-failed`"),
        (
            |d| drop(d.members.remove(0)),
            "ProtectFailed: shop is no member of ldgnf-shop any more: it will not follow by itself, the members are shop-dr (us-west-2)",
        ),
        (|d| *d = at_home(), "ProtectFailed: shop is the primary of ldgnf-shop: it was not failed over"),
        (
            |d| d.status = "primary-only".into(),
            "ProtectFailed: ldgnf-shop the global datastore is `primary-only`: no secondary follows its primary, so there is nobody to take over",
        ),
    ];
    for (change, expected) in rows {
        let mut datastore = away();
        change(&mut datastore);
        assert_eq!(rejoin_line(Some(&datastore)), expected);
    }
    assert_eq!(rejoin_line(None), "ProtectFailed: ldgnf-shop ElastiCache in us-east-1 knows no such global datastore");
}

fn any_datastore() -> impl Strategy<Value = DatastoreObserved> {
    let status = prop::sample::select(vec!["available", "primary-only", "modifying", "creating", "deleting", "other"]);
    let names = prop::sample::select(vec![
        ("shop", HOME),
        ("shop-dr", AWAY),
        ("shop-dr", "eu-west-1"),
        ("shop-eu", "eu-west-1"),
    ]);
    let of_group = prop::option::of(prop::sample::select(vec!["available", "modifying", "deleting"]));
    (status, prop::collection::vec((names, any::<bool>()), 0..4), of_group).prop_map(|(status, members, of_group)| {
        DatastoreObserved {
            status: status.into(),
            members: members.into_iter().map(|((id, region), primary)| member(id, region, primary)).collect(),
            group: of_group.map(group),
        }
    })
}

proptest! {
    #[test]
    fn nothing_is_asked_of_one_that_is_not_available_or_is_asked_already(
        datastore in any_datastore(),
        accepted in prop::option::of(0i64..500),
    ) {
        if decide(&component(), AWAY, Some(&datastore), accepted) == Decision::FailOver {
            prop_assert_eq!(datastore.status.as_str(), "available");
            prop_assert!(datastore.member("shop-dr", AWAY).is_some_and(|m| !m.is_primary));
            prop_assert_eq!(accepted, None);
        }
        if decide_undo(Some(&datastore), ("shop", HOME), 500) == Undo::FailBack {
            prop_assert_eq!(datastore.status.as_str(), "available");
            prop_assert!(datastore.member("shop", HOME).is_some_and(|m| !m.is_primary));
        }
    }

    #[test]
    fn done_is_never_said_of_one_that_moves_or_whose_primary_is_elsewhere(datastore in any_datastore()) {
        let settled = matches!(datastore.status.as_str(), "available" | "primary-only");
        if decide(&component(), AWAY, Some(&datastore), None) == Decision::Done {
            prop_assert!(settled && datastore.member("shop-dr", AWAY).is_some_and(|m| m.is_primary));
        }
        if matches!(decide_undo(Some(&datastore), ("shop", HOME), 500), Undo::Done(_)) {
            prop_assert!(settled && datastore.member("shop", HOME).is_some_and(|m| m.is_primary));
        }
    }
}
