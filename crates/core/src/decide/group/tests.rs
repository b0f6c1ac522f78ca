use proptest::prelude::*;

use super::*;

fn group(min: u32, max: u32, desired: u32, in_service: u32) -> GroupObserved {
    GroupObserved { min, max, desired, in_service }
}

const TARGET: Capacity = Capacity { min: 2, max: 4, desired: 2 };

#[test]
fn decisions() {
    let to = |min, max, desired| Decision::Resize(Capacity { min, max, desired });
    let rows = [
        ("pilot light: everything is 0", group(0, 0, 0, 0), to(2, 4, 2)),
        ("only the maximum is too low", group(2, 2, 2, 2), to(2, 4, 2)),
        ("only the minimum is too low: it could scale in again", group(0, 4, 2, 2), to(2, 4, 2)),
        ("bigger than the plan in one way, smaller in another", group(0, 10, 6, 6), to(2, 10, 6)),
        ("set, nothing in service yet", group(2, 4, 2, 0), Decision::Wait { in_service: 0 }),
        ("set, one of two in service", group(2, 4, 2, 1), Decision::Wait { in_service: 1 }),
        ("in service", group(2, 4, 2, 2), Decision::Done),
        ("scaled out by itself, the plan's part in service", group(2, 4, 4, 2), Decision::Done),
        ("much bigger than the plan", group(5, 50, 20, 20), Decision::Done),
        ("instances without the sizes that keep them", group(0, 0, 0, 9), to(2, 4, 2)),
    ];
    for (name, observed, expected) in rows {
        assert_eq!(decide("shop-app", Some(&observed), TARGET), expected, "{name}");
    }
}

#[test]
fn a_group_that_is_not_there_fails_by_name() {
    let Decision::Fail(failure) = decide("shop-app", None, TARGET) else { panic!("it did not fail") };
    assert_eq!((failure.name, failure.resource.as_str()), (FailureName::ComputeFailed, "shop-app"));
}

#[test]
fn undo() {
    let back = |min, max, desired| Some(Capacity { min, max, desired });
    let rows = [
        ("as it was", group(0, 0, 0, 0), group(0, 0, 0, 0), None),
        ("only the instances differ: they follow the sizes", group(0, 0, 0, 2), group(0, 0, 0, 0), None),
        ("resized by this run", group(2, 4, 2, 2), group(0, 0, 0, 0), back(0, 0, 0)),
        ("a warm standby goes back to its size", group(2, 4, 4, 4), group(1, 4, 1, 1), back(1, 4, 1)),
        (
            "somebody shrank it below: the values before all the same",
            group(0, 0, 0, 0),
            group(1, 2, 1, 1),
            back(1, 2, 1),
        ),
    ];
    for (name, observed, before, expected) in rows {
        assert_eq!(decide_undo(&observed, &before), expected, "{name}");
    }
}

fn any_group() -> impl Strategy<Value = GroupObserved> {
    // Small numbers meet often, large ones test the edges.
    let size = || prop_oneof![0u32..6, any::<u32>()];
    (size(), size(), size(), size()).prop_map(|(min, max, desired, in_service)| group(min, max, desired, in_service))
}

fn any_capacity() -> impl Strategy<Value = Capacity> {
    any_group().prop_map(|g| Capacity { min: g.min, max: g.max, desired: g.desired })
}

/// What Auto Scaling does with a resize.
fn resized(observed: GroupObserved, to: Capacity) -> GroupObserved {
    GroupObserved { min: to.min, max: to.max, desired: to.desired, ..observed }
}

proptest! {
    #[test]
    fn a_size_is_never_lowered(observed in any_group(), target in any_capacity()) {
        if let Decision::Resize(sizes) = decide("g", Some(&observed), target) {
            prop_assert!(sizes.min >= observed.min && sizes.max >= observed.max && sizes.desired >= observed.desired);
            prop_assert!(sizes.min >= target.min && sizes.max >= target.max && sizes.desired >= target.desired);
        }
    }

    #[test]
    fn one_resize_is_enough(observed in any_group(), target in any_capacity()) {
        if let Decision::Resize(sizes) = decide("g", Some(&observed), target) {
            let again = decide("g", Some(&resized(observed, sizes)), target);
            prop_assert!(!matches!(again, Decision::Resize(_)), "{again:?}");
        }
    }

    #[test]
    fn sizes_that_auto_scaling_takes_stay_so(
        (min, desired, max) in (0u32..20, 0u32..20, 0u32..20).prop_map(|(a, b, c)| (a, a + b, a + b + c)),
        (t_min, t_desired, t_max) in (0u32..20, 0u32..20, 0u32..20).prop_map(|(a, b, c)| (a, a + b, a + b + c)),
    ) {
        let target = Capacity { min: t_min, max: t_max, desired: t_desired };
        if let Decision::Resize(sizes) = decide("g", Some(&group(min, max, desired, 0)), target) {
            prop_assert!(sizes.min <= sizes.desired && sizes.desired <= sizes.max, "{sizes:?}");
        }
    }

    #[test]
    fn done_means_in_service(observed in any_group(), target in any_capacity()) {
        if decide("g", Some(&observed), target) == Decision::Done {
            prop_assert!(observed.in_service >= target.desired);
        }
    }

    #[test]
    fn undo_brings_back_exactly_the_values_before(before in any_group(), target in any_capacity(), drift in any_group()) {
        let after = match decide("g", Some(&before), target) {
            Decision::Resize(sizes) => resized(before, sizes),
            _ => before,
        };
        for observed in [after, drift] {
            let end = decide_undo(&observed, &before).map_or(observed, |sizes| resized(observed, sizes));
            prop_assert_eq!((end.min, end.max, end.desired), (before.min, before.max, before.desired));
            prop_assert_eq!(decide_undo(&end, &before), None, "the undo is not idempotent");
        }
    }
}
