//! What CloudWatch learns of a run's end.

use pilot_core::contract::{Mode, Outcome};
use pilot_core::report::Report;
use pilot_shell::telemetry::{Metric, emf};
use serde_json::Value;

/// The metrics of a run: how it ended, and for a recovery its figures. No metric is better than a false zero.
pub fn of(report: &Report, namespace: &str) -> Vec<Value> {
    let workload = ("Workload", report.plan.name.as_str());
    let outcome = ("Outcome", report.outcome.as_str());
    let count = Metric { name: "RunOutcome", unit: "Count", value: 1.0 };
    let mut documents = vec![emf(namespace, &[workload, outcome], &[count], report.ended_at)];
    // Of a planned run nothing was promised: its figures would make those of disasters look better.
    if (report.outcome, report.mode) == (Outcome::Recovered, Some(Mode::Failover)) {
        let figures = [
            ("RtoFromDecisionSeconds", report.rto_from_decision_seconds),
            ("RtoFromIncidentSeconds", report.rto_from_incident_seconds),
            ("RpoSeconds", report.rpo_seconds),
        ];
        let known = |(name, value): (&'static str, Option<f64>)| Some(Metric { name, unit: "Seconds", value: value? });
        let figures: Vec<Metric> = figures.into_iter().filter_map(known).collect();
        if !figures.is_empty() {
            documents.push(emf(namespace, &[workload], &figures, report.ended_at));
        }
    }
    documents
}
