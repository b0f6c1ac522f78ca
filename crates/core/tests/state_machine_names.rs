//! The state machine against the code: every error name it matches or ends with exists here, and every Task is guarded whole.
//!
//! AWS compares error names to the letter and says nothing of a name that never comes: a typing error would be found in the outage.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::collections::BTreeSet;

use pilot_core::FailureName;
use pilot_core::contract::{Outcome, Step};
use serde_json::Value;

const FILE: &str = include_str!("../../../statemachine/failover.asl.json");

/// Lambda's own failures, which may pass: each must be retried by name, because `States.ALL` would also retry our own refusals.
const INFRASTRUCTURE: [&str; 8] = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "Runtime.ExitError",
];

/// The names Step Functions itself reserves (Amazon States Language, "Error names", and its developer guide).
const STATES: [&str; 13] = [
    "States.ALL",
    "States.BranchFailed",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.Http.Socket",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
];
const STATES_TIMEOUT: &str = "States.Timeout";

fn machine() -> Value {
    serde_json::from_str(FILE).unwrap()
}

/// Every state, those in the branches of Parallel states included.
fn states(machine: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (name, state) in machine["States"].as_object().unwrap() {
        found.push((name.clone(), state));
        for branch in state["Branches"].as_array().into_iter().flatten() {
            found.extend(states(branch));
        }
    }
    found
}

fn tasks(machine: &Value) -> Vec<(String, &Value)> {
    let tasks: Vec<_> = states(machine).into_iter().filter(|(_, state)| state["Type"] == "Task").collect();
    assert!(tasks.len() > 5, "the test reads the file wrongly: {} tasks", tasks.len());
    tasks
}

/// The Tasks that call our functions; the one that does not is the page of last resort, straight to SNS.
fn function_tasks(machine: &Value) -> Vec<(String, &Value)> {
    let invokes = |task: &Value| task["Resource"] == "arn:aws:states:::lambda:invoke" || waits_for_a_person(task);
    let functions: Vec<_> = tasks(machine).into_iter().filter(|(_, task)| invokes(task)).collect();
    assert!(functions.len() + 1 >= tasks(machine).len(), "a Task neither calls a function nor pages");
    functions
}

/// A person answers with the token, or the time is over: then nothing is tried again.
fn waits_for_a_person(task: &Value) -> bool {
    task["Resource"] == "arn:aws:states:::lambda:invoke.waitForTaskToken"
}

fn matched_names(rules: &Value) -> BTreeSet<&str> {
    rules.as_array().into_iter().flatten().flat_map(|rule| error_equals(rule)).collect()
}

