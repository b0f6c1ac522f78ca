//! Asking a person: the token is kept for the CLI, and the notification says everything that is needed to answer without it.

use close_run::ports::Notifier;
use jiff::SignedDuration;
use pilot_core::Failure;
use pilot_core::approval::{ASKED, Asked, TaskToken};
use pilot_core::contract::{ApprovalWanted, StepResponse};
use pilot_core::decide::fence::FenceEvidence;
use pilot_core::journal::LeasePhase;
use pilot_shell::StepContext;
use pilot_shell::ledger::Ledger;
use serde_json::json;

/// Asks: keeps the token, holds the lease for as long as the wait may take, and tells people.
///
/// # Errors
/// `LeaseLost`, `AwsUnavailable` (tried again), `AwsRefused`, `JournalUnavailable`.
pub async fn ask<L: Ledger, N: Notifier>(
    context: &StepContext<'_, L>,
    notifier: &N,
    wanted: ApprovalWanted,
    task_token: String,
) -> Result<StepResponse, Failure> {
    let now = context.now();
    let expires_at = now + SignedDuration::from_secs(i64::from(wanted.wait_seconds));
    // No function is invoked while a person thinks: without this the lease would run out under the waiting run.
    let held_until = expires_at + SignedDuration::from_secs(i64::from(context.plan.policy.lease_seconds));
    context.ledger.hold(context.run, LeasePhase::Acting, held_until).await?;
    let asked = Asked {
        task_token: TaskToken::new(task_token),
        why: wanted.why.clone(),
        loss_seconds: wanted.loss_seconds,
        asked_at: now,
        expires_at,
    };
    context.ledger.keep_evidence(&context.run.run_id, ASKED, &json!(asked)).await?;
    let evidence = context.ledger.evidence(&context.run.run_id).await?;
    let fence = evidence.get("fence").and_then(|fence| serde_json::from_value(fence.clone()).ok());
    let subject = format!("Pilot Light: {} waits for your word", context.plan.metadata.name);
    let sent = notifier.publish(&subject, &message(context, &asked, fence.as_ref())).await;
    sent.map_err(|error| error.into_failure("sns:Publish", notifier.resource()))?;
    Ok(waiting(wanted))
}

/// The step's answer while a person is wanted.
pub fn waiting(wanted: ApprovalWanted) -> StepResponse {
    let detail = wanted.why.join("; ");
    let component = pilot_shell::waves::in_progress("approval", detail, 1);
    StepResponse { approval: Some(wanted), ..StepResponse::of(vec![component]) }
}

fn message<L>(context: &StepContext<'_, L>, asked: &Asked, fence: Option<&FenceEvidence>) -> String {
    let run_id = &context.run.run_id;
    let region = &context.plan.regions.recovery;
    let mut text = format!(
        "{}: a failover to {region} is ready to promote, and waits for a person until {}.\n\nWhy you are asked:\n",
        context.plan.metadata.name, asked.expires_at
    );
    for why in &asked.why {
        text += &format!("  {why}\n");
    }
    text += &match asked.loss_seconds {
        Some(seconds) => {
            format!("\nPromoting loses at most {seconds:.1} seconds of the newest data. It cannot be undone.\n")
        }
        None => "\nHow much of the newest data is lost cannot be told. Promoting cannot be undone.\n".to_owned(),
    };
    text += &fenced(fence);
    let accept = asked.loss_seconds.map_or("SECONDS".to_owned(), |seconds| format!("{}", seconds.ceil()));
    text += &format!(
        "\nTo approve (put your name in):\n  pilot approve {run_id} --as NAME --accept-loss-seconds {accept}\nor\n  {}\n",
        answer_command(
            region,
            asked,
            &format!(r#"{{"decision":"approve","approver":"NAME","acceptLossSeconds":{accept}}}"#)
        )
    );
    text += &format!(
        "\nTo refuse (everything is put back):\n  pilot refuse {run_id} --as NAME --reason WHY\nor\n  {}\n",
        answer_command(region, asked, r#"{"decision":"refuse","approver":"NAME","reason":"WHY"}"#)
    );
    let approvers = &context.plan.policy.approvers;
    if !approvers.is_empty() {
        text += &format!("\nThe plan's approvers: {}\n", approvers.join(", "));
    }
    text += &format!(
        "\nWithout an answer the run is called off and everything put back.\nExecution: {}\n",
        context.run.execution_arn
    );
    text
}

fn answer_command(region: &str, asked: &Asked, output: &str) -> String {
    format!(
        "aws stepfunctions send-task-success --region {region} --task-token '{}' --task-output '{output}'",
        asked.task_token.reveal()
    )
}

fn fenced(fence: Option<&FenceEvidence>) -> String {
    let Some(fence) = fence else { return "The old primary is not fenced.\n".to_owned() };
    let mut text = if fence.achieved {
        "The old primary is fenced.\n".to_owned()
    } else {
        "The old primary is NOT fenced as a whole; it may still take writes if it is alive:\n".to_owned()
    };
    for item in &fence.items {
        text += &format!("  {}: {} ({})\n", item.name, item.state.as_str(), item.detail);
    }
    text
}
