use super::*;

#[test]
fn decisions() {
    for (name, present, expected) in [
        ("absent: the primary has the traffic", false, Decision::Put),
        ("present: it is switched", true, Decision::Done),
    ] {
        assert_eq!(decide(present), expected, "{name}");
    }
}

#[test]
fn undo() {
    let rows = [
        ("put by this run", true, false, true),
        ("there before this run: not ours to remove", true, true, false),
        ("never put, or removed already", false, false, false),
        ("removed by somebody although it was there before", false, true, false),
    ];
    for (name, present, present_before, removes) in rows {
        assert_eq!(decide_undo(present, present_before), removes, "{name}");
    }
}

#[test]
fn undo_of_any_decision_gives_back_what_was() {
    for before in [false, true] {
        let after = match decide(before) {
            Decision::Put => true,
            Decision::Done => before,
        };
        let end = after && !decide_undo(after, before);
        assert_eq!(end, before);
        assert!(!decide_undo(end, before), "the undo is not idempotent");
    }
}
