//! A Lambda function of the owner's, as a hook.
//!
//! A function may run for 15 minutes and an asynchronous invocation tells nobody how it ended, but a step function must not wait. So the hook is
//! asked: every look invokes it synchronously and it answers at once how far its work is. Work of any length can be followed that way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::component::{default_timeout_seconds, first_wave};

/// A Lambda function's name or its ARN without a qualifier (Lambda API reference, `Invoke`).
const FUNCTION_PATTERN: &str = "^(arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:)?[A-Za-z0-9_-]{1,64}$";

/// A Lambda function of the owner's in the Region that is brought up, asked until its work is done. **No undo by us**: what it made stays, unless
/// the function itself takes it back (`undoCall`).
///
/// Every look invokes the function (`RequestResponse`) with an event of these fields: `action` (`run`, or `undo` where the plan says `undoCall`),
/// `token`, `runId`, `plan`, `component`, `primaryRegion`, `recoveryRegion` (the Region that is brought up), `mode` (`failover`, `switchover`,
/// `failback`, `dryRun`), `generation` (a number that grows with every run of the workload), `dryRun` (`true` or `false`), and `payload`, the plan's
/// own. It answers `{"status": "running" | "done" | "failed", "message": "..."}`; the message is for people and stands in reports.
///
/// **It must be idempotent by `token`**: the first call of a token starts the work, every later one tells how far it is. Calls of one token may
/// overlap, because a call that takes longer than `callTimeoutSeconds` is given up here and made again while Lambda still runs it. A Lambda
/// function does nothing between its invocations: work that takes longer than one call is done piece by piece, or somewhere else. An invocation that
/// ends in an error (`FunctionError`) fails the step, and so does any other answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LambdaHook {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The function's name or its ARN, in the Region that is brought up. An alias or version stands in `qualifier`.
    #[schemars(regex(pattern = FUNCTION_PATTERN))]
    pub function_name: String,
    /// The alias or version that is invoked. Absent: `$LATEST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = super::LAMBDA_QUALIFIER_PATTERN))]
    pub qualifier: Option<String>,
    /// Anything that the function wants to be told, as JSON: no secrets, whoever may read the plan reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// How long one call may take before it is given up and made again. The components of a wave are looked at together, so a slow answer delays
    /// them all.
    #[serde(default = "LambdaHook::default_call_timeout")]
    #[schemars(range(min = 1, max = 15))]
    pub call_timeout_seconds: u32,
    /// Whether the function knows `dryRun` and changes nothing when it is `true`: then a dry run calls it so and follows it. Otherwise a dry run only
    /// looks whether the function is there.
    #[serde(default)]
    pub dry_run_call: bool,
    /// Whether the function knows the action `undo`: then a rollback calls it with the token of the run until it answers `done`, and it stops what
    /// still runs under that token and takes back what it made. It may never have seen the token: then there is nothing to take back. Otherwise a
    /// rollback does not call it, and what it made stays.
    #[serde(default)]
    pub undo_call: bool,
    /// How long the function may take to answer `done`.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

impl LambdaHook {
    /// With our own looks beside it, less than what a function of ours has (`Timeout` in the template): at most 15 of 30 seconds.
    fn default_call_timeout() -> u32 {
        10
    }

    /// The Region that the plan's ARN names; `None`: it gives a name, which is one of the Region that is brought up.
    pub fn region(&self) -> Option<&str> {
        self.function_name.starts_with("arn:").then(|| self.function_name.split(':').nth(3).unwrap_or_default())
    }

    /// The function as journal and reports name it: `FUNCTION:QUALIFIER`, or `FUNCTION`.
    pub fn resource(&self) -> String {
        match &self.qualifier {
            Some(qualifier) => format!("{}:{qualifier}", self.function_name),
            None => self.function_name.clone(),
        }
    }
}
