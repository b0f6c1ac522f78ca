//! Following a run to its end.

use std::collections::BTreeMap;
use std::time::Duration;

use pilot_core::contract::{ClosedRun, ComponentProgress, Outcome, Status, Step};
use pilot_core::journal::StepRecord;
use pilot_core::report::Report;

use crate::answer::Answer;
use crate::columns::table;
use crate::screen::Screen;
use crate::sections::{self, status};
use crate::stack::{Execution, ExecutionStatus, Stack, StackError};

/// How often a run is looked at: well within what Step Functions lets one account describe.
pub const PACE: Duration = Duration::from_secs(2);
/// So many looks in a row that see nothing are enough: the run goes on by itself.
const BLIND_LOOKS_MAX: u32 = 10;
/// The gate's component while a person is asked.
const APPROVAL: &str = "approval";

/// The run that is followed.
#[derive(Debug)]
pub struct Followed<'a> {
    /// Its id.
    pub run_id: &'a str,
    /// Its execution.
    pub execution_arn: &'a str,
}

/// Shows every step as it goes on, and tells how the run ended. Only an execution that succeeded is [`crate::answer::Verdict::Ok`].
pub async fn to_the_end<S: Stack>(
    stack: &S,
    screen: &mut impl Screen,
    followed: &Followed<'_>,
    pace: Duration,
) -> Answer {
    let mut ticks = tokio::time::interval(pace);
    let (mut told, mut blind_looks) = (Told::default(), 0);
    let answer = loop {
        ticks.tick().await;
        match look(stack, followed).await {
            Ok((execution, steps)) => {
                blind_looks = 0;
                told.changes(&steps, followed.run_id).iter().for_each(|line| screen.line(line));
                if execution.status != ExecutionStatus::Running {
                    break ended(stack, followed, &execution).await;
                }
                screen.waiting(&under_way(&steps));
            }
            Err(error) => {
                blind_looks += 1;
                screen.waiting(&format!("cannot be seen right now: {error}"));
                if blind_looks >= BLIND_LOOKS_MAX {
                    break lost_sight(followed, &error);
                }
            }
        }
    };
    screen.done();
    answer
}

/// The execution first: a step that ended after it was asked is told at the next look, and there is one unless the run is over.
async fn look<S: Stack>(stack: &S, followed: &Followed<'_>) -> Result<(Execution, Vec<StepRecord>), StackError> {
    let execution = stack.execution(followed.execution_arn).await?;
    Ok((execution, stack.steps(followed.run_id).await?))
}

/// What was told already: how far each step and each of its components was.
#[derive(Debug, Default)]
struct Told(BTreeMap<Step, (Status, BTreeMap<String, Known>)>);

/// How far a component was; of a question to a person the words too, for an answer that did not do is asked for again.
type Known = (Status, Option<String>);

fn known(component: &ComponentProgress) -> (String, Known) {
    let words = (component.name == APPROVAL).then(|| component.detail.clone());
    (component.name.clone(), (component.status, words))
}

impl Told {
    /// A line for each step that is further than it was. Details alone change all the time and are left to the spinner.
    fn changes(&mut self, steps: &[StepRecord], run_id: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for step in steps {
            let now: BTreeMap<String, Known> = step.components.iter().map(known).collect();
            let further =
                |before: &BTreeMap<String, Known>, c: &ComponentProgress| before.get(&c.name) != Some(&known(c).1);
            let before = self.0.insert(step.name, (step.outcome, now));
            let news: Vec<String> = step
                .components
                .iter()
                .filter(|c| before.as_ref().is_none_or(|(_, then)| further(then, c)))
                .map(|c| format!("{}: {}", c.name, c.detail))
                .collect();
            if news.is_empty() && before.as_ref().is_some_and(|(outcome, _)| *outcome == step.outcome) {
                continue;
            }
            let told = step.error.clone().unwrap_or_else(|| news.join("; "));
            lines.push(format!("{:<14}{:<13}{told}", step.name.as_str(), status(step.outcome)).trim_end().to_owned());
            if waits_for_a_person(step) && !news.is_empty() {
                lines.push(format!(
                    "  answer with: pilot approve {run_id} --as NAME, or pilot refuse {run_id} --as NAME"
                ));
            }
        }
        lines
    }
}

