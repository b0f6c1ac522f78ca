//! Hooks: are the names that we and the services keep for themselves left alone?

use std::collections::BTreeMap;

use super::{PlanProblem, RecoveryPlan, lambda_hook};
use crate::decide::hook::ASSUME_ROLE_PARAMETER;
use crate::plan::{AutomationHook, Compute};

/// What a build's environment variables may not begin with: ours, and CodeBuild's own (CodeBuild user guide, "Environment variables in
/// build environments").
const RESERVED: [&str; 2] = ["PILOT_", "CODEBUILD_"];

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    for (i, compute) in plan.compute.iter().enumerate() {
        match compute {
            Compute::CodeBuildHook(hook) => {
                environment(&hook.environment, &format!("/compute/{i}/environment"), problems);
            }
            Compute::AutomationHook(hook) => parameters(hook, &format!("/compute/{i}/parameters"), problems),
            Compute::LambdaHook(hook) => lambda_hook::check(plan, hook, &format!("/compute/{i}"), problems),
            _ => {}
        }
    }
}

/// Ours begin so, and the role has a field of its own.
fn parameters(hook: &AutomationHook, path: &str, problems: &mut Vec<PlanProblem>) {
    for name in hook.parameters.keys() {
        let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        if name.starts_with("Pilot") {
            problems.push(PlanProblem::new(path, "begins with Pilot, which is not the plan's to set"));
        } else if name == ASSUME_ROLE_PARAMETER {
            problems.push(PlanProblem::new(path, "is what assumeRoleArn is for"));
        }
    }
}

fn environment(variables: &BTreeMap<String, String>, path: &str, problems: &mut Vec<PlanProblem>) {
    for name in variables.keys() {
        let first = name.chars().next();
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        if !first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_') || !name.chars().all(letters) {
            problems
                .push(PlanProblem::new(path, "is no name of an environment variable: letters, digits and underscores"));
        } else if let Some(prefix) = RESERVED.iter().find(|prefix| name.to_ascii_uppercase().starts_with(**prefix)) {
            problems.push(PlanProblem::new(path, format!("begins with {prefix}, which is not the plan's to set")));
        }
    }
}
