//! The last look before the pivot: may the run promote, must a person be asked, and is what the person said enough?
//!
//! The lag that counts is that at the incident (see [`super::data_loss`]). A loss above the plan's bound, or one that nobody can tell, stops
//! the promotion unless a named approver accepts it in numbers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contract::{ApprovalAnswer, ApprovalDecision};
use crate::decide::data_loss::DataLoss;
use crate::decide::health::{Judgement, Verdict};
use crate::observed::SignalState;
use crate::plan::{Gate, Policy};
use crate::{Failure, FailureName};

/// What the promotion of one database would lose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LossOf {
    /// The component's name.
    pub component: String,
    /// The replica or secondary cluster.
    pub resource: String,
    /// The estimate; `null`: nobody can tell.
    pub loss: Option<DataLoss>,
}

/// What the gate does.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Promote.
    Pass,
    /// Ask a person.
    Ask {
        /// Why.
        why: Vec<String>,
        /// The loss the approver must accept at least; `None`: unknown.
        loss_seconds: Option<f64>,
    },
    /// Call the run off.
    Refuse(Box<Failure>),
}

/// Decides from the losses and the plan's policy.
pub fn decide(losses: &[LossOf], policy: &Policy) -> Decision {
    let bound = f64::from(policy.max_data_loss_seconds);
    let above: Vec<&LossOf> =
        losses.iter().filter(|l| l.loss.is_none_or(|loss| loss.certain_seconds() > bound)).collect();
    let mut why: Vec<String> = above.iter().map(|l| said(l, policy.max_data_loss_seconds)).collect();
    if !above.is_empty() && policy.gate == Gate::Automatic && policy.approvers.is_empty() {
        let resource = above.first().map_or(String::new(), |l| l.resource.clone());
        return Decision::Refuse(Box::new(
            Failure::new(FailureName::DataLossTooHigh, resource, why.join("; "))
                .now("nothing was promoted; what was fenced is put back")
                .next("mend replication, name approvers in the plan (policy.approvers), or raise policy.maxDataLossSeconds if the owners accept the loss"),
        ));
    }
    if policy.gate == Gate::Approval {
        why.insert(0, "the plan wants every promotion approved".into());
    }
    if why.is_empty() { Decision::Pass } else { Decision::Ask { why, loss_seconds: worst_seconds(losses) } }
}

fn said(loss: &LossOf, allowed_seconds: u32) -> String {
    match loss.loss {
        None => format!(
            "what promoting {} would lose cannot be told: no valid lag sample or completed recovery point from before the incident",
            loss.resource
        ),
        Some(known) => format!(
            "promoting {} would lose {:.1} to {:.1} seconds of data, the plan allows {allowed_seconds}",
            loss.resource,
            known.certain_seconds(),
            known.rpo_seconds
        ),
    }
}

/// The largest bound on the loss; `None` as soon as one of them is unknown.
fn worst_seconds(losses: &[LossOf]) -> Option<f64> {
    let bounds: Option<Vec<f64>> = losses.iter().map(|l| l.loss.map(|loss| loss.rpo_seconds)).collect();
    Some(bounds?.into_iter().fold(0.0, f64::max))
}

/// Who accepted what, and when: the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Who.
    pub approver: String,
    /// Yes or no.
    pub decision: ApprovalDecision,
    /// The loss that was accepted, in seconds.
    pub accepted_loss_seconds: Option<f64>,
    /// The loss that was stated, in seconds; `null`: unknown.
    pub stated_loss_seconds: Option<f64>,
    /// Why, in the approver's words.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What an answer comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// The promotion may go ahead.
    Approved(Approval),
    /// The run is called off.
    Refused(Approval),
    /// The answer does not do: ask again, saying why.
    NotEnough(String),
}

/// Judges an answer against what was asked. A wrong name or too small a number is asked again, not taken for a refusal: at three in the
/// morning a slip of the pen must not cost the recovery.
pub fn answered(answer: &ApprovalAnswer, policy: &Policy, losses: &[LossOf], at: Timestamp) -> Answered {
    let stated = worst_seconds(losses);
    let bound = f64::from(policy.max_data_loss_seconds);
    let approver = answer.approver.trim();
    if approver.is_empty() {
        return Answered::NotEnough("the answer names no approver".into());
    }
    if !policy.approvers.is_empty() && !policy.approvers.iter().any(|named| named == approver) {
        return Answered::NotEnough(format!(
            "{approver:?} is none of the plan's approvers ({})",
            policy.approvers.join(", ")
        ));
    }
    let approval = Approval {
        approver: approver.to_owned(),
        decision: answer.decision,
        accepted_loss_seconds: answer.accept_loss_seconds,
        stated_loss_seconds: stated,
        reason: answer.reason.clone(),
        at,
    };
    if answer.decision == ApprovalDecision::Refuse {
        return Answered::Refused(approval);
    }
    let needs_number = losses.iter().any(|l| l.loss.is_none_or(|loss| loss.certain_seconds() > bound));
    match (needs_number, stated, answer.accept_loss_seconds) {
        (false, _, _) => Answered::Approved(approval),
        (true, _, None) => Answered::NotEnough("the answer accepts no loss: acceptLossSeconds is missing".into()),
        (true, Some(stated), Some(accepted)) if accepted < stated => {
            Answered::NotEnough(format!("{accepted} seconds are accepted, up to {stated:.1} may be lost"))
        }
        (true, _, Some(accepted)) if !accepted.is_finite() || accepted < 0.0 => {
            Answered::NotEnough(format!("{accepted} is no number of seconds"))
        }
        (true, _, Some(_)) => Answered::Approved(approval),
    }
}

/// Whether the primary serves again. What this run's own fence took away proves nothing: with a fence in force only the signals that it
/// does not touch are asked, and of those only the ones that failed when the run decided. `failed_then`: their names, if this run fenced
/// anything.
pub fn primary_recovered(judgement: &Judgement, failed_then: Option<&[&str]>) -> bool {
    let Some(failed_then) = failed_then else { return judgement.verdict == Verdict::Healthy };
    let asked = judgement.signals.iter().filter(|s| failed_then.contains(&s.name.as_str()));
    let mut healthy = 0_u32;
    for signal in asked {
        match signal.state {
            SignalState::Failing => return false,
            SignalState::Healthy => healthy += 1,
            SignalState::Unknown => {}
        }
    }
    healthy > 0
}

#[cfg(test)]
mod tests;
