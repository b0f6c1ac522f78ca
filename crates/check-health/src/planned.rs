//! The step `assess` of a planned run and of `protect`: is who serves now well? Nothing is broken, so nothing is begun on a bad day.

use futures::future::join_all;
use http_probe::{Http, Request};
use pilot_core::contract::{Assessment, ComponentProgress, Mode, Status, StepResponse};
use pilot_core::decide::endpoint;
use pilot_core::decide::health::{Judgement, Verdict};
use pilot_core::plan::{Method, RecoveryPlan};
use pilot_core::{Failure, FailureName};
use pilot_shell::StepContext;
use pilot_shell::ledger::Ledger;
use serde_json::json;

use crate::assess::{ASSESSMENT, EVIDENCE, progress};
use crate::look::{Alarms, Eyes, Instances};

/// How soon something that is not well is looked at again, within the plan's `assessTimeoutSeconds`.
const LOOK_AGAIN_SECONDS: u32 = 3;

/// One invocation.
///
/// # Errors
/// `NotHealthy`, and those of the ledger.
pub(crate) async fn step<L: Ledger, H: Http, A: Alarms, I: Instances>(
    context: &StepContext<'_, L>,
    eyes: &Eyes<'_, H, A, I>,
) -> Result<StepResponse, Failure> {
    // A run that goes on after its pivot has taken the primary down itself: its assessment holds.
    let evidence = context.ledger.evidence(&context.run.run_id).await?;
    if let Some(assessment) =
        evidence.get(ASSESSMENT).and_then(|a| serde_json::from_value::<Assessment>(a.clone()).ok())
    {
        let assessment = Assessment { decided_at: context.now(), ..assessment };
        return Ok(decided(
            vec![(seen("assessment", "taken up: it was well when it began".into(), true), 1)],
            assessment,
        ));
    }
    let mut components = Vec::new();
    // `protect` follows a recovery: the signals look at the Region that was lost.
    if context.run.mode != Mode::Protect && !context.plan.signals.is_empty() {
        let judgement = eyes.judge(context.plan).await;
        context.ledger.keep_evidence(&context.run.run_id, EVIDENCE, &json!(judgement)).await?;
        components.extend(of_signals(&judgement));
    }
    if let Some(serving) = serving(context) {
        components.extend(reads(&serving, eyes.http).await);
    }
    conclude(context, components).await
}

/// The plan whose `validation` asks the Region that serves now: for a failback the one as it is written, for protect the same.
fn serving<L>(context: &StepContext<'_, L>) -> Option<RecoveryPlan> {
    match context.run.mode {
        Mode::Protect => Some(context.plan.clone()),
        Mode::Failback => context.plan.mirrored(),
        _ => None,
    }
}

fn of_signals(judgement: &Judgement) -> Vec<(ComponentProgress, u32)> {
    let mut components = progress(judgement, Status::Done, 1);
    let well = judgement.verdict == Verdict::Healthy;
    components.push((seen("verdict", judgement.sentence(), well), LOOK_AGAIN_SECONDS));
    components
}

async fn reads<H: Http>(plan: &RecoveryPlan, http: &H) -> Vec<(ComponentProgress, u32)> {
    let endpoints = plan.validation.endpoints.iter().filter(|endpoint| endpoint.method == Method::Get);
    join_all(endpoints.map(async |endpoint| {
        let answer = http.ask(Request::get(&endpoint.url, endpoint.timeout_seconds)).await;
        let problem = endpoint::problem(endpoint, &answer);
        let detail = problem.clone().unwrap_or_else(|| format!("HTTP {} as expected", endpoint.expect_status));
        (seen(&format!("endpoint {}", endpoint.name), detail, problem.is_none()), LOOK_AGAIN_SECONDS)
    }))
    .await
}

async fn conclude<L: Ledger>(
    context: &StepContext<'_, L>,
    components: Vec<(ComponentProgress, u32)>,
) -> Result<StepResponse, Failure> {
    let bad: Vec<String> = components
        .iter()
        .filter(|(component, _)| component.status != Status::Done)
        .map(|(component, _)| format!("{}: {}", component.name, component.detail))
        .collect();
    if bad.is_empty() && !components.is_empty() {
        let now = context.now();
        let assessment = Assessment { incident_at: now, last_healthy_at: Some(now), decided_at: now };
        context.ledger.keep_evidence(&context.run.run_id, ASSESSMENT, &json!(assessment)).await?;
        return Ok(decided(components, assessment));
    }
    let (workload, timeout_seconds) = (&context.plan.metadata.name, context.plan.policy.assess_timeout_seconds);
    if components.is_empty() || context.waited_seconds() >= i64::from(timeout_seconds) {
        let what = if bad.is_empty() { "nothing in the plan tells whether it is well".into() } else { bad.join("; ") };
        let mode = context.run.mode.as_str();
        return Err(Failure::new(
            FailureName::NotHealthy,
            workload,
            format!("a {mode} wants who serves to be well: {what}"),
        )
        .now("nothing was changed")
        .next("mend it and start again; if the Region is lost, what is wanted is a failover"));
    }
    Ok(StepResponse::of(components))
}

fn decided(components: Vec<(ComponentProgress, u32)>, assessment: Assessment) -> StepResponse {
    StepResponse { assessment: Some(assessment), ..StepResponse::of(components) }
}

fn seen(name: &str, detail: String, well: bool) -> ComponentProgress {
    ComponentProgress { name: name.to_owned(), status: if well { Status::Done } else { Status::InProgress }, detail }
}
