use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn rows() {
    let rows = [
        ("just begun", 100, 100, 10, false),
        ("one second left", 100, 109, 10, false),
        ("the last second is over", 100, 110, 10, true),
        ("long over", 100, 9_999, 10, true),
        ("a clock that runs behind the state machine's", 100, 40, 10, false),
        ("no time at all", 100, 100, 0, true),
    ];
    for (name, started, now, timeout, over) in rows {
        assert_eq!(check("shop-app", "1 of 2 in service", at(started), at(now), timeout).is_err(), over, "{name}");
    }
}

#[test]
fn it_says_what_was_waited_for() {
    let failure = check("shop-app", "1 of 2 in service", at(0), at(600), 600).unwrap_err();
    insta::assert_snapshot!(failure, @"StepDeadlineExceeded: not there after 600 seconds, the plan allows 600: 1 of 2 in service [shop-app]. Now: the last act stands as the journal says. Next: look at the resource itself; raise timeoutSeconds in the plan if it is only slow");
}

proptest! {
    #[test]
    fn it_is_total_and_once_over_stays_over(
        started in Timestamp::MIN.as_second()..=Timestamp::MAX.as_second(),
        now in Timestamp::MIN.as_second()..=Timestamp::MAX.as_second(),
        timeout in any::<u32>(),
    ) {
        let over = check("r", "w", at(started), at(now), timeout).is_err();
        let later = check("r", "w", at(started), Timestamp::MAX, timeout).is_err();
        prop_assert!(!over || later);
        prop_assert_eq!(seconds_between(at(started), at(now)), -seconds_between(at(now), at(started)));
    }
}
