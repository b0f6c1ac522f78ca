//! The commands that talk to a stack: what each needs to know before anything is called, and the call of it.

use jiff::Timestamp;
use pilot_core::contract::{ApprovalAnswer, ApprovalDecision};

use crate::adapter::AwsStack;
use crate::answer::Answer;
use crate::args::{ApproveArgs, RefuseArgs, ResumeArgs, StartArgs, StatusArgs};
use crate::run_start::Start;
use crate::run_status::Of;
use crate::screen::Screen;
use crate::{approval, run_resume, run_start, run_status};

/// `pilot run start`.
pub async fn start(args: StartArgs, screen: &mut impl Screen, now: Timestamp) -> Result<Answer, Answer> {
    let StartArgs { plan, mode, reason, follow, stack } = args;
    let state_machine_arn = stack.state_machine()?;
    if follow {
        // The steps are read from it.
        stack.table()?;
    }
    let start = Start { state_machine_arn, plan: &plan, mode: mode.into(), reason };
    Ok(run_start::run(&AwsStack::connect(&stack).await?, screen, start, follow, now).await)
}

/// `pilot run resume`.
pub async fn resume(args: ResumeArgs, screen: &mut impl Screen, now: Timestamp) -> Result<Answer, Answer> {
    let ResumeArgs { run_id, reason, follow, stack } = args;
    stack.table()?;
    Ok(run_resume::run(&AwsStack::connect(&stack).await?, screen, &run_id, reason, follow, now).await)
}

/// `pilot run status`.
pub async fn status(args: StatusArgs, now: Timestamp) -> Result<Answer, Answer> {
    let StatusArgs { run_id, plan, stack } = args;
    stack.table()?;
    let of = match (&run_id, &plan) {
        (Some(run_id), _) => Of::Run(run_id),
        (None, Some(plan)) => Of::Plan(plan),
        (None, None) => return Err(Answer::unusable("name a run, or a plan by --plan\n".into())),
    };
    Ok(run_status::run(&AwsStack::connect(&stack).await?, of, now).await)
}

/// `pilot approve`.
pub async fn approve(args: ApproveArgs) -> Result<Answer, Answer> {
    let ApproveArgs { run_id, approver, accept_loss_seconds, reason, stack } = args;
    stack.table()?;
    let answer = ApprovalAnswer { decision: ApprovalDecision::Approve, approver, accept_loss_seconds, reason };
    Ok(approval::run(&AwsStack::connect(&stack).await?, &run_id, answer).await)
}

/// `pilot refuse`.
pub async fn refuse(args: RefuseArgs) -> Result<Answer, Answer> {
    let RefuseArgs { run_id, approver, reason, stack } = args;
    stack.table()?;
    let answer = ApprovalAnswer { decision: ApprovalDecision::Refuse, approver, accept_loss_seconds: None, reason };
    Ok(approval::run(&AwsStack::connect(&stack).await?, &run_id, answer).await)
}
