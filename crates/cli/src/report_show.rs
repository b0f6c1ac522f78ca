//! `pilot report show`.

use jiff::Timestamp;
use pilot_core::contract::{Status, Trigger, TriggerKind};
use pilot_core::journal::{Entry, EntryOutcome, StepRecord};
use pilot_core::report::Report;

use crate::answer::Answer;
use crate::columns::{seconds, table};
use crate::input;

/// Shows a run's report as text.
pub fn run(file: &str) -> Answer {
    let document = match input::read(file) {
        Ok(document) => document,
        Err(answer) => return answer,
    };
    match serde_json::from_slice::<Report>(&document) {
        Ok(report) => Answer::ok(text(&report)),
        Err(error) => Answer::problems(format!("{}: not a report.json: {error}\n", input::name(file))),
    }
}

fn text(report: &Report) -> String {
    let mut text = format!("{}: {}\n", report.plan.name, report.outcome.as_str());
    text += &table("  ", &head(report));
    text += "\nsteps\n";
    for step in &report.steps {
        text += &step_text(step);
    }
    if !report.journal.is_empty() {
        text += "\nacts\n";
        let acts: Vec<Vec<String>> = report.journal.iter().map(act).collect();
        text += &table("  ", &acts);
    }
    if let Some(next) = &report.next {
        text += &format!("\nnext\n  {next}\n");
    }
    text
}

fn head(report: &Report) -> Vec<Vec<String>> {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let objectives = report.objectives;
    let rto = objectives.map(|o| o.rto_seconds);
    let rpo = objectives.map(|o| o.rpo_seconds);
    let mut rows = vec![
        row("why", report.reason.clone()),
        row("run", report.run_id.clone()),
        row("started", format!("{} by {}", report.started_at, started_by(&report.trigger))),
        row("plan", pinned(report)),
    ];
    // Only the decision's clock is promised: nobody can promise how long an incident goes unseen.
    rows.push(row("RTO from decision", clock(report.rto_from_decision_seconds, rto)));
    rows.push(row("RTO from incident", clock(report.rto_from_incident_seconds, None)));
    rows.push(row("RPO", clock(report.rpo_seconds, rpo)));
    for lost in &report.data_loss {
        let point = lost.loss.recovery_point_at;
        rows.push(row("  of", format!("{}: everything up to {point} arrived", lost.component)));
    }
    rows
}

fn started_by(trigger: &Trigger) -> String {
    let who = match trigger.kind {
        TriggerKind::Manual => "a person".to_owned(),
        TriggerKind::Alarm => format!("the alarm {}", trigger.alarm_name.as_deref().unwrap_or("(unnamed)")),
    };
    match &trigger.reason {
        Some(reason) => format!("{who}: {reason}"),
        None => who,
    }
}

fn pinned(report: &Report) -> String {
    if report.plan.sha256.is_empty() {
        return "not pinned: the run was refused before".to_owned();
    }
    format!("version {}, sha256 {}", report.plan.version, report.plan.sha256)
}

fn clock(value: Option<f64>, objective_seconds: Option<u32>) -> String {
    match (value, objective_seconds) {
        (None, _) => "not known".to_owned(),
        (Some(value), None) => seconds(value),
        (Some(value), Some(objective)) => {
            let over = value - f64::from(objective);
            let held = if over > 0.0 { format!("MISSED by {}", seconds(over)) } else { "kept".to_owned() };
            format!("{} (objective {objective} s: {held})", seconds(value))
        }
    }
}

fn step_text(step: &StepRecord) -> String {
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
    let action = entry.action.as_str().to_owned();
    vec![entry.intent_at.to_string(), entry.component.clone(), action, entry.resource.clone(), outcome, undone]
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Done => "done",
        Status::InProgress => "in progress",
        Status::Failed => "FAILED",
    }
}

fn between(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_millisecond() - from.as_millisecond()) as f64 / 1000.0
}
