//! An SSM Automation document of the owner's: looked up, started once, followed - and cancelled by a rollback if it still runs.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use pilot_core::decide::hook::{ASSUME_ROLE_PARAMETER, Handed, HookService, of_runs};
use pilot_core::decide::readiness::{Readiness, hook as readiness};
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::HookRunObserved;
use pilot_core::plan::AutomationHook;
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{AutomationStart, Automations};
use pilot_shell::waves::Progress;
use pilot_shell::{CallError, StepContext};
use serde_json::{Value, json};

use crate::hook::{self, Calls, Component, Job};

/// How far our clock and SSM's may lie apart.
const CLOCKS_APART_SECONDS: i64 = 60;

/// Brings the hook a step on: starts its automation, follows it, and fails with it.
///
/// # Errors
/// `HookFailed` if the automation cannot be started or ended badly; see [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, A: Automations>(
    context: &StepContext<'_, L>,
    automations: &A,
    component: &AutomationHook,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let job = Automation { automations, document: &component.document_name, plan: Some(component) };
    let of_plan = Component { name: &component.name, dry_run_call: component.dry_run_call };
    hook::reconcile(context, &job, of_plan, allowed_seconds).await
}

/// The undo of the start: an automation that still runs is cancelled. What it made stays.
///
/// # Errors
/// `RollbackIncomplete` if it cannot be cancelled, `AwsUnavailable` (tried again), `AwsRefused`.
pub async fn undo<A: Automations>(automations: &A, run_id: &str, entry: &Entry) -> Result<Progress, Failure> {
    hook::undo(&Automation { automations, document: &entry.resource, plan: None }, run_id, entry).await
}

struct Automation<'a, A> {
    automations: &'a A,
    document: &'a str,
    /// What the plan says of it; an undo needs the journal only.
    plan: Option<&'a AutomationHook>,
}

impl<A: Automations> Automation<'_, A> {
    /// What the document declares, once it takes what the plan gives it.
    async fn declared(&self, hook: &AutomationHook) -> Result<BTreeMap<String, bool>, Failure> {
        let observed = self.automations.document(self.document, hook.document_version.as_deref()).await;
        let observed = observed.map_err(|error| error.into_failure("ssm:DescribeDocument", self.document))?;
        match (readiness::document(hook, observed.as_ref()), observed) {
            (Readiness::Ready(_), Some(document)) => Ok(document.parameters),
            (Readiness::Ready(seen) | Readiness::Wait(seen) | Readiness::Problem(seen), _) => {
                Err(Failure::new(FailureName::HookFailed, self.document, seen)
                    .now("no automation was started")
                    .next("mend the document or the plan; then start the run again"))
            }
        }
    }
}

impl<A: Automations> Job for Automation<'_, A> {
    const SERVICE: HookService = HookService::Automation;
    const ACTION: Action = Action::StartAutomation;
    const CALLS: Calls = Calls {
        start: "ssm:StartAutomationExecution",
        look: "ssm:GetAutomationExecution",
        find: "ssm:DescribeAutomationExecutions",
        stop: "ssm:StopAutomationExecution",
        limit: "AutomationExecutionLimitExceededException",
    };
    type Start = AutomationStart;

    fn resource(&self) -> &str {
        self.document
    }

    fn before(&self) -> Value {
        json!({"parameters": self.plan.map(|hook| &hook.parameters)})
    }

    async fn prepare(&self, handed: &Handed) -> Result<AutomationStart, Failure> {
        let mut parameters = BTreeMap::new();
        let mut version = None;
        if let Some(hook) = self.plan {
            let declared = self.declared(hook).await?;
            parameters = handed.parameters();
            parameters.retain(|name, _| declared.contains_key(name));
            parameters.extend(hook.parameters.clone());
            let role = hook.assume_role_arn.iter().map(|role| (ASSUME_ROLE_PARAMETER.to_owned(), vec![role.clone()]));
            parameters.extend(role);
            version.clone_from(&hook.document_version);
        }
        Ok(AutomationStart { document: self.document.to_owned(), version, parameters, token: handed.token() })
    }

    async fn start(&self, start: &AutomationStart) -> Result<String, CallError> {
        self.automations.start_automation(start).await
    }

    async fn look(&self, id: &str) -> Result<Option<HookRunObserved>, CallError> {
        Ok(self.automations.automation(id).await?.map(|found| found.run))
    }

    async fn find(&self, entry: &Entry, run_ids: &[&str]) -> Result<Option<HookRunObserved>, CallError> {
        let since = entry.intent_at - SignedDuration::from_secs(CLOCKS_APART_SECONDS);
        let executions = self.automations.automations_since(self.document, since).await?;
        let of_plan = serde_json::from_value(entry.before["parameters"].clone()).unwrap_or_default();
        Ok(of_runs(&executions, &entry.component, run_ids, &of_plan).map(|found| found.run.clone()))
    }

    async fn stop(&self, id: &str) -> Result<(), CallError> {
        self.automations.stop_automation(id).await
    }
}
