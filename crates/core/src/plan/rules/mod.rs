//! The third reading of a plan: the rules that no schema can say. Each file holds one part of the document.

mod address;
mod cache;
mod cache_global;
mod components;
mod concurrency;
mod fence;
mod home;
mod hooks;
mod in_region;
mod lambda_hook;
mod names;
mod point_in_time;
mod promoted;
mod proof;
mod records;
mod restore;
mod restored;
mod routing;
mod share;
mod signals;

use super::{PlanProblem, RecoveryPlan};

/// Everything that breaks a rule, sorted by path.
pub(super) fn problems(plan: &RecoveryPlan) -> Vec<PlanProblem> {
    let mut problems = Vec::new();
    objectives(plan, &mut problems);
    names::check(plan, &mut problems);
    signals::check(plan, &mut problems);
    fence::check(plan, &mut problems);
    components::check(plan, &mut problems);
    restore::check(plan, &mut problems);
    restored::check(plan, &mut problems);
    promoted::check(plan, &mut problems);
    hooks::check(plan, &mut problems);
    cache::check(plan, &mut problems);
    cache_global::check(plan, &mut problems);
    records::check(plan, &mut problems);
    routing::check(plan, &mut problems);
    proof::check(plan, &mut problems);
    home::check(plan, &mut problems);
    in_region::check(plan, &mut problems);
    share::check(plan, &mut problems);
    point_in_time::check(plan, &mut problems);
    problems.sort();
    problems
}

fn objectives(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    let (allowed, objective) = (plan.policy.max_data_loss_seconds, plan.objectives.rpo_seconds);
    if allowed > objective {
        problems.push(PlanProblem::new(
            "/policy/maxDataLossSeconds",
            format!("is {allowed}, above the objective of {objective} seconds (objectives.rpoSeconds)"),
        ));
    }
}
