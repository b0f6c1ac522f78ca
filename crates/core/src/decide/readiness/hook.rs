//! Can the hooks be started? They are the owner's, so only that they are there and may be called is known beforehand.

use super::Readiness;
use crate::decide::hook::{ASSUME_ROLE_PARAMETER, DRY_RUN_PARAMETER, Handed};
use crate::observed::DocumentObserved;
use crate::plan::AutomationHook;

/// A CodeBuild project.
pub fn project(project_name: &str, exists: bool) -> Readiness {
    if exists {
        Readiness::Ready(format!("the CodeBuild project {project_name} is there"))
    } else {
        Readiness::Problem(format!(
            "{project_name}: there is no such CodeBuild project in the Region that is brought up; correct projectName in the plan, or create the \
             project there"
        ))
    }
}

/// An SSM Automation document: whether it is there and takes what the plan gives it.
pub fn document(hook: &AutomationHook, observed: Option<&DocumentObserved>) -> Readiness {
    let name = &hook.document_name;
    let problem = |what: String| Readiness::Problem(format!("{name}: {what}"));
    let Some(document) = observed else {
        return problem(
            "there is no such SSM document or version in the Region that is brought up; correct documentName and documentVersion in the \
             plan, or create the document there"
                .into(),
        );
    };
    if document.document_type != "Automation" {
        return problem(format!(
            "is a document of the type {}; an automationHook runs Automation only",
            document.document_type
        ));
    }
    match (document.status.as_str(), misfits(hook, document)) {
        (_, misfits) if !misfits.is_empty() => problem(misfits.join("; ")),
        ("Active", _) => Readiness::Ready(format!("the SSM document {name} is Active")),
        ("Creating" | "Updating", _) => Readiness::Wait(format!("the SSM document {name} is {}", document.status)),
        (status, _) => problem(format!("the SSM document is {status}; create it again")),
    }
}

fn misfits(hook: &AutomationHook, document: &DocumentObserved) -> Vec<String> {
    let declared = |name: &str| document.parameters.contains_key(name);
    let mut found = Vec::new();
    for name in hook.parameters.keys().filter(|name| !declared(name)) {
        found.push(format!("it declares no parameter {name}; take it out of the plan's parameters"));
    }
    if hook.assume_role_arn.is_some() && !declared(ASSUME_ROLE_PARAMETER) {
        found.push(format!("it declares no parameter {ASSUME_ROLE_PARAMETER}, so assumeRoleArn cannot be handed over"));
    }
    if hook.dry_run_call && !declared(DRY_RUN_PARAMETER) {
        found.push(format!(
            "it declares no parameter {DRY_RUN_PARAMETER}, so it cannot know a dry run; take dryRunCall out of the plan"
        ));
    }
    let given = |name: &str| {
        hook.parameters.contains_key(name)
            || Handed::PARAMETERS.contains(&name)
            || (name == ASSUME_ROLE_PARAMETER && hook.assume_role_arn.is_some())
    };
    for (name, _) in document.parameters.iter().filter(|(name, has_default)| !**has_default && !given(name)) {
        found.push(format!("it wants the parameter {name}, which the plan does not give"));
    }
    found
}

#[cfg(test)]
mod tests;
