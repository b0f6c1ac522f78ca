use proptest::prelude::*;

use super::*;

const INCIDENT_SECOND: i64 = 1_700_000_000;

fn incident() -> Timestamp {
    Timestamp::from_second(INCIDENT_SECOND).unwrap()
}

/// A sample so many seconds before the incident (negative: after it).
fn sample(seconds_before: i64, lag_seconds: f64) -> LagSample {
    LagSample { at: Timestamp::from_second(INCIDENT_SECOND - seconds_before).unwrap(), lag_seconds }
}

fn rpo(samples: &[LagSample]) -> Option<f64> {
    estimate(samples, incident(), None).map(|loss| loss.rpo_seconds)
}

#[test]
fn estimates() {
    let rows: [(&str, Vec<LagSample>, Option<f64>); 14] = [
        ("no sample: nobody can say, and that is not zero", vec![], None),
        ("no lag at the incident", vec![sample(0, 0.0)], Some(0.0)),
        ("a sample before the incident counts its own age too", vec![sample(10, 0.5)], Some(10.5)),
        ("only not replicating", vec![sample(5, -1.0)], None),
        ("not replicating after the incident, a good one before", vec![sample(10, 1.0), sample(-60, -1.0)], Some(11.0)),
        ("not a number", vec![sample(5, f64::NAN)], None),
        ("without end", vec![sample(5, f64::INFINITY)], None),
        ("too old to prove anything", vec![sample(301, 0.0)], None),
        ("just young enough", vec![sample(300, 0.0)], Some(300.0)),
        ("PostgreSQL: the lag grows with the primary dead, the point stays", vec![sample(-30, 32.0)], Some(2.0)),
        (
            "the newest point wins, wherever it stands",
            vec![sample(0, 40.0), sample(20, 1.0), sample(60, 0.0)],
            Some(21.0),
        ),
        ("caught up after the incident: everything arrived", vec![sample(10, 5.0), sample(-30, 0.0)], Some(0.0)),
        ("parts of a second", vec![sample(0, 0.25)], Some(0.25)),
        ("a lag of centuries is no panic", vec![sample(0, 1e300)], None),
    ];
    for (name, samples, expected) in rows {
        assert_eq!(rpo(&samples), expected, "{name}");
    }
}

#[test]
fn what_nobody_saw_is_stated_but_does_not_stop_a_promotion() {
    let healthy_before = |seconds| Some(incident() - SignedDuration::from_secs(seconds));
    // RDS: one sample a minute; the probe looks once a minute. (name, samples, last healthy, bound, certain)
    type Row = (&'static str, Vec<LagSample>, Option<Timestamp>, f64, f64);
    let rows: [Row; 7] = [
        ("a healthy replica on RDS", vec![sample(110, 1.0), sample(50, 1.0)], healthy_before(60), 51.0, 1.0),
        ("MySQL, dead for a minute", vec![sample(80, 2.0), sample(20, -1.0)], healthy_before(60), 82.0, 2.0),
        ("a lag is a lag", vec![sample(80, 45.0), sample(20, -1.0)], healthy_before(60), 125.0, 45.0),
        (
            "broken long before the incident",
            vec![sample(250, 1.0), sample(190, -1.0)],
            healthy_before(60),
            251.0,
            131.0,
        ),
        (
            "nobody looked for hours: excused only so far",
            vec![sample(290, 1.0), sample(230, -1.0)],
            healthy_before(9000),
            291.0,
            141.0,
        ),
        ("one sample excuses nothing", vec![sample(50, 1.0)], None, 51.0, 51.0),
        ("PostgreSQL after the incident is exact", vec![sample(-10, 12.0), sample(-12, 14.0)], None, 2.0, 2.0),
    ];
    for (name, samples, last_healthy_at, bound, certain) in rows {
        let loss = estimate(&samples, incident(), last_healthy_at).unwrap();
        assert_eq!((loss.rpo_seconds, loss.certain_seconds()), (bound, certain), "{name}");
    }
}

proptest! {
    #[test]
    fn never_negative_and_never_a_panic(
        samples in proptest::collection::vec((-100_000i64..100_000, any::<f64>()), 0..8),
    ) {
        let samples: Vec<LagSample> = samples.into_iter().map(|(before, lag)| sample(before, lag)).collect();
        if let Some(loss) = estimate(&samples, incident(), None) {
            prop_assert!(loss.rpo_seconds >= 0.0 && loss.rpo_seconds.is_finite());
            prop_assert!(loss.lag_seconds >= 0.0 && loss.lag_seconds.is_finite());
        }
    }

    #[test]
    fn any_time_is_taken(
        incident in prop_oneof![
            Just(Timestamp::MIN.as_second()),
            Just(Timestamp::MAX.as_second()),
            Timestamp::MIN.as_second()..=Timestamp::MAX.as_second(),
        ],
        lag in 0.0f64..1e9,
    ) {
        let at = Timestamp::from_second(incident).unwrap();
        let _ = estimate(&[LagSample { at, lag_seconds: lag }], at, None);
    }

    #[test]
    fn more_lag_never_means_less_loss(before in -60i64..300, lag in 0.0f64..1e6, more in 0.0f64..1e6) {
        let little = rpo(&[sample(before, lag)]).unwrap();
        let much = rpo(&[sample(before, lag + more)]).unwrap();
        prop_assert!(much >= little, "{little} then {much}");
    }

    #[test]
    fn one_more_sample_never_means_more_loss(
        samples in proptest::collection::vec((-60i64..300, 0.0f64..1e6), 1..6),
        extra in (-60i64..300, -1.0f64..1e6),
    ) {
        let mut samples: Vec<LagSample> = samples.into_iter().map(|(before, lag)| sample(before, lag)).collect();
        let few = rpo(&samples).unwrap();
        samples.push(sample(extra.0, extra.1));
        prop_assert!(rpo(&samples).unwrap() <= few);
    }
}
