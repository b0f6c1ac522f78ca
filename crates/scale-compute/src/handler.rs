//! The steps `scale-compute` (every compute component of the plan, wave by wave, up) and `rest` (the Region that is left, down).

use pilot_core::contract::{Mode, Step, StepRequest, StepResponse, read_event};
use pilot_core::decide::last_known::LastKnown;
use pilot_core::plan::{Compute, RecoveryPlan};
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Clock, run_step};
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use pilot_shell::ports::{Concurrencies, Groups, Hooks, Services};
use pilot_shell::waves;
use pilot_shell::{StepContext, capacity};
use serde_json::Value;

use crate::computes::Computes;
use crate::{auto_scaling_group, ecs_service, hook_automation, hook_code_build, hook_function, lambda_concurrency};

/// The function's name.
pub const FUNCTION: &str = "scale-compute";

/// One invocation. `computes` is that of the Region the run brings up, `own` that of the function's Region.
///
/// # Errors
/// `EventInvalid`, `PlanInvalid`, `PlanChanged`, `LeaseLost`, `ComputeFailed`, `HookFailed`, `StepDeadlineExceeded`, `AwsUnavailable` (tried again),
/// `AwsRefused`, `JournalUnavailable`.
pub async fn handle<L: Ledger, P: PlanStore, G: Groups, S: Services, C: Concurrencies, H: Hooks>(
    event: Value,
    ledger: &L,
    plans: &P,
    computes: &Computes<'_, G, S, C, H>,
    own: &Computes<'_, G, S, C, H>,
    clock: Clock,
) -> Result<StepResponse, Failure> {
    // Before the lease is so much as prolonged: a bad event changes nothing at all.
    let request: StepRequest = read_event(FUNCTION, event.clone())?;
    if request.step.name == Step::Rest && request.run.mode != Mode::Failback {
        return Err(not_a_way_home(request.run.mode));
    }
    run_step(FUNCTION, event, ledger, plans, clock, async |context, _| match context.step.name {
        Step::Rest => rest(context, own).await,
        _ => serve(context, computes).await,
    })
    .await
}

async fn serve<L: Ledger, G: Groups, S: Services, C: Concurrencies, H: Hooks>(
    context: &StepContext<'_, L>,
    computes: &Computes<'_, G, S, C, H>,
) -> Result<StepResponse, Failure> {
    let known = capacity::pinned(context).await?;
    let fixed = known.fixed(context.plan);
    let response = waves::reconcile(&fixed.compute, async |compute: &Compute, allowed_seconds| match compute {
        Compute::AutoScalingGroup(group) => {
            auto_scaling_group::reconcile(context, computes.groups, group, allowed_seconds).await
        }
        Compute::EcsService(service) => {
            ecs_service::reconcile(context, computes.services, service, allowed_seconds).await
        }
        Compute::LambdaConcurrency(function) => {
            lambda_concurrency::reconcile(context, computes.concurrencies, function, allowed_seconds).await
        }
        Compute::AutomationHook(hook) => {
            hook_automation::reconcile(context, computes.hooks, hook, allowed_seconds).await
        }
        Compute::CodeBuildHook(hook) => {
            hook_code_build::reconcile(context, computes.hooks, hook, allowed_seconds).await
        }
        Compute::LambdaHook(hook) => hook_function::reconcile(context, computes.hooks, hook, allowed_seconds).await,
    })
    .await?;
    Ok(with_shares(response, &known, context))
}

/// Says beside each component that gets a share of the primary's capacity what that share is of.
fn with_shares<L: Ledger>(mut response: StepResponse, known: &LastKnown, context: &StepContext<'_, L>) -> StepResponse {
    for component in &context.plan.compute {
        let Some(said) = known.said(component, context.now()) else { continue };
        for progress in response.components.iter_mut().filter(|progress| progress.name == component.name()) {
            progress.detail = format!("{} ({said})", progress.detail);
        }
    }
    response
}

/// Brings down what served while the workload was away: the compute of the plan as it is written, whose mirror image the run goes.
async fn rest<L: Ledger, G: Groups, S: Services, C: Concurrencies, H: Hooks>(
    context: &StepContext<'_, L>,
    own: &Computes<'_, G, S, C, H>,
) -> Result<StepResponse, Failure> {
    let away = context.plan.mirrored().map_or_else(Vec::new, |plan: RecoveryPlan| plan.compute);
    waves::reconcile(&away, async |compute: &Compute, allowed_seconds| match compute {
        Compute::AutoScalingGroup(group) => auto_scaling_group::rest(context, own.groups, group, allowed_seconds).await,
        Compute::EcsService(service) => ecs_service::rest(context, own.services, service, allowed_seconds).await,
        Compute::LambdaConcurrency(function) => {
            lambda_concurrency::rest(context, own.concurrencies, function, allowed_seconds).await
        }
        Compute::CodeBuildHook(_) | Compute::AutomationHook(_) | Compute::LambdaHook(_) => {
            Ok(waves::done(compute.name(), "left as it is: a hook has no resting capacity"))
        }
    })
    .await
}

fn not_a_way_home(mode: Mode) -> Failure {
    let what = format!("the step is `rest`, but the run is a {}: the Region it would bring down serves", mode.as_str());
    Failure::new(FailureName::EventInvalid, "/step/name", what)
        .now("nothing was touched")
        .next("start a run; its events are made by the state machine")
}
