//! Lambda hooks: is the function one of the Region that is brought up, and is what it is told of a bearable size?

use super::{PlanProblem, RecoveryPlan};
use crate::plan::LambdaHook;

/// The payload goes along with every call; what is larger belongs into an object of which the payload is the name.
const PAYLOAD_BYTES_MAX: usize = 16 * 1024;

pub(super) fn check(plan: &RecoveryPlan, hook: &LambdaHook, path: &str, problems: &mut Vec<PlanProblem>) {
    let recovery = &plan.regions.recovery;
    if let Some(region) = hook.region().filter(|region| region != recovery) {
        problems.push(PlanProblem::new(
            format!("{path}/functionName"),
            format!("lies in {region}; a hook is a function of the Region that is brought up, {recovery}"),
        ));
    }
    let bytes = hook.payload.as_ref().map_or(0, |payload| payload.to_string().len());
    if bytes > PAYLOAD_BYTES_MAX {
        problems.push(PlanProblem::new(
            format!("{path}/payload"),
            format!("has {bytes} bytes as JSON, more than the {PAYLOAD_BYTES_MAX} that go along with a call"),
        ));
    }
}
