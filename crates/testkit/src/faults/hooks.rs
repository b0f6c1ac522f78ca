//! The injector in front of the hooks' services.

use jiff::Timestamp;
use pilot_core::observed::{AutomationObserved, DocumentObserved, HookFunctionObserved, HookRunObserved, Invoked};
use pilot_shell::CallError;
use pilot_shell::ports::{AutomationStart, Automations, BuildStart, Builds, FunctionCall, HookFunctions};

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

impl<T: Automations> Automations for Injected<'_, T> {
    async fn document(&self, name: &str, version: Option<&str>) -> Answer<Option<DocumentObserved>> {
        let call = self.inner.document(name, version);
        self.call("ssm:DescribeDocument", name, false, call, Fault::error).await
    }

    async fn start_automation(&self, start: &AutomationStart) -> Answer<String> {
        let call = self.inner.start_automation(start);
        self.call("ssm:StartAutomationExecution", &start.document, true, call, Fault::error).await
    }

    async fn automation(&self, id: &str) -> Answer<Option<AutomationObserved>> {
        let call = self.inner.automation(id);
        self.call("ssm:GetAutomationExecution", id, false, call, Fault::error).await
    }

    async fn automations_since(&self, document: &str, since: Timestamp) -> Answer<Vec<AutomationObserved>> {
        let call = self.inner.automations_since(document, since);
        self.call("ssm:DescribeAutomationExecutions", document, false, call, Fault::error).await
    }

    async fn stop_automation(&self, id: &str) -> Answer<()> {
        let call = self.inner.stop_automation(id);
        self.call("ssm:StopAutomationExecution", id, true, call, Fault::error).await
    }
}

impl<T: HookFunctions> HookFunctions for Injected<'_, T> {
    async fn hook_function(&self, function: &str, qualifier: Option<&str>) -> Answer<Option<HookFunctionObserved>> {
        let call = self.inner.hook_function(function, qualifier);
        self.call("lambda:GetFunctionConfiguration", function, false, call, Fault::error).await
    }

    async fn invoke(&self, call: &FunctionCall) -> Answer<Invoked> {
        self.call("lambda:InvokeFunction", &call.function, true, self.inner.invoke(call), Fault::error).await
    }
}
