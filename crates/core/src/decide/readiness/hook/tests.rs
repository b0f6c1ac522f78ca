use std::collections::BTreeMap;

use super::*;

#[test]
fn a_project_is_there_or_the_plan_is_wrong() {
    assert!(matches!(project("deploy", true), Readiness::Ready(_)));
    let Readiness::Problem(problem) = project("deploy", false) else { panic!("a project that is not there is ready") };
    assert!(problem.starts_with("deploy: ") && problem.contains("projectName"), "{problem}");
}

fn automation() -> AutomationHook {
    AutomationHook {
        name: "runbook".into(),
        wave: 1,
        document_name: "shop-runbook".into(),
        document_version: None,
        parameters: BTreeMap::from([("Stage".to_owned(), vec!["dr".to_owned()])]),
        assume_role_arn: None,
        dry_run_call: false,
        timeout_seconds: 600,
    }
}

/// A document with these parameters; those that end in `=` have a default.
fn declaring(status: &str, parameters: &[&str]) -> DocumentObserved {
    let parameter = |name: &&str| (name.trim_end_matches('=').to_owned(), name.ends_with('='));
    let parameters = parameters.iter().map(parameter).collect();
    DocumentObserved { status: status.into(), document_type: "Automation".into(), parameters }
}

#[test]
fn a_document_is_ready_when_it_is_active_and_takes_what_the_plan_gives() {
    let with_role = AutomationHook { assume_role_arn: Some("arn:aws:iam::111122223333:role/r".into()), ..automation() };
    let rehearsed = AutomationHook { dry_run_call: true, ..automation() };
    let command = DocumentObserved { document_type: "Command".into(), ..declaring("Active", &["Stage"]) };
    let ready = "ready: the SSM document shop-runbook is Active";
    let rows = [
        (automation(), Some(declaring("Active", &["Stage"])), ready),
        (automation(), Some(declaring("Active", &["Stage=", "PilotRunId", "Size="])), ready),
        (with_role.clone(), Some(declaring("Active", &["Stage", "AutomationAssumeRole"])), ready),
        (rehearsed.clone(), Some(declaring("Active", &["Stage", "PilotDryRun"])), ready),
        (automation(), Some(declaring("Updating", &["Stage"])), "wait: the SSM document shop-runbook is Updating"),
        (
            automation(),
            Some(declaring("Failed", &["Stage"])),
            "problem: shop-runbook: the SSM document is Failed; create it again",
        ),
        (
            automation(),
            Some(declaring("Active", &["Stage", "Size"])),
            "problem: shop-runbook: it wants the parameter Size, which the plan does not give",
        ),
        (
            automation(),
            Some(declaring("Active", &["Stage", "AutomationAssumeRole"])),
            "problem: shop-runbook: it wants the parameter AutomationAssumeRole, which the plan does not give",
        ),
        (
            automation(),
            Some(declaring("Active", &[])),
            "problem: shop-runbook: it declares no parameter Stage; take it out of the plan's parameters",
        ),
        (
            with_role,
            Some(declaring("Active", &["Stage"])),
            "problem: shop-runbook: it declares no parameter AutomationAssumeRole, so assumeRoleArn cannot be handed over",
        ),
        (
            rehearsed,
            Some(declaring("Active", &["Stage"])),
            "problem: shop-runbook: it declares no parameter PilotDryRun, so it cannot know a dry run; take dryRunCall out of the plan",
        ),
        (
            automation(),
            Some(command),
            "problem: shop-runbook: is a document of the type Command; an automationHook runs Automation only",
        ),
        (
            automation(),
            None,
            "problem: shop-runbook: there is no such SSM document or version in the Region that is brought up; correct documentName and \
          documentVersion in the plan, or create the document there",
        ),
    ];
    for (hook, observed, expected) in rows {
        let told = match document(&hook, observed.as_ref()) {
            Readiness::Ready(said) => format!("ready: {said}"),
            Readiness::Wait(said) => format!("wait: {said}"),
            Readiness::Problem(said) => format!("problem: {said}"),
        };
        assert_eq!(told, expected);
    }
}
