use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::plan::{Concurrency, LambdaConcurrency, ServingCapacity, check};

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
    let known = Known { desired, provisioned: None, seen_at: now() - SignedDuration::from_secs(seconds_ago) };
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
    let seen = |desired: u32| [(name.clone(), Had::from(desired))].into();
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

/// A function of which 150 % of the primary's are wanted.
fn function(reserved: Option<u32>, provisioned: Option<u32>) -> Compute {
    Compute::LambdaConcurrency(LambdaConcurrency {
        name: "price".into(),
        wave: 1,
        function_name: "shop-price".into(),
        qualifier: Some("live".into()),
        capacity: Concurrency {
            reserved_concurrency: reserved,
            provisioned_concurrency: provisioned,
            percent_of_primary: Some(150),
            max: Some(40),
        },
        resting_capacity: None,
        timeout_seconds: 60,
    })
}

#[test]
fn a_functions_share_is_one_of_each_figure_that_the_plan_states() {
    let had = |desired, provisioned| Some(Had { desired, provisioned });
    let rows = [
        ("nothing is known", Some(10), Some(5), None, (Some(10), Some(5))),
        ("both grow, rounded up", Some(10), Some(5), had(13, Some(7)), (Some(20), Some(11))),
        ("never below what is stated", Some(10), Some(5), had(2, Some(1)), (Some(10), Some(5))),
        ("never above the maximum", Some(10), Some(5), had(1_000, Some(1_000)), (Some(40), Some(40))),
        ("what is not stated is left as it is", None, Some(5), had(13, Some(7)), (None, Some(11))),
        ("and the other way round", Some(10), None, had(13, Some(7)), (Some(20), None)),
        ("nothing reserved at home", Some(10), Some(5), had(0, Some(20)), (Some(10), Some(10))),
        ("nothing provisioned at home", Some(10), Some(5), had(13, None), (Some(20), Some(5))),
    ];
    for (name, reserved, provisioned, primary, expected) in rows {
        let mut component = function(reserved, provisioned);
        component.fix_capacity(primary);
        let Compute::LambdaConcurrency(fixed) = &component else { panic!("{component:?}") };
        let concurrency = (fixed.capacity.reserved_concurrency, fixed.capacity.provisioned_concurrency);
        assert_eq!(concurrency, expected, "{name}");
        assert_eq!(component.share(), None, "{name}: a fixed capacity moves no more");
    }
}

#[test]
fn both_figures_of_a_function_are_said_and_one_of_them_is_something() {
    let component = function(Some(10), Some(5));
    let price = Known { desired: 13, provisioned: Some(7), seen_at: now() - SignedDuration::from_secs(180) };
    let record = LastKnown { components: [("price".to_owned(), price)].into() };
    assert_eq!(
        record.said(&component, now()).unwrap(),
        "150 % of the primary's reserved concurrency 13, provisioned concurrency 7, seen 3 minutes ago, within reserved concurrency 10, \
         provisioned concurrency 5 and 40"
    );
    assert_eq!(record.warning(&component, now()), None);
    assert!(Had { desired: 0, provisioned: Some(1) }.is_something());
    assert!(!Had { desired: 0, provisioned: Some(0) }.is_something() && !Had::from(0).is_something());
    let of_yesterday: LastKnown =
        serde_json::from_str(r#"{"components":{"web":{"desired":3,"seenAt":"2026-10-20T08:00:00Z"}}}"#).unwrap();
    assert_eq!(of_yesterday.components["web"].provisioned, None, "a record of an earlier version is one of today");
}
