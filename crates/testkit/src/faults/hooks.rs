//! The injector in front of the hooks' services.

use pilot_core::observed::HookRunObserved;
use pilot_shell::CallError;
use pilot_shell::ports::{BuildStart, Builds};

use super::{Fault, Injected};

type Answer<R> = Result<R, CallError>;

impl<T: Builds> Builds for Injected<'_, T> {
    async fn project_exists(&self, project: &str) -> Answer<bool> {
        let call = self.inner.project_exists(project);
        self.call("codebuild:BatchGetProjects", project, false, call, Fault::error).await
    }

    async fn start_build(&self, start: &BuildStart) -> Answer<String> {
        let call = self.inner.start_build(start);
        self.call("codebuild:StartBuild", &start.project, true, call, Fault::error).await
    }

    async fn build(&self, id: &str) -> Answer<Option<HookRunObserved>> {
        let call = self.inner.build(id);
        self.call("codebuild:BatchGetBuilds", id, false, call, Fault::error).await
    }

    async fn find_build(&self, project: &str, component: &str, run_ids: &[&str]) -> Answer<Option<HookRunObserved>> {
        let call = self.inner.find_build(project, component, run_ids);
        self.call("codebuild:ListBuildsForProject", project, false, call, Fault::error).await
    }

    async fn stop_build(&self, id: &str) -> Answer<()> {
        let call = self.inner.stop_build(id);
        self.call("codebuild:StopBuild", id, true, call, Fault::error).await
    }
}
