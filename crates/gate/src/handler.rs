//! The step `gate`: look, ask, hear the answer.

use check_health::assess::EVIDENCE as JUDGEMENT;
use check_health::look::{Alarms, Eyes, Instances};
use close_run::ports::Notifier;
use futures::future::join;
use http_probe::Http;
use pilot_core::contract::{
    ApprovalAnswer, ApprovalWanted, Assessment, GateRequest, Step, StepRequest, StepResponse, WouldDo, read_event,
};
use pilot_core::decide::gate::{Answered, Approval, Decision, LossOf, answered, decide, primary_recovered};
use pilot_core::decide::health::Judgement;
use pilot_core::journal::Entry;
use pilot_core::observed::SignalState;
use pilot_core::plan::Signal;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Clock, run_step};
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use pilot_shell::ports::{Backups, GlobalClusters, InRegion, Replicas};
use pilot_shell::{StepContext, dry_run};
use promote_db::databases::Databases;
use serde_json::{Value, json};

use crate::ask::{ask, waiting};
use crate::losses::measure;
use crate::pass::{APPROVAL, pass, passed_before};
use crate::planned;

/// The function's name.
pub const FUNCTION: &str = "gate";
/// The evidence of the last look at the primary before the pivot.
pub const LAST_LOOK: &str = "last-look";
/// The evidence of what was wrong with the last answer.
const REJECTED: &str = "approval-rejected";

/// What the function works with, built once.
#[derive(Debug)]
pub struct Gatekeeper<'a, L, P, H, A, I, R, G, C, B, E, N> {
    /// The state table.
    pub ledger: &'a L,
    /// The plans.
    pub plans: &'a P,
    /// What it looks at the primary through.
    pub eyes: Eyes<'a, H, A, I>,
    /// The databases' lag.
    pub databases: Databases<'a, R, G, C, B, E>,
    /// Who is asked.
    pub notifier: &'a N,
    /// The clock.
    pub clock: Clock,
}

/// One invocation: with a task token a person is asked, with an answer it is judged, with neither the gate looks.
///
/// # Errors
/// `EventInvalid`, `PrimaryRecovered`, `DataLossTooHigh`, `ApprovalRefused`, `ApprovalExpired`, `LeaseLost`, `PlanInvalid`, `PlanChanged`,
/// `AwsUnavailable` (tried again), `AwsRefused`, `JournalUnavailable`.
pub async fn handle<L, P, H, A, I, R, G, C, B, E, N>(
    event: Value,
    keeper: &Gatekeeper<'_, L, P, H, A, I, R, G, C, B, E, N>,
) -> Result<StepResponse, Failure>
where
    L: Ledger,
    P: PlanStore,
    H: Http,
    A: Alarms,
    I: Instances,
    R: Replicas,
    G: GlobalClusters,
    C: InRegion,
    B: Backups,
    N: Notifier,
{
    let GateRequest { run, step, assessment, task_token, answer } = read_event(FUNCTION, event)?;
    let Some(assessment) = assessment.filter(|_| step.name == Step::Gate) else {
        return Err(Failure::new(
            FailureName::EventInvalid,
            FUNCTION,
            "the step is not `gate`, or nobody judged the primary",
        )
        .now("nothing was touched")
        .next("compare the event with the samples in events/gate/"));
    };
    let request = json!(StepRequest { run, step, assessment: Some(assessment.clone()) });
    let work = async |context: &StepContext<'_, L>, _: &StepRequest| {
        let view = match keeper.look(context, &assessment).await? {
            Looked::Over(response) => return Ok(response),
            Looked::View(view) => view,
        };
        match (task_token, answer) {
            (Some(token), _) => match wanted(context, &view)? {
                Some(wanted) => ask(context, keeper.notifier, with_rejection(context, wanted).await?, token).await,
                None => pass(context, view, None).await,
            },
            (None, Some(answer)) => hear(context, view, answer).await,
            (None, None) => first(context, view).await,
        }
    };
    // Boxed: the SDK's futures nested in all of ours are deeper than the compiler computes a layout for.
    Box::pin(run_step(FUNCTION, request, keeper.ledger, keeper.plans, keeper.clock, work)).await
}

pub(crate) enum Looked {
    /// There is nothing to decide any more.
    Over(StepResponse),
    /// What each promotion would lose; the primary is not back.
    View(Vec<LossOf>),
}

