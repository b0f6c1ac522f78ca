//! What the state machine hands to the functions and what they hand back.
//!
//! The state machine carries only references (names, hashes, times): the payload stays small however large the plan is.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Failure, FailureName};

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Unplanned: the primary is down.
    Failover,
    /// The whole walk of a failover without one call that changes the workload: every decision it would have taken.
    DryRun,
    /// Planned, with nothing lost: everything is healthy, the primary is fenced, and the recovery Region takes over once it has every write.
    Switchover,
    /// After a recovery: the old primary is fenced for good, set aside, and becomes a replica of the Region that serves.
    Protect,
    /// Home again: a switchover towards the primary Region. Afterwards the recovery Region rests and replicates, ready for the next failover.
    Failback,
}

impl Mode {
    /// Whether a run of this mode changes anything of the workload.
    pub fn acts(self) -> bool {
        self != Mode::DryRun
    }

    /// Whether nothing may be lost: both Regions are well, so there is no reason to lose anything.
    pub fn is_planned(self) -> bool {
        matches!(self, Mode::Switchover | Mode::Failback)
    }

    /// Whether the run leads home: its plan is the mirror image of the document.
    pub fn leads_home(self) -> bool {
        self == Mode::Failback
    }

    /// The mode as requests, journal and report write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Failover => "failover",
            Mode::DryRun => "dryRun",
            Mode::Switchover => "switchover",
            Mode::Protect => "protect",
            Mode::Failback => "failback",
        }
    }
}

/// What started a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trigger {
    /// Who or what.
    pub kind: TriggerKind,
    /// The alarm's name, for an alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_name: Option<String>,
    /// When the alarm changed its state, as the event says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The reason a person gave, or the alarm's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Who or what started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TriggerKind {
    /// A person, by `start-execution`. Not held back by the cooldown.
    Manual,
    /// A named CloudWatch alarm.
    Alarm,
    /// A schedule.
    Schedule,
}

impl TriggerKind {
    /// Whether nobody in person started it: then the cooldown holds it back.
    pub fn is_automatic(self) -> bool {
        self != TriggerKind::Manual
    }
}

/// What `open-run` takes: the state machine's own input and the execution's name and start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenRun {
    /// The execution's name: the run's id.
    pub run_id: String,
    /// The execution's ARN, for the page and the report.
    pub execution_arn: String,
    /// When the execution started.
    pub started_at: Timestamp,
    /// The state machine's input, untouched.
    pub request: StartRequest,
}

/// What a person or a rule gives to `start-execution`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartRequest {
    /// The plan's name.
    pub plan: String,
    /// What the run is for.
    pub mode: Mode,
    /// Why, in a person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The run to go on with: one that is stuck, or whose execution ended without closing itself. Its lease is taken over at once -
    /// the new generation shuts it out - and its journal is gone on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
    /// What started it. Absent for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
}

/// The plan a run is pinned to: editing the document cannot change a run under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanPin {
    /// The plan's name.
    pub name: String,
    /// The bucket it is in.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// The S3 object version.
    pub version: String,
    /// SHA-256 of the document, hexadecimal.
    pub sha256: String,
}

/// A run, as every step function receives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The run's id.
    pub run_id: String,
    /// The execution's ARN.
    pub execution_arn: String,
    /// The plan it is pinned to. The plan's name is the workload.
    pub plan: PlanPin,
    /// What it is for.
    pub mode: Mode,
    /// What started it.
    pub trigger: Trigger,
    /// The lease's generation: every later write carries it.
    pub generation: u64,
    /// The Region that the run brings up, if it is not the one Pilot Light is deployed in: a function takes its clients for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_region: Option<String>,
    /// The run whose journal, evidence and incident this one goes on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<String>,
    /// When the execution started.
    pub started_at: Timestamp,
}

/// What a step function takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepRequest {
    /// The run.
    pub run: Run,
    /// The step this invocation belongs to.
    pub step: StepRef,
    /// What earlier steps decided: see [`Assessment`]. Absent before `assess` is through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepRef {
    /// The step's name: see [`Step`].
    pub name: Step,
    /// When the state machine entered the step (not this invocation): the step's deadline counts from here.
    pub started_at: Timestamp,
}

