//! `GET /runs/{id}`: the run's state, its steps, and what it asks a person.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pilot_core::approval::{ASKED, Asked};
use pilot_core::contract::{ClosedRun, Mode, Run, Trigger};
use pilot_core::journal::StepRecord;
use pilot_core::run_name;
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::Ledger;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::handler::Desk;
use crate::ports::{Execution, ExecutionStatus, StateMachine};
use crate::reply::Reply;

/// The evidence that is the run itself, as `open-run` writes it.
const RUN: &str = "run";

/// What the state table holds of a run.
#[derive(Debug)]
pub struct Known {
    /// The run as it was opened. `None`: it was refused before, is not opened yet, or there is no such run.
    pub run: Option<Run>,
    /// Its steps, in order of their start.
    pub steps: Vec<StepRecord>,
    /// What it asked a person last.
    pub asked: Option<Asked>,
}

impl Known {
    /// Reads a run, consistently.
    ///
    /// # Errors
    /// 503 or 500: the table cannot be read, or an item in it is not what the functions write.
    pub async fn read<L: Ledger>(ledger: &L, run_id: &str) -> Result<Self, Reply> {
        let failed = |failure: Failure| Reply::failed(&failure);
        let mut evidence = ledger.evidence(run_id).await.map_err(failed)?;
        let (run, asked) = (take(&mut evidence, RUN, run_id)?, take(&mut evidence, ASKED, run_id)?);
        Ok(Known { run, asked, steps: ledger.steps(run_id).await.map_err(failed)? })
    }
}

fn take<T: for<'de> Deserialize<'de>>(
    evidence: &mut BTreeMap<String, Value>,
    name: &str,
    run_id: &str,
) -> Result<Option<T>, Reply> {
    let read = evidence.remove(name).map(serde_json::from_value).transpose();
    read.map_err(|error| {
        let what = format!("the evidence {name:?} cannot be read: {error}");
        let failure = Failure::new(FailureName::JournalUnavailable, run_id, what).now("nothing was touched");
        Reply::failed(
            &failure.next("look at the item in the state table; it was not written by this version of Pilot Light"),
        )
    })
}

/// The answer. The task token of what is asked is no part of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    run_id: &'a str,
    execution_arn: &'a str,
    /// As Step Functions names it: `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT`, `ABORTED`.
    state: String,
    /// How it ended, in the run's own words: outcome, reason, where its report is.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<ClosedRun>,
    /// Of a run that ended without closing itself: the error's name, as Step Functions tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// That error's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<&'a Trigger>,
    steps: &'a [StepRecord],
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<Question<'a>>,
}

/// What a person is asked, and until when.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    why: &'a [String],
    /// `null`: nobody can tell how much is lost.
    loss_seconds: Option<f64>,
    asked_at: Timestamp,
    expires_at: Timestamp,
    answer: String,
}

/// Tells how far a run is.
///
/// # Errors
/// 404 if there is no such run; 503 or 500 if it cannot be read.
pub async fn status<M: StateMachine, L: Ledger>(run_id: &str, desk: &Desk<'_, M, L>) -> Result<Reply, Reply> {
    let known = Known::read(desk.ledger, run_id).await?;
    let arn = known.run.as_ref().map(|run| run.execution_arn.clone());
    let Some(arn) = arn.or_else(|| run_name::execution_of(desk.machine.arn(), run_id)) else {
        return Err(unknown(run_id));
    };
    let execution = desk.machine.execution(&arn).await;
    let execution = execution.map_err(|error| Reply::failed(&error.into_failure("states:DescribeExecution", &arn)))?;
    // Step Functions forgets an execution after 90 days; the state table does not.
    if execution.is_none() && known.run.is_none() {
        return Err(unknown(run_id));
    }
    Ok(Reply::new(200, &json!(view(run_id, &arn, execution.as_ref(), &known, desk.now()))))
}

fn view<'a>(
    run_id: &'a str,
    execution_arn: &'a str,
    execution: Option<&'a Execution>,
    known: &'a Known,
    now: Timestamp,
) -> View<'a> {
    let run = known.run.as_ref();
    let closed = execution.and_then(closed);
    let unclosed = execution.filter(|_| closed.is_none());
    View {
        run_id,
        execution_arn,
        state: execution.map_or("FORGOTTEN".to_owned(), |execution| execution.status.to_string()),
        error: unclosed.and_then(|execution| execution.error.as_deref()),
        cause: unclosed.and_then(|execution| execution.cause.as_deref()),
        closed,
        plan: run.map(|run| run.plan.name.as_str()),
        mode: run.map(|run| run.mode),
        started_at: run.map(|run| run.started_at),
        trigger: run.map(|run| &run.trigger),
        steps: &known.steps,
        asked: known
            .asked
            .as_ref()
            .filter(|asked| asked.is_open(&known.steps, now))
            .map(|asked| question(run_id, asked)),
    }
}

/// A run that closes itself ends with the same document either way: as its output, or as the cause of `Refused`, `RolledBack`, `Stuck`.
fn closed(execution: &Execution) -> Option<ClosedRun> {
    let last_word = match execution.status {
        ExecutionStatus::Running => None,
        ExecutionStatus::Succeeded => execution.output.as_deref(),
        // Whatever such an execution has for an output is not its end.
        ExecutionStatus::Ended(_) => execution.cause.as_deref(),
    };
    serde_json::from_str(last_word?).ok()
}

fn question<'a>(run_id: &str, asked: &'a Asked) -> Question<'a> {
    Question {
        why: &asked.why,
        loss_seconds: asked.loss_seconds,
        asked_at: asked.asked_at,
        expires_at: asked.expires_at,
        answer: format!("POST /runs/{run_id}/approval"),
    }
}

/// 404: there is no such run.
pub fn unknown(run_id: &str) -> Reply {
    let next = "the id is the one that POST /runs answered, or the execution's name; a run that just started may not be seen yet";
    Reply::error(404, "NoSuchRun", format!("there is no run {run_id}"), "nothing was touched", next)
}