impl<L, P, H, A, I, R, G, C, B, E, N> Gatekeeper<'_, L, P, H, A, I, R, G, C, B, E, N>
where
    L: Ledger,
    H: Http,
    A: Alarms,
    I: Instances,
    R: Replicas,
    G: GlobalClusters,
    C: InRegion,
    B: Backups,
{
    /// The last look: the primary and the lag at once. A promotion that is meant already is past every gate.
    async fn look(&self, context: &StepContext<'_, L>, assessment: &Assessment) -> Result<Looked, Failure> {
        let entries = context.ledger.entries(&context.run.run_id).await?;
        if let Some(pivot) = entries.iter().find(|e| e.irreversible && e.may_have_changed()) {
            let by = pivot.adopted_from.as_deref().unwrap_or(&context.run.run_id);
            return Ok(Looked::Over(passed_before(format!("passed by run {by}: {} was meant already", pivot.key()))));
        }
        if context.run.mode.is_planned() {
            return planned::look(context, self.databases.replicas).await;
        }
        let (judgement, losses) =
            join(self.eyes.judge(context.plan), measure(context, &self.databases, assessment)).await;
        context.ledger.keep_evidence(&context.run.run_id, LAST_LOOK, &json!(judgement)).await?;
        let fenced =
            entries.iter().any(|e: &Entry| e.step == Step::Fence && e.may_have_changed() && e.undone_at.is_none());
        let failed_then = databases_that_failed(context).await?;
        let failed_then: Vec<&str> = failed_then.iter().map(String::as_str).collect();
        if primary_recovered(&judgement, fenced.then_some(failed_then.as_slice())) {
            let workload = &context.plan.metadata.name;
            return Err(Failure::new(FailureName::PrimaryRecovered, workload, judgement.sentence())
                .now("nothing was promoted; what this run changed is put back")
                .next("nothing, if users are served; otherwise a signal is missing in the plan"));
        }
        Ok(Looked::View(losses?))
    }
}

/// The signals that failed when the run decided and that a fence of compute and doors does not touch: those of the databases.
async fn databases_that_failed<L: Ledger>(context: &StepContext<'_, L>) -> Result<Vec<String>, Failure> {
    let evidence = context.ledger.evidence(&context.run.run_id).await?;
    let judgement: Option<Judgement> =
        evidence.get(JUDGEMENT).and_then(|judgement| serde_json::from_value(judgement.clone()).ok());
    let of_a_database = |name: &str| {
        let signal = context.plan.signals.iter().find(|signal| signal.name() == name);
        let of_databases = |signal: &Signal| match signal {
            Signal::RdsInstance(_)
            | Signal::RdsReplication(_)
            | Signal::RdsCluster(_)
            | Signal::AuroraReplication(_) => true,
            Signal::Http(_) | Signal::Alarm(_) => false,
        };
        signal.is_some_and(of_databases)
    };
    let signals = judgement.map_or(Vec::new(), |judgement| judgement.signals);
    let failed = signals.into_iter().filter(|s| s.state == SignalState::Failing && of_a_database(&s.name));
    Ok(failed.map(|signal| signal.name).collect())
}

/// Passes, refuses, or says that a person is wanted.
async fn first<L: Ledger>(context: &StepContext<'_, L>, losses: Vec<LossOf>) -> Result<StepResponse, Failure> {
    let evidence = context.ledger.evidence(&context.run.run_id).await?;
    let approval =
        evidence.get(APPROVAL).and_then(|approval| serde_json::from_value::<Approval>(approval.clone()).ok());
    if let Some(Answered::Approved(approval)) = approval.map(|approval| again(context, &approval, &losses)) {
        return pass(context, losses, Some(approval)).await;
    }
    match wanted(context, &losses)? {
        None => pass(context, losses, None).await,
        Some(wanted) if !context.run.mode.acts() => would_ask(context, wanted).await,
        Some(wanted) => Ok(waiting(wanted)),
    }
}

/// A person's word that was given to the run this one goes on with: it holds for what it accepted.
fn again<L: Ledger>(context: &StepContext<'_, L>, approval: &Approval, losses: &[LossOf]) -> Answered {
    let answer = ApprovalAnswer {
        decision: approval.decision,
        approver: approval.approver.clone(),
        accept_loss_seconds: approval.accepted_loss_seconds,
        reason: approval.reason.clone(),
    };
    answered(&answer, &context.plan.policy, losses, approval.at)
}

