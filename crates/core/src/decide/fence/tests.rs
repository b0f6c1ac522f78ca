use super::*;

fn at() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn group(min: u32, max: u32, desired: u32, in_service: u32) -> GroupObserved {
    GroupObserved { min, max, desired, in_service }
}

fn door(ids: &[&str], in_force: bool) -> DoorObserved {
    DoorObserved { security_group_ids: ids.iter().map(|id| (*id).to_owned()).collect(), in_force }
}

#[test]
fn a_group_is_fenced_when_nothing_runs_and_nothing_may_be_launched() {
    let rows = [
        ((0, 0, 0, 0), Decision::Done),
        ((0, 0, 0, 2), Decision::Wait),
        ((2, 4, 2, 2), Decision::Act),
        ((0, 4, 0, 0), Decision::Act),
        ((2, 4, 2, 0), Decision::Act),
    ];
    for ((min, max, desired, in_service), expected) in rows {
        assert_eq!(decide_group(&group(min, max, desired, in_service)), expected, "{min} {max} {desired} {in_service}");
    }
}

#[test]
fn a_service_is_fenced_when_nothing_runs_and_nothing_may_be_launched() {
    let target = |min, max| Some(ScalableTarget { min, max });
    let rows = [
        (target(0, 0), 0, 0, Decision::Done),
        (None, 0, 0, Decision::Done),
        (target(0, 0), 0, 2, Decision::Wait),
        (target(2, 6), 3, 3, Decision::Act),
        (target(0, 6), 0, 0, Decision::Act),
        (target(0, 0), 3, 0, Decision::Act),
        (None, 3, 3, Decision::Act),
    ];
    for (target, desired, running, expected) in rows {
        let deployment = crate::observed::DeploymentObserved::Steady;
        let service = ServiceObserved { status: "ACTIVE".into(), desired, running, deployment, target };
        assert_eq!(decide_service(&service), expected, "{service:?}");
    }
}

#[test]
fn a_door_is_closed_when_its_only_group_admits_nobody() {
    let rows: [(&[&str], bool, Decision); 5] = [
        (&["sg-closed"], true, Decision::Done),
        (&["sg-closed"], false, Decision::Wait),
        (&["sg-open"], true, Decision::Act),
        (&["sg-closed", "sg-open"], true, Decision::Act),
        (&[], true, Decision::Act),
    ];
    for (ids, in_force, expected) in rows {
        assert_eq!(decide_door(&door(ids, in_force), &["sg-closed".to_owned()]), expected, "{ids:?} {in_force}");
    }
    assert!(door_is_back(&door(&["b", "a"], true), &["a".into(), "b".into()]));
    assert!(!door_is_back(&door(&["a"], true), &["a".into(), "b".into()]));
}

#[test]
fn an_item_that_cannot_be_reached_is_given_up_in_time() {
    use FencePolicy::{BestEffort, Required};
    use ItemState::{Busy, Done, InProgress, Refused, Unreachable};
    let record = |looks| ItemRecord {
        name: "web".into(),
        resource: "group".into(),
        state: InProgress,
        detail: String::new(),
        looks,
        at: at(),
    };
    let rows = [
        (BestEffort, 0, Unreachable, false, InProgress),
        (BestEffort, 1, Unreachable, false, Unreachable),
        (Required, 1, Unreachable, false, InProgress),
        (Required, 9, Unreachable, true, Unreachable),
        (BestEffort, 0, Busy, false, InProgress),
        (BestEffort, 1, Busy, false, Refused),
        (Required, 1, Busy, false, InProgress),
        (Required, 9, Busy, true, Refused),
        (BestEffort, 9, InProgress, false, InProgress),
        (Required, 9, InProgress, true, Unreachable),
        (BestEffort, 0, Done, true, Done),
        (Required, 0, Refused, false, Refused),
    ];
    for (policy, looks, seen, over, expected) in rows {
        let earlier = (looks > 0).then(|| record(looks));
        let seen = Seen { state: seen, detail: "seen".into() };
        let settled = settle(policy, earlier.as_ref(), "web", "group", seen.clone(), at(), over);
        assert_eq!((settled.state, settled.looks), (expected, looks + 1), "{policy:?} {looks} {seen:?} {over}");
    }
}

#[test]
fn only_a_required_fence_that_is_not_achieved_stops_the_run() {
    let item = |state| ItemRecord {
        name: "web".into(),
        resource: "group".into(),
        state,
        detail: "no answer".into(),
        looks: 1,
        at: at(),
    };
    for (policy, state, goes_on) in [
        (FencePolicy::BestEffort, ItemState::Unreachable, true),
        (FencePolicy::Required, ItemState::Done, true),
        (FencePolicy::Required, ItemState::Unreachable, false),
        (FencePolicy::Required, ItemState::Refused, false),
    ] {
        let evidence =
            FenceEvidence { policy, achieved: state == ItemState::Done, seconds: 3, items: vec![item(state)] };
        let checked = evidence.check("shop");
        assert_eq!(checked.is_ok(), goes_on, "{policy:?} {state:?}");
        if let Err(failure) = checked {
            assert_eq!(failure.name, FailureName::FenceNotAchieved);
            assert!(failure.what.contains("web"), "{failure}");
        }
    }
}
