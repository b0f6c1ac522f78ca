//! The report: the evidence a run hands over, made from the journal.

mod build;
mod words;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contract::{Assessment, Mode, Outcome, PlanPin, Trigger, WouldDo};
use crate::decide::data_loss::DataLoss;
use crate::journal::{Entry, StepRecord};
use crate::plan::Regions;

pub use build::{Facts, build};

/// `report.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The run's id: the execution's name.
    pub run_id: String,
    /// The execution's ARN.
    #[serde(default)]
    pub execution_arn: String,
    /// The plan it was pinned to.
    pub plan: ReportPlan,
    /// What it was for. `null`: the request that was refused did not say.
    pub mode: Option<Mode>,
    /// What started it.
    pub trigger: Trigger,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in a sentence.
    pub reason: String,
    /// The error that ended it, by its documented name, with its whole text.
    #[serde(default)]
    pub error: Option<ReportError>,
    /// Where the workload lives and where it goes. `null`: the run was refused before the plan was read.
    #[serde(default)]
    pub regions: Option<Regions>,
    /// When the execution started.
    pub started_at: Timestamp,
    /// When the report was made.
    pub ended_at: Timestamp,
    /// When the primary was first seen failing.
    pub incident_at: Option<Timestamp>,
    /// When it was last seen well before that: the incident lies between the two.
    pub last_healthy_at: Option<Timestamp>,
    /// When the run decided to act.
    pub decided_at: Option<Timestamp>,
    /// When the recovery Region was seen to get the traffic.
    pub recovered_at: Option<Timestamp>,
    /// From the incident to the traffic. Only for a run that recovered.
    pub rto_from_incident_seconds: Option<f64>,
    /// From the decision to the traffic. Only for a run that recovered.
    pub rto_from_decision_seconds: Option<f64>,
    /// At most this much of the newest data is lost. `null`: this run promoted nothing, or nobody can say.
    pub rpo_seconds: Option<f64>,
    /// What that figure rests on, one entry a database.
    pub data_loss: Vec<ReportDataLoss>,
    /// The objectives it is held against.
    pub objectives: Option<ReportObjectives>,
    /// The steps, in order of their start.
    pub steps: Vec<StepRecord>,
    /// Every act with the values before it, in order.
    pub journal: Vec<Entry>,
    /// What a dry run would have done, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<WouldDo>,
    /// The run this one went on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<String>,
    /// What the decisions rest on, by name.
    #[serde(default)]
    pub evidence: BTreeMap<String, Value>,
    /// What to do next, for a run that did not recover.
    pub next: Option<String>,
}

/// The error that ended a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportError {
    /// Its documented name.
    pub name: String,
    /// Its text: what failed, on which resource, what is true now, what to do next.
    pub message: String,
}

/// The plan in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportPlan {
    /// The plan's name.
    pub name: String,
    /// The S3 object version; empty if the run was refused before it was pinned.
    pub version: String,
    /// SHA-256 of the document; empty if the run was refused before it was pinned.
    pub sha256: String,
}

impl From<&PlanPin> for ReportPlan {
    fn from(pin: &PlanPin) -> Self {
        ReportPlan { name: pin.name.clone(), version: pin.version.clone(), sha256: pin.sha256.clone() }
    }
}

/// What a database lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportDataLoss {
    /// The component's name.
    pub component: String,
    /// The estimate at the promotion.
    pub loss: DataLoss,
}

/// The objectives a report is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportObjectives {
    /// Recovery time objective.
    pub rto_seconds: u32,
    /// Recovery point objective.
    pub rpo_seconds: u32,
}

/// The figures of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clocks {
    /// When the recovery Region was seen to get the traffic.
    pub recovered_at: Option<Timestamp>,
    /// From the incident.
    pub rto_from_incident_seconds: Option<f64>,
    /// From the decision.
    pub rto_from_decision_seconds: Option<f64>,
}

/// Reads the two clocks: both end when the last step that looks at the traffic was done.
pub fn clocks(outcome: Outcome, assessment: Option<&Assessment>, verified_at: Option<Timestamp>) -> Clocks {
    let seconds = |from: Timestamp, to: Timestamp| (to.as_millisecond() - from.as_millisecond()) as f64 / 1000.0;
    let recovered_at = (outcome == Outcome::Recovered).then_some(verified_at).flatten();
    let since = |from: Option<Timestamp>| Some(seconds(from?, recovered_at?));
    Clocks {
        recovered_at,
        rto_from_incident_seconds: since(assessment.map(|a| a.incident_at)),
        rto_from_decision_seconds: since(assessment.map(|a| a.decided_at)),
    }
}
