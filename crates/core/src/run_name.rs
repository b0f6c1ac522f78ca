//! Names of executions: a run's id.
//!
//! Whoever starts a run by hand names it here, and not AWS: a call that is retried then starts one run and not two.

use jiff::Timestamp;

/// The longest name that Step Functions takes.
const NAME_CHARS_MAX: usize = 80;

/// A new run's name.
pub fn started(plan: &str, now: Timestamp) -> String {
    ended_with(plan, &now.strftime("-%Y%m%dT%H%M%SZ").to_string())
}

/// The name of a run that goes on with another. That one's name is cut, and not the time: a run may be gone on with twice.
pub fn resumed(run_id: &str, now: Timestamp) -> String {
    ended_with(run_id, &format!("-resume-{}", now.as_second()))
}

/// `arn:PARTITION:states:REGION:ACCOUNT:execution:MACHINE:NAME` says which machine it is an execution of.
pub fn state_machine_of(execution_arn: &str) -> Option<String> {
    let parts: Vec<&str> = execution_arn.splitn(8, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "states", region, account, "execution", name, _] => {
            Some(format!("arn:{partition}:states:{region}:{account}:stateMachine:{name}"))
        }
        _ => None,
    }
}

/// The execution of this name, of a state machine known by `arn:PARTITION:states:REGION:ACCOUNT:stateMachine:MACHINE`.
pub fn execution_of(state_machine_arn: &str, name: &str) -> Option<String> {
    let parts: Vec<&str> = state_machine_arn.splitn(7, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "states", region, account, "stateMachine", machine] => {
            Some(format!("arn:{partition}:states:{region}:{account}:execution:{machine}:{name}"))
        }
        _ => None,
    }
}

/// Whether a person may give a run this name: AWS takes 1 to 80 characters, and wants these alone for its logs to find the
/// execution by ("StartExecution", parameter `name`).
pub fn is_run_name(text: &str) -> bool {
    let taken = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=NAME_CHARS_MAX).contains(&text.len()) && text.chars().all(taken)
}

fn ended_with(name: &str, suffix: &str) -> String {
    let room = NAME_CHARS_MAX.saturating_sub(suffix.chars().count());
    name.chars().take(room).chain(suffix.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_before_their_time() {
        let now: Timestamp = "2026-03-14T09:26:53.9Z".parse().unwrap();
        assert_eq!(started("shop", now), "shop-20260314T092653Z");
        let longest_plan = "a".repeat(63);
        assert_eq!(started(&longest_plan, now), format!("{longest_plan}-20260314T092653Z"));
        assert_eq!(resumed("run-1", now), "run-1-resume-1773480413");
        let long = "r".repeat(80);
        assert_eq!(resumed(&long, now), format!("{}-resume-1773480413", "r".repeat(62)));
        assert_eq!(resumed(&resumed(&long, now), now).chars().count(), NAME_CHARS_MAX);
    }

    #[test]
    fn an_execution_names_its_state_machine() {
        let machine = state_machine_of("arn:aws-cn:states:cn-north-1:111122223333:execution:pilot-light:run-1");
        assert_eq!(machine.as_deref(), Some("arn:aws-cn:states:cn-north-1:111122223333:stateMachine:pilot-light"));
        assert_eq!(state_machine_of("run-1"), None);
    }

    #[test]
    fn a_state_machine_and_a_name_are_an_execution_and_back() {
        let machine = "arn:aws-cn:states:cn-north-1:111122223333:stateMachine:pilot-light";
        let execution = execution_of(machine, "run-1").unwrap();
        assert_eq!(execution, "arn:aws-cn:states:cn-north-1:111122223333:execution:pilot-light:run-1");
        assert_eq!(state_machine_of(&execution).as_deref(), Some(machine));
        assert_eq!(execution_of("pilot-light", "run-1"), None);
    }

    #[test]
    fn names_that_a_person_may_give() {
        for good in ["a", "shop-20260314T092653Z", "Drill_7", &"r".repeat(80)] {
            assert!(is_run_name(good), "{good}");
        }
        for bad in ["", "a b", "a/b", "a:b", "run*", "r\u{e4}n", "a\n", &"r".repeat(81)] {
            assert!(!is_run_name(bad), "{bad:?}");
        }
    }
}
