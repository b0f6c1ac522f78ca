use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::plan::{ServingCapacity, check};

const PLAN: &str = include_str!("../../../tests/plans/there-and-back.yaml");

/// The plan with a share of the primary's group.
fn plan() -> RecoveryPlan {
    let mut plan = check(PLAN.as_bytes()).unwrap();
    let Compute::AutoScalingGroup(group) = &mut plan.compute[0] else { panic!("no group") };
    group.capacity = ServingCapacity { min: 1, max: 10, desired: 2, percent_of_primary: Some(75) };
    plan
}

fn now() -> Timestamp {
    "2026-10-20T08:00:00Z".parse().unwrap()
}

fn known(desired: u32, seconds_ago: i64) -> LastKnown {
    let known = Known { desired, seen_at: now() - SignedDuration::from_secs(seconds_ago) };
    LastKnown { components: [(plan().compute[0].name().to_owned(), known)].into() }
}

#[test]
fn a_share_is_rounded_up_and_kept_between_what_is_desired_and_the_maximum() {
    let rows = [(None, 2), (Some(1), 2), (Some(2), 2), (Some(3), 3), (Some(8), 6), (Some(9), 7), (Some(100), 10)];
    for (primary, expected) in rows {
        let record = primary.map_or_else(LastKnown::default, |desired| known(desired, 60));
        let fixed = record.fixed(&plan());
        let sizes = fixed.compute[0].capacity().unwrap();
        assert_eq!((sizes.min, sizes.max, sizes.desired), (1, 10, expected), "{primary:?}");
        assert_eq!(fixed.compute[0].share(), None);
    }
}

#[test]
fn what_is_used_is_said_with_its_age() {
    let component = &plan().compute[0];
    assert_eq!(
        known(8, 180).said(component, now()).unwrap(),
        "75 % of the primary's 8, seen 3 minutes ago, within 2 and 10"
    );
    let none = LastKnown::default();
    assert!(none.said(component, now()).unwrap().ends_with("nothing is known: the 2 that the plan states"));
    let plain = check(PLAN.as_bytes()).unwrap();
    assert_eq!(known(8, 180).said(&plain.compute[0], now()), None);
}

#[test]
fn what_is_missing_or_older_than_a_day_is_warned_of() {
    let component = &plan().compute[0];
    assert_eq!(known(8, OLD_SECONDS).warning(component, now()), None);
    assert!(known(8, OLD_SECONDS + 1).warning(component, now()).unwrap().contains("(8) was last seen 24 hours ago"));
    assert!(LastKnown::default().warning(component, now()).unwrap().contains("not written down yet"));
    let plain = check(PLAN.as_bytes()).unwrap();
    assert_eq!(LastKnown::default().warning(&plain.compute[0], now()), None);
}

#[test]
fn what_could_not_be_seen_stays_and_what_is_not_watched_goes() {
    let (plan, name) = (plan(), plan().compute[0].name().to_owned());
    let seen = |desired: u32| [(name.clone(), desired)].into();
    assert_eq!(remember(&LastKnown::default(), &plan, &seen(8), now()), known(8, 0));
    assert_eq!(remember(&known(5, 60), &plan, &seen(8), now()), known(8, 0));
    assert_eq!(remember(&known(5, 60), &plan, &BTreeMap::new(), now()), known(5, 60));
    assert_eq!(remember(&known(5, 60), &plan, &seen(0), now()), known(5, 60), "an emptied group tells no capacity");
    let plain = check(PLAN.as_bytes()).unwrap();
    assert_eq!(remember(&known(5, 60), &plain, &seen(8), now()), LastKnown::default());
}

proptest! {
    #[test]
    fn the_target_is_never_below_what_is_stated_nor_above_the_maximum(
        desired in 1_u32..50, more in 0_u32..50, percent in 1_u32..1_000, primary in proptest::option::of(0_u32..10_000),
    ) {
        let stated = ServingCapacity { min: 0, max: desired + more, desired, percent_of_primary: Some(percent) };
        let fixed = stated.fixed(primary);
        prop_assert!((stated.desired..=stated.max).contains(&fixed.desired));
        if let Some(primary) = primary {
            let share = f64::from(percent) * f64::from(primary) / 100.0;
            prop_assert!(fixed.desired == fixed.max || f64::from(fixed.desired) >= share - 1e-9);
        }
        prop_assert_eq!(fixed.fixed(Some(9_999)), fixed, "a fixed capacity moves no more");
    }
}
