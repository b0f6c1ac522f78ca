//! What the function asks of the state machine.

use std::fmt;
use std::future::Future;

use pilot_core::approval::TaskToken;
use pilot_core::contract::{ApprovalAnswer, StartRequest};
use pilot_shell::CallError;

/// The state machine of the stack.
pub trait StateMachine {
    /// Its ARN.
    fn arn(&self) -> &str;

    /// `states:StartExecution`. Of a run that is on its way the same name with the same input is the same execution; of one that is
    /// over AWS says that the name is taken ("StartExecution", idempotency of standard workflows).
    fn start(&self, name: &str, input: &StartRequest) -> impl Future<Output = Result<Begun, CallError>>;

    /// `states:DescribeExecution`. `None`: there is no such execution.
    fn execution(&self, arn: &str) -> impl Future<Output = Result<Option<Execution>, CallError>>;

    /// `states:SendTaskSuccess` with a person's answer.
    fn answer(&self, token: &TaskToken, answer: &ApprovalAnswer) -> impl Future<Output = Result<Delivery, CallError>>;
}

/// What came of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is on its way: the execution's ARN.
    Underway(String),
    /// The name was used before: with the same input of a run that is over, or with another one.
    NameTaken,
}

/// What came of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The run has it.
    Delivered,
    /// The question was answered, its time ran out, or the run was called off.
    NobodyWaits,
}

/// An execution, as Step Functions describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// How far it is.
    pub status: ExecutionStatus,
    /// What it was started with.
    pub input: Option<String>,
    /// What it ended with, if it succeeded.
    pub output: Option<String>,
    /// The name of the error it ended with.
    pub error: Option<String>,
    /// That error's text.
    pub cause: Option<String>,
}

/// How far an execution is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// On its way.
    Running,
    /// Ended as it should.
    Succeeded,
    /// Ended otherwise: the name that AWS gives it.
    Ended(String),
}

impl fmt::Display for ExecutionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ExecutionStatus::Running => "RUNNING",
            ExecutionStatus::Succeeded => "SUCCEEDED",
            ExecutionStatus::Ended(name) => name,
        })
    }
}
