//! Lambda concurrency: can AWS grant what the plan states?

use super::PlanProblem;
use crate::plan::{Concurrency, LambdaConcurrency, RestingConcurrency};

/// The version of a function that is edited: AWS provisions nothing for it (Lambda developer guide, "Configuring provisioned concurrency").
const LATEST: &str = "$LATEST";

pub(super) fn check(component: &LambdaConcurrency, path: &str, problems: &mut Vec<PlanProblem>) {
    let (capacity, resting) = (component.capacity, component.resting_capacity);
    if capacity.reserved_concurrency.is_none() && capacity.provisioned_concurrency.is_none() {
        let message = "states neither reservedConcurrency nor provisionedConcurrency: there is nothing to bring up";
        problems.push(PlanProblem::new(format!("{path}/capacity"), message));
    }
    bounded(capacity.reserved_concurrency, capacity.provisioned_concurrency, &format!("{path}/capacity"), problems);
    share(capacity, &format!("{path}/capacity"), problems);
    if let Some(resting) = resting {
        rests(resting, capacity.provisioned_concurrency, &format!("{path}/restingCapacity"), problems);
    }
    match component.qualifier.as_deref() {
        Some(LATEST) => problems.push(PlanProblem::new(
            format!("{path}/qualifier"),
            "is $LATEST, which cannot have provisioned concurrency; name an alias or a published version",
        )),
        None if component.provisions() => problems.push(PlanProblem::new(
            format!("{path}/qualifier"),
            "is missing: provisioned concurrency belongs to an alias or a published version",
        )),
        Some(_) if !component.provisions() => problems.push(PlanProblem::new(
            format!("{path}/qualifier"),
            "is of no use without provisionedConcurrency: reserved concurrency belongs to the whole function",
        )),
        _ => {}
    }
}

/// `serving`: what is provisioned while the function serves, and stays so if the resting capacity does not state it.
fn rests(resting: RestingConcurrency, serving: Option<u32>, path: &str, problems: &mut Vec<PlanProblem>) {
    if resting.unreserved && resting.reserved_concurrency.is_some() {
        let message = "must be false where reservedConcurrency is stated: a function is reserved or it is not";
        problems.push(PlanProblem::new(format!("{path}/unreserved"), message));
    }
    bounded(resting.reserved_concurrency, resting.provisioned_concurrency.or(serving), path, problems);
}

/// A share needs a bound: a primary that grew must not ask for more than the account in the other Region has.
fn share(capacity: Concurrency, path: &str, problems: &mut Vec<PlanProblem>) {
    let mut tell = |message: String| problems.push(PlanProblem::new(format!("{path}/max"), message));
    match (capacity.percent_of_primary, capacity.max) {
        (Some(_), None) => tell("is missing: percentOfPrimary needs to know the most that it may come to".to_owned()),
        (None, Some(_)) => tell("is of no use without percentOfPrimary".to_owned()),
        (Some(_), Some(max)) => {
            let stated = capacity.reserved_concurrency.max(capacity.provisioned_concurrency).unwrap_or(0);
            if max < stated {
                tell(format!("is {max}, below the {stated} that are stated as the least"));
            }
        }
        (None, None) => {}
    }
}

fn bounded(reserved: Option<u32>, provisioned: Option<u32>, path: &str, problems: &mut Vec<PlanProblem>) {
    if let (Some(reserved), Some(provisioned)) = (reserved, provisioned)
        && provisioned > reserved
    {
        problems.push(PlanProblem::new(
            format!("{path}/provisionedConcurrency"),
            format!("is {provisioned}, above the reservedConcurrency of {reserved}: AWS refuses that"),
        ));
    }
}
