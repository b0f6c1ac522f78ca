//! `pilot run resume`, and its short form `pilot resume`.

use jiff::Timestamp;
use pilot_core::contract::{Run, StartRequest};
use pilot_core::run_name;

use crate::answer::Answer;
use crate::run_start::begin;
use crate::screen::Screen;
use crate::stack::{ExecutionStatus, NewExecution, Stack};

/// Goes on with a run that is stuck, or whose execution ended without closing itself.
pub async fn run<S: Stack>(
    stack: &S,
    screen: &mut impl Screen,
    run_id: &str,
    reason: Option<String>,
    follow: bool,
    now: Timestamp,
) -> Answer {
    let earlier = match stack.run(run_id).await {
        Ok(Some(earlier)) => earlier,
        Ok(None) => return Answer::refused(unknown(run_id)),
        Err(error) => return Answer::unusable(format!("{error}\n")),
    };
    if let Err(refusal) = may_be_resumed(stack, &earlier).await {
        return refusal;
    }
    let Some(state_machine_arn) = run_name::state_machine_of(&earlier.execution_arn) else {
        return Answer::unusable(format!("{run_id}: {:?} is no execution's ARN\n", earlier.execution_arn));
    };
    let reason = reason.or_else(|| Some(format!("go on after run {run_id}")));
    let input = StartRequest {
        plan: earlier.plan.name,
        // A journal means what its run was for.
        mode: earlier.mode,
        reason,
        resume: Some(run_id.into()),
        trigger: None,
    };
    let execution = NewExecution { state_machine_arn, name: run_name::resumed(run_id, now), input };
    begin(stack, screen, &execution, follow).await
}

/// Its lease is taken over at once, so nothing of it may be under way any more.
async fn may_be_resumed<S: Stack>(stack: &S, run: &Run) -> Result<(), Answer> {
    let Run { run_id, plan, .. } = run;
    if !run.mode.acts() {
        return Err(Answer::refused(format!(
            "{run_id} was a dry run: it changed nothing, and there is nothing to go on with. Nothing was started.\n  \
             start a failover: pilot run start {}\n",
            plan.name
        )));
    }
    match stack.execution(&run.execution_arn).await {
        Ok(execution) => match execution.status {
            ExecutionStatus::Running => Err(Answer::refused(format!(
                "{run_id} is still running: it is not taken over. Nothing was started.\n  \
                 look at it: pilot run status {run_id}\n  execution: {}\n",
                run.execution_arn
            ))),
            ExecutionStatus::Succeeded => Err(Answer::refused(format!(
                "{run_id} has succeeded: there is nothing to go on with. Nothing was started.\n  \
                 start a new run: pilot run start {}\n",
                plan.name
            ))),
            ExecutionStatus::Ended(_) => Ok(()),
        },
        Err(error) => Err(Answer::unusable(format!(
            "whether {run_id} is still running cannot be told: {error}. Nothing was started.\n"
        ))),
    }
}

/// What to say of a run that is not in the table.
pub fn unknown(run_id: &str) -> String {
    format!("the state table has no run {run_id}: the name is wrong, or it was refused before it was opened\n")
}
