//! The notification: what happened, what is done, what is not, what to do next.

use pilot_core::contract::{Mode, Outcome, Status, Step};
use pilot_core::journal::{Entry, EntryOutcome, StepRecord};
use pilot_core::report::Report;

/// SNS refuses a longer subject.
pub const SUBJECT_CHARS_MAX: usize = 100;
/// SNS refuses a message of more than 256 KiB; a plan with very many problems comes near.
pub const MESSAGE_BYTES_MAX: usize = 200 * 1024;

/// The steps of a run, in order: what it never began is told too.
fn path(mode: Option<Mode>) -> Vec<Step> {
    let begin = [Step::Open, Step::Assess, Step::Ready, Step::Fence];
    let over = [Step::PromoteData, Step::ScaleCompute, Step::Validate, Step::ShiftTraffic, Step::Verify];
    let rest: Vec<Step> = match mode {
        Some(Mode::Protect) => vec![Step::Protect],
        Some(Mode::Failback) => {
            [Step::Gate, Step::Lift].into_iter().chain(over).chain([Step::Protect, Step::Rest]).collect()
        }
        _ => [Step::Gate].into_iter().chain(over).collect(),
    };
    begin.into_iter().chain(rest).collect()
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// At most [`SUBJECT_CHARS_MAX`] printable ASCII characters.
    pub subject: String,
    /// At most [`MESSAGE_BYTES_MAX`] bytes.
    pub message: String,
}

/// Writes the page. `location` is where the report for people is.
pub fn of(report: &Report, location: &str) -> Page {
    let mut message = head(report);
    message += &steps(report);
    message += &acts(report);
    if let Some(next) = &report.next {
        message += &format!("\nNext:\n  {next}\n");
    }
    message += &format!("\nReport: {location}\n");
    if !report.execution_arn.is_empty() {
        message += &format!("Execution: {}\n", report.execution_arn);
    }
    Page { subject: subject(report), message: cut(message) }
}

fn subject(report: &Report) -> String {
    let outcome = match report.outcome {
        Outcome::Recovered => done(report.mode),
        Outcome::RolledBack => "rolled back, still on its primary Region",
        Outcome::Stuck => "STUCK, act now",
        Outcome::Refused => "run refused, nothing changed",
        Outcome::DryRun => "dry run, nothing changed",
    };
    let subject = format!("Pilot Light: {} {outcome}", report.plan.name);
    // SNS takes printable ASCII only. A plan's name is, but this must hold for whatever else is put in here.
    subject.chars().filter(|c| *c == ' ' || c.is_ascii_graphic()).take(SUBJECT_CHARS_MAX).collect()
}

/// What a run that got through has come to, in words.
pub(crate) fn done(mode: Option<Mode>) -> &'static str {
    match mode {
        Some(Mode::Switchover) => "switched over",
        Some(Mode::Protect) => "protected",
        Some(Mode::Failback) => "home again",
        _ => "recovered",
    }
}

fn head(report: &Report) -> String {
    let mut text = format!("{}: {}\nWhy: {}\n", report.plan.name, report.outcome.as_str(), report.reason);
    // To protect promotes nothing and moves nobody.
    let figures = report.objectives.filter(|_| report.mode != Some(Mode::Protect));
    if let (Outcome::Recovered, Some(objectives)) = (report.outcome, figures) {
        let rto = figure(report.rto_from_decision_seconds, Some(objectives.rto_seconds));
        let rpo = figure(report.rpo_seconds, Some(objectives.rpo_seconds));
        let incident = figure(report.rto_from_incident_seconds, None);
        text += &format!("RTO from the decision: {rto}\nRTO from the incident: {incident}\nRPO at most: {rpo}\n");
    }
    text
}

/// A figure against its objective.
pub(crate) fn figure(seconds: Option<f64>, objective_seconds: Option<u32>) -> String {
    match (seconds, objective_seconds) {
        (None, _) => "unknown".into(),
        (Some(seconds), None) => format!("{seconds:.1} s"),
        (Some(seconds), Some(objective)) => {
            let kept = if is_kept(seconds, objective) { "kept" } else { "MISSED" };
            format!("{seconds:.1} s (objective {objective} s: {kept})")
        }
    }
}

pub(crate) fn is_kept(seconds: f64, objective_seconds: u32) -> bool {
    seconds <= f64::from(objective_seconds)
}

fn steps(report: &Report) -> String {
    let (done, open): (Vec<&StepRecord>, Vec<&StepRecord>) =
        report.steps.iter().partition(|step| step.outcome == Status::Done);
    let mut text = String::from("\nDone:\n");
    for step in &done {
        text += &format!("  {}: {}\n", step.name.as_str(), components(step));
    }
    if done.is_empty() {
        text += "  nothing\n";
    }
    let begun = |step: &Step| report.steps.iter().any(|record| record.name == *step);
    let never: Vec<&str> = path(report.mode).iter().filter(|step| !begun(step)).map(|step| step.as_str()).collect();
    if !open.is_empty() || !never.is_empty() {
        text += "Not done:\n";
    }
    for step in open {
        let how = step.error.clone().unwrap_or_else(|| components(step));
        text += &format!("  {}: {how}\n", step.name.as_str());
    }
    if !never.is_empty() {
        text += &format!("  never begun: {}\n", never.join(", "));
    }
    text
}

fn components(step: &StepRecord) -> String {
    let told: Vec<String> = step.components.iter().map(|c| format!("{} ({})", c.name, c.detail)).collect();
    if told.is_empty() { status(step.outcome).to_owned() } else { told.join("; ") }
}

pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Done => "done",
        Status::InProgress => "not finished",
        Status::Failed => "failed",
    }
}

fn acts(report: &Report) -> String {
    let mut text = String::from("\nChanged by this run (the values before are in the report):\n");
    for entry in &report.journal {
        text += &format!("  {} of {}: {}\n", entry.action.as_str(), entry.resource, outcome(entry));
    }
    if report.journal.is_empty() {
        text += "  nothing\n";
    }
    text
}

/// What came of an act, in words.
pub(crate) fn outcome(entry: &Entry) -> String {
    let undone = entry.undone_at.map(|at| format!(", undone at {at}")).unwrap_or_default();
    match &entry.outcome {
        Some(EntryOutcome::Accepted { at, .. }) => format!("accepted at {at}{undone}"),
        Some(EntryOutcome::NotDone { detail, .. }) => format!("not done: {detail}"),
        None => format!("outcome unknown{undone}"),
    }
}

/// Cuts at a character's boundary and says so.
fn cut(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES_MAX {
        let mut end = MESSAGE_BYTES_MAX - 64;
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        message += "\n... cut here; the rest is in the report\n";
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_told_by_the_way_it_goes() {
        let way = |mode| path(Some(mode)).iter().map(|step| step.as_str()).collect::<Vec<_>>().join(" ");
        assert_eq!(way(Mode::Protect), "open assess ready fence protect");
        assert_eq!(
            way(Mode::Failback),
            "open assess ready fence gate lift promote-data scale-compute validate shift-traffic verify protect rest"
        );
        assert_eq!(way(Mode::Failover), way(Mode::Switchover));
        assert!(!way(Mode::Failover).contains("protect"), "{}", way(Mode::Failover));
        let words = [Mode::Failover, Mode::Switchover, Mode::Protect, Mode::Failback].map(|mode| done(Some(mode)));
        assert_eq!(words, ["recovered", "switched over", "protected", "home again"]);
    }
}
