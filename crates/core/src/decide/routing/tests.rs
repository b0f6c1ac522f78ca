use proptest::prelude::*;

use super::ControlState::{Off, On};
use super::*;

fn states(pairs: &[(&str, ControlState)]) -> ControlStates {
    pairs.iter().map(|(arn, state)| ((*arn).to_owned(), *state)).collect()
}

#[test]
fn decisions() {
    let both = states(&[("r", On), ("p", Off)]);
    let rows = [
        ("traffic at the primary", states(&[("r", Off), ("p", On)]), Decision::Set(both.clone())),
        ("both on: only the other is turned", states(&[("r", On), ("p", On)]), Decision::Set(states(&[("p", Off)]))),
        ("both off", states(&[("r", Off), ("p", Off)]), Decision::Set(states(&[("r", On)]))),
        ("as wanted", both.clone(), Decision::Done),
        ("one does not exist: the other is not turned", states(&[("p", On)]), Decision::Missing(vec!["r".into()])),
        ("a control of somebody else says nothing", states(&[("r", On), ("p", Off), ("x", On)]), Decision::Done),
    ];
    for (name, observed, expected) in rows {
        assert_eq!(decide(&both, &observed), expected, "{name}");
    }
}

#[test]
fn states_are_told_by_id() {
    let panel = "arn:aws:route53-recovery-control::111122223333:controlpanel/abc/routingcontrol";
    let of = |id: &str, state| (format!("{panel}/{id}"), state);
    let states: ControlStates = [of("1", Off), of("2", On), of("3", On)].into_iter().collect();
    assert_eq!(told(&states), "On: 2, 3; Off: 1");
    assert_eq!(told(&ControlStates::new()), "");
}

fn any_states() -> impl Strategy<Value = ControlStates> {
    proptest::collection::btree_map("[a-e]", prop_oneof![Just(On), Just(Off)], 0..6)
}

proptest! {
    #[test]
    fn one_call_is_enough_and_touches_nothing_else(wanted in any_states(), mut zone in any_states()) {
        match decide(&wanted, &zone) {
            Decision::Set(set) => {
                prop_assert!(!set.is_empty());
                prop_assert!(set.iter().all(|(arn, state)| wanted[arn] == *state && zone[arn] != *state));
                zone.extend(set);
                prop_assert_eq!(decide(&wanted, &zone), Decision::Done);
            }
            Decision::Done => prop_assert!(wanted.iter().all(|(arn, state)| zone[arn] == *state)),
            Decision::Missing(missing) => {
                prop_assert!(!missing.is_empty() && missing.iter().all(|arn| !zone.contains_key(arn)));
            }
        }
    }
}
