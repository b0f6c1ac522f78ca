//! SSM documents and their automations, by the AWS SDK.

use std::collections::BTreeMap;

use aws_sdk_ssm::operation::describe_document::DescribeDocumentError;
use aws_sdk_ssm::types::{
    AutomationExecution, AutomationExecutionFilter, AutomationExecutionFilterKey, AutomationExecutionStatus,
    DocumentDescription, StepExecution, StopType,
};
use jiff::Timestamp;
use pilot_core::observed::{AutomationObserved, DocumentObserved, HookRunObserved};
use pilot_shell::CallError;
use pilot_shell::ports::{AutomationStart, Automations};

use crate::hooks_adapter::AwsHooks;

/// So many executions of a document are looked through for one whose start was not answered.
const LOOKED_THROUGH_MAX: usize = 10;

impl Automations for AwsHooks {
    async fn document(&self, name: &str, version: Option<&str>) -> Result<Option<DocumentObserved>, CallError> {
        let call = self.ssm.describe_document().name(name).set_document_version(version.map(str::to_owned));
        match call.send().await {
            Ok(answer) => Ok(answer.document().map(described)),
            Err(error) if error.as_service_error().is_some_and(is_missing) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn start_automation(&self, start: &AutomationStart) -> Result<String, CallError> {
        let call = self.ssm.start_automation_execution().document_name(&start.document).client_token(&start.token);
        // SSM refuses an empty map.
        let parameters = (!start.parameters.is_empty()).then(|| start.parameters.clone().into_iter().collect());
        let call = call.set_document_version(start.version.clone()).set_parameters(parameters);
        let answer = call.send().await?;
        let id = answer.automation_execution_id().map(str::to_owned);
        id.ok_or_else(|| CallError::Unknown { message: "the answer names no execution".into() })
    }

    async fn automation(&self, id: &str) -> Result<Option<AutomationObserved>, CallError> {
        match self.ssm.get_automation_execution().automation_execution_id(id).send().await {
            Ok(answer) => Ok(answer.automation_execution().and_then(observed)),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_automation_execution_not_found_exception()) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn automations_since(&self, document: &str, since: Timestamp) -> Result<Vec<AutomationObserved>, CallError> {
        let filter = |key, value: String| AutomationExecutionFilter::builder().key(key).values(value).build();
        let name = filter(AutomationExecutionFilterKey::DocumentNamePrefix, document.to_owned());
        let began = filter(AutomationExecutionFilterKey::StartTimeAfter, since.to_string());
        let mut call = self.ssm.describe_automation_executions();
        for one in [name, began] {
            call = call.filters(one.map_err(|error| not_built(&error))?);
        }
        let answer = call.send().await?;
        let mut listed: Vec<_> = answer.automation_execution_metadata_list().iter().collect();
        // The filter takes every document whose name begins so.
        listed.retain(|one| one.document_name() == Some(document));
        listed.sort_by_key(|one| one.execution_start_time().map(|at| std::cmp::Reverse(at.secs())));
        let mut found = Vec::new();
        for id in listed.into_iter().filter_map(|one| one.automation_execution_id()).take(LOOKED_THROUGH_MAX) {
            found.extend(self.automation(id).await?);
        }
        Ok(found)
    }

    async fn stop_automation(&self, id: &str) -> Result<(), CallError> {
        self.ssm.stop_automation_execution().automation_execution_id(id).r#type(StopType::Cancel).send().await?;
        Ok(())
    }
}

fn is_missing(error: &DescribeDocumentError) -> bool {
    error.is_invalid_document() || error.is_invalid_document_version()
}

fn not_built(error: &dyn std::error::Error) -> CallError {
    CallError::Refused { code: "NotSent".into(), message: error.to_string() }
}

fn described(document: &DocumentDescription) -> DocumentObserved {
    let parameter =
        |p: &aws_sdk_ssm::types::DocumentParameter| Some((p.name()?.to_owned(), p.default_value().is_some()));
    DocumentObserved {
        status: document.status().map(|status| status.as_str()).unwrap_or_default().to_owned(),
        document_type: document.document_type().map(|kind| kind.as_str()).unwrap_or_default().to_owned(),
        parameters: document.parameters().iter().filter_map(parameter).collect(),
    }
}

fn observed(execution: &AutomationExecution) -> Option<AutomationObserved> {
    use AutomationExecutionStatus::{Cancelled, Failed, Inprogress, Timedout, Waiting};
    let status = execution.automation_execution_status();
    let step = |wanted: &[AutomationExecutionStatus]| {
        let of = |step: &&StepExecution| step.step_status().is_some_and(|status| wanted.contains(status));
        execution.step_executions().iter().rev().find(of).and_then(StepExecution::step_name)
    };
    let doing = step(&[Failed, Timedout, Cancelled]).or_else(|| step(&[Inprogress, Waiting]));
    let parameters: BTreeMap<_, _> =
        execution.parameters().into_iter().flatten().map(|(n, v)| (n.clone(), v.clone())).collect();
    let run = HookRunObserved {
        id: execution.automation_execution_id()?.to_owned(),
        status: status.map(AutomationExecutionStatus::as_str).unwrap_or_default().to_owned(),
        started_at: execution.execution_start_time().and_then(|at| Timestamp::from_second(at.secs()).ok()),
        doing: doing.or_else(|| execution.current_step_name()).map(str::to_owned),
        reason: execution.failure_message().map(str::to_owned),
        // An execution has a page in the console only, and no link of its own.
        log: None,
    };
    Some(AutomationObserved { run, parameters })
}
