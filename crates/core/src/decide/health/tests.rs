use super::*;
use SignalState::{Failing, Healthy, Unknown};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn signal(fate: &str, over_http: bool, state: SignalState) -> SignalObserved {
    SignalObserved { name: format!("{fate}-{over_http}"), fate: fate.into(), over_http, state, evidence: "seen".into() }
}

/// Application by an HTTP probe and an alarm, database by RDS in two ways, as in the example plan.
fn example(
    http: SignalState,
    alarm: SignalState,
    instance: SignalState,
    replication: SignalState,
) -> Vec<SignalObserved> {
    vec![
        signal("application", true, http),
        signal("application", false, alarm),
        signal("database", false, instance),
        signal("database", false, replication),
    ]
}

#[test]
fn verdicts_of_the_example_plan() {
    let cases = [
        ("all is well", example(Healthy, Healthy, Healthy, Healthy), true, Verdict::Healthy),
        ("application only", example(Failing, Failing, Healthy, Healthy), true, Verdict::Impaired),
        ("application, alarm not yet", example(Failing, Healthy, Healthy, Healthy), true, Verdict::Impaired),
        ("database only", example(Healthy, Healthy, Failing, Failing), true, Verdict::Impaired),
        ("application and database", example(Failing, Failing, Failing, Failing), true, Verdict::Down),
        ("the Region is cut off", example(Failing, Failing, Unknown, Failing), true, Verdict::Down),
        ("observer's network", example(Failing, Healthy, Healthy, Healthy), false, Verdict::Unknown),
        ("observer's network, no alarm", example(Failing, Unknown, Healthy, Healthy), false, Verdict::Unknown),
        ("observer sees nothing", example(Failing, Unknown, Unknown, Unknown), false, Verdict::Unknown),
        (
            "observer's network hides a dead application",
            example(Failing, Failing, Failing, Failing),
            false,
            Verdict::Down,
        ),
        ("only one fate seen, and well", example(Healthy, Healthy, Unknown, Unknown), true, Verdict::Unknown),
    ];
    for (name, signals, control, verdict) in cases {
        let judgement = judge(signals, &[control], 2);
        assert_eq!(judgement.verdict, verdict, "{name}: {}", judgement.sentence());
        assert_eq!(judgement.observer_network_ok, control, "{name}");
    }
}

#[test]
fn ten_probes_of_one_fate_are_one_opinion() {
    let signals = (0..10).map(|_| signal("application", true, Failing)).collect();
    assert_eq!(judge(signals, &[true], 2).verdict, Verdict::Impaired);
}

#[test]
fn one_control_of_several_is_enough() {
    let judged = judge(example(Failing, Failing, Failing, Failing), &[false, true], 2);
    assert!(judged.observer_network_ok);
    assert!(judge(example(Failing, Failing, Failing, Failing), &[], 2).observer_network_ok);
}

#[test]
fn a_sentence_names_what_fails_and_what_was_not_seen() {
    let judgement = judge(example(Failing, Unknown, Unknown, Unknown), &[false], 2);
    assert_eq!(
        judgement.sentence(),
        "the primary is unknown: failing none; healthy none; unknown application, database; the observer's own network is down"
    );
    assert!(judgement.signals[0].evidence.starts_with("void, "));
}

/// Looks at these verdicts, `(second, verdict)`, and tells `(failing_since, down_since)` in seconds.
fn after(looks: &[(i64, Verdict)]) -> (Option<i64>, Option<i64>) {
    let memory =
        looks.iter().fold(Memory::default(), |memory, (second, verdict)| remember(memory, *verdict, at(*second)));
    let second = |time: Option<Timestamp>| time.map(|time| time.as_second() - 1_000_000);
    assert_eq!(second(memory.looked_at), looks.last().map(|(second, _)| *second));
    (second(memory.failing_since), second(memory.down_since))
}

#[test]
#[expect(clippy::type_complexity, reason = "a row of a table, read as it stands")]
fn what_is_remembered_after_some_looks() {
    use Verdict::{Down, Healthy, Impaired, Unknown};
    let gap = HELD_GAP_SECONDS_MAX;
    let age = MEMORY_AGE_SECONDS_MAX;
    let cases: &[(&str, &[(i64, Verdict)], (Option<i64>, Option<i64>))] = &[
        ("down", &[(0, Down)], (Some(0), Some(0))),
        ("down and down", &[(0, Down), (60, Down)], (Some(0), Some(0))),
        ("healthy clears both", &[(0, Down), (60, Healthy)], (None, None)),
        ("impaired may still take writes", &[(0, Impaired), (60, Down)], (Some(60), Some(60))),
        ("down, impaired, down", &[(0, Down), (60, Impaired), (120, Down)], (Some(120), Some(120))),
        ("unknown breaks the hold, not the clock", &[(0, Down), (60, Unknown), (120, Down)], (Some(0), Some(120))),
        ("unknown alone starts nothing", &[(0, Unknown), (60, Unknown)], (None, None)),
        ("a missed look is no gap", &[(0, Down), (gap, Down)], (Some(0), Some(0))),
        ("a gap breaks the hold", &[(0, Down), (gap + 1, Down)], (Some(0), Some(gap + 1))),
        ("a long gap is another incident", &[(0, Down), (age + 1, Down)], (Some(age + 1), Some(age + 1))),
        ("a long gap before unknown", &[(0, Down), (age + 1, Unknown)], (None, None)),
    ];
    for (name, looks, expected) in cases {
        assert_eq!(after(looks), *expected, "{name}");
    }
}

