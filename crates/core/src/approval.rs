//! What a run asks a person, and what an answer lacks: shared by the gate, which asks, and by whatever brings the answer.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contract::{ApprovalAnswer, ApprovalDecision, Status, Step};
use crate::journal::StepRecord;

/// The name of the evidence that holds [`Asked`].
pub const ASKED: &str = "approval-asked";

/// What a run asked a person last, and where the answer goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The token that the state machine waits for. Whoever answers with it needs `states:SendTaskSuccess` too.
    pub task_token: TaskToken,
    /// Why a person is asked.
    pub why: Vec<String>,
    /// The loss to be accepted at least, in seconds; `null`: nobody can tell.
    pub loss_seconds: Option<f64>,
    /// When.
    pub asked_at: Timestamp,
    /// Until when the run waits.
    pub expires_at: Timestamp,
}

impl Asked {
    /// Whether the run still waits for the answer, as its steps show: the gate is on its way, and the time is not over.
    pub fn is_open(&self, steps: &[StepRecord], now: Timestamp) -> bool {
        let gate_waits = steps.iter().any(|step| step.name == Step::Gate && step.outcome == Status::InProgress);
        gate_waits && self.expires_at > now
    }

    /// What an approval may lack; `None`: nothing, as far as can be seen here. Never more than a warning: the run knows the plan's
    /// bound, and asks again if the answer does not do.
    pub fn shortfall(&self, answer: &ApprovalAnswer) -> Option<Shortfall> {
        if answer.decision == ApprovalDecision::Refuse {
            return None;
        }
        match (self.loss_seconds, answer.accept_loss_seconds) {
            (Some(stated_seconds), Some(accepted_seconds)) if accepted_seconds < stated_seconds => {
                Some(Shortfall::TooLittle { accepted_seconds, stated_seconds })
            }
            (Some(stated_seconds), None) if stated_seconds > 0.0 => Some(Shortfall::Nothing { stated_seconds }),
            (None, None) => Some(Shortfall::NothingOfUnknown),
            _ => None,
        }
    }
}

/// What an approval may lack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shortfall {
    /// Less is accepted than may be lost.
    TooLittle {
        /// What the answer accepts.
        accepted_seconds: f64,
        /// What may be lost.
        stated_seconds: f64,
    },
    /// No loss is accepted, and something may be lost.
    Nothing {
        /// What may be lost.
        stated_seconds: f64,
    },
    /// No loss is accepted, and nobody can tell how much is lost.
    NothingOfUnknown,
}

/// Whoever has it can answer in anybody's name: it is kept for the one call that takes it, and never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskToken(String);

impl TaskToken {
    /// As the state machine gave it.
    pub fn new(token: String) -> Self {
        TaskToken(token)
    }

    /// The token itself, for the one call that takes it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TaskToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskToken(not shown)")
    }
}

#[cfg(test)]
mod tests;