fn error_equals(rule: &Value) -> Vec<&str> {
    rule["ErrorEquals"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

fn is_known(name: &str) -> bool {
    let ours = FailureName::ALL.iter().any(|known| known.as_str() == name);
    ours || INFRASTRUCTURE.contains(&name) || STATES.contains(&name) || name == STATES_TIMEOUT
}

/// The texts in single quotes of a JSONata expression; a plain text is itself.
fn texts(expression: &str) -> Vec<&str> {
    match expression.strip_prefix("{%") {
        Some(jsonata) => jsonata.split('\'').skip(1).step_by(2).collect(),
        None => vec![expression],
    }
}

#[test]
fn every_error_name_exists_in_the_code() {
    let machine = machine();
    let mut names = 0;
    for (state_name, state) in states(&machine) {
        for name in matched_names(&state["Retry"]).union(&matched_names(&state["Catch"])) {
            assert!(is_known(name), "{state_name} matches {name}, which nobody returns");
            names += 1;
        }
        for name in state["Error"].as_str().map(texts).unwrap_or_default() {
            assert!(
                FailureName::ALL.iter().any(|n| n.as_str() == name),
                "{state_name} ends with {name}, which is no name"
            );
            names += 1;
        }
    }
    assert!(names > 20, "the test reads the file wrongly: {names} names");
}

#[test]
fn every_task_is_guarded_whole() {
    for (name, task) in tasks(&machine()) {
        assert!(task["Comment"].as_str().is_some_and(|comment| comment.len() > 10), "{name} has no Comment");
        let timeout = &task["TimeoutSeconds"];
        let by_plan = waits_for_a_person(task) && *timeout == "{% $approvalWaitSeconds %}";
        assert!(by_plan || timeout.as_u64().is_some_and(|seconds| seconds > 0), "{name} has no TimeoutSeconds");
        let retried = matched_names(&task["Retry"]);
        for infrastructure in INFRASTRUCTURE {
            assert!(retried.contains(infrastructure), "{name} does not retry {infrastructure}");
        }
        for retry in task["Retry"].as_array().unwrap() {
            let errors = error_equals(retry).join(", ");
            assert!(
                retry["BackoffRate"].as_f64().is_some_and(|rate| rate > 1.0),
                "{name} retries {errors} without backoff"
            );
            assert_eq!(retry["JitterStrategy"], "FULL", "{name} retries {errors} without jitter");
            assert!(
                retry["MaxAttempts"].as_u64().is_some_and(|n| (1..=20).contains(&n)),
                "{name}: attempts of {errors}"
            );
        }
        let caught = matched_names(&task["Catch"]);
        assert!(caught.contains("States.ALL"), "{name} lets errors through");
    }
}

/// `States.ALL` does not catch it (Step Functions developer guide, "Error names"), and only a function's answer can be that long.
#[test]
fn an_answer_that_is_too_long_is_caught() {
    for (name, task) in function_tasks(&machine()) {
        let caught = matched_names(&task["Catch"]);
        assert!(caught.contains("States.DataLimitExceeded"), "{name} does not catch States.DataLimitExceeded");
    }
}

#[test]
fn our_own_refusals_are_never_retried() {
    let passing = [FailureName::AwsUnavailable, FailureName::JournalUnavailable].map(FailureName::as_str);
    for (state_name, task) in function_tasks(&machine()) {
        for name in matched_names(&task["Retry"]) {
            let may = INFRASTRUCTURE.contains(&name) || name == STATES_TIMEOUT || passing.contains(&name);
            assert!(may, "{state_name} retries {name}");
        }
    }
}

#[test]
fn what_passes_by_itself_is_retried_everywhere() {
    for (state_name, task) in function_tasks(&machine()) {
        let retried = matched_names(&task["Retry"]);
        for name in [FailureName::AwsUnavailable.as_str(), STATES_TIMEOUT] {
            let over = waits_for_a_person(task) && name == STATES_TIMEOUT;
            assert_eq!(retried.contains(name), !over, "{state_name} and {name}");
        }
    }
}

/// AWS refuses a machine where `States.ALL` shares its list or is not the last.
#[test]
fn states_all_stands_alone_and_last() {
    for (name, state) in states(&machine()) {
        for part in ["Retry", "Catch"] {
            let rules = state[part].as_array().map(Vec::as_slice).unwrap_or_default();
            for (i, rule) in rules.iter().enumerate() {
                let errors = error_equals(rule);
                let fits = !errors.contains(&"States.ALL") || (errors.len() == 1 && i + 1 == rules.len());
                assert!(fits, "{name}: States.ALL in {part}");
            }
        }
    }
}

#[test]
fn every_state_says_what_it_is_for() {
    for (name, state) in states(&machine()) {
        assert!(state["Comment"].as_str().is_some_and(|comment| !comment.is_empty()), "{name} has no Comment");
    }
}

#[test]
fn steps_and_outcomes_are_those_of_the_contract() {
    let machine = machine();
    let mut steps = BTreeSet::new();
    for (state_name, task) in tasks(&machine) {
        if let Some(step) = task.pointer("/Arguments/Payload/step/name") {
            let step: Step =
                serde_json::from_value(step.clone()).unwrap_or_else(|e| panic!("{state_name}: {step}: {e}"));
            steps.insert(step);
        }
    }
    let expected = [
        Step::Assess,
        Step::Ready,
        Step::Fence,
        Step::Gate,
        Step::Lift,
        Step::PromoteData,
        Step::ScaleCompute,
        Step::Validate,
        Step::ShiftTraffic,
        Step::Verify,
        Step::Protect,
        Step::Rest,
        Step::Rollback,
    ];
    assert_eq!(steps, BTreeSet::from(expected));
    let mut outcomes = Vec::new();
    assigned(&machine, "outcome", &mut outcomes);
    for outcome in &outcomes {
        let known = serde_json::from_value::<Outcome>(Value::from(*outcome)).is_ok();
        assert!(known, "the outcome {outcome} is none of the contract's");
    }
    assert!(outcomes.contains(&"recovered") && outcomes.contains(&"refused"), "{outcomes:?}");
}

/// The plain values that are assigned to a variable, wherever, those in expressions included.
fn assigned<'a>(value: &'a Value, variable: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            let plain = fields.get("Assign").and_then(|assign| assign.get(variable)).and_then(Value::as_str);
            found.extend(plain.into_iter().flat_map(texts));
            fields.values().for_each(|field| assigned(field, variable, found));
        }
        Value::Array(items) => items.iter().for_each(|item| assigned(item, variable, found)),
        _ => {}
    }
}
