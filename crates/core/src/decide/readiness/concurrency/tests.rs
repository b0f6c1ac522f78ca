use super::*;
use crate::plan::Concurrency;

fn component() -> LambdaConcurrency {
    LambdaConcurrency {
        name: "price".into(),
        wave: 1,
        function_name: "shop-price".into(),
        qualifier: Some("live".into()),
        capacity: Concurrency { provisioned_concurrency: Some(5), ..Concurrency::default() },
        resting_capacity: None,
        timeout_seconds: 60,
    }
}

fn seen(version: Option<&str>, reserved: Option<u32>) -> FunctionObserved {
    FunctionObserved { version: version.map(str::to_owned), reserved, provisioned: None }
}

#[test]
fn what_is_wrong_is_told_with_what_to_mend() {
    let rows = [
        ("missing", None, "no Lambda function shop-price; correct functionName"),
        ("no such alias", Some(seen(None, None)), "no alias or version live; correct qualifier"),
        ("$LATEST", Some(seen(Some("$LATEST"), None)), "cannot have provisioned concurrency; publish a version"),
        (
            "throttled for good",
            Some(seen(Some("7"), Some(0))),
            "throttled, and the plan states none to raise it to; state",
        ),
        ("too little reserved", Some(seen(Some("7"), Some(4))), "would exceed its reserved concurrency of 4"),
    ];
    for (name, seen, expected) in rows {
        let Readiness::Problem(problem) = function(&component(), seen.as_ref()) else { panic!("{name} is ready") };
        assert!(problem.starts_with("shop-price:live: ") && problem.contains(expected), "{name}: {problem}");
    }
}

#[test]
fn what_is_there_is_ready_even_if_the_plan_has_to_wake_it() {
    let mut component = component();
    let ready = function(&component, Some(&seen(Some("7"), None)));
    assert_eq!(ready, Readiness::Ready("there, reserved concurrency none, provisioned none".into()));
    component.capacity.reserved_concurrency = Some(10);
    let ready = function(&component, Some(&seen(Some("7"), Some(0))));
    assert_eq!(ready, Readiness::Ready("there and throttled, reserved concurrency 0, provisioned none".into()));
}
