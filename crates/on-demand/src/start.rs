//! `POST /runs`: starts a run. Twice the same under one name is one run.

use pilot_core::contract::{Mode, StartRequest};
use pilot_core::plan::is_plan_name;
use pilot_core::run_name;
use pilot_shell::CallError;
use serde::Deserialize;
use serde_json::json;

use crate::handler::Desk;
use crate::ports::{Begun, StateMachine};
use crate::reply::Reply;
use crate::request::{self, Caller};

/// The body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The plan's name.
    plan: String,
    /// What for.
    mode: Mode,
    /// Why, for the report.
    reason: String,
    /// The run's id to be: whoever sends the same again after an answer that got lost starts nothing twice. Absent: made of plan and time.
    name: Option<String>,
}

/// Starts a run. Whether the plan is there and the lease is free is judged by the run itself: `GET /runs/{id}` tells.
///
/// # Errors
/// 400; 409 if the name is another run's; 503 if AWS did not answer, and what is true then.
pub async fn start<M: StateMachine, L>(body: Start, caller: &Caller, desk: &Desk<'_, M, L>) -> Result<Reply, Reply> {
    check(&body)?;
    let run_id = body.name.unwrap_or_else(|| run_name::started(&body.plan, desk.now()));
    // Who it was stands in the reason, because that is what report and notifications show. It is part of the input: the same name from
    // somebody else is another start.
    let reason = format!("{} (asked for over HTTP by {})", request::reason(&body.reason)?, caller.arn());
    let input = StartRequest { plan: body.plan, mode: body.mode, reason: Some(reason), resume: None, trigger: None };
    match desk.machine.start(&run_id, &input).await {
        Ok(Begun::Underway(arn)) => Ok(begun(202, &run_id, &arn)),
        Ok(Begun::NameTaken) => taken(&run_id, &input, desk.machine).await,
        Err(error) => Err(not_started(error, &run_id)),
    }
}

fn check(body: &Start) -> Result<(), Reply> {
    if !is_plan_name(&body.plan) {
        let what =
            format!("/plan: {:?} is no plan's name: a letter, then lower-case letters, digits and hyphens", body.plan);
        return Err(Reply::bad_request(what));
    }
    match &body.name {
        Some(name) if !run_name::is_run_name(name) => Err(Reply::bad_request(format!(
            "/name: {name:?} cannot be a run's id: 1 to 80 letters, digits, hyphens and underscores"
        ))),
        _ => Ok(()),
    }
}

fn begun(status_code: u16, run_id: &str, arn: &str) -> Reply {
    let mut reply =
        Reply::new(status_code, &json!({"runId": run_id, "executionArn": arn, "status": format!("/runs/{run_id}")}));
    reply.headers.insert("location", format!("/runs/{run_id}"));
    reply
}

/// AWS takes the same start twice only while the run is on its way; here it stays the same start when it is over.
async fn taken<M: StateMachine>(run_id: &str, input: &StartRequest, machine: &M) -> Result<Reply, Reply> {
    let Some(arn) = run_name::execution_of(machine.arn(), run_id) else { return Err(other(run_id)) };
    let found = machine.execution(&arn).await.map_err(|error| not_started(error, run_id))?;
    let before: Option<StartRequest> = found.and_then(|it| serde_json::from_str(&it.input?).ok());
    if before.as_ref() == Some(input) { Ok(begun(200, run_id, &arn)) } else { Err(other(run_id)) }
}

fn other(run_id: &str) -> Reply {
    let what = format!("{run_id} was started already, for something else or by somebody else");
    let next = format!("look at it: GET /runs/{run_id}; to start another run give it another name");
    Reply::error(409, "NameTaken", what, "this request started nothing", next)
}

fn not_started(error: CallError, run_id: &str) -> Reply {
    let certain = error.certainly_not_done();
    let failure = error.into_failure("states:StartExecution", run_id);
    if certain {
        return Reply::failed(&failure);
    }
    let again = format!(
        "send the same again with \"name\": \"{run_id}\": it is then started once, whatever became of this request"
    );
    Reply::failed(&failure.now("whether the run was started is not known").next(again))
}
