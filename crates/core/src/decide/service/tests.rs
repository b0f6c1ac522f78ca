use proptest::prelude::*;

use super::*;

fn target(min: u32, max: u32) -> Option<ScalableTarget> {
    Some(ScalableTarget { min, max })
}

fn service(target: Option<ScalableTarget>, desired: u32, running: u32) -> ServiceObserved {
    ServiceObserved { status: "ACTIVE".into(), desired, running, deployment: DeploymentObserved::Steady, target }
}

fn set_target(min: u32, max: u32) -> Decision {
    Decision::Set(Setting::Target(ScalableTarget { min, max }))
}

fn set_desired(desired: u32) -> Decision {
    Decision::Set(Setting::Desired(desired))
}

const WANTED: Capacity = Capacity { min: 2, max: 4, desired: 2 };

#[test]
fn decisions() {
    let deploying = ServiceObserved { deployment: DeploymentObserved::InProgress, ..service(target(2, 4), 2, 2) };
    let rows = [
        ("pilot light: the target goes first", service(target(0, 0), 0, 0), set_target(2, 4)),
        ("then the desired count", service(target(2, 4), 0, 0), set_desired(2)),
        ("no scalable target: the desired count only", service(None, 0, 0), set_desired(2)),
        ("only the maximum is too low", service(target(2, 2), 2, 2), set_target(2, 4)),
        ("only the minimum is too low: it could scale in again", service(target(0, 4), 2, 2), set_target(2, 4)),
        ("bigger than the plan in one way, smaller in another", service(target(0, 10), 6, 6), set_target(2, 10)),
        ("set, nothing runs yet", service(target(2, 4), 2, 0), Decision::Wait { running: 0 }),
        ("set, one of two runs", service(target(2, 4), 2, 1), Decision::Wait { running: 1 }),
        ("all run, and a deployment is under way", deploying, Decision::Wait { running: 2 }),
        ("running and steady", service(target(2, 4), 2, 2), Decision::Done),
        ("without a scalable target", service(None, 2, 2), Decision::Done),
        ("scaled out by itself, the plan's part runs", service(target(2, 4), 4, 2), Decision::Done),
        ("much bigger than the plan", service(target(5, 50), 20, 20), Decision::Done),
        ("tasks without the settings that keep them", service(target(0, 0), 0, 9), set_target(2, 4)),
    ];
    for (name, observed, expected) in rows {
        assert_eq!(decide("shop/api", Some(&observed), WANTED), expected, "{name}");
    }
}

#[test]
fn what_cannot_be_brought_up_fails_by_name() {
    let reason = "ECS deployment circuit breaker: tasks failed to start.".to_owned();
    let failed =
        ServiceObserved { deployment: DeploymentObserved::Failed { reason: reason.clone() }, ..service(None, 0, 0) };
    let with_status = |status: &str| ServiceObserved { status: status.into(), ..service(None, 2, 2) };
    let rows = [
        (None, "no such ECS service"),
        (Some(with_status("INACTIVE")), "`INACTIVE`"),
        (Some(with_status("DRAINING")), "`DRAINING`"),
        (Some(failed.clone()), reason.as_str()),
    ];
    for (observed, said) in rows {
        let Decision::Fail(failure) = decide("shop/api", observed.as_ref(), WANTED) else { panic!("{said}") };
        assert_eq!((failure.name, failure.resource.as_str()), (FailureName::ComputeFailed, "shop/api"));
        assert!(failure.what.contains(said) && !failure.next.is_empty(), "{failure}");
    }
    // A deployment that failed rests as well as any other.
    let resting = Capacity { min: 0, max: 0, desired: 0 };
    assert_eq!(decide_rest("shop/api", Some(&failed), resting), Decision::Done);
    assert!(matches!(decide_rest("shop/api", None, resting), Decision::Fail(_)));
    assert!(matches!(decide_rest("shop/api", Some(&with_status("INACTIVE")), resting), Decision::Fail(_)));
}

#[test]
fn rest() {
    let resting = Capacity { min: 0, max: 1, desired: 0 };
    let rows = [
        ("the target first: else it would scale out again", service(target(2, 4), 2, 2), set_target(0, 1)),
        ("then the desired count", service(target(0, 1), 1, 1), set_desired(0)),
        ("no scalable target", service(None, 3, 3), set_desired(0)),
        ("raised to what it rests with", service(target(0, 0), 0, 0), set_target(0, 1)),
        ("tasks are stopping", service(target(0, 1), 0, 2), Decision::Wait { running: 2 }),
        ("at rest", service(target(0, 1), 0, 0), Decision::Done),
    ];
    for (name, observed, expected) in rows {
        assert_eq!(decide_rest("shop/api", Some(&observed), resting), expected, "{name}");
    }
}

