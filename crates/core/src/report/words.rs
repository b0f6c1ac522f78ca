//! The report's sentences: why a run ended as it did, and what to do next.

use serde_json::{Value, json};

use super::{Facts, ReportError};
use crate::contract::{Mode, Outcome};
use crate::plan::Regions;

/// A failure's text, taken apart again: [`crate::Failure`] writes `NAME: what [resource]. Now: .... Next: ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// What failed, on which resource, without the name.
    what: String,
    /// What to do, if the text says it, once.
    next: Option<String>,
}

impl Told {
    pub(super) fn of(name: &str, message: &str) -> Self {
        let unnamed = message.strip_prefix(name).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message);
        // Two failures in one text (a rollback that failed): neither's advice alone is right.
        let one_failure = message.matches(". Next: ").count() == 1;
        match unnamed.split_once(". Now: ").filter(|_| one_failure) {
            Some((what, rest)) => {
                let next = rest.split_once(". Next: ").map(|(_, next)| next.to_owned());
                Told { what: what.to_owned(), next }
            }
            None => Told { what: unnamed.to_owned(), next: None },
        }
    }
}

/// An error's cause for people: a Lambda function's JSON is replaced by the message inside it, wherever in the text it stands.
pub(super) fn without_json(cause: &str) -> String {
    let mut text = String::with_capacity(cause.len());
    let mut rest = cause;
    while let Some(start) = rest.find('{') {
        let (before, json) = rest.split_at(start);
        text.push_str(before);
        let mut documents = serde_json::Deserializer::from_str(json).into_iter::<Value>();
        let first = documents.next().and_then(Result::ok);
        let message = first.as_ref().and_then(|d| d.get("errorMessage")).and_then(Value::as_str);
        let length = match message {
            Some(message) => {
                text.push_str(message);
                documents.byte_offset()
            }
            None => {
                text.push('{');
                1
            }
        };
        rest = json.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// Why the run ended as it did.
pub(super) fn reason(
    (outcome, mode): (Outcome, Option<Mode>),
    regions: Option<&Regions>,
    error: Option<&ReportError>,
    told: Option<&Told>,
) -> String {
    match (outcome, error, told) {
        (Outcome::Recovered, _, _) if mode == Some(Mode::Protect) => {
            "the old primary is fenced and set aside, and its Region follows the one that serves: seen to replicate"
                .into()
        }
        (Outcome::Recovered, _, _) if mode == Some(Mode::Failback) => {
            let region = regions.map_or(String::new(), |regions| format!(" {}", regions.recovery));
            format!("the workload is home:{region} serves, and that was observed; the other Region rests and follows")
        }
        (Outcome::Recovered, _, _) => match regions {
            Some(one) if one.primary == one.recovery => format!("{} serves again, and that was observed", one.recovery),
            Some(two) => format!("the recovery Region {} serves, and that was observed", two.recovery),
            None => "the recovery Region serves, and that was observed".into(),
        },
        (Outcome::DryRun, _, _) => {
            "the whole way was walked, nothing was changed; the decisions are in the report".into()
        }
        (_, Some(error), Some(told)) => format!("{}: {}", error.name, told.what),
        _ => "the state machine handed over no error".into(),
    }
}

/// What to do next, for a run that did not recover.
pub(super) fn next(facts: &Facts<'_>, told: Option<&Told>) -> Option<String> {
    let advice = told.and_then(|told| told.next.clone());
    match facts.outcome {
        // Until its old primary follows, the workload has nowhere to fail over to.
        Outcome::Recovered if matches!(facts.mode, Some(Mode::Failover | Mode::Switchover)) => {
            facts.document.filter(|plan| plan.home.is_some()).map(|_| {
                let again = Facts { mode: Some(Mode::Protect), ..facts.clone() };
                format!(
                    "once {} is well again, make it follow: pilot run start {} --mode protect - or the same by the AWS CLI: {}",
                    facts.document.map_or("the old primary", |plan| plan.regions.primary.as_str()),
                    facts.plan.name,
                    start_command(&again, "protect after", None)
                )
            })
        }
        Outcome::Recovered | Outcome::DryRun => None,
        Outcome::Refused => advice,
        Outcome::RolledBack => Some(format!(
            "every value is back as it was; {}; then start again: {}",
            advice.unwrap_or_else(|| "mend the cause".into()),
            start_command(facts, "start again after", None)
        )),
        Outcome::Stuck => Some(format!(
            "{}; then go on with it: pilot resume {} - or the same by the AWS CLI: {}",
            advice.unwrap_or_else(|| "look at the steps that are not done".into()),
            facts.run_id,
            start_command(facts, "go on after", Some(&facts.run_id))
        )),
    }
}

/// The command that starts the next run.
fn start_command(facts: &Facts<'_>, why: &str, resume: Option<&str>) -> String {
    let mut input = json!({
        "plan": facts.plan.name,
        "mode": facts.mode,
        "reason": format!("{why} run {}", facts.run_id),
    });
    if let (Some(run_id), Some(fields)) = (resume, input.as_object_mut()) {
        fields.insert("resume".into(), json!(run_id));
    }
    match state_machine(&facts.execution_arn) {
        Some((region, arn)) => format!(
            "aws stepfunctions start-execution --region {region} --state-machine-arn {arn} --input {}",
            shell_quoted(&input.to_string())
        ),
        None => format!("start the recovery state machine with the input {input}"),
    }
}

/// `arn:aws:states:REGION:ACCOUNT:execution:NAME:RUN`: the Region, and the machine's own ARN.
fn state_machine(execution_arn: &str) -> Option<(&str, String)> {
    let parts: Vec<&str> = execution_arn.splitn(8, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "states", region, account, "execution", name, _] => {
            Some((region, format!("arn:{partition}:states:{region}:{account}:stateMachine:{name}")))
        }
        _ => None,
    }
}

fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_functions_json_reads_as_its_message() {
        let one =
            r#"{"errorType":"NotReady","errorMessage":"NotReady: no {replica} [db]. Now: x. Next: y","trace":[]}"#;
        assert_eq!(without_json(one), "NotReady: no {replica} [db]. Now: x. Next: y");
        let two = format!("the rollback failed: {one} - it was to undo {{not json}} {one}");
        assert_eq!(
            without_json(&two),
            "the rollback failed: NotReady: no {replica} [db]. Now: x. Next: y - it was to undo {not json} NotReady: no \
             {replica} [db]. Now: x. Next: y"
        );
        assert_eq!(without_json("{"), "{");
        assert_eq!(without_json("a time-out of 40 s, späť {"), "a time-out of 40 s, späť {");
    }

    #[test]
    fn a_failures_own_text_is_taken_apart() {
        let failure =
            crate::Failure::new(crate::FailureName::NotReady, "db", "no replica").now("nothing").next("make one");
        assert_eq!(
            Told::of("NotReady", &failure.to_string()),
            Told { what: "no replica [db]".into(), next: Some("make one".into()) }
        );
        assert_eq!(Told::of("States.Timeout", "late"), Told { what: "late".into(), next: None });
        let twice = format!("{failure} and {failure}");
        assert_eq!(Told::of("X", &twice), Told { what: twice.clone(), next: None });
    }

    #[test]
    fn the_state_machine_is_read_from_the_execution() {
        let arn = "arn:aws-cn:states:cn-north-1:111122223333:execution:pilot-light:run-1";
        let machine = "arn:aws-cn:states:cn-north-1:111122223333:stateMachine:pilot-light".to_owned();
        assert_eq!(state_machine(arn), Some(("cn-north-1", machine)));
        assert_eq!(state_machine("run-1"), None);
        assert_eq!(shell_quoted("it's"), r"'it'\''s'");
    }
}
