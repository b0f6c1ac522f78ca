//! `pilot approve` and `pilot refuse`.

use pilot_core::approval::{Asked, Shortfall};
use pilot_core::contract::{ApprovalAnswer, ApprovalDecision};

use crate::answer::Answer;
use crate::columns::{seconds, table};
use crate::stack::{Stack, StackError};

/// Shows what a run asks, and answers it. Whether the answer is enough is judged by the run, against the plan it is pinned to.
pub async fn run<S: Stack>(stack: &S, run_id: &str, answer: ApprovalAnswer) -> Answer {
    let asked = match stack.asked(run_id).await {
        Ok(Some(asked)) => asked,
        Ok(None) => {
            return Answer::refused(format!(
                "{run_id} has asked nobody: the name is wrong, or it is not at its gate yet\n  \
                 look at it: pilot run status {run_id}\n"
            ));
        }
        Err(error) => return Answer::unusable(format!("{error}\n")),
    };
    let shown = Answer { complaint: warning(&asked, &answer), ..Answer::ok(question(run_id, &asked)) };
    shown.and(match stack.answer(&asked.task_token, &answer).await {
        Ok(()) => Answer::ok(format!("\n{}\nlook at it: pilot run status {run_id}\n", given(&answer))),
        Err(StackError::NobodyWaits) => Answer::refused(format!(
            "nobody waits for this answer any more: the question was answered, its time ran out, or the run was called off\n  \
             look at it: pilot run status {run_id}\n"
        )),
        Err(error) => Answer::unusable(format!(
            "whether the answer arrived is not known: {error}\n  look at the run before you answer again: pilot run status \
             {run_id}\n"
        )),
    })
}

fn question(run_id: &str, asked: &Asked) -> String {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let loss = match asked.loss_seconds {
        Some(loss) => format!("at most {} of the newest data", seconds(loss)),
        None => "cannot be told".to_owned(),
    };
    let mut rows: Vec<Vec<String>> = asked.why.iter().map(|why| row("why", why.clone())).collect();
    rows.push(row("loss", loss));
    rows.push(row("asked", asked.asked_at.to_string()));
    rows.push(row("waits until", asked.expires_at.to_string()));
    format!("{run_id} wants to promote, which cannot be undone\n{}", table("  ", &rows))
}

/// What an approval may lack. Only a warning: the run knows the plan's bound, and asks again if the answer does not do.
fn warning(asked: &Asked, answer: &ApprovalAnswer) -> String {
    match asked.shortfall(answer) {
        None => String::new(),
        Some(Shortfall::TooLittle { accepted_seconds, stated_seconds }) => format!(
            "warning: {} are accepted, up to {} may be lost: if that is more than the plan allows, the run asks again; \
             --accept-loss-seconds {} would be enough\n",
            seconds(accepted_seconds),
            seconds(stated_seconds),
            stated_seconds.ceil()
        ),
        Some(Shortfall::Nothing { stated_seconds }) => format!(
            "warning: no loss is accepted, up to {} may be lost: if that is more than the plan allows, the run asks again; \
             --accept-loss-seconds {} would be enough\n",
            seconds(stated_seconds),
            stated_seconds.ceil()
        ),
        Some(Shortfall::NothingOfUnknown) => {
            "warning: no loss is accepted, and how much is lost cannot be told: the run asks again unless you say \
             how much you accept, by --accept-loss-seconds\n"
                .to_owned()
        }
    }
}

fn given(answer: &ApprovalAnswer) -> String {
    let approver = &answer.approver;
    match (answer.decision, answer.accept_loss_seconds) {
        (ApprovalDecision::Refuse, _) => format!("refused as {approver}: everything is put back"),
        (ApprovalDecision::Approve, Some(accepted)) => {
            format!("approved as {approver}, accepting a loss of {}", seconds(accepted))
        }
        (ApprovalDecision::Approve, None) => format!("approved as {approver}"),
    }
}
