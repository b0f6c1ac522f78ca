//! The services that owners' hooks are started in: one trait a service, and all of them together.

use std::collections::BTreeMap;
use std::future::Future;

use jiff::Timestamp;
use pilot_core::observed::{AutomationObserved, DocumentObserved, HookRunObserved};

use super::HookFunctions;
use crate::CallError;

/// Everything that hooks need of one Region.
pub trait Hooks: Builds + Automations + HookFunctions {}

impl<T: Builds + Automations + HookFunctions> Hooks for T {}

/// How a build is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildStart {
    /// The project's name.
    pub project: String,
    /// The environment variables, in plain text and in this order.
    pub environment: Vec<(String, String)>,
    /// `idempotencyToken`: the same token with the same request starts nothing twice, for five minutes (CodeBuild API reference,
    /// `StartBuild`).
    pub token: String,
}

/// AWS CodeBuild.
pub trait Builds {
    /// `codebuild:BatchGetProjects`: whether there is such a project.
    fn project_exists(&self, project: &str) -> impl Future<Output = Result<bool, CallError>>;
    /// `codebuild:StartBuild`; the build's id.
    fn start_build(&self, start: &BuildStart) -> impl Future<Output = Result<String, CallError>>;
    /// `codebuild:BatchGetBuilds`; `None`: no such build.
    fn build(&self, id: &str) -> impl Future<Output = Result<Option<HookRunObserved>, CallError>>;
    /// `codebuild:ListBuildsForProject` and `codebuild:BatchGetBuilds`: the newest of the project's latest 100 builds that was started for
    /// this component by one of these runs, told by the environment variables it was handed.
    fn find_build(
        &self,
        project: &str,
        component: &str,
        run_ids: &[&str],
    ) -> impl Future<Output = Result<Option<HookRunObserved>, CallError>>;
    /// `codebuild:StopBuild`.
    fn stop_build(&self, id: &str) -> impl Future<Output = Result<(), CallError>>;
}

/// How an automation is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutomationStart {
    /// The document's name.
    pub document: String,
    /// Its version; `None`: the default one.
    pub version: Option<String>,
    /// Its parameters.
    pub parameters: BTreeMap<String, Vec<String>>,
    /// `ClientToken`, a UUID: the same token with the same request starts nothing twice (SSM API reference, `StartAutomationExecution`).
    pub token: String,
}

/// AWS Systems Manager Automation.
pub trait Automations {
    /// `ssm:DescribeDocument`; `None`: no such document or version.
    fn document(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> impl Future<Output = Result<Option<DocumentObserved>, CallError>>;
    /// `ssm:StartAutomationExecution`; the execution's id.
    fn start_automation(&self, start: &AutomationStart) -> impl Future<Output = Result<String, CallError>>;
    /// `ssm:GetAutomationExecution`; `None`: no such execution.
    fn automation(&self, id: &str) -> impl Future<Output = Result<Option<AutomationObserved>, CallError>>;
    /// `ssm:DescribeAutomationExecutions` and `ssm:GetAutomationExecution`: the newest ten executions of this document that began since then.
    fn automations_since(
        &self,
        document: &str,
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<AutomationObserved>, CallError>>;
    /// `ssm:StopAutomationExecution`, `Cancel`.
    fn stop_automation(&self, id: &str) -> impl Future<Output = Result<(), CallError>>;
}
