//! Making the report from what the run left behind.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::words::{self, Told};
use super::{Report, ReportDataLoss, ReportError, ReportObjectives, ReportPlan, clocks};
use crate::contract::{Assessment, CaughtError, Mode, Outcome, Status, Step, Trigger, WouldDo};
use crate::decide::data_loss::DataLoss;
use crate::journal::{Action, Entry, EntryOutcome, StepRecord};
use crate::plan::RecoveryPlan;

/// The evidence of a database's loss is kept under this and the component's name.
const DATA_LOSS: &str = "data-loss#";
/// A dry run's decisions are kept under this and what they decide.
const DECISION: &str = "decision#";

/// What a run left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts<'a> {
    /// The run's id.
    pub run_id: String,
    /// The execution's ARN.
    pub execution_arn: String,
    /// The plan, as far as it was pinned.
    pub plan: ReportPlan,
    /// What the run was for, if the request could be read.
    pub mode: Option<Mode>,
    /// What started it.
    pub trigger: Trigger,
    /// The run this one went on with.
    pub resumes: Option<String>,
    /// When the execution started.
    pub started_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// The error that ended it.
    pub error: Option<&'a CaughtError>,
    /// What `assess` concluded.
    pub assessment: Option<&'a Assessment>,
    /// Its steps.
    pub steps: Vec<StepRecord>,
    /// Its acts.
    pub journal: Vec<Entry>,
    /// Its evidence.
    pub evidence: BTreeMap<String, Value>,
    /// The pinned plan itself, if it could be read.
    pub document: Option<&'a RecoveryPlan>,
    /// Now.
    pub now: Timestamp,
}

/// Makes the report.
pub fn build(mut facts: Facts<'_>) -> Report {
    let error = facts.error.map(|e| ReportError { name: e.error.clone(), message: words::without_json(&e.cause) });
    let told = error.as_ref().map(|e| Told::of(&e.name, &e.message));
    let regions = facts.document.map(|plan| plan.regions.clone());
    let reason = words::reason((facts.outcome, facts.mode), regions.as_ref(), error.as_ref(), told.as_ref());
    let next = words::next(&facts, told.as_ref());
    let clocks = clocks(facts.outcome, facts.assessment, verified_at(&facts.steps));
    let decisions = take_decisions(&mut facts.evidence);
    let data_loss = data_loss(&facts.evidence);
    let rpo_seconds = rpo_seconds(facts.outcome, &facts.journal, &data_loss);
    Report {
        run_id: facts.run_id,
        execution_arn: facts.execution_arn,
        plan: facts.plan,
        mode: facts.mode,
        trigger: facts.trigger,
        outcome: facts.outcome,
        reason,
        error,
        regions,
        started_at: facts.started_at,
        ended_at: facts.now,
        incident_at: facts.assessment.map(|a| a.incident_at),
        last_healthy_at: facts.assessment.and_then(|a| a.last_healthy_at),
        decided_at: facts.assessment.map(|a| a.decided_at),
        recovered_at: clocks.recovered_at,
        rto_from_incident_seconds: clocks.rto_from_incident_seconds,
        rto_from_decision_seconds: clocks.rto_from_decision_seconds,
        rpo_seconds,
        data_loss,
        objectives: facts.document.map(|plan| ReportObjectives {
            rto_seconds: plan.objectives.rto_seconds,
            rpo_seconds: plan.objectives.rpo_seconds,
        }),
        steps: facts.steps,
        decisions,
        resumes: facts.resumes,
        journal: facts.journal,
        evidence: facts.evidence,
        next,
    }
}

/// The decisions of a dry run, out of the evidence and in their order.
fn take_decisions(evidence: &mut BTreeMap<String, Value>) -> Vec<WouldDo> {
    let names: Vec<String> = evidence.keys().filter(|name| name.starts_with(DECISION)).cloned().collect();
    let documents = names.iter().filter_map(|name| evidence.remove(name));
    let mut decisions: Vec<WouldDo> = documents.filter_map(|document| serde_json::from_value(document).ok()).collect();
    decisions.sort_by(|a, b| (a.step, a.at, &a.component).cmp(&(b.step, b.at, &b.component)));
    decisions
}

fn verified_at(steps: &[StepRecord]) -> Option<Timestamp> {
    let verify = steps.iter().find(|step| step.name == Step::Verify && step.outcome == Status::Done)?;
    verify.ended_at
}

fn data_loss(evidence: &BTreeMap<String, Value>) -> Vec<ReportDataLoss> {
    let of = |(name, document): (&String, &Value)| {
        let component = name.strip_prefix(DATA_LOSS)?.to_owned();
        // Evidence that is no estimate stays readable under `evidence`; it must not pass for a figure.
        let loss: DataLoss = serde_json::from_value(document.clone()).ok()?;
        Some(ReportDataLoss { component, loss })
    };
    evidence.iter().filter_map(of).collect()
}

/// The largest loss of the databases that this run promoted; unknown as soon as that of one of them is. A switchover loses nothing: RDS
/// lets it through only once the new writer has everything.
fn rpo_seconds(outcome: Outcome, journal: &[Entry], data_loss: &[ReportDataLoss]) -> Option<f64> {
    let promoted = |entry: &&Entry| {
        // An answer that was lost counts once the whole recovery was observed: then it had been accepted.
        matches!(
            entry.action,
            Action::PromoteReadReplica
                | Action::FailoverGlobalCluster
                | Action::SwitchoverGlobalCluster
                | Action::FailoverCluster
                | Action::StartRestoreJob
                | Action::RestoreToPointInTime
        ) && match entry.outcome {
            Some(EntryOutcome::Accepted { .. }) => true,
            Some(EntryOutcome::NotDone { .. }) => false,
            None => outcome == Outcome::Recovered,
        }
    };
    let loss_of = |entry: &Entry| {
        if entry.action == Action::SwitchoverGlobalCluster {
            return Some(0.0);
        }
        data_loss.iter().find(|loss| loss.component == entry.component).map(|loss| loss.loss.rpo_seconds)
    };
    let losses: Option<Vec<f64>> = journal.iter().filter(promoted).map(loss_of).collect();
    losses?.into_iter().reduce(f64::max)
}
