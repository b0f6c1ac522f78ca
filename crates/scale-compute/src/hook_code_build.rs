//! A CodeBuild project of the owner's: looked up, started once, followed - and stopped by a rollback if it still runs.

use pilot_core::decide::hook::{Handed, HookService};
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::HookRunObserved;
use pilot_core::plan::CodeBuildHook;
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{BuildStart, Builds};
use pilot_shell::waves::Progress;
use pilot_shell::{CallError, StepContext};
use serde_json::Value;

use crate::hook::{self, Calls, Component, Job};

/// Brings the hook a step on: starts its build, follows it, and fails with it.
///
/// # Errors
/// `HookFailed` if the build cannot be started or ended badly; see [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, B: Builds>(
    context: &StepContext<'_, L>,
    builds: &B,
    component: &CodeBuildHook,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let job = Build { builds, project: &component.project_name, plan: Some(component) };
    let of_plan = Component { name: &component.name, dry_run_call: component.dry_run_call };
    hook::reconcile(context, &job, of_plan, allowed_seconds).await
}

/// The undo of the start: a build that still runs is stopped. What it made stays.
///
/// # Errors
/// `RollbackIncomplete` if it cannot be stopped, `AwsUnavailable` (tried again), `AwsRefused`.
pub async fn undo<B: Builds>(builds: &B, run_id: &str, entry: &Entry) -> Result<Progress, Failure> {
    hook::undo(&Build { builds, project: &entry.resource, plan: None }, run_id, entry).await
}

struct Build<'a, B> {
    builds: &'a B,
    project: &'a str,
    /// What the plan says of it; an undo needs the journal only.
    plan: Option<&'a CodeBuildHook>,
}

impl<B: Builds> Job for Build<'_, B> {
    const SERVICE: HookService = HookService::CodeBuild;
    const ACTION: Action = Action::StartBuild;
    const CALLS: Calls = Calls {
        start: "codebuild:StartBuild",
        look: "codebuild:BatchGetBuilds",
        find: "codebuild:ListBuildsForProject",
        stop: "codebuild:StopBuild",
        limit: "AccountLimitExceededException",
    };
    type Start = BuildStart;

    fn resource(&self) -> &str {
        self.project
    }

    fn before(&self) -> Value {
        Value::Null
    }

    async fn prepare(&self, handed: &Handed) -> Result<BuildStart, Failure> {
        let exists = self.builds.project_exists(self.project).await;
        if !exists.map_err(|error| error.into_failure("codebuild:BatchGetProjects", self.project))? {
            return Err(Failure::new(
                FailureName::HookFailed,
                self.project,
                "the Region has no such CodeBuild project",
            )
            .now("no build was started")
            .next("correct projectName in the plan, or create the project; then start the run again"));
        }
        let own = self.plan.iter().flat_map(|hook| hook.environment.clone());
        let environment = own.chain(handed.environment()).collect();
        Ok(BuildStart { project: self.project.to_owned(), environment, token: handed.token() })
    }

    async fn start(&self, start: &BuildStart) -> Result<String, CallError> {
        self.builds.start_build(start).await
    }

    async fn look(&self, id: &str) -> Result<Option<HookRunObserved>, CallError> {
        self.builds.build(id).await
    }

    async fn find(&self, entry: &Entry, run_ids: &[&str]) -> Result<Option<HookRunObserved>, CallError> {
        self.builds.find_build(self.project, &entry.component, run_ids).await
    }

    async fn stop(&self, id: &str) -> Result<(), CallError> {
        self.builds.stop_build(id).await
    }
}
