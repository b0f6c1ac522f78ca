//! Could a Lambda function's concurrency be brought up as the plan says?

use super::Readiness;
use crate::decide::concurrency::{Decision, decide};
use crate::observed::FunctionObserved;
use crate::plan::LambdaConcurrency;

/// Whether the function and its qualifier are there, and AWS would grant what the plan states. A function that rests at 0 is ready if the plan
/// raises it.
pub fn function(component: &LambdaConcurrency, observed: Option<&FunctionObserved>) -> Readiness {
    let resource = component.resource();
    match (decide(component, observed, false), observed) {
        (Decision::Fail(failure), _) => Readiness::Problem(format!("{resource}: {}; {}", failure.what, failure.next)),
        (_, Some(function)) if function.reserved == Some(0) => {
            Readiness::Ready(format!("there and throttled, {}", function.settings()))
        }
        (_, Some(function)) => Readiness::Ready(format!("there, {}", function.settings())),
        (_, None) => Readiness::Problem(format!("{resource}: the Region has no such Lambda function")),
    }
}

#[cfg(test)]
mod tests;
