//! Checking a plan document: every problem at once, each with its path.
//!
//! Three readings, in order: the YAML or JSON itself; the published schema (shape, types, ranges, unknown fields); and the rules
//! no schema can say (unique names, an attainable quorum, references). The second is reported whole, and the third only once the
//! second holds, because it needs the types.

use std::collections::BTreeSet;
use std::fmt;

use jsonschema::error::ValidationErrorKind;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Method, RecoveryPlan, Signal, Traffic, json_schema};
use crate::{Failure, FailureName};

/// The largest document that is read at all.
pub const PLAN_BYTES_MAX: usize = 256 * 1024;

/// One thing that is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanProblem {
    /// Where: a JSON pointer, `/databases/0/replicaIdentifier`; empty for the whole document.
    pub path: String,
    /// What.
    pub message: String,
}

impl PlanProblem {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
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
            .next("mend the plan, run `pilot plan check FILE` until it is silent, put it back into the bucket")
    })
}

/// Reads a plan document, YAML or JSON.
///
/// # Errors
/// Every problem there is, sorted by path.
pub fn check(document: &[u8]) -> Result<RecoveryPlan, Vec<PlanProblem>> {
    let value = read(document).map_err(|problem| vec![problem])?;
    let problems = schema_problems(&value);
    if !problems.is_empty() {
        return Err(problems);
    }
    let plan: RecoveryPlan =
        serde_json::from_value(value).map_err(|error| vec![PlanProblem::new("", error.to_string())])?;
    let problems = rule_problems(&plan);
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

fn read(document: &[u8]) -> Result<Value, PlanProblem> {
    if document.len() > PLAN_BYTES_MAX {
        return Err(PlanProblem::new("", format!("the document has more than {PLAN_BYTES_MAX} bytes")));
    }
    let text = std::str::from_utf8(document).map_err(|_| PlanProblem::new("", "the document is not UTF-8 text"))?;
    // JSON is read as YAML too: it is a subset, and one reader means one behaviour.
    serde_saphyr::from_str(text).map_err(|error| PlanProblem::new("", format!("not YAML or JSON: {error}")))
}

fn schema_problems(value: &Value) -> Vec<PlanProblem> {
    let schema = json_schema();
    let validator = match jsonschema::validator_for(&schema) {
        Ok(validator) => validator,
        Err(error) => return vec![PlanProblem::new("", format!("our own schema does not hold: {error}"))],
    };
    let mut problems = BTreeSet::new();
    for error in validator.iter_errors(value) {
        explain(&error, value, &mut problems);
    }
    problems.into_iter().collect()
}

/// Turns one schema error into problems. An error of `oneOf` says only that no kind fits; what the author wants to know is what
/// is wrong with the kind they named, so the branch whose `kind` fits is reported instead.
fn explain(error: &jsonschema::ValidationError<'_>, root: &Value, problems: &mut BTreeSet<PlanProblem>) {
    let path = error.instance_path().to_string();
    if let ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } = error.kind() {
        let kind_path = format!("{path}/kind");
        let fitting = context.iter().find(|branch| {
            !branch.iter().any(|e| {
                e.instance_path().to_string() == kind_path
                    || matches!(e.kind(), ValidationErrorKind::Required { property } if property == "kind")
            })
        });
        match fitting {
            Some(branch) => branch.iter().for_each(|e| explain(e, root, problems)),
            None => {
                let given = root.pointer(&kind_path).map_or("missing".to_string(), |kind| format!("{kind}"));
                let known: BTreeSet<String> = context.iter().flatten().filter_map(known_kind).collect();
                let known: Vec<String> = known.into_iter().collect();
                problems
                    .insert(PlanProblem::new(kind_path, format!("is {given}, must be one of {}", known.join(", "))));
            }
        }
        return;
    }
    problems.insert(PlanProblem::new(path, error.to_string()));
}

fn known_kind(error: &jsonschema::ValidationError<'_>) -> Option<String> {
    match error.kind() {
        ValidationErrorKind::Constant { expected_value } => Some(expected_value.to_string()),
        _ => None,
    }
}

fn rule_problems(plan: &RecoveryPlan) -> Vec<PlanProblem> {
    let mut problems = Vec::new();
    if plan.regions.primary == plan.regions.recovery {
        problems.push(PlanProblem::new("/regions/recovery", "is the primary Region: there is nowhere to go"));
    }
    if plan.policy.max_data_loss_seconds > plan.objectives.rpo_seconds {
        problems.push(PlanProblem::new(
            "/policy/maxDataLossSeconds",
            format!("is above the objective of {} seconds (objectives.rpoSeconds)", plan.objectives.rpo_seconds),
        ));
    }
    unique_names(plan, &mut problems);
    signal_rules(plan, &mut problems);
    component_rules(plan, &mut problems);
    validation_rules(plan, &mut problems);
    problems.sort();
    problems
}