/// The steps of a run, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Plan pinned, lease taken.
    Open,
    /// Is the primary down, held for the plan's time?
    Assess,
    /// Can the recovery Region take over, and at what loss?
    Ready,
    /// The old primary stopped from taking writes, where it can be reached.
    Fence,
    /// The last look before the pivot: data loss, the primary, a person's approval.
    Gate,
    /// The doors of the Region that is come home to, opened again.
    Lift,
    /// Databases made writable.
    PromoteData,
    /// Capacity in service.
    ScaleCompute,
    /// Does the recovered application work?
    Validate,
    /// The switch.
    ShiftTraffic,
    /// DNS truth.
    Verify,
    /// Replication rebuilt towards the Region that does not serve.
    Protect,
    /// The recovery Region's compute back at its resting capacity.
    Rest,
    /// What this run did, undone.
    Rollback,
}

impl Step {
    /// The step's name as journal, state machine and report write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Open => "open",
            Step::Assess => "assess",
            Step::Ready => "ready",
            Step::Fence => "fence",
            Step::Gate => "gate",
            Step::Lift => "lift",
            Step::PromoteData => "promote-data",
            Step::ScaleCompute => "scale-compute",
            Step::Validate => "validate",
            Step::ShiftTraffic => "shift-traffic",
            Step::Verify => "verify",
            Step::Protect => "protect",
            Step::Rest => "rest",
            Step::Rollback => "rollback",
        }
    }
}

/// What `assess` concluded, carried to the later steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assessment {
    /// When the primary was first seen failing: the incident's clock starts here.
    pub incident_at: Timestamp,
    /// When it was last seen well before that, if anybody looked: the incident lies between the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_healthy_at: Option<Timestamp>,
    /// When the run decided to act: the decision's clock starts here.
    pub decided_at: Timestamp,
}

/// How far a step or a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// Observed to be as it should be.
    Done,
    /// On the way: look again after `retryAfterSeconds`.
    InProgress,
    /// Will not get there: seen in the journal and the report, never returned (a failure is an error by name).
    Failed,
}

/// How far one component is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentProgress {
    /// The component's name in the plan.
    pub name: String,
    /// How far.
    pub status: Status,
    /// What was seen, for people.
    pub detail: String,
}

/// What a step function returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepResponse {
    /// How far the step is.
    pub status: Status,
    /// When to look again. The state machine's Wait takes at least 1.
    pub retry_after_seconds: u32,
    /// How far each component is.
    pub components: Vec<ComponentProgress>,
    /// Set by `assess` once it decided to act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
    /// Set by `gate` while it wants a person's word. The state machine then waits for it, with a task token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalWanted>,
}

/// What `gate` wants of a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalWanted {
    /// How long the state machine waits for the answer, in seconds.
    pub wait_seconds: u32,
    /// Why a person is asked.
    pub why: Vec<String>,
    /// The loss the approver must accept at least, in seconds; `null`: nobody can say how much is lost.
    pub loss_seconds: Option<f64>,
}

/// A person's word, as `send-task-success` carries it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalAnswer {
    /// Yes or no.
    pub decision: ApprovalDecision,
    /// Who says so.
    pub approver: String,
    /// The most data, in seconds, that the approver accepts to lose. Absent: none beyond the plan's bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_loss_seconds: Option<f64>,
    /// Why, in the approver's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ApprovalDecision {
    /// Promote.
    Approve,
    /// Do not: put everything back.
    Refuse,
}

/// What `gate` takes: a step's request, and what belongs to the asking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateRequest {
    /// The run.
    pub run: Run,
    /// The step.
    pub step: StepRef,
    /// What `assess` decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
    /// Ask a person: the token that the state machine waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_token: Option<String>,
    /// What the person answered: whatever `send-task-success` carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
}

/// What `rollback` takes: a step's request, and how far the run had come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackRequest {
    /// The run.
    pub run: Run,
    /// The step.
    pub step: StepRef,
    /// What `assess` decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
    /// The name of the error that ended the way forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_name: Option<String>,
    /// How often the run has gone forward again already.
    #[serde(default)]
    pub forward_tries: u32,
}

