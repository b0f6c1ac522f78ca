//! CodeBuild projects and their builds, by the AWS SDK.

use aws_sdk_codebuild::types::{Build, EnvironmentVariable, EnvironmentVariableType, SortOrderType, StatusType};
use jiff::Timestamp;
use pilot_core::decide::hook::{COMPONENT_VARIABLE, RUN_ID_VARIABLE};
use pilot_core::observed::HookRunObserved;
use pilot_shell::CallError;
use pilot_shell::ports::{BuildStart, Builds};

use crate::hooks_adapter::AwsHooks;

impl Builds for AwsHooks {
    async fn project_exists(&self, project: &str) -> Result<bool, CallError> {
        // An unknown project is no error here: it stands among `projectsNotFound`.
        let answer = self.codebuild.batch_get_projects().names(project).send().await?;
        Ok(answer.projects().iter().any(|found| found.name() == Some(project)))
    }

    async fn start_build(&self, start: &BuildStart) -> Result<String, CallError> {
        let mut call = self.codebuild.start_build().project_name(&start.project).idempotency_token(&start.token);
        for (name, value) in &start.environment {
            let variable = EnvironmentVariable::builder().name(name).value(value);
            let variable = variable.r#type(EnvironmentVariableType::Plaintext).build();
            call = call.environment_variables_override(variable.map_err(|error| not_built(&error))?);
        }
        let answer = call.send().await?;
        let id = answer.build_value().and_then(Build::id);
        id.map(str::to_owned).ok_or_else(|| CallError::Unknown { message: "the answer names no build".into() })
    }

    async fn build(&self, id: &str) -> Result<Option<HookRunObserved>, CallError> {
        let answer = self.codebuild.batch_get_builds().ids(id).send().await?;
        Ok(answer.builds().first().and_then(observed))
    }

    async fn find_build(
        &self,
        project: &str,
        component: &str,
        run_ids: &[&str],
    ) -> Result<Option<HookRunObserved>, CallError> {
        let list = self.codebuild.list_builds_for_project().project_name(project);
        let listed = list.sort_order(SortOrderType::Descending).send().await?;
        if listed.ids().is_empty() {
            return Ok(None);
        }
        let answer = self.codebuild.batch_get_builds().set_ids(Some(listed.ids().to_vec())).send().await?;
        let ours = answer.builds().iter().filter(|build| is_of(build, component, run_ids));
        Ok(ours.max_by_key(|build| build.start_time().map(|at| at.secs())).and_then(observed))
    }

    async fn stop_build(&self, id: &str) -> Result<(), CallError> {
        self.codebuild.stop_build().id(id).send().await?;
        Ok(())
    }
}

fn not_built(error: &dyn std::error::Error) -> CallError {
    CallError::Refused { code: "NotSent".into(), message: error.to_string() }
}

fn is_of(build: &Build, component: &str, run_ids: &[&str]) -> bool {
    let variables = build.environment().map(|e| e.environment_variables()).unwrap_or_default();
    let value = |name: &str| variables.iter().find(|variable| variable.name() == name).map(EnvironmentVariable::value);
    value(COMPONENT_VARIABLE) == Some(component) && value(RUN_ID_VARIABLE).is_some_and(|id| run_ids.contains(&id))
}

fn observed(build: &Build) -> Option<HookRunObserved> {
    let failed = build.phases().iter().rev().find(|phase| failed(phase.phase_status()));
    let reason = failed.and_then(|phase| phase.contexts().iter().rev().find_map(|context| context.message()));
    let phase = failed.and_then(|phase| phase.phase_type()).map(|phase| phase.as_str());
    let logs = build.logs();
    let link = logs.and_then(|logs| logs.deep_link().or_else(|| logs.s3_deep_link()));
    Some(HookRunObserved {
        id: build.id()?.to_owned(),
        status: build.build_status().map(StatusType::as_str).unwrap_or_default().to_owned(),
        started_at: build.start_time().and_then(|at| Timestamp::from_second(at.secs()).ok()),
        doing: phase.or_else(|| build.current_phase()).map(str::to_owned),
        reason: reason.map(str::to_owned),
        log: link.map(str::to_owned),
    })
}

fn failed(status: Option<&StatusType>) -> bool {
    use StatusType::{Failed, Fault, Stopped, TimedOut};
    matches!(status, Some(Failed | Fault | Stopped | TimedOut))
}