fn unique_names(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    let mut seen = BTreeSet::new();
    let components = (plan.databases.iter().enumerate().map(|(i, c)| (format!("/databases/{i}/name"), c.name())))
        .chain(plan.compute.iter().enumerate().map(|(i, c)| (format!("/compute/{i}/name"), c.name())))
        .chain(plan.traffic.iter().enumerate().map(|(i, c)| (format!("/traffic/{i}/name"), c.name())));
    for (path, name) in components {
        if name.is_empty() || name.contains('#') {
            problems.push(PlanProblem::new(path, "must not be empty or hold `#` (the journal's separator)"));
        } else if !seen.insert(name) {
            problems.push(PlanProblem::new(path, format!("{name:?} is taken by another component")));
        }
    }
    let mut seen = BTreeSet::new();
    for (i, signal) in plan.signals.iter().enumerate() {
        if !seen.insert(signal.name()) {
            let message = format!("{:?} is taken by another signal", signal.name());
            problems.push(PlanProblem::new(format!("/signals/{i}/name"), message));
        }
    }
}

fn signal_rules(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    let fates: BTreeSet<&str> = plan.signals.iter().map(Signal::fate).collect();
    if (fates.len() as u64) < u64::from(plan.policy.quorum) {
        problems.push(PlanProblem::new(
            "/policy/quorum",
            format!("asks for {} fates, the signals have {}: it could never be met", plan.policy.quorum, fates.len()),
        ));
    }
    let mut has_http = false;
    for (i, signal) in plan.signals.iter().enumerate() {
        if let Signal::Http(http) = signal {
            has_http = true;
            url_rule(&http.url, format!("/signals/{i}/url"), problems);
        }
    }
    for (i, url) in plan.observer.control_urls.iter().enumerate() {
        url_rule(url, format!("/observer/controlUrls/{i}"), problems);
    }
    if has_http && plan.observer.control_urls.is_empty() {
        problems.push(PlanProblem::new(
            "/observer/controlUrls",
            "is empty: without a control the observer's own network failing would read as the primary failing",
        ));
    }
}

fn component_rules(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    if plan.databases.is_empty() && plan.compute.is_empty() {
        problems.push(PlanProblem::new("/databases", "and /compute are both empty: there is nothing to recover"));
    }
    if plan.traffic.is_empty() {
        problems.push(PlanProblem::new("/traffic", "is empty: clients would never be led to the recovery Region"));
    }
    for (i, compute) in plan.compute.iter().enumerate() {
        let super::Compute::AutoScalingGroup(group) = compute;
        let c = group.capacity;
        if c.min > c.desired || c.desired > c.max {
            problems.push(PlanProblem::new(
                format!("/compute/{i}/capacity"),
                format!("must keep min <= desired <= max, is {} <= {} <= {}", c.min, c.desired, c.max),
            ));
        }
    }
    for (i, traffic) in plan.traffic.iter().enumerate() {
        if let Traffic::Route53Records(records) = traffic {
            if records.records.is_empty() {
                problems.push(PlanProblem::new(format!("/traffic/{i}/records"), "is empty"));
            }
            for (j, record) in records.records.iter().enumerate() {
                if record.values.is_empty() {
                    problems.push(PlanProblem::new(format!("/traffic/{i}/records/{j}/values"), "is empty"));
                }
            }
        }
    }
}

fn validation_rules(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    if plan.validation.endpoints.is_empty() {
        problems.push(PlanProblem::new("/validation/endpoints", "is empty: nothing would prove the recovery"));
    }
    for (i, endpoint) in plan.validation.endpoints.iter().enumerate() {
        url_rule(&endpoint.url, format!("/validation/endpoints/{i}/url"), problems);
        if endpoint.method == Method::Get && endpoint.json_body.is_some() {
            problems.push(PlanProblem::new(format!("/validation/endpoints/{i}/jsonBody"), "a GET carries no body"));
        }
    }
    for (i, dns) in plan.validation.dns.iter().enumerate() {
        if dns.expect_any_of.is_empty() {
            problems.push(PlanProblem::new(format!("/validation/dns/{i}/expectAnyOf"), "is empty"));
        }
        for (j, server) in dns.name_servers.iter().enumerate() {
            if server.parse::<std::net::SocketAddr>().is_err() {
                let message = format!("{server:?} is not an address and port, as in 192.0.2.1:53");
                problems.push(PlanProblem::new(format!("/validation/dns/{i}/nameServers/{j}"), message));
            }
        }
    }
}

fn url_rule(url: &str, path: String, problems: &mut Vec<PlanProblem>) {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !rest.contains('@') => {}
        Some(rest) if rest.contains('@') => {
            problems.push(PlanProblem::new(path, "must not carry a user or password: plans are read by many"));
        }
        _ => problems.push(PlanProblem::new(path, "is not a whole http:// or https:// address")),
    }
}
