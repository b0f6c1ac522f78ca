use proptest::prelude::*;

use super::*;
use crate::plan::Concurrency;

fn component(reserved: Option<u32>, provisioned: Option<u32>) -> LambdaConcurrency {
    LambdaConcurrency {
        name: "api".into(),
        wave: 1,
        function_name: "shop-api".into(),
        qualifier: Some("live".into()),
        capacity: Concurrency {
            reserved_concurrency: reserved,
            provisioned_concurrency: provisioned,
            ..Concurrency::default()
        },
        resting_capacity: None,
        timeout_seconds: 60,
    }
}

fn ready(requested: u32) -> ProvisionedObserved {
    ProvisionedObserved { requested, available: requested, status: ProvisionedStatus::Ready }
}

fn function(reserved: Option<u32>, provisioned: Option<ProvisionedObserved>) -> FunctionObserved {
    FunctionObserved { version: Some("7".into()), reserved, provisioned }
}

fn failed(requested: u32) -> ProvisionedObserved {
    let status = ProvisionedStatus::Failed { reason: "FUNCTION_ERROR_INIT_FAILURE".into() };
    ProvisionedObserved { requested, available: 0, status }
}

fn coming(requested: u32, available: u32) -> ProvisionedObserved {
    ProvisionedObserved { requested, available, status: ProvisionedStatus::InProgress }
}

#[test]
fn on_the_way_up_the_reservation_goes_first_and_only_what_is_ready_counts() {
    use Decision::{Done, Set, Wait};
    use Setting::{Provisioned, Reserved};
    let half_ready = ProvisionedObserved { available: 3, ..ready(5) };
    let rows = [
        ("nothing yet", function(Some(0), None), false, Set(Reserved(Some(10)))),
        ("never reserved", function(None, None), false, Set(Reserved(Some(10)))),
        ("more is provisioned than would be reserved", function(None, Some(ready(20))), false, Set(Reserved(Some(20)))),
        ("reserved", function(Some(10), None), false, Set(Provisioned(Some(5)))),
        ("less provisioned", function(Some(10), Some(ready(2))), false, Set(Provisioned(Some(5)))),
        ("on its way", function(Some(10), Some(coming(5, 4))), true, Wait { available: 4 }),
        ("ready, yet not all of it", function(Some(10), Some(half_ready)), true, Wait { available: 3 }),
        ("all of it, not ready", function(Some(10), Some(coming(5, 5))), true, Wait { available: 5 }),
        ("ready", function(Some(10), Some(ready(5))), true, Done),
        ("more of both is kept", function(Some(30), Some(ready(9))), false, Done),
        (
            "more is on its way, enough is not there",
            function(Some(30), Some(coming(9, 5))),
            false,
            Wait { available: 5 },
        ),
        (
            "a failure of earlier is asked for again",
            function(Some(10), Some(failed(5))),
            false,
            Set(Provisioned(Some(5))),
        ),
        ("a failure of less is no matter", function(Some(10), Some(failed(2))), true, Set(Provisioned(Some(5)))),
    ];
    for (name, seen, asked, expected) in rows {
        assert_eq!(decide(&component(Some(10), Some(5)), Some(&seen), asked), expected, "{name}");
    }
}

#[test]
fn what_the_plan_does_not_state_stays() {
    let seen = function(Some(10), Some(ready(3)));
    assert_eq!(decide(&component(Some(10), None), Some(&seen), false), Decision::Done);
    let unreserved = function(None, None);
    assert_eq!(
        decide(&component(None, Some(5)), Some(&unreserved), false),
        Decision::Set(Setting::Provisioned(Some(5)))
    );
    let plain = LambdaConcurrency { qualifier: None, ..component(Some(4), None) };
    let latest = FunctionObserved { version: Some(LATEST.into()), ..function(Some(4), None) };
    assert_eq!(decide(&plain, Some(&latest), false), Decision::Done, "a reservation is the whole function's");
}

#[test]
fn what_cannot_be_brought_up_fails_before_anything_is_changed() {
    let no_alias = FunctionObserved { version: None, ..function(None, None) };
    let latest = FunctionObserved { version: Some(LATEST.into()), ..function(None, None) };
    let both = component(Some(10), Some(5));
    let only_provisioned = component(None, Some(5));
    let rows = [
        (&both, None, "no Lambda function shop-api", "functionName"),
        (&both, Some(no_alias), "no alias or version live", "qualifier"),
        (&both, Some(latest), "leads to $LATEST", "publish a version"),
        (&only_provisioned, Some(function(Some(0), None)), "every invocation is throttled", "reservedConcurrency"),
        (
            &only_provisioned,
            Some(function(Some(4), None)),
            "5 provisioned would exceed its reserved concurrency of 4",
            "reservedConcurrency",
        ),
    ];
    for (component, seen, what, next) in rows {
        let Decision::Fail(failure) = decide(component, seen.as_ref(), false) else { panic!("{what}") };
        assert_eq!(failure.name, FailureName::ComputeFailed);
        assert!(failure.what.contains(what) && failure.next.contains(next), "{failure}");
    }
}

