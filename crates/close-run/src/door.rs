//! A run that was refused at the door: there is only what was asked for, and that may be anything.
//!
//! It gets a report all the same, under the plan it named, so that whoever started it finds one where reports are.

use jiff::Timestamp;
use pilot_core::contract::{Mode, Outcome, PlanPin, Run, Trigger, TriggerKind};
use pilot_core::plan::is_plan_name;
use pilot_core::report::ReportPlan;
use pilot_core::{Failure, FailureName};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Refusals that come before the lease is asked for, or instead of it.
const WITHOUT_LEASE: &[FailureName] = &[
    FailureName::EventInvalid,
    FailureName::PlanInvalid,
    FailureName::PlanNotFound,
    FailureName::LeaseHeld,
    FailureName::CooldownActive,
];

/// Refusals nobody is told of by mail: a storm of alarms must not become a storm of mails. The run that is under way tells.
const QUIET: &[FailureName] = &[FailureName::LeaseHeld, FailureName::CooldownActive];

/// What is known of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The execution's name.
    pub run_id: String,
    /// The execution's ARN.
    pub execution_arn: String,
    /// The plan's name, made fit for a key.
    pub plan: ReportPlan,
    /// The name as asked for, if there can be a plan of that name.
    pub workload: Option<String>,
    /// The mode, if it could be read.
    pub mode: Option<Mode>,
    /// What started it, as far as it could be read; otherwise a person is taken to have mistyped it.
    pub trigger: Trigger,
    /// When the execution started.
    pub started_at: Timestamp,
}

/// Reads what was asked for, as far as it can be read.
///
/// # Errors
/// [`FailureName::EventInvalid`] without the execution's name: there would be no place for the report.
pub fn read(open: &Value, now: Timestamp) -> Result<Asked, Failure> {
    let run_id: String = part(open, "/runId").ok_or_else(|| {
        Failure::new(FailureName::EventInvalid, "/open/runId", "close-run must be told the run's id")
            .next("compare the event with the samples in events/close-run/")
    })?;
    let name: String = part(open, "/request/plan").unwrap_or_default();
    let reason = part(open, "/request/reason");
    let by_hand = Trigger { kind: TriggerKind::Manual, alarm_name: None, at: None, reason };
    Ok(Asked {
        run_id,
        execution_arn: part(open, "/executionArn").unwrap_or_default(),
        plan: ReportPlan { name: key_name(&name), version: String::new(), sha256: String::new() },
        workload: is_plan_name(&name).then_some(name),
        mode: part(open, "/request/mode"),
        trigger: part(open, "/request/trigger").unwrap_or(by_hand),
        started_at: part(open, "/startedAt").unwrap_or(now),
    })
}

fn part<T: DeserializeOwned>(open: &Value, pointer: &str) -> Option<T> {
    serde_json::from_value(open.pointer(pointer)?.clone()).ok()
}

/// A name that is fit for a key, as near to the given one as can be.
fn key_name(name: &str) -> String {
    if is_plan_name(name) {
        return name.to_owned();
    }
    let fit = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let fitted: String = name.chars().map(fit).take(63).collect();
    let fitted = fitted.trim_matches('-');
    if is_plan_name(fitted) { fitted.to_owned() } else { "unnamed".to_owned() }
}

/// Whether people are told of a run that ended like this.
pub fn is_told(outcome: Outcome, error: Option<&str>, opened: bool) -> bool {
    opened || outcome != Outcome::Refused || !is_one_of(QUIET, error)
}

/// Whether the run may hold the lease although it was never opened: `open-run` took it and then failed, or its answer was lost.
pub fn may_hold_lease(error: Option<&str>) -> bool {
    !is_one_of(WITHOUT_LEASE, error)
}

fn is_one_of(names: &[FailureName], error: Option<&str>) -> bool {
    names.iter().any(|name| Some(name.as_str()) == error)
}

/// The run for giving its lease up: only name and generation count there, and the plan was never pinned.
pub fn holder(asked: Asked, workload: String, generation: u64) -> Run {
    let Asked { run_id, execution_arn, mode, trigger, started_at, .. } = asked;
    let plan = PlanPin {
        name: workload,
        bucket: String::new(),
        key: String::new(),
        version: String::new(),
        sha256: String::new(),
    };
    Run {
        run_id,
        execution_arn,
        plan,
        mode: mode.unwrap_or(Mode::Failover),
        trigger,
        generation,
        target_region: None,
        resumes: None,
        started_at,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_becomes_fit_for_a_key() {
        let names = [
            ("shop", "shop"),
            ("Shop", "shop"),
            ("../../plans/shop", "plans-shop"),
            ("späť", "sp"),
            ("", "unnamed"),
            ("7", "unnamed"),
        ];
        for (given, expected) in names {
            let name = key_name(given);
            assert!(name == expected || given == "späť" && name.starts_with("sp"), "{given}: {name}");
            assert!(is_plan_name(&name), "{given}: {name}");
        }
        assert!(is_plan_name(&key_name(&"x/".repeat(200))));
    }

    #[test]
    fn anything_may_have_been_asked_for() {
        for request in [json!(null), json!("shop"), json!({"plan": 7, "trigger": {"kind": "?"}})] {
            let asked = read(&json!({"runId": "run-1", "request": request}), Timestamp::UNIX_EPOCH).unwrap();
            assert_eq!((asked.plan.name.as_str(), asked.workload, asked.mode), ("unnamed", None, None));
        }
        let failure = read(&json!({}), Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(failure.name, FailureName::EventInvalid);
    }

    #[test]
    fn an_alarm_storm_is_no_mail_storm_and_silence_is_no_answer() {
        for name in FailureName::ALL {
            let quiet = matches!(name, FailureName::LeaseHeld | FailureName::CooldownActive);
            assert_eq!(is_told(Outcome::Refused, Some(name.as_str()), false), !quiet, "{name}");
            assert!(is_told(Outcome::Refused, Some(name.as_str()), true), "{name}");
        }
        assert!(is_told(Outcome::Refused, Some("States.Timeout"), false) && is_told(Outcome::Refused, None, false));
    }
}
