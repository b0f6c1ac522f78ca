//! Steps, acts and decisions as text: the report and the status show them alike.

use jiff::Timestamp;
use pilot_core::contract::{Status, Trigger, TriggerKind, WouldDo};
use pilot_core::journal::{Entry, EntryOutcome, StepRecord};

use crate::columns::{seconds, table};

/// The steps, with a heading.
pub fn steps(steps: &[StepRecord]) -> String {
    let steps: String = steps.iter().map(step).collect();
    format!("\nsteps\n{steps}")
}

/// The acts, with a heading; nothing if there are none.
pub fn acts(journal: &[Entry]) -> String {
    let rows: Vec<Vec<String>> = journal.iter().map(act).collect();
    if rows.is_empty() { String::new() } else { format!("\nacts\n{}", table("  ", &rows)) }
}

/// What a dry run would have done, with a heading; nothing if it is nothing.
pub fn decisions(decisions: &[WouldDo]) -> String {
    if decisions.is_empty() {
        return String::new();
    }
    let heads: Vec<Vec<String>> = decisions.iter().map(decision).collect();
    // The details stand between the rows: a resource may be an ARN, and no line is to be longer for another one's sake.
    let told: String = table("  ", &heads)
        .lines()
        .zip(decisions)
        .map(|(head, decision)| {
            let for_good = if decision.irreversible { " (cannot be undone)" } else { "" };
            format!("{head}{for_good}\n    {}\n", decision.detail)
        })
        .collect();
    format!("\nwould do\n{told}")
}

/// Who or what started a run, and why.
pub fn started_by(trigger: &Trigger) -> String {
    let who = match trigger.kind {
        TriggerKind::Manual => "a person".to_owned(),
        TriggerKind::Alarm => format!("the alarm {}", trigger.alarm_name.as_deref().unwrap_or("(unnamed)")),
        TriggerKind::Schedule => "a schedule".to_owned(),
    };
    match &trigger.reason {
        Some(reason) => format!("{who}: {reason}"),
        None => who,
    }
}

/// How far, for people.
pub fn status(status: Status) -> &'static str {
    match status {
        Status::Done => "done",
        Status::InProgress => "in progress",
        Status::Failed => "FAILED",
    }
}

fn step(step: &StepRecord) -> String {
    let lasted = step.ended_at.map_or("not ended".to_owned(), |end| seconds(between(step.started_at, end)));
    // Fixed widths: the steps stand under each other although their components stand between them.
    let mut text = format!("  {:<14}{:<13}{lasted}\n", step.name.as_str(), status(step.outcome));
    let components: Vec<Vec<String>> =
        step.components.iter().map(|c| vec![c.name.clone(), status(c.status).to_owned(), c.detail.clone()]).collect();
    text += &table("    ", &components);
    if let Some(error) = &step.error {
        text += &format!("    error: {error}\n");
    }
    text
}

fn act(entry: &Entry) -> Vec<String> {
    let outcome = match &entry.outcome {
        None => "outcome unknown".to_owned(),
        Some(EntryOutcome::Accepted { .. }) => "accepted".to_owned(),
        Some(EntryOutcome::NotDone { detail, .. }) => format!("not done: {detail}"),
    };
    let undone = entry.undone_at.map_or(String::new(), |at| format!("undone {at}"));
    let by = entry.adopted_from.as_ref().map_or(String::new(), |run_id| format!("by {run_id}"));
    let action = entry.action.as_str().to_owned();
    let (at, component, resource) = (entry.intent_at.to_string(), entry.component.clone(), entry.resource.clone());
    vec![at, component, action, resource, outcome, undone, by]
}

fn decision(decision: &WouldDo) -> Vec<String> {
    let step = decision.step.as_str().to_owned();
    vec![step, decision.component.clone(), decision.action.clone(), decision.resource.clone()]
}

fn between(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_millisecond() - from.as_millisecond()) as f64 / 1000.0
}
