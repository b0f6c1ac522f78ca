//! `pilot run start`.

use jiff::Timestamp;
use pilot_core::contract::{Mode, StartRequest};
use pilot_core::run_name;

use crate::answer::Answer;
use crate::run_follow::{self, Followed};
use crate::screen::Screen;
use crate::stack::{NewExecution, Stack, StackError};

/// What is to be started.
#[derive(Debug)]
pub struct Start<'a> {
    /// Of which state machine.
    pub state_machine_arn: &'a str,
    /// The plan's name.
    pub plan: &'a str,
    /// What for.
    pub mode: Mode,
    /// Why.
    pub reason: Option<String>,
}

/// Starts a run; with `follow` to its end.
pub async fn run<S: Stack>(
    stack: &S,
    screen: &mut impl Screen,
    start: Start<'_>,
    follow: bool,
    now: Timestamp,
) -> Answer {
    let Start { state_machine_arn, plan, mode, reason } = start;
    let execution = NewExecution {
        state_machine_arn: state_machine_arn.to_owned(),
        name: run_name::started(plan, now),
        input: StartRequest { plan: plan.to_owned(), mode, reason, resume: None, trigger: None },
    };
    begin(stack, screen, &execution, follow).await
}

/// Starts an execution, says which, and follows it if that is wanted.
pub async fn begin<S: Stack>(stack: &S, screen: &mut impl Screen, execution: &NewExecution, follow: bool) -> Answer {
    let run_id = &execution.name;
    let arn = match stack.start(execution).await {
        Ok(arn) => arn,
        Err(StackError::NameTaken) => {
            return Answer::refused(format!(
                "{run_id} was started this very second with another mode or reason: somebody else is at it.\n  \
                 look at it: pilot run status {run_id}\n"
            ));
        }
        Err(error) => return Answer::unusable(format!("no run was seen to start: {error}\n")),
    };
    screen.line(&format!("run        {run_id}"));
    screen.line(&format!("execution  {arn}"));
    if !follow {
        return Answer::ok(format!("status     pilot run status {run_id}\n"));
    }
    run_follow::to_the_end(stack, screen, &Followed { run_id, execution_arn: &arn }, run_follow::PACE).await
}