fn waits_for_a_person(step: &StepRecord) -> bool {
    let asked = |name: &str, status: Status| name == APPROVAL && status == Status::InProgress;
    step.name == Step::Gate && step.components.iter().any(|c| asked(&c.name, c.status))
}

/// What the run is at: for the spinner.
fn under_way(steps: &[StepRecord]) -> String {
    let open = steps.iter().filter(|step| step.outcome == Status::InProgress);
    let told: Vec<String> = open
        .map(|step| {
            let waiting = step.components.iter().filter(|c| c.status == Status::InProgress);
            let details: Vec<String> = waiting.map(|c| format!("{}: {}", c.name, c.detail)).collect();
            format!("{} {}", step.name.as_str(), details.join("; "))
        })
        .collect();
    if told.is_empty() { "between two steps".to_owned() } else { told.join(" | ") }
}

fn lost_sight(followed: &Followed<'_>, error: &StackError) -> Answer {
    Answer::unusable(format!(
        "the run cannot be seen any more: {error}\nIt goes on without being watched; look at it: pilot run status {}\n  \
         execution: {}\n",
        followed.run_id, followed.execution_arn
    ))
}

/// How the run ended: the state machine's output, or the cause of its failure, is what `close-run` returned.
async fn ended<S: Stack>(stack: &S, followed: &Followed<'_>, execution: &Execution) -> Answer {
    let document = match execution.status {
        ExecutionStatus::Succeeded => execution.output.as_deref(),
        _ => execution.cause.as_deref(),
    };
    let text = match serde_json::from_str::<ClosedRun>(document.unwrap_or_default()) {
        Ok(closed) => closed_text(stack, &closed).await,
        Err(_) => not_closed_text(followed, execution),
    };
    match execution.status {
        ExecutionStatus::Succeeded => Answer::ok(text),
        _ => Answer::problems(text),
    }
}

async fn closed_text<S: Stack>(stack: &S, closed: &ClosedRun) -> String {
    let row = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
    let mut rows = vec![row("why", &closed.reason), row("run", &closed.run_id), row("report", &closed.report)];
    if let Some(next) = next(stack, closed).await {
        rows.push(row("next", &next));
    }
    format!("\n{}\n{}{}", closed.outcome.as_str(), table("  ", &rows), sections::decisions(&closed.decisions))
}

/// The advice stands in the report. Whoever may not read that gets the least that is true of every run that ended so.
async fn next<S: Stack>(stack: &S, closed: &ClosedRun) -> Option<String> {
    if matches!(closed.outcome, Outcome::Recovered | Outcome::DryRun) {
        return None;
    }
    let bytes = stack.report(&closed.report).await;
    let report = bytes.ok().and_then(|bytes| serde_json::from_slice::<Report>(&bytes).ok());
    match (report, closed.outcome) {
        (Some(report), _) => report.next,
        (None, Outcome::Stuck) => {
            Some(format!("read the report, mend the cause, then: pilot resume {}", closed.run_id))
        }
        (None, _) => Some("read the report".into()),
    }
}

/// Aborted, timed out, or not closed: there may be no report.
fn not_closed_text(followed: &Followed<'_>, execution: &Execution) -> String {
    let row = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
    let mut rows = Vec::new();
    rows.extend(execution.error.as_deref().map(|error| row("error", error)));
    rows.extend(execution.cause.as_deref().map(|cause| row("why", cause)));
    rows.push(row("run", followed.run_id));
    rows.push(row("execution", followed.execution_arn));
    if execution.status != ExecutionStatus::Succeeded {
        let run_id = followed.run_id;
        let next = format!("it did not close itself: see pilot run status {run_id}, then go on: pilot resume {run_id}");
        rows.push(row("next", &next));
    }
    format!("\nexecution {}\n{}", execution.status, table("  ", &rows))
}
