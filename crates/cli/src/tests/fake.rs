//! A stack in memory. Executions are looked at again and again, so what there is to see of them is a row of looks.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use pilot_core::approval::{Asked, TaskToken};
use pilot_core::contract::{ApprovalAnswer, Mode, Run};
use pilot_core::journal::{Entry, Lease, StepRecord, Unfinished};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::stack::{Execution, ExecutionStatus, NewExecution, Stack, StackError};

/// A token as AWS makes them. It must never be shown.
pub const TOKEN: &str = "AQCEAAAAKgAAAAMAAAAAAAAAAeffSECRETeff";
/// The run of these tests.
pub const RUN: &str = "shop-20260314T092653Z";
/// Its execution.
pub const EXECUTION: &str =
    "arn:aws:states:eu-west-1:111122223333:execution:pilot-light-recovery:shop-20260314T092653Z";
/// Its state machine.
pub const MACHINE: &str = "arn:aws:states:eu-west-1:111122223333:stateMachine:pilot-light-recovery";

/// What there is to see at one look at an execution.
pub type Look = Result<Execution, StackError>;

/// A stack in memory.
#[derive(Debug, Default)]
pub struct Fake {
    /// What the looks at any execution show, in order; the last one stays.
    pub looks: RefCell<VecDeque<Look>>,
    /// What the steps are at each look, in order; the last stay.
    pub steps: RefCell<VecDeque<Vec<StepRecord>>>,
    /// Runs that were opened.
    pub runs: Vec<Run>,
    /// The journal.
    pub acts: Vec<Entry>,
    /// The lease of failovers.
    pub lease: Option<Lease>,
    /// The run that is stuck.
    pub unfinished: Option<Unfinished>,
    /// What was asked last.
    pub asked: Option<Asked>,
    /// What the next start is refused with.
    pub start_refused: Option<StackError>,
    /// What answering is refused with.
    pub answer_refused: Option<StackError>,
    /// Reports by location.
    pub reports: BTreeMap<String, Vec<u8>>,
    /// What was started.
    pub started: RefCell<Vec<NewExecution>>,
    /// What was answered, and with which token.
    pub answered: RefCell<Vec<(TaskToken, ApprovalAnswer)>>,
}

impl Fake {
    /// A stack whose only run is [`RUN`], of which the looks show this.
    pub fn with_run(mode: Mode, looks: impl IntoIterator<Item = Look>) -> Self {
        let mode = json!(mode);
        let run = of(json!({
            "runId": RUN,
            "executionArn": EXECUTION,
            "plan": {"name": "shop", "bucket": "b", "key": "plans/shop.yaml", "version": "v1", "sha256": "9f86"},
            "mode": mode,
            "trigger": {"kind": "manual", "reason": "the Region is dark"},
            "generation": 4,
            "startedAt": "2026-03-14T09:26:53Z",
        }));
        Fake { runs: vec![run], looks: RefCell::new(looks.into_iter().collect()), ..Fake::default() }
    }

    /// This run asks a person.
    pub fn asking(loss_seconds: Option<f64>) -> Self {
        let asked = of(json!({
            "taskToken": TOKEN,
            "why": ["the plan wants every promotion approved", "promoting shop-db-replica would lose 90.0 to 130.2 seconds of data, the plan allows 60"],
            "lossSeconds": loss_seconds,
            "askedAt": "2026-03-14T09:30:00Z",
            "expiresAt": "2026-03-14T10:30:00Z",
        }));
        Fake { asked: Some(asked), ..Fake::with_run(Mode::Failover, [running()]) }
    }
}

/// One of our types, as the table or the state machine holds it.
pub fn of<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// An execution on its way.
pub fn running() -> Look {
    Ok(Execution { status: ExecutionStatus::Running, output: None, error: None, cause: None })
}

/// One that succeeded.
pub fn succeeded(output: &Value) -> Look {
    let output = Some(output.to_string());
    Ok(Execution { status: ExecutionStatus::Succeeded, output, error: None, cause: None })
}

/// One that ended by the state machine's own Fail state. Whatever it has for an output is not its end.
pub fn failed(error: &str, cause: &str) -> Look {
    let (error, cause) = (Some(error.to_owned()), Some(cause.to_owned()));
    let output = Some("{}".to_owned());
    Ok(Execution { status: ExecutionStatus::Ended("FAILED".into()), output, error, cause })
}

/// A call that did not get through.
pub fn unreachable(call: &'static str) -> StackError {
    StackError::Call { call, what: "dispatch failure: connection refused".into() }
}

/// The next of a row; the last one stays.
fn next<T: Clone>(row: &RefCell<VecDeque<T>>) -> Option<T> {
    let mut row = row.borrow_mut();
    if row.len() > 1 { row.pop_front() } else { row.front().cloned() }
}

impl Stack for Fake {
    async fn start(&self, execution: &NewExecution) -> Result<String, StackError> {
        if let Some(error) = &self.start_refused {
            return Err(error.clone());
        }
        self.started.borrow_mut().push(execution.clone());
        Ok(format!("{}:{}", execution.state_machine_arn.replace("stateMachine", "execution"), execution.name))
    }

    async fn execution(&self, _: &str) -> Result<Execution, StackError> {
        next(&self.looks).unwrap_or_else(|| Err(unreachable("states:DescribeExecution")))
    }

    async fn run(&self, run_id: &str) -> Result<Option<Run>, StackError> {
        Ok(self.runs.iter().find(|run| run.run_id == run_id).cloned())
    }

    async fn lease(&self, _: &str, mode: Mode) -> Result<Option<Lease>, StackError> {
        Ok(self.lease.clone().filter(|_| mode.acts()))
    }

    async fn unfinished(&self, _: &str) -> Result<Option<Unfinished>, StackError> {
        Ok(self.unfinished.clone())
    }

    async fn steps(&self, _: &str) -> Result<Vec<StepRecord>, StackError> {
        Ok(next(&self.steps).unwrap_or_default())
    }

    async fn acts(&self, _: &str) -> Result<Vec<Entry>, StackError> {
        Ok(self.acts.clone())
    }

    async fn asked(&self, _: &str) -> Result<Option<Asked>, StackError> {
        Ok(self.asked.clone())
    }

    async fn answer(&self, token: &TaskToken, answer: &ApprovalAnswer) -> Result<(), StackError> {
        self.answered.borrow_mut().push((token.clone(), answer.clone()));
        self.answer_refused.clone().map_or(Ok(()), Err)
    }

    async fn report(&self, location: &str) -> Result<Vec<u8>, StackError> {
        let missing = || StackError::Call { call: "s3:GetObject", what: "AccessDenied: no".into() };
        self.reports.get(location).cloned().ok_or_else(missing)
    }
}
