//! A global datastore whose old primary comes back as a secondary: nothing is called for it.

use pilot_core::contract::Mode;
use pilot_testkit::fixture::datastore::{DATASTORE, PRIMARY_MEMBER, RECOVERY_MEMBER, with_datastore};
use pilot_testkit::{FakeDatastore, Faults, fixture};

use crate::case::Case;
use crate::fake_rds::FakeRds;

const FOLLOWS: &str = "done: shop-sessions is an available secondary of abcde-shop";

/// After a failover, with what else is true of it.
fn case(change: impl FnOnce(&mut FakeDatastore)) -> Case {
    let rds = FakeRds::default();
    let mut datastore = FakeDatastore::replicating(RECOVERY_MEMBER, PRIMARY_MEMBER);
    change(&mut datastore);
    rds.aurora.put_datastore(DATASTORE, datastore);
    let plan = with_datastore(&fixture::with_home(&fixture::plan_yaml_without_database()));
    Case::new(&plan, Mode::Protect, rds)
}

#[test]
fn an_old_primary_is_waited_for_until_it_follows() {
    let (case, faults) = (case(|d| d.observed.status = "modifying".into()), Faults::none());
    assert_eq!(case.look(0, &faults), "on its way: the global datastore is `modifying` (again in 5s)");
    case.rds.aurora.change_datastore(DATASTORE, |d| {
        d.observed.status = "available".into();
        d.observed.group.as_mut().unwrap().status = "modifying".into();
    });
    assert_eq!(case.look(5, &faults), "on its way: shop-sessions: the group is `modifying` (again in 5s)");
    case.rds.aurora.change_datastore(DATASTORE, |d| d.observed.group.as_mut().unwrap().status = "available".into());
    assert_eq!(case.look(5, &faults), FOLLOWS);
    assert!(faults.mutating_calls().is_empty() && case.entries().is_empty());
    // It is the Region of the follower that tells.
    assert!(faults.calls().iter().all(|call| call.resource == "ap-southeast-2 shop-sessions"), "{:?}", faults.calls());
}

#[test]
fn one_that_never_follows_ends_with_its_time() {
    let (case, faults) = (case(|d| d.observed.status = "modifying".into()), Faults::none());
    assert!(case.look(901, &faults).starts_with("StepDeadlineExceeded: "));
}

#[test]
fn an_old_primary_that_will_not_follow_is_told() {
    let faults = Faults::none();
    let left = case(|d| d.observed.members.retain(|member| member.is_primary));
    assert!(left.look(0, &faults).starts_with("ProtectFailed: is no member of abcde-shop any more"));
    let alone = case(|d| d.observed.status = "primary-only".into());
    assert!(alone.look(0, &faults).starts_with("ProtectFailed: the global datastore is `primary-only`"));
    let not_moved = case(|d| *d = FakeDatastore::replicating(PRIMARY_MEMBER, RECOVERY_MEMBER));
    assert_eq!(not_moved.look(0, &faults), "ProtectFailed: is the primary of abcde-shop: it was not failed over");
    let unknown = case(|_| {});
    unknown.rds.aurora.remove_datastore(DATASTORE);
    assert_eq!(unknown.look(0, &faults), "ProtectFailed: ElastiCache in ap-southeast-2 knows no such global datastore");
}
