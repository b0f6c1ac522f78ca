use super::*;

#[test]
fn decisions() {
    for (name, present, wanted, expected) in [
        ("absent: the primary has the traffic, and it is to go", false, true, Decision::Put),
        ("present: it is switched", true, true, Decision::Done),
        ("present: the way home", true, false, Decision::Remove),
        ("absent: the traffic is home", false, false, Decision::Done),
    ] {
        assert_eq!(decide(present, wanted), expected, "{name}");
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
fn undo_of_a_removal() {
    let rows = [
        ("removed by this run", false, true, true),
        ("there again", true, true, false),
        ("never there", false, false, false),
        ("put by somebody although it was not there before", true, false, false),
    ];
    for (name, present, present_before, puts) in rows {
        assert_eq!(decide_undo_removal(present, present_before), puts, "{name}");
    }
}

#[test]
fn undo_of_any_decision_gives_back_what_was() {
    for (before, wanted) in [(false, true), (true, true), (true, false), (false, false)] {
        let end = match decide(before, wanted) {
            Decision::Put => !decide_undo(true, before),
            Decision::Remove => decide_undo_removal(false, before),
            Decision::Done => before,
        };
        assert_eq!(end, before);
        assert!(!decide_undo(end, before) && !decide_undo_removal(end, before), "the undo is not idempotent");
    }
}
