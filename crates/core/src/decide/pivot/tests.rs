use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::contract::Step;
use crate::journal::Action;

fn entry(second: i64, component: &str, action: Action, outcome: Option<EntryOutcome>) -> Entry {
    Entry {
        step: Step::ScaleCompute,
        component: component.into(),
        action,
        resource: format!("{component}-resource"),
        intent_at: Timestamp::from_second(second).unwrap(),
        generation: 1,
        irreversible: action == Action::PromoteReadReplica,
        before: json!({}),
        outcome,
        undone_at: None,
        adopted_from: None,
    }
}

fn accepted() -> Option<EntryOutcome> {
    Some(EntryOutcome::Accepted { at: Timestamp::UNIX_EPOCH, detail: "accepted".into() })
}

fn not_done() -> Option<EntryOutcome> {
    Some(EntryOutcome::NotDone { at: Timestamp::UNIX_EPOCH, detail: "refused".into() })
}

fn outcome_word(outcome: Option<&EntryOutcome>) -> &'static str {
    match outcome {
        None => "unknown",
        Some(EntryOutcome::Accepted { .. }) => "accepted",
        Some(EntryOutcome::NotDone { .. }) => "not done",
    }
}

fn line(plan: &UndoPlan) -> String {
    match plan {
        UndoPlan::Nothing => "nothing to undo".into(),
        UndoPlan::Undo(entries) => {
            let names: Vec<String> =
                entries.iter().map(|e| format!("{} of {}", e.action.as_str(), e.component)).collect();
            format!("undo {}", names.join(", then "))
        }
        UndoPlan::PivotPassed(entry) => format!("PIVOT PASSED by {}: nothing is undone", entry.component),
    }
}

#[test]
fn journals() {
    use Action::{PromoteReadReplica as Promote, PutStopObject as Put, ResizeGroup as Resize, UpsertRecords as Upsert};
    let rows: [(&str, Vec<Entry>); 10] = [
        ("nothing was meant", vec![]),
        ("one resize", vec![entry(1, "web", Resize, accepted())]),
        ("one resize, outcome unknown", vec![entry(1, "web", Resize, None)]),
        ("one resize that AWS refused", vec![entry(1, "web", Resize, not_done())]),
        (
            "newest first, whatever the order read",
            vec![
                entry(2, "storefront", Put, accepted()),
                entry(1, "web", Resize, accepted()),
                entry(3, "api", Upsert, None),
            ],
        ),
        (
            "at the same second, the same order every time",
            vec![entry(1, "b", Resize, None), entry(1, "a", Resize, None)],
        ),
        (
            "the promotion was refused, the resize was not",
            vec![entry(1, "db", Promote, not_done()), entry(2, "web", Resize, accepted())],
        ),
        ("the promotion was accepted", vec![entry(1, "db", Promote, accepted()), entry(2, "web", Resize, accepted())]),
        ("nobody knows of the promotion", vec![entry(2, "web", Resize, accepted()), entry(1, "db", Promote, None)]),
        (
            "one promotion refused, the other accepted",
            vec![entry(1, "orders", Promote, not_done()), entry(1, "users", Promote, accepted())],
        ),
    ];
    let mut table = String::new();
    for (name, entries) in rows {
        table += &format!("{name}\n");
        for e in &entries {
            let outcome = outcome_word(e.outcome.as_ref());
            table +=
                &format!("    {} {:<22}{:<12}{outcome}\n", e.intent_at.as_second(), e.action.as_str(), e.component);
        }
        table += &format!("  -> {}\n", line(&plan_undo(entries)));
    }
    insta::assert_snapshot!(table);
}

fn any_entries() -> impl Strategy<Value = Vec<Entry>> {
    let action = prop_oneof![
        1 => Just(Action::PromoteReadReplica),
        4 => Just(Action::ResizeGroup),
        4 => Just(Action::PutStopObject),
        4 => Just(Action::UpsertRecords)
    ];
    let outcome = prop_oneof![Just(None), Just(accepted()), Just(not_done())];
    proptest::collection::vec(
        (0i64..5, "[a-c]", action, outcome).prop_map(|(second, name, action, o)| entry(second, &name, action, o)),
        0..8,
    )
}

proptest! {
    #[test]
    fn an_irreversible_act_that_may_have_happened_passes_the_pivot(entries in any_entries()) {
        let refused = |e: &Entry| matches!(e.outcome, Some(EntryOutcome::NotDone { .. }));
        let passed = entries.iter().any(|e| e.irreversible && !refused(e));
        prop_assert_eq!(matches!(plan_undo(entries), UndoPlan::PivotPassed(_)), passed);
    }

    #[test]
    fn before_the_pivot_everything_that_may_have_happened_is_undone_newest_first(entries in any_entries()) {
        let expected = entries.iter().filter(|e| !matches!(e.outcome, Some(EntryOutcome::NotDone { .. }))).count();
        match plan_undo(entries.clone()) {
            UndoPlan::Nothing => prop_assert_eq!(expected, 0),
            UndoPlan::Undo(undone) => {
                prop_assert_eq!(undone.len(), expected);
                prop_assert!(undone.iter().all(|e| entries.contains(e)));
                prop_assert!(undone.is_sorted_by(|newer, older| newer.intent_at >= older.intent_at));
            }
            UndoPlan::PivotPassed(_) => {}
        }
    }

    #[test]
    fn the_order_read_says_nothing(entries in any_entries(), turn in 0usize..8) {
        let mut turned = entries.clone();
        let by = turn.min(turned.len());
        turned.rotate_left(by);
        let plan = |entries| match plan_undo(entries) {
            UndoPlan::Undo(entries) => entries.iter().map(|e| (e.intent_at, e.key())).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        prop_assert_eq!(plan(entries), plan(turned));
    }
}
