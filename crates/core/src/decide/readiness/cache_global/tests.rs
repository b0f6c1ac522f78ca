use super::*;
use crate::decide::cache_global::fixture::{at_home, away, component, group, member, regions};

fn said(readiness: Readiness) -> String {
    match readiness {
        Readiness::Ready(text) => format!("ready: {text}"),
        Readiness::Wait(text) => format!("wait: {text}"),
        Readiness::Problem(text) => format!("problem: {text}"),
    }
}

fn line(observed: Option<&DatastoreObserved>) -> String {
    said(datastore(&component(), &regions(), observed))
}

/// A change to a settled datastore, and what is said of it.
type Row = (fn(&mut DatastoreObserved), &'static str);

#[test]
fn one_that_can_be_failed_over_is_ready_and_a_busy_one_will_be() {
    let rows: [Row; 4] = [
        (|_| {}, "ready: shop-dr is available, a secondary of shop"),
        (
            |d| d.status = "modifying".into(),
            "wait: ldgnf-shop is `modifying`, it can be failed over once it is `available`",
        ),
        (
            // Somebody's failover is on its way: whose role it is says nothing yet.
            |d| (d.status, d.members) = ("modifying".into(), away().members),
            "wait: ldgnf-shop is `modifying`, it can be failed over once it is `available`",
        ),
        (
            |d| d.group = Some(group("snapshotting")),
            "wait: shop-dr is `snapshotting`, it can take over once `available`",
        ),
    ];
    for (change, expected) in rows {
        let mut datastore = at_home();
        change(&mut datastore);
        assert_eq!(line(Some(&datastore)), expected);
    }
}

#[test]
fn a_wrong_plan_is_told_with_what_to_mend() {
    let rows: [Row; 9] = [
        (
            |d| drop(d.members.pop()),
            "problem: ldgnf-shop: ldgnf-shop has no member shop-dr in the recovery Region us-west-2, its members are shop (us-east-1); \
             correct recoveryReplicationGroupId or regions.recovery in the plan, or add the group",
        ),
        (
            |d| d.members[1].region = "eu-west-1".into(),
            "problem: ldgnf-shop: shop-dr of ldgnf-shop lies in eu-west-1, not in the recovery Region us-west-2; \
             correct recoveryReplicationGroupId or regions.recovery in the plan, or add the group",
        ),
        (
            |d| (d.status, _) = ("primary-only".into(), d.members.pop()),
            "problem: ldgnf-shop: the global datastore is `primary-only`: no secondary follows its primary, so there is nobody to take over; \
             add a secondary replication group in the recovery Region, and see in its events why there is none",
        ),
        (
            |d| d.status = "primary-only".into(),
            "problem: ldgnf-shop: the global datastore is `primary-only`: no secondary follows its primary, so there is nobody to take over; \
             add a secondary replication group in the recovery Region, and see in its events why there is none",
        ),
        (
            |d| d.status = "deleting".into(),
            "problem: ldgnf-shop: the global datastore is `deleting`; make it anew, or correct globalReplicationGroupId",
        ),
        (
            |d| d.members[0].replication_group_id = "other".into(),
            "problem: ldgnf-shop: does not hold shop of us-east-1, its members are other (us-east-1), shop-dr (us-west-2); correct the plan: \
             failing it over would bring up other data",
        ),
        (
            |d| {
                d.members[0].is_primary = false;
                d.members.push(member("shop-eu", "eu-west-1", true));
            },
            "problem: ldgnf-shop: its primary is shop-eu in eu-west-1, not shop; correct the plan, or fail it over to its primary Region",
        ),
        (
            |d| d.group = None,
            "problem: ldgnf-shop: shop-dr: its Region has no such replication group; see what became of it in the ElastiCache console",
        ),
        (
            |d| d.group = Some(group("create-failed")),
            "problem: ldgnf-shop: shop-dr: the replication group is `create-failed`; make the secondary anew",
        ),
    ];
    for (change, expected) in rows {
        let mut datastore = at_home();
        change(&mut datastore);
        assert_eq!(line(Some(&datastore)), expected);
        assert_eq!(said(standing_by(&component(), &regions(), Some(&datastore))), expected);
    }
    let nowhere = "problem: ldgnf-shop: ElastiCache in us-west-2 knows no such global datastore; make it, add a secondary there, or correct globalReplicationGroupId";
    assert_eq!(line(None), nowhere);
}

#[test]
fn one_that_was_failed_over_is_ready_for_a_run_and_a_problem_on_a_good_day() {
    assert_eq!(line(Some(&away())), "ready: shop-dr is its primary already");
    assert_eq!(
        said(standing_by(&component(), &regions(), Some(&away()))),
        "problem: ldgnf-shop: shop-dr is its primary already: there is nothing to fail over to; fail it over to shop of us-east-1"
    );
}
