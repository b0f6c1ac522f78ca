//! `POST /runs/{id}/approval`: hands a person's answer to the run that waits for it.

use pilot_core::approval::{Asked, Shortfall};
use pilot_core::contract::{ApprovalAnswer, ApprovalDecision};
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use serde::Deserialize;
use serde_json::json;

use crate::handler::Desk;
use crate::ports::{Delivery, StateMachine};
use crate::reply::Reply;
use crate::request::{self, Caller};
use crate::status::{Known, unknown};

/// The body. There is no field for who it is: that is the caller.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// Yes: promote. No: everything is put back.
    approve: bool,
    /// The most data that the caller accepts to lose, in seconds. Absent: none beyond the plan's bound.
    accept_loss_seconds: Option<f64>,
    /// Why, for the report.
    reason: Option<String>,
}

/// Answers what a run asks. Whether the caller is one of the plan's approvers, and whether enough is accepted, is judged by the run,
/// against the plan it is pinned to: an answer that does not do is asked for again.
///
/// # Errors
/// 400; 404 for a run that is not there; 409 if it asks nobody, or nobody waits any more; 503 if AWS did not answer.
pub async fn answer<M: StateMachine, L: Ledger>(
    run_id: &str,
    body: Answer,
    caller: &Caller,
    desk: &Desk<'_, M, L>,
) -> Result<Reply, Reply> {
    let answer = of(body, caller)?;
    let known = Known::read(desk.ledger, run_id).await?;
    if known.run.is_none() {
        return Err(unknown(run_id));
    }
    let Some(asked) = known.asked else { return Err(asks_nobody(run_id)) };
    match desk.machine.answer(&asked.task_token, &answer).await {
        Ok(Delivery::Delivered) => Ok(handed_over(run_id, &answer, &asked)),
        Ok(Delivery::NobodyWaits) => Err(nobody_waits(run_id)),
        Err(error) => Err(not_delivered(error, run_id)),
    }
}

fn of(body: Answer, caller: &Caller) -> Result<ApprovalAnswer, Reply> {
    if body.accept_loss_seconds.is_some_and(|seconds| seconds < 0.0) {
        return Err(Reply::bad_request("/acceptLossSeconds: has to be a number of seconds, 0 or more".into()));
    }
    Ok(ApprovalAnswer {
        decision: if body.approve { ApprovalDecision::Approve } else { ApprovalDecision::Refuse },
        approver: caller.arn().to_owned(),
        accept_loss_seconds: body.accept_loss_seconds.filter(|_| body.approve),
        reason: body.reason.as_deref().map(request::reason).transpose()?,
    })
}

fn handed_over(run_id: &str, answer: &ApprovalAnswer, asked: &Asked) -> Reply {
    let mut document = json!({"runId": run_id, "answer": answer, "status": format!("/runs/{run_id}")});
    if let Some(warning) = asked.shortfall(answer).map(warning) {
        document["warning"] = json!(warning);
    }
    Reply::new(202, &document)
}

fn warning(shortfall: Shortfall) -> String {
    let (lacks, enough) = match shortfall {
        Shortfall::TooLittle { accepted_seconds, stated_seconds } => (
            format!("{accepted_seconds:.1} seconds are accepted, up to {stated_seconds:.1} may be lost"),
            format!("{}", stated_seconds.ceil()),
        ),
        Shortfall::Nothing { stated_seconds } => (
            format!("no loss is accepted, up to {stated_seconds:.1} seconds may be lost"),
            format!("{}", stated_seconds.ceil()),
        ),
        Shortfall::NothingOfUnknown => (
            "no loss is accepted, and how much is lost cannot be told".to_owned(),
            "a number of your choice".to_owned(),
        ),
    };
    format!(
        "{lacks}: if that is more than the plan allows, the run asks again; acceptLossSeconds of {enough} would be enough"
    )
}

fn asks_nobody(run_id: &str) -> Reply {
    let next = format!("look at it: GET /runs/{run_id}");
    Reply::error(409, "NothingAsked", format!("{run_id} has asked nobody"), "nothing was touched", next)
}

fn nobody_waits(run_id: &str) -> Reply {
    let what =
        "nobody waits for this answer any more: the question was answered, its time ran out, or the run was called off";
    Reply::error(409, "NobodyWaits", what, "this answer changed nothing", format!("look at it: GET /runs/{run_id}"))
}

fn not_delivered(error: CallError, run_id: &str) -> Reply {
    let certain = error.certainly_not_done();
    let failure = error.into_failure("states:SendTaskSuccess", run_id);
    if certain {
        return Reply::failed(&failure);
    }
    let next = format!("look at the run before you answer again: GET /runs/{run_id}");
    Reply::failed(&failure.now("whether the answer arrived is not known").next(next))
}
