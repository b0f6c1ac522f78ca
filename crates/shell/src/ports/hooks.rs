//! The services that owners' hooks are started in: one trait a service, and all of them together.

use std::future::Future;

use pilot_core::observed::HookRunObserved;

use crate::CallError;

/// Everything that hooks need of one Region.
pub trait Hooks: Builds {}

impl<T: Builds> Hooks for T {}

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
