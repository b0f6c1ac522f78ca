//! Names of executions: a run's id.

use jiff::Timestamp;

/// The longest name that Step Functions takes.
const NAME_CHARS_MAX: usize = 80;

/// A new run's name. Named here and not by AWS, so that a call that is retried starts one run and not two.
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
}
