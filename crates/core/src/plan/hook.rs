//! Hooks: what only the owner of a workload can do, and what a run starts, follows and times.
//!
//! **A hook has no undo by us.** What it made stays after a rollback; only one that still runs is stopped.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component::{default_timeout_seconds, first_wave};

/// A CodeBuild project's name (CodeBuild API reference, `Project`). An ARN is none: the project is one of the Region that is brought up.
const PROJECT_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{1,149}$";

/// An AWS CodeBuild project of the owner's in the recovery Region, started once a run. **No undo by us**: what the build made stays; a
/// rollback stops one that still runs.
///
/// The build gets, beside the plan's own variables, `PILOT_RUN_ID`, `PILOT_PLAN`, `PILOT_COMPONENT`, `PILOT_PRIMARY_REGION`,
/// `PILOT_RECOVERY_REGION` (the Region that is brought up), `PILOT_MODE` (`failover`, `switchover`, `failback`, `dryRun`),
/// `PILOT_GENERATION` (a number that grows with every run of the workload) and `PILOT_DRY_RUN` (`true` or `false`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CodeBuildHook {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The project's name, not its ARN.
    #[schemars(regex(pattern = PROJECT_PATTERN))]
    pub project_name: String,
    /// Environment variables for the build, in plain text: no secrets, whoever may read the plan or the build reads them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(length(max = 50))]
    pub environment: BTreeMap<String, String>,
    /// Whether the build knows `PILOT_DRY_RUN` and changes nothing when it is `true`: then a dry run starts it so and follows it. Otherwise a
    /// dry run only looks whether the project is there.
    #[serde(default)]
    pub dry_run_call: bool,
    /// How long the build may take to succeed.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

/// An SSM document's name (SSM API reference, `CreateDocument`). An ARN is none: the document is one of the Region that is brought up.
const DOCUMENT_PATTERN: &str = "^[A-Za-z0-9_.-]{3,128}$";
/// A document's version (SSM API reference, `StartAutomationExecution`).
const DOCUMENT_VERSION_PATTERN: &str = r"^([$]LATEST|[$]DEFAULT|[1-9][0-9]*)$";
/// An IAM role's ARN.
const ROLE_PATTERN: &str = "^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$";

/// An SSM Automation document (runbook) of the owner's in the recovery Region, started once a run. **No undo by us**: what the automation
/// made stays; a rollback cancels one that still runs.
///
/// Beside the plan's own parameters the automation gets those of `PilotRunId`, `PilotPlan`, `PilotComponent`, `PilotPrimaryRegion`,
/// `PilotRecoveryRegion`, `PilotMode`, `PilotGeneration` and `PilotDryRun` (`true` or `false`) that the document declares, all of the type
/// String. A document that declares `PilotRunId` is told from others' executions of it with certainty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutomationHook {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The document's name, not its ARN.
    #[schemars(regex(pattern = DOCUMENT_PATTERN))]
    pub document_name: String,
    /// The document's version: a number, `$LATEST` or `$DEFAULT`. Absent: the default version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = DOCUMENT_VERSION_PATTERN))]
    pub document_version: Option<String>,
    /// Parameters of the document, each a list of texts: no secrets, whoever may read the plan reads them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(length(max = 100))]
    pub parameters: BTreeMap<String, Vec<String>>,
    /// The role that the automation acts with, handed over as the parameter `AutomationAssumeRole`, which the document must declare. Without
    /// it the automation has the rights of scale-compute only, unless the document names a role itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = ROLE_PATTERN))]
    pub assume_role_arn: Option<String>,
    /// Whether the document knows `PilotDryRun`, which it must declare then, and changes nothing when it is `true`: then a dry run starts it so
    /// and follows it. Otherwise a dry run only looks at the document.
    #[serde(default)]
    pub dry_run_call: bool,
    /// How long the automation may take to succeed.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}
