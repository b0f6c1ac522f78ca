//! The deployed stack, as the commands use it. The adapter talks to AWS; the tests have a fake.

use std::fmt;

use pilot_core::approval::{Asked, TaskToken};
use pilot_core::contract::{ApprovalAnswer, Mode, Run, StartRequest};
use pilot_core::journal::{Entry, Lease, StepRecord, Unfinished};

/// What the commands ask of a stack.
pub trait Stack {
    /// Starts an execution. The same name with the same input is the same execution, so a retried call starts nothing twice.
    async fn start(&self, execution: &NewExecution) -> Result<String, StackError>;
    /// How far an execution is.
    async fn execution(&self, arn: &str) -> Result<Execution, StackError>;
    /// A run as it was opened. None: it was refused before, or there is no such run.
    async fn run(&self, run_id: &str) -> Result<Option<Run>, StackError>;
    /// A workload's lease: dry runs have one of their own.
    async fn lease(&self, plan: &str, mode: Mode) -> Result<Option<Lease>, StackError>;
    /// The run that is stuck between two Regions, until a later one gets through.
    async fn unfinished(&self, plan: &str) -> Result<Option<Unfinished>, StackError>;
    /// A run's steps, in order of their start.
    async fn steps(&self, run_id: &str) -> Result<Vec<StepRecord>, StackError>;
    /// A run's acts, in order.
    async fn acts(&self, run_id: &str) -> Result<Vec<Entry>, StackError>;
    /// What a run asked a person last.
    async fn asked(&self, run_id: &str) -> Result<Option<Asked>, StackError>;
    /// Hands a person's answer to the run that waits for it.
    async fn answer(&self, token: &TaskToken, answer: &ApprovalAnswer) -> Result<(), StackError>;
    /// A report, by the location that a closed run names.
    async fn report(&self, location: &str) -> Result<Vec<u8>, StackError>;
}

/// An execution to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct NewExecution {
    /// Of which state machine.
    pub state_machine_arn: String,
    /// Its name: the run's id.
    pub name: String,
    /// Its input.
    pub input: StartRequest,
}

/// An execution, as Step Functions describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// How far it is.
    pub status: ExecutionStatus,
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

/// Why the stack did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StackError {
    /// The name is taken by an execution with another input.
    #[error("an execution of this name was started already, with another input")]
    NameTaken,
    /// The token's task has ended.
    #[error("nobody waits for this answer")]
    NobodyWaits,
    /// A call failed.
    #[error("{call}: {what}")]
    Call {
        /// The call, as IAM names it.
        call: &'static str,
        /// What AWS said, or why it was not reached.
        what: String,
    },
    /// An item is not what the functions write.
    #[error("{item} cannot be read: {what}")]
    Unreadable {
        /// The item.
        item: String,
        /// Why.
        what: String,
    },
}
