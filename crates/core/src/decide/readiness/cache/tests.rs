use super::*;
use crate::decide::cache::fixture::{component, group};

fn line(observed: Option<&CacheObserved>) -> String {
    match cache(&component(), observed) {
        Readiness::Ready(text) => format!("ready: {text}"),
        Readiness::Wait(text) => format!("wait: {text}"),
        Readiness::Problem(text) => format!("problem: {text}"),
    }
}

/// A change to a group, and what is said of it.
type Row = (fn(&mut CacheObserved), &'static str);

#[test]
fn not_there_yet_or_there_and_as_the_plan_says() {
    assert_eq!(line(None), "ready: shop-cache is not there yet, it will be created");
    assert_eq!(line(Some(&group())), "ready: shop-cache is there already, available and as the plan says");
    let rows: [Row; 6] = [
        (|g| g.status = "creating".into(), "wait: shop-cache: the group is `creating`"),
        (|g| g.status = "deleting".into(), "wait: shop-cache: the group is `deleting`"),
        (|g| g.node_groups[1].status = "modifying".into(), "wait: shop-cache: node group 0002 is `modifying`"),
        (
            |g| g.status = "create-failed".into(),
            "problem: shop-cache: the group is `create-failed`; see the group's events for why (subnets, limits, capacity of the node \
             type), and delete it",
        ),
        (
            |g| g.secondary_of = Some("abcde-shop".into()),
            "problem: shop-cache: the group is a secondary of the global datastore abcde-shop and takes no writes; disassociate it, or name \
             another replicationGroupId in the plan",
        ),
        (
            |g| g.node_type = Some("cache.t4g.micro".into()),
            "problem: shop-cache: the group that is there is not as the plan says: nodeType is cache.t4g.micro, must be cache.r7g.large; \
             change the group or the plan, or delete the group: it is created anew then",
        ),
    ];
    for (change, expected) in rows {
        let mut seen = group();
        change(&mut seen);
        assert_eq!(line(Some(&seen)), expected);
    }
}
