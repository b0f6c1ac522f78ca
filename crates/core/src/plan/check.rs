//! Checking a plan document: every problem at once, each with its path.
//!
//! Three readings, in order: the YAML or JSON itself; the published schema (shape, types, ranges, unknown fields); and the rules
//! no schema can say (unique names, an attainable quorum, references). The second is reported whole, and the third only once the
//! second holds, because it needs the types.

use std::fmt;

use sha2::{Digest, Sha256};

pub use super::read::PLAN_BYTES_MAX;
use super::{RecoveryPlan, read, rules, shape};
use crate::{Failure, FailureName};

/// One thing that is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanProblem {
    /// Where: a JSON pointer, `/databases/0/replicaIdentifier`; empty for the whole document.
    pub path: String,
    /// What.
    pub message: String,
}

impl PlanProblem {
    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        PlanProblem { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for PlanProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        write!(f, "{path}: {}", self.message)
    }
}

/// The SHA-256 of a document, in lower-case hexadecimal. A run pins its plan by this.
pub fn sha256_hex(document: &[u8]) -> String {
    Sha256::digest(document).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a plan document and refuses it by the one documented name.
///
/// # Errors
/// [`FailureName::PlanInvalid`] with every problem and its path.
pub fn parse(document: &[u8], resource: &str) -> Result<RecoveryPlan, Failure> {
    check(document).map_err(|problems| {
        let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::new(FailureName::PlanInvalid, resource, format!("the plan does not hold: {}", list.join("; ")))
            .now("nothing was touched")
            .next("mend the plan, run `pilot plan check FILE` until it finds nothing, put it back into the bucket")
    })
}

/// Reads a plan document, YAML or JSON.
///
/// # Errors
/// Every problem there is, sorted by path.
pub fn check(document: &[u8]) -> Result<RecoveryPlan, Vec<PlanProblem>> {
    let value = read::read(document).map_err(|problem| vec![problem])?;
    let problems = shape::problems(&value);
    if !problems.is_empty() {
        return Err(problems);
    }
    let plan: RecoveryPlan =
        serde_json::from_value(value).map_err(|error| vec![PlanProblem::new("", error.to_string())])?;
    let problems = rules::problems(&plan);
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}