#[test]
fn a_memory_without_a_look_is_not_trusted() {
    let memory = Memory { failing_since: Some(at(0)), down_since: Some(at(0)), ..Memory::default() };
    let memory = remember(memory, Verdict::Down, at(10));
    assert_eq!((memory.failing_since, memory.down_since), (Some(at(10)), Some(at(10))));
}

#[test]
fn what_a_run_does_after_a_look() {
    let down =
        |since: i64| Memory { down_since: Some(at(since)), failing_since: Some(at(since - 60)), ..Memory::default() };
    let look_again = |after_seconds| AssessDecision::LookAgain { after_seconds };
    let cases = [
        ("healthy", Verdict::Healthy, Memory::default(), 0, AssessDecision::Healthy),
        ("held", Verdict::Down, down(-30), 0, AssessDecision::Act { incident_at: at(-90) }),
        ("not held yet", Verdict::Down, down(-28), 0, look_again(2)),
        ("just down", Verdict::Down, down(0), 0, look_again(5)),
        ("holding is not cut off", Verdict::Down, down(-10), 400, look_again(5)),
        ("impaired", Verdict::Impaired, Memory::default(), 10, look_again(3)),
        ("impaired to the end", Verdict::Impaired, Memory::default(), 300, AssessDecision::GiveUp),
        ("unknown to the end", Verdict::Unknown, down(-100), 300, AssessDecision::GiveUp),
        ("unknown never acts", Verdict::Unknown, down(-100), 10, look_again(3)),
    ];
    for (name, verdict, memory, waited_seconds, expected) in cases {
        assert_eq!(assess(verdict, memory, at(0), 30, waited_seconds, 300), expected, "{name}");
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn any_state() -> impl Strategy<Value = SignalState> {
        prop_oneof![Just(Healthy), Just(Failing), Just(Unknown)]
    }

    fn any_verdict() -> impl Strategy<Value = Verdict> {
        prop_oneof![Just(Verdict::Healthy), Just(Verdict::Impaired), Just(Verdict::Down), Just(Verdict::Unknown)]
    }

    prop_compose! {
        fn any_signal()(fate in "[a-c]", over_http in any::<bool>(), state in any_state()) -> SignalObserved {
            signal(&fate, over_http, state)
        }
    }

    proptest! {
        /// What nobody saw never makes a primary look worse: taking sight away from a signal cannot turn a verdict into down.
        #[test]
        fn blindness_never_makes_it_down(
            signals in prop::collection::vec(any_signal(), 1..8), blinded in 0usize..8, quorum in 1u32..4,
        ) {
            let before = judge(signals.clone(), &[true], quorum).verdict;
            let mut signals = signals;
            if let Some(signal) = signals.get_mut(blinded)
                && signal.state == Failing
            {
                signal.state = Unknown;
                let after = judge(signals, &[true], quorum).verdict;
                prop_assert!(before == Verdict::Down || after != Verdict::Down);
            }
        }

        /// A dead network of the observer's own never makes it down by HTTP alone.
        #[test]
        fn http_alone_proves_nothing_without_a_control(
            mut signals in prop::collection::vec(any_signal(), 1..8), quorum in 1u32..4,
        ) {
            for signal in &mut signals {
                signal.over_http = true;
            }
            let verdict = judge(signals, &[false, false], quorum).verdict;
            prop_assert!(matches!(verdict, Verdict::Healthy | Verdict::Unknown));
        }

        /// Down is never held longer than somebody saw it: `down_since` is the time of a look that saw down, with nothing else and
        /// no gap since.
        #[test]
        fn being_down_is_held_only_as_long_as_it_was_seen(
            looks in prop::collection::vec((1i64..400, any_verdict()), 1..30),
        ) {
            let mut memory = Memory::default();
            let mut now = 0;
            let mut run_of_down: Option<i64> = None;
            for (seconds, verdict) in looks {
                now += seconds;
                memory = remember(memory, verdict, at(now));
                run_of_down = match (verdict, run_of_down) {
                    (Verdict::Down, Some(since)) if seconds <= HELD_GAP_SECONDS_MAX => Some(since),
                    (Verdict::Down, _) => Some(now),
                    _ => None,
                };
                prop_assert_eq!(memory.down_since, run_of_down.map(at));
                // The incident never begins after the hold does, nor before the primary was last seen well.
                if let Some(down_since) = memory.down_since {
                    prop_assert!(memory.failing_since.is_some_and(|since| since <= down_since));
                }
                if let (Some(healthy), Some(failing)) = (memory.last_healthy_at, memory.failing_since) {
                    prop_assert!(healthy < failing);
                }
            }
        }
    }
}

#[test]
fn a_stuck_run_is_taken_up_unless_the_primary_is_back() {
    for verdict in [Verdict::Down, Verdict::Impaired, Verdict::Unknown] {
        assert!(goes_forward(verdict), "{verdict:?}");
    }
    assert!(!goes_forward(Verdict::Healthy));
}