/// Whether a person is wanted, and for how long the run waits.
fn wanted<L: Ledger>(context: &StepContext<'_, L>, losses: &[LossOf]) -> Result<Option<ApprovalWanted>, Failure> {
    let (why, loss_seconds) = match decide(losses, &context.plan.policy) {
        Decision::Pass => return Ok(None),
        Decision::Refuse(failure) => return Err(*failure),
        Decision::Ask { why, loss_seconds } => (why, loss_seconds),
    };
    let timeout_seconds = context.plan.policy.approval_timeout_seconds;
    let left_seconds = i64::from(timeout_seconds) - context.waited_seconds();
    match u32::try_from(left_seconds) {
        Ok(wait_seconds @ 1..) => Ok(Some(ApprovalWanted { wait_seconds, why, loss_seconds })),
        _ => Err(Failure::new(
            FailureName::ApprovalExpired,
            &context.plan.metadata.name,
            format!("nobody approved the promotion within {timeout_seconds} seconds"),
        )
        .now("nothing was promoted; what this run changed is put back")
        .next("start again, and answer the notification")),
    }
}

async fn would_ask<L: Ledger>(context: &StepContext<'_, L>, wanted: ApprovalWanted) -> Result<StepResponse, Failure> {
    let decision = WouldDo {
        step: Step::Gate,
        component: "approval".into(),
        action: "ask".into(),
        resource: context.plan.metadata.name.clone(),
        detail: format!("asked of a person for up to {} s: {}", wanted.wait_seconds, wanted.why.join("; ")),
        irreversible: false,
        before: Value::Null,
        at: context.now(),
    };
    dry_run::keep(context.ledger, &context.run.run_id, &decision).await?;
    Ok(passed_before(format!("dry run: would be {}", decision.detail)))
}

/// What was wrong with the last answer, if there was one.
async fn with_rejection<L: Ledger>(
    context: &StepContext<'_, L>,
    wanted: ApprovalWanted,
) -> Result<ApprovalWanted, Failure> {
    let evidence = context.ledger.evidence(&context.run.run_id).await?;
    let rejected = evidence.get(REJECTED).and_then(Value::as_str);
    Ok(match rejected {
        Some(why) => told_first(why, wanted),
        None => wanted,
    })
}

fn told_first(why: &str, wanted: ApprovalWanted) -> ApprovalWanted {
    let why = std::iter::once(format!("the last answer does not do: {why}")).chain(wanted.why).collect();
    ApprovalWanted { why, ..wanted }
}

/// Judges what a person answered. An answer that does not do is asked for again, with the reason first.
async fn hear<L: Ledger>(
    context: &StepContext<'_, L>,
    losses: Vec<LossOf>,
    answer: Value,
) -> Result<StepResponse, Failure> {
    let now = context.now();
    let heard = match serde_json::from_value::<ApprovalAnswer>(answer) {
        Ok(answer) => answered(&answer, &context.plan.policy, &losses, now),
        Err(error) => Answered::NotEnough(format!("the answer cannot be read: {error}")),
    };
    let run_id = &context.run.run_id;
    match heard {
        Answered::Approved(approval) => {
            context.ledger.keep_evidence(run_id, APPROVAL, &json!(approval)).await?;
            pass(context, losses, Some(approval)).await
        }
        Answered::Refused(approval) => {
            context.ledger.keep_evidence(run_id, APPROVAL, &json!(approval)).await?;
            let reason = approval.reason.unwrap_or_else(|| "no reason given".into());
            let what = format!("{} refused the promotion: {reason}", approval.approver);
            Err(Failure::new(FailureName::ApprovalRefused, &context.plan.metadata.name, what)
                .now("nothing was promoted; what this run changed is put back")
                .next("nothing, unless somebody decides otherwise: then start again"))
        }
        Answered::NotEnough(why) => match wanted(context, &losses)? {
            Some(wanted) => {
                // The next asking is another invocation: it tells what was wrong with this answer.
                context.ledger.keep_evidence(run_id, REJECTED, &json!(why)).await?;
                Ok(waiting(told_first(&why, wanted)))
            }
            None => pass(context, losses, None).await,
        },
    }
}