impl StepResponse {
    /// A step made of its components: done when all are, otherwise looked at again after the shortest wait.
    pub fn of(components: Vec<(ComponentProgress, u32)>) -> Self {
        let done = components.iter().all(|(c, _)| c.status == Status::Done);
        let retry_after_seconds = if done {
            1
        } else {
            let waiting = components.iter().filter(|(c, _)| c.status != Status::Done);
            waiting.map(|(_, wait)| (*wait).max(1)).min().unwrap_or(1)
        };
        StepResponse {
            status: if done { Status::Done } else { Status::InProgress },
            retry_after_seconds,
            components: components.into_iter().map(|(c, _)| c).collect(),
            assessment: None,
            approval: None,
        }
    }
}

/// What `rollback` found to be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Disposition {
    /// Nothing had been changed.
    Untouched,
    /// Everything this run changed is back at the values before.
    RolledBack,
    /// An irreversible act was or may have been done: nothing was undone.
    PivotPassed,
}

/// What `rollback` returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollbackResponse {
    /// How far.
    pub status: Status,
    /// When to look again.
    pub retry_after_seconds: u32,
    /// What is true. Meaningful once `status` is done.
    pub disposition: Disposition,
    /// Past the pivot: whether the run goes forward once more, after `retryAfterSeconds`, before it is stuck.
    #[serde(default)]
    pub go_forward: bool,
    /// How far each component is.
    pub components: Vec<ComponentProgress>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The recovery Region serves, and that was observed.
    Recovered,
    /// Failed before the pivot; every value is back.
    RolledBack,
    /// Past the pivot and not through: a person was paged.
    Stuck,
    /// Not begun, or called off before the pivot: nothing is left changed.
    Refused,
    /// A dry run that walked the whole machine.
    DryRun,
}

impl Outcome {
    /// The outcome as the report writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Recovered => "recovered",
            Outcome::RolledBack => "rolledBack",
            Outcome::Stuck => "stuck",
            Outcome::Refused => "refused",
            Outcome::DryRun => "dryRun",
        }
    }
}

/// What `close-run` takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloseRun {
    /// The run, if it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// What was asked for, in any case (a run that was refused at the door has no more).
    pub open: Value,
    /// How it ended.
    pub outcome: Outcome,
    /// The error that ended it, as the state machine caught it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<CaughtError>,
    /// What `assess` concluded, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
}

/// An error as Step Functions hands it to a Catch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaughtError {
    /// The error's name.
    #[serde(rename = "Error")]
    pub error: String,
    /// Its text: for a Lambda function a JSON document with `errorType` and `errorMessage`.
    #[serde(rename = "Cause", default)]
    pub cause: String,
}

impl CaughtError {
    /// The message for people: a Lambda function's `errorMessage`, or the cause as it is.
    pub fn message(&self) -> String {
        serde_json::from_str::<Value>(&self.cause)
            .ok()
            .and_then(|cause| cause.get("errorMessage").and_then(Value::as_str).map(str::to_owned))
            .unwrap_or_else(|| self.cause.clone())
    }
}

/// What `close-run` returns, and the state machine ends with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClosedRun {
    /// The run's id.
    pub run_id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in a sentence.
    pub reason: String,
    /// Where the report is: `s3://bucket/key`.
    pub report: String,
    /// What a dry run would have done. The first of them, if there are very many: the report has all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<WouldDo>,
}

/// A decision of a dry run: the act that would have followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WouldDo {
    /// The step it belongs to.
    pub step: Step,
    /// The component's name in the plan.
    pub component: String,
    /// What would be done, as the journal names it, or `check`, `look` for what is no act.
    pub action: String,
    /// To which resource.
    pub resource: String,
    /// In a sentence.
    pub detail: String,
    /// Whether it could not be undone.
    #[serde(default)]
    pub irreversible: bool,
    /// The values as they are now.
    #[serde(default)]
    pub before: Value,
    /// When it was decided.
    pub at: Timestamp,
}

/// Reads an event by hand, so that a bad one is refused by our name and not by the runtime's type.
///
/// # Errors
/// [`FailureName::EventInvalid`] naming what is wrong.
pub fn read_event<T: DeserializeOwned>(function: &str, event: Value) -> Result<T, Failure> {
    serde_json::from_value(event).map_err(|error| {
        Failure::new(FailureName::EventInvalid, function, format!("the event is not what {function} takes: {error}"))
            .now("nothing was touched")
            .next(format!("compare the event with the samples in events/{function}/"))
    })
}
