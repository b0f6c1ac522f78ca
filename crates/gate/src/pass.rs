//! The mark that the gate was passed, without which nothing is promoted.

use jiff::Timestamp;
use pilot_core::decide::gate::{Approval, LossOf};
use pilot_core::{Failure, contract::ComponentProgress, contract::Status, contract::StepResponse};
use pilot_shell::StepContext;
use pilot_shell::ledger::Ledger;
use promote_db::handler::GATE;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The evidence of a person's word.
pub const APPROVAL: &str = "approval";

/// The mark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Passed {
    /// When.
    pub passed_at: Timestamp,
    /// What is lost by it.
    pub losses: Vec<LossOf>,
    /// Who said yes, if somebody was asked.
    pub approval: Option<Approval>,
}

/// Writes the mark: from here on the run may promote.
///
/// # Errors
/// The ledger's.
pub async fn pass<L: Ledger>(
    context: &StepContext<'_, L>,
    losses: Vec<LossOf>,
    approval: Option<Approval>,
) -> Result<StepResponse, Failure> {
    let said = match &approval {
        Some(approval) => {
            format!("approved by {}, accepting {}", approval.approver, seconds(approval.accepted_loss_seconds))
        }
        None => "passed within the plan's bounds".to_owned(),
    };
    let components: Vec<ComponentProgress> = losses.iter().map(lost).chain([done("gate", said)]).collect();
    let passed = Passed { passed_at: context.now(), losses, approval };
    context.ledger.keep_evidence(&context.run.run_id, GATE, &json!(passed)).await?;
    Ok(StepResponse::of(components.into_iter().map(|c| (c, 1)).collect()))
}

/// The gate was passed before this invocation: there is nothing to decide any more.
pub fn passed_before(detail: impl Into<String>) -> StepResponse {
    StepResponse::of(vec![(done("gate", detail.into()), 1)])
}

fn lost(loss: &LossOf) -> ComponentProgress {
    let detail = match &loss.loss {
        Some(known) => format!(
            "its promotion loses at most {:.1} s, {:.1} s for certain",
            known.rpo_seconds,
            known.certain_seconds()
        ),
        None => "what its promotion loses cannot be told".to_owned(),
    };
    done(&loss.component, detail)
}

fn done(name: &str, detail: String) -> ComponentProgress {
    ComponentProgress { name: name.to_owned(), status: Status::Done, detail }
}

fn seconds(accepted: Option<f64>) -> String {
    accepted.map_or("no loss beyond the plan's bound".into(), |seconds| format!("a loss of up to {seconds} s"))
}
