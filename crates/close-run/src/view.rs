//! The report as the template needs it: texts, already in words and figures. The template escapes every one of them.

use jiff::Timestamp;
use pilot_core::contract::{ApprovalDecision, Mode, Outcome, TriggerKind, WouldDo};
use pilot_core::decide::gate::Approval;
use pilot_core::journal::{Entry, StepRecord};
use pilot_core::report::Report;
use serde::Serialize;
use serde_json::Value;

use crate::page::{figure, is_kept, outcome, status};
use crate::timeline::{self, Timeline, class};

/// Everything on the page.
#[derive(Debug, Serialize)]
pub struct View {
    plan: String,
    outcome: &'static str,
    class: &'static str,
    reason: String,
    next: Option<String>,
    error: Option<String>,
    figures: Vec<Figure>,
    facts: Vec<(&'static str, String)>,
    timeline: Option<Timeline>,
    steps: Vec<Step>,
    journal: Vec<Act>,
    decisions: Vec<Decision>,
    data_loss: Vec<Loss>,
    evidence: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Figure {
    name: &'static str,
    text: String,
    class: &'static str,
}

#[derive(Debug, Serialize)]
struct Step {
    name: &'static str,
    class: &'static str,
    status: &'static str,
    started_at: String,
    seconds: String,
    components: Vec<(String, String, String)>,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Act {
    step: &'static str,
    component: String,
    action: &'static str,
    resource: String,
    intent_at: String,
    irreversible: bool,
    before: String,
    outcome: String,
    adopted_from: Option<String>,
}

#[derive(Debug, Serialize)]
struct Decision {
    step: &'static str,
    component: String,
    action: String,
    resource: String,
    detail: String,
    irreversible: bool,
    before: String,
}

#[derive(Debug, Serialize)]
struct Loss {
    component: String,
    recovery_point_at: String,
    rpo: String,
    lag: String,
}

impl View {
    /// Of this report.
    pub fn of(report: &Report) -> Self {
        let loss = |lost: &pilot_core::report::ReportDataLoss| Loss {
            component: lost.component.clone(),
            recovery_point_at: lost.loss.recovery_point_at.to_string(),
            rpo: figure(Some(lost.loss.rpo_seconds), report.objectives.map(|o| o.rpo_seconds)),
            lag: format!("{:.1} s", lost.loss.lag_seconds),
        };
        View {
            plan: report.plan.name.clone(),
            outcome: headline(report.outcome, report.mode),
            class: report.outcome.as_str(),
            reason: report.reason.clone(),
            next: report.next.clone(),
            error: report.error.as_ref().map(|error| format!("{}\n{}", error.name, error.message)),
            figures: figures(report),
            facts: facts(report),
            timeline: timeline::draw(report),
            steps: report.steps.iter().map(step).collect(),
            journal: report.journal.iter().map(act).collect(),
            decisions: report.decisions.iter().map(decision).collect(),
            data_loss: report.data_loss.iter().map(loss).collect(),
            evidence: report.evidence.iter().map(|(name, document)| (name.clone(), pretty(document))).collect(),
        }
    }
}

fn headline(outcome: Outcome, mode: Option<Mode>) -> &'static str {
    match outcome {
        Outcome::Recovered => match mode {
            Some(Mode::Switchover) => "Switched over",
            Some(Mode::Protect) => "Protected",
            Some(Mode::Failback) => "Home again",
            _ => "Recovered",
        },
        Outcome::RolledBack => "Rolled back",
        Outcome::Stuck => "Stuck",
        Outcome::Refused => "Refused",
        Outcome::DryRun => "Dry run",
    }
}

fn figures(report: &Report) -> Vec<Figure> {
    let of = |name, seconds: Option<f64>, objective: Option<u32>| {
        let class = match (seconds, objective) {
            (Some(seconds), Some(objective)) if is_kept(seconds, objective) => "kept",
            (Some(_), Some(_)) => "missed",
            _ => "plain",
        };
        Figure { name, text: figure(seconds, objective), class }
    };
    let rto = report.objectives.map(|o| o.rto_seconds);
    let rpo = report.objectives.map(|o| o.rpo_seconds);
    match report.outcome {
        Outcome::Recovered if report.mode == Some(Mode::Protect) => Vec::new(),
        Outcome::Recovered => vec![
            of("RTO from the decision", report.rto_from_decision_seconds, rto),
            of("RTO from the incident", report.rto_from_incident_seconds, None),
            of("RPO at most", report.rpo_seconds, rpo),
        ],
        // What a promotion lost is lost, recovered or not.
        _ if report.rpo_seconds.is_some() => vec![of("RPO at most", report.rpo_seconds, rpo)],
        _ => Vec::new(),
    }
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let rows = [
        ("Run", Some(report.run_id.clone())),
        ("Execution", Some(report.execution_arn.clone())),
        ("Plan", Some(format!("{} version {}", report.plan.name, or_none(&report.plan.version)))),
        ("Plan SHA-256", Some(or_none(&report.plan.sha256).to_owned())),
        ("Regions", report.regions.as_ref().map(|r| format!("{} to {}", r.primary, r.recovery))),
        ("Started by", Some(started_by(report))),
        ("Goes on with run", report.resumes.clone()),
        ("Approval", approval(report)),
        ("Last seen healthy", time(report.last_healthy_at)),
        ("Incident", time(report.incident_at)),
        ("Started", time(Some(report.started_at))),
        ("Decided", time(report.decided_at)),
        ("Recovered", time(report.recovered_at)),
        ("Closed", time(Some(report.ended_at))),
    ];
    rows.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
}

/// Who said what to the promotion, and how much loss was accepted.
fn approval(report: &Report) -> Option<String> {
    let approval: Approval = serde_json::from_value(report.evidence.get("approval")?.clone()).ok()?;
    let word = match approval.decision {
        ApprovalDecision::Approve => "approved",
        ApprovalDecision::Refuse => "refused",
    };
    let seconds =
        |seconds: Option<f64>, none: &str| seconds.map_or(none.to_owned(), |seconds| format!("{seconds:.1} s"));
    let (accepted, stated) = (
        seconds(approval.accepted_loss_seconds, "none beyond the plan's bound"),
        seconds(approval.stated_loss_seconds, "unknown"),
    );
    let reason = approval.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    Some(format!(
        "{word} by {} at {}, loss accepted {accepted}, stated {stated}{reason}",
        approval.approver, approval.at
    ))
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "(none: refused before it was pinned)" } else { text }
}

fn started_by(report: &Report) -> String {
    let trigger = &report.trigger;
    let who = match (trigger.kind, &trigger.alarm_name) {
        (TriggerKind::Manual, _) => "a person".to_owned(),
        (TriggerKind::Alarm, Some(name)) => format!("alarm {name}"),
        (TriggerKind::Alarm, None) => "an alarm".to_owned(),
        (TriggerKind::Schedule, _) => "a schedule".to_owned(),
    };
    let at = trigger.at.map(|at| format!(" at {at}")).unwrap_or_default();
    let reason = trigger.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{who}{at}{reason}")
}

fn step(record: &StepRecord) -> Step {
    let seconds = |end: Timestamp| (end.as_millisecond() - record.started_at.as_millisecond()) as f64 / 1000.0;
    let component =
        |c: &pilot_core::contract::ComponentProgress| (c.name.clone(), status(c.status).to_owned(), c.detail.clone());
    Step {
        name: record.name.as_str(),
        class: class(record.outcome),
        status: status(record.outcome),
        started_at: record.started_at.to_string(),
        seconds: record.ended_at.map_or("not ended".into(), |end| format!("{:.1} s", seconds(end))),
        components: record.components.iter().map(component).collect(),
        error: record.error.clone(),
    }
}

fn act(entry: &Entry) -> Act {
    Act {
        step: entry.step.as_str(),
        component: entry.component.clone(),
        action: entry.action.as_str(),
        resource: entry.resource.clone(),
        intent_at: entry.intent_at.to_string(),
        irreversible: entry.irreversible,
        before: pretty(&entry.before),
        outcome: outcome(entry),
        adopted_from: entry.adopted_from.clone(),
    }
}

fn decision(would_do: &WouldDo) -> Decision {
    Decision {
        step: would_do.step.as_str(),
        component: would_do.component.clone(),
        action: would_do.action.clone(),
        resource: would_do.resource.clone(),
        detail: would_do.detail.clone(),
        irreversible: would_do.irreversible,
        before: if would_do.before.is_null() { String::new() } else { pretty(&would_do.before) },
    }
}

/// JSON for reading. `{:#}` of a `Value` cannot fail, unlike a writer.
fn pretty(document: &Value) -> String {
    format!("{document:#}")
}
