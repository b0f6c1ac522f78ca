//! `pilot report show`.

use pilot_core::report::Report;

use crate::answer::Answer;
use crate::columns::{seconds, table};
use crate::sections::started_by;
use crate::{input, sections};

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
    text += &sections::steps(&report.steps);
    text += &sections::acts(&report.journal);
    text += &sections::decisions(&report.decisions);
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
    rows.extend(report.resumes.iter().map(|run_id| row("goes on with", run_id.clone())));
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