#[test]
fn a_provisioned_concurrency_that_failed_when_asked_for_fails_with_its_reason() {
    let seen = function(Some(10), Some(failed(5)));
    let Decision::Fail(failure) = decide(&component(Some(10), Some(5)), Some(&seen), true) else { panic!() };
    assert!(failure.what.contains("of 5 failed: FUNCTION_ERROR_INIT_FAILURE"), "{failure}");
}

#[test]
fn at_rest_it_is_exactly_as_stated_provisioned_first() {
    use Decision::{Done, Set, Wait};
    use Setting::{Provisioned, Reserved};
    let resting = |reserved, unreserved, provisioned| RestingConcurrency {
        reserved_concurrency: reserved,
        unreserved,
        provisioned_concurrency: provisioned,
    };
    let up = || function(Some(10), Some(ready(5)));
    let rows = [
        ("both down", up(), resting(Some(0), false, Some(0)), Set(Provisioned(None))),
        ("then the reservation", function(Some(10), None), resting(Some(0), false, Some(0)), Set(Reserved(Some(0)))),
        ("throttled, at rest", function(Some(0), None), resting(Some(0), false, Some(0)), Done),
        ("a little is kept", up(), resting(Some(4), false, Some(2)), Set(Provisioned(Some(2)))),
        (
            "kept, being taken away",
            function(Some(4), Some(coming(2, 5))),
            resting(Some(4), false, Some(2)),
            Wait { available: 5 },
        ),
        ("kept, failed", function(Some(4), Some(failed(2))), resting(Some(4), false, Some(2)), Done),
        ("unreserved", function(Some(10), None), resting(None, true, Some(0)), Set(Reserved(None))),
        ("unreserved already", function(None, None), resting(None, true, None), Done),
        ("nothing stated", up(), resting(None, false, None), Done),
    ];
    for (name, seen, resting, expected) in rows {
        assert_eq!(decide_rest(&component(None, Some(5)), Some(&seen), resting), expected, "{name}");
    }
    let gone = decide_rest(&component(None, Some(5)), None, resting(Some(0), false, None));
    assert!(matches!(gone, Decision::Fail(_)));
}

/// Values that AWS would let stand together: what is provisioned is within what is reserved.
fn standing() -> impl Strategy<Value = ConcurrencyBefore> {
    let provisioned = prop_oneof![Just(None), (1_u32..20).prop_map(Some)];
    (prop_oneof![Just(None), (0_u32..30).prop_map(Some)], provisioned)
        .prop_map(|(reserved, provisioned)| ConcurrencyBefore { reserved, provisioned })
        .prop_filter("AWS refuses it", stands)
}

fn stands(values: &ConcurrencyBefore) -> bool {
    values.reserved.is_none_or(|reserved| values.provisioned.unwrap_or(0) <= reserved)
}

fn set(now: ConcurrencyBefore, setting: Setting) -> ConcurrencyBefore {
    match setting {
        Setting::Reserved(reserved) => ConcurrencyBefore { reserved, ..now },
        Setting::Provisioned(provisioned) => ConcurrencyBefore { provisioned, ..now },
    }
}

proptest! {
    /// Up, at rest and back: whatever there is, whatever is wanted, no call on the way is one that AWS refuses, and two are enough.
    #[test]
    fn every_way_is_one_that_aws_lets_go(from in standing(), to in standing()) {
        let mut now = from;
        for _ in 0..2 {
            if let Some(setting) = towards(now, to) {
                now = set(now, setting);
                prop_assert!(stands(&now), "{from} to {to}: {setting}");
            }
        }
        prop_assert_eq!(now, to);
        prop_assert_eq!(towards(now, to), None);
    }

    /// On the way up nothing is lowered, and no call is one that AWS refuses, or it fails before the first.
    #[test]
    fn nothing_is_lowered_on_the_way_up(from in standing(), wanted in standing()) {
        prop_assume!(wanted.reserved != Some(0));
        let component = component(wanted.reserved, wanted.provisioned);
        let mut now = from;
        for looks in 0..4 {
            let seen = function(now.reserved, now.provisioned.map(ready));
            match decide(&component, Some(&seen), false) {
                Decision::Set(setting) => {
                    let next = set(now, setting);
                    prop_assert!(stands(&next), "{from}: {setting}");
                    prop_assert!(next.provisioned >= now.provisioned);
                    prop_assert!(now.reserved.is_none() || next.reserved >= now.reserved);
                    now = next;
                }
                Decision::Fail(failure) => {
                    prop_assert_eq!(looks, 0, "{} after a change", failure);
                    return Ok(());
                }
                decision => {
                    prop_assert_eq!(decision, Decision::Done);
                    prop_assert!(now.provisioned >= wanted.provisioned);
                    prop_assert!(wanted.reserved.is_none() || now.reserved >= wanted.reserved);
                    return Ok(());
                }
            }
        }
        prop_assert!(false, "it never ends");
    }
}
