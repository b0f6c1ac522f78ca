//! CodeBuild projects and their builds: a build runs while it is looked at, and ends as it was told to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pilot_core::decide::hook::{COMPONENT_VARIABLE, RUN_ID_VARIABLE};
use pilot_core::observed::HookRunObserved;
use pilot_shell::CallError;
use pilot_shell::ports::{BuildStart, Builds};

use super::{FakeWorld, refused};
use crate::now;

/// A CodeBuild project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeProject {
    /// Its builds, oldest first.
    pub builds: Vec<FakeBuild>,
    /// How often a new build must be looked at before it ends.
    pub looks: u32,
    /// How a new build ends (`SUCCEEDED`, `FAILED`, ...).
    pub end: String,
    /// Whether the account may start no more builds.
    pub limit_reached: bool,
}

/// A build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeBuild {
    /// Its id.
    pub id: String,
    /// The token it was started with.
    pub token: String,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// Its status.
    pub status: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How often it must still be looked at before it ends.
    pub looks_left: u32,
}

impl FakeProject {
    /// A project whose builds end so.
    pub fn ending(end: &str) -> Self {
        FakeProject { builds: Vec::new(), looks: 2, end: end.into(), limit_reached: false }
    }

    /// How many of its builds run.
    pub fn running(&self) -> usize {
        self.builds.iter().filter(|build| build.status == "IN_PROGRESS").count()
    }

    fn start(&mut self, start: &BuildStart) -> Result<String, CallError> {
        let environment: BTreeMap<String, String> = start.environment.iter().cloned().collect();
        if let Some(same) = self.builds.iter().find(|build| build.token == start.token) {
            return if same.environment == environment {
                Ok(same.id.clone())
            } else {
                Err(refused("InvalidInputException", "Idempotency token parameter mismatch"))
            };
        }
        if self.limit_reached {
            return Err(refused("AccountLimitExceededException", "Cannot have more than 1 builds in queue"));
        }
        let id = format!("{}:{}", start.project, self.builds.len() + 1);
        self.builds.push(FakeBuild {
            id: id.clone(),
            token: start.token.clone(),
            environment,
            status: "IN_PROGRESS".into(),
            started_at: now(),
            looks_left: self.looks,
        });
        Ok(id)
    }

    fn look(&mut self, of: impl Fn(&FakeBuild) -> bool) -> Option<HookRunObserved> {
        let end = self.end.clone();
        let build = self.builds.iter_mut().rev().find(|build| of(build))?;
        if build.status == "IN_PROGRESS" {
            match build.looks_left {
                0 => build.status = end,
                _ => build.looks_left -= 1,
            }
        }
        Some(HookRunObserved {
            id: build.id.clone(),
            status: build.status.clone(),
            started_at: Some(build.started_at),
            doing: Some("BUILD".into()),
            reason: (build.status == "FAILED").then(|| "COMMAND_EXECUTION_ERROR: exit status 1".into()),
            log: Some(format!("https://console.test/{}", build.id)),
        })
    }
}

impl FakeWorld {
    /// Puts a project into the Region.
    pub fn put_project(&self, name: &str, project: FakeProject) {
        self.write().projects.insert(name.into(), project);
    }

    /// Changes a project from outside.
    pub fn change_project(&self, name: &str, change: impl FnOnce(&mut FakeProject)) {
        if let Some(project) = self.write().projects.get_mut(name) {
            change(project);
        }
    }

    /// The project as it is, without looking at it.
    pub fn peek_project(&self, name: &str) -> Option<FakeProject> {
        self.read().projects.get(name).cloned()
    }
}

impl Builds for FakeWorld {
    async fn project_exists(&self, project: &str) -> Result<bool, CallError> {
        Ok(self.read().projects.contains_key(project))
    }

    async fn start_build(&self, start: &BuildStart) -> Result<String, CallError> {
        let mut state = self.write();
        let project = state.projects.get_mut(&start.project);
        project.ok_or_else(|| refused("ResourceNotFoundException", "Project cannot be found"))?.start(start)
    }

    async fn build(&self, id: &str) -> Result<Option<HookRunObserved>, CallError> {
        Ok(self.write().projects.values_mut().find_map(|project| project.look(|build| build.id == id)))
    }

    async fn find_build(
        &self,
        project: &str,
        component: &str,
        run_ids: &[&str],
    ) -> Result<Option<HookRunObserved>, CallError> {
        let is = |build: &FakeBuild, name: &str, wanted: &str| build.environment.get(name).is_some_and(|v| v == wanted);
        let of = |build: &FakeBuild| {
            is(build, COMPONENT_VARIABLE, component) && run_ids.iter().any(|run_id| is(build, RUN_ID_VARIABLE, run_id))
        };
        Ok(self.write().projects.get_mut(project).and_then(|project| project.look(of)))
    }

    async fn stop_build(&self, id: &str) -> Result<(), CallError> {
        let mut state = self.write();
        let build = state.projects.values_mut().flat_map(|project| &mut project.builds).find(|build| build.id == id);
        let build = build.ok_or_else(|| refused("ResourceNotFoundException", "Build not found"))?;
        if build.status == "IN_PROGRESS" {
            build.status = "STOPPED".into();
        }
        Ok(())
    }
}
