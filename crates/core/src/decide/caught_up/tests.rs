use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn sample(second: i64, lag_seconds: f64) -> LagSample {
    LagSample { at: at(second), lag_seconds }
}

#[test]
fn proofs() {
    let rows = [
        ("no samples", vec![], false),
        ("no lag, but before the fence held", vec![sample(-1, 0.0)], false),
        ("after the fence, and behind it", vec![sample(10, 11.0)], false),
        ("after the fence, exactly at it", vec![sample(10, 10.0)], true),
        ("no lag after the fence", vec![sample(10, 0.0)], true),
        ("an old proof is one for good", vec![sample(10, 0.0), sample(70, 65.0), sample(130, 190.0)], true),
        ("it does not replicate", vec![sample(10, -1.0)], false),
        ("a lag that is no time", vec![sample(10, f64::NAN), sample(20, f64::INFINITY)], false),
    ];
    for (name, samples, proven) in rows {
        assert_eq!(caught_up(&samples, at(0)).is_some(), proven, "{name}");
    }
}

#[test]
fn a_proof_is_a_loss_of_nothing() {
    let proof = caught_up(&[sample(10, 2.0)], at(0)).unwrap();
    assert_eq!((proof.rpo_seconds, proof.certain_seconds(), proof.recovery_point_at), (0.0, 0.0, at(0)));
}

#[test]
fn words() {
    assert_eq!(newest(&[]), "no sample of its lag yet");
    assert_eq!(newest(&[sample(0, 3.0), sample(9, -1.0)]), "it does not replicate");
    assert!(newest(&[sample(9, 3.04), sample(0, 1.0)]).starts_with("its lag was 3.0 seconds at "));
}