#[test]
fn undo() {
    let before = |target, desired| ServiceBefore { desired, target };
    let to_target = |min, max| Some(Setting::Target(ScalableTarget { min, max }));
    let rows = [
        ("as it was", service(target(0, 0), 0, 0), before(target(0, 0), 0), None),
        ("only the tasks differ: they follow", service(target(0, 0), 0, 2), before(target(0, 0), 0), None),
        ("set by this run", service(target(2, 4), 2, 2), before(target(0, 1), 0), to_target(0, 1)),
        ("the target is back", service(target(0, 1), 1, 2), before(target(0, 1), 0), Some(Setting::Desired(0))),
        ("no target before", service(None, 2, 2), before(None, 1), Some(Setting::Desired(1))),
        ("a target of somebody else's", service(target(1, 9), 1, 1), before(None, 1), None),
        ("the target was taken away", service(None, 2, 2), before(target(2, 4), 2), to_target(2, 4)),
        ("fenced", service(target(0, 0), 0, 0), before(target(2, 6), 3), to_target(2, 6)),
    ];
    for (name, observed, before, expected) in rows {
        assert_eq!(decide_undo(&observed, &before), expected, "{name}");
    }
}

fn any_target() -> impl Strategy<Value = Option<ScalableTarget>> {
    let size = || prop_oneof![0u32..6, any::<u32>()];
    prop::option::of((size(), size()).prop_map(|(a, b)| ScalableTarget { min: a.min(b), max: a.max(b) }))
}

fn any_service() -> impl Strategy<Value = ServiceObserved> {
    let size = || prop_oneof![0u32..6, any::<u32>()];
    let deployment = prop::sample::select(vec![DeploymentObserved::Steady, DeploymentObserved::InProgress]);
    (any_target(), size(), size(), deployment).prop_map(|(target, desired, running, deployment)| ServiceObserved {
        deployment,
        ..service(target, desired, running)
    })
}

fn any_capacity() -> impl Strategy<Value = Capacity> {
    let size = || prop_oneof![0u32..6, any::<u32>()];
    (size(), size(), size()).prop_map(|(a, b, c)| {
        let mut sizes = [a, b, c];
        sizes.sort_unstable();
        Capacity { min: sizes[0], desired: sizes[1], max: sizes[2] }
    })
}

/// What AWS does with a setting: a new target moves the desired count into its range.
fn after(observed: &ServiceObserved, setting: Setting) -> ServiceObserved {
    match setting {
        Setting::Desired(desired) => ServiceObserved { desired, ..observed.clone() },
        Setting::Target(target) => ServiceObserved {
            desired: observed.desired.clamp(target.min, target.max),
            target: Some(target),
            ..observed.clone()
        },
    }
}

proptest! {
    #[test]
    fn nothing_is_lowered(observed in any_service(), wanted in any_capacity()) {
        match decide("s", Some(&observed), wanted) {
            Decision::Set(Setting::Target(target)) => {
                let now = observed.target.unwrap();
                prop_assert!(target.min >= now.min && target.max >= now.max);
                prop_assert!(target.min >= wanted.min && target.max >= wanted.max);
            }
            Decision::Set(Setting::Desired(desired)) => {
                prop_assert!(desired > observed.desired && desired == wanted.desired);
                let room = observed.target.is_none_or(|target| target.min >= wanted.min && target.max >= wanted.max);
                prop_assert!(room, "the desired count before the target");
            }
            Decision::Done => {
                prop_assert!(observed.running >= wanted.desired);
                prop_assert_eq!(observed.deployment, DeploymentObserved::Steady);
            }
            Decision::Wait { .. } | Decision::Fail(_) => {}
        }
    }

    #[test]
    fn two_settings_are_enough_and_the_undo_brings_back_exactly_the_values_before(
        observed in any_service(), wanted in any_capacity(), resting in any_capacity(),
    ) {
        for decide in [decide, decide_rest] {
            for capacity in [wanted, resting] {
                let mut now = observed.clone();
                for _ in 0..2 {
                    if let Decision::Set(setting) = decide("s", Some(&now), capacity) {
                        now = after(&now, setting);
                    }
                }
                let again = decide("s", Some(&now), capacity);
                prop_assert!(!matches!(again, Decision::Set(_)), "{again:?}");
                let before = observed.settings();
                for _ in 0..2 {
                    if let Some(setting) = decide_undo(&now, &before) {
                        now = after(&now, setting);
                    }
                }
                prop_assert_eq!(now.settings(), before);
                prop_assert_eq!(decide_undo(&now, &before), None, "the undo is not idempotent");
            }
        }
    }
}
