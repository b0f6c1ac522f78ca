//! Shares of the primary's capacity: is there something to take a share of?

use super::{PlanProblem, RecoveryPlan};
use crate::plan::Compute;

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    let home: &[Compute] = plan.home.as_ref().map_or(&[], |home| &home.compute);
    for (i, component) in plan.compute.iter().enumerate().filter(|(_, component)| component.share().is_some()) {
        let counterpart = home.iter().find(|at_home| at_home.name() == component.name());
        let message = match counterpart {
            None => format!("has nothing to be a share of: /home/compute names no {:?}", component.name()),
            // A percentage of instances is none of tasks.
            Some(at_home) if at_home.kind() != component.kind() => format!(
                "has nothing to be a share of: {:?} of /home/compute is of the kind {}, this one is of {}",
                component.name(),
                at_home.kind(),
                component.kind()
            ),
            Some(_) => continue,
        };
        problems.push(PlanProblem::new(format!("/compute/{i}/capacity/percentOfPrimary"), message));
    }
    for (i, component) in home.iter().enumerate().filter(|(_, component)| component.share().is_some()) {
        let message =
            format!("is for /compute only: nobody writes down what {:?} has away from home", component.name());
        problems.push(PlanProblem::new(format!("/home/compute/{i}/capacity/percentOfPrimary"), message));
    }
}
