//! The step `assess`: is the primary down, and has it been for the plan's time?

use http_probe::Http;
use pilot_core::contract::{Assessment, ComponentProgress, Mode, Status, Step, StepRequest, StepResponse};
use pilot_core::decide::health::{AssessDecision, Judgement, assess, goes_forward, remember};
use pilot_core::{Failure, FailureName};
use pilot_shell::StepContext;
use pilot_shell::ledger::Ledger;
use serde_json::json;

use crate::handler::FUNCTION;
use crate::look::{Alarms, Eyes, Instances};
use crate::planned;

/// The evidence's name in the run's ledger.
pub const EVIDENCE: &str = "judgement";
/// The evidence's name for what was concluded: a run that goes on with this one takes it up.
pub const ASSESSMENT: &str = "assessment";

/// One invocation of the step.
///
/// # Errors
/// `PrimaryHealthy`, `PrimaryNotDown`, and those of the ledger.
pub async fn step<L: Ledger, H: Http, A: Alarms, I: Instances>(
    context: &StepContext<'_, L>,
    request: &StepRequest,
    eyes: &Eyes<'_, H, A, I>,
) -> Result<StepResponse, Failure> {
    if request.step.name != Step::Assess {
        return Err(not_assess(request.step.name));
    }
    if context.run.mode.is_planned() || context.run.mode == Mode::Protect {
        return planned::step(context, eyes).await;
    }
    let judgement = eyes.judge(context.plan).await;
    let workload = &context.plan.metadata.name;
    let now = context.now();
    // Read after the look, right before it is written: the probe looks at the same time, and what it saw must not be lost.
    let memory = remember(context.ledger.memory(workload).await?, judgement.verdict, now);
    context.ledger.set_memory(workload, &memory).await?;
    context.ledger.keep_evidence(&context.run.run_id, EVIDENCE, &json!(judgement)).await?;
    if let Some(run_id) = context.run.resumes.as_deref().filter(|_| goes_forward(judgement.verdict)) {
        // A run that had not decided anything yet left no assessment: then this one judges for itself.
        if let Some(assessment) = context.ledger.evidence(&context.run.run_id).await?.get(ASSESSMENT) {
            let assessment = serde_json::from_value(assessment.clone()).map_err(|error| unreadable(run_id, &error))?;
            return Ok(take_up(run_id, assessment, &judgement, now));
        }
    }
    let policy = &context.plan.policy;
    let waited_seconds = context.waited_seconds();
    let decision =
        assess(judgement.verdict, memory, now, policy.hold_seconds, waited_seconds, policy.assess_timeout_seconds);
    match decision {
        AssessDecision::Act { incident_at } => {
            let assessment = Assessment { incident_at, last_healthy_at: memory.last_healthy_at, decided_at: now };
            context.ledger.keep_evidence(&context.run.run_id, ASSESSMENT, &json!(assessment)).await?;
            let response = StepResponse::of(progress(&judgement, Status::Done, 1));
            Ok(StepResponse { assessment: Some(assessment), ..response })
        }
        AssessDecision::LookAgain { after_seconds } => {
            Ok(StepResponse::of(progress(&judgement, Status::InProgress, after_seconds)))
        }
        AssessDecision::Healthy => Err(Failure::new(FailureName::PrimaryHealthy, workload, judgement.sentence())
            .now("nothing was changed: there is nothing to recover from")
            .next("nothing; if users see it otherwise, a signal is missing in the plan")),
        AssessDecision::GiveUp => Err(Failure::new(
            FailureName::PrimaryNotDown,
            workload,
            format!("{} after {waited_seconds} seconds of looking", judgement.sentence()),
        )
        .now("nothing was changed")
        .next("see the signals' evidence in the report; start again once a quorum of fates fails, or mend the signal that sees nothing")),
    }
}

fn unreadable(run_id: &str, error: &serde_json::Error) -> Failure {
    Failure::new(FailureName::JournalUnavailable, run_id, format!("its assessment cannot be read: {error}"))
        .now("nothing was changed by this run")
        .next("look at the evidence `assessment` in the state table")
}

/// Goes forward for a run that did not get through: the incident is the same, the decision is new.
fn take_up(run_id: &str, assessment: Assessment, judgement: &Judgement, now: jiff::Timestamp) -> StepResponse {
    let detail = format!("run {run_id} did not get through: going forward from there");
    let mut components = progress(judgement, Status::Done, 1);
    components.push((ComponentProgress { name: "unfinished run".into(), status: Status::Done, detail }, 1));
    let assessment = Assessment { decided_at: now, ..assessment };
    StepResponse { assessment: Some(assessment), ..StepResponse::of(components) }
}

/// One component a signal: what the report shows of this step.
pub(crate) fn progress(judgement: &Judgement, status: Status, after_seconds: u32) -> Vec<(ComponentProgress, u32)> {
    let of = |signal: &pilot_core::observed::SignalObserved| {
        let detail = format!("{}: {}", signal.state.as_str(), signal.evidence);
        (ComponentProgress { name: signal.name.clone(), status, detail }, after_seconds)
    };
    judgement.signals.iter().map(of).collect()
}

fn not_assess(step: Step) -> Failure {
    Failure::new(FailureName::EventInvalid, FUNCTION, format!("the step is {}, {FUNCTION} does assess", step.as_str()))
        .now("nothing was touched")
        .next("compare the event with the samples in events/check-health/")
}
