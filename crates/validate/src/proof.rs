//! The step `validate`: does the recovered application work? Before any client is led to it.

use futures::future::{join_all, join3};
use http_probe::{Http, Request};
use pilot_core::contract::{Status, Step, StepResponse};
use pilot_core::decide::{concurrency, endpoint, group, point_in_time, service};
use pilot_core::plan::{
    AutoScalingGroup, Compute, Database, EcsService, Endpoint, LambdaConcurrency, Method, RecoveryPlan,
};
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::Ledger;
use pilot_shell::waves::{self, Progress};
use pilot_shell::{CallError, StepContext, capacity};
use promote_db::restore_from_backup;

use crate::caches;
use crate::ports::{Dns, Eyes, Region};
use crate::{global_caches, in_region, promoted, restored};

const LOOK_AGAIN_SECONDS: u32 = 2;

/// A check: its name, and what is seen (`Ok`) or still missing (`Err`).
pub type Check = (String, Result<String, String>);

/// One invocation of the step. The writes go last, once everything else holds: a POST that comes too early could leave something behind
/// in every look.
///
/// # Errors
/// `ValidationFailed` once the plan's time is over, naming everything that is missing.
pub async fn step<L: Ledger, R: Region, H: Http, D: Dns>(
    context: &StepContext<'_, L>,
    eyes: &Eyes<'_, R, H, D>,
) -> Result<StepResponse, Failure> {
    // The run's own targets: a share of the primary's capacity is the number that this run found at its beginning.
    let plan = &capacity::pinned(context).await?.fixed(context.plan);
    let (databases, computes, reads) = join3(
        databases(plan, eyes.region),
        computes(context, plan, eyes.region),
        endpoints(plan, eyes.http, Method::Get),
    )
    .await;
    let mut checks: Vec<Check> = databases.into_iter().chain(computes).chain(reads).collect();
    if !context.run.mode.acts() {
        // A write probe leaves a row behind: that is a change of the workload.
        let skipped = |e: &Endpoint| {
            (endpoint_name(e), Ok(format!("dry run: would POST to {} and want HTTP {}", e.url, e.expect_status)))
        };
        checks.extend(plan.validation.endpoints.iter().filter(|e| e.method == Method::Post).map(skipped));
    } else if checks.iter().all(|(_, seen)| seen.is_ok()) {
        checks.extend(endpoints(plan, eyes.http, Method::Post).await);
    } else {
        let waits = |e: &Endpoint| (endpoint_name(e), Err("waits for the rest before it writes".to_owned()));
        checks.extend(plan.validation.endpoints.iter().filter(|e| e.method == Method::Post).map(waits));
    }
    conclude(context, checks, LOOK_AGAIN_SECONDS, |missing| {
        Failure::new(FailureName::ValidationFailed, &plan.metadata.name, missing)
            .now("the recovery Region has data and capacity as the journal says; no client was led to it")
            .next(
                "look at the application in the recovery Region; the traffic switch can be moved by hand once it works",
            )
    })
}

/// Done once every check holds; until then in progress; after the plan's time the failure.
///
/// # Errors
/// The failure made of everything that is missing.
pub fn conclude<L: Ledger>(
    context: &StepContext<'_, L>,
    checks: Vec<Check>,
    look_again_seconds: u32,
    failure: impl FnOnce(String) -> Failure,
) -> Result<StepResponse, Failure> {
    let missing: Vec<String> =
        checks.iter().filter_map(|(name, seen)| Some(format!("{name}: {}", seen.as_ref().err()?))).collect();
    let allowed_seconds = context.plan.validation.timeout_seconds;
    if !missing.is_empty() && context.waited_seconds() >= i64::from(allowed_seconds) {
        let waited_seconds = context.waited_seconds();
        return Err(failure(format!(
            "after {waited_seconds} seconds, the plan allows {allowed_seconds}: {}",
            missing.join("; ")
        )));
    }
    let progress = |(name, seen): Check| -> Progress {
        match seen {
            Ok(detail) => waves::done(&name, detail),
            Err(missing) => waves::in_progress(&name, missing, look_again_seconds),
        }
    };
    Ok(StepResponse::of(checks.into_iter().map(progress).collect()))
}

async fn databases<R: Region>(plan: &RecoveryPlan, region: &R) -> Vec<Check> {
    join_all(plan.databases.iter().map(async |database: &Database| {
        let seen = match database {
            Database::RdsReadReplica(component) => promoted::replica(component, region).await,
            Database::AuroraGlobalCluster(component) => {
                promoted::cluster(component, &plan.regions.recovery, region).await
            }
            Database::AuroraCluster(component) => in_region::cluster_moved(component, region).await,
            Database::RestoreToPointInTime(component) => {
                restored::proof(&point_in_time::wanted(component), region).await
            }
            Database::RestoreFromBackup(component) => {
                restored::proof(&restore_from_backup::wanted(component), region).await
            }
            Database::ElastiCache(component) => caches::proof(component, region).await,
            Database::ElastiCacheGlobal(component) => {
                global_caches::proof(component, &plan.regions.recovery, region).await
            }
        };
        (database.name().to_owned(), seen)
    }))
    .await
}

async fn computes<L: Ledger, R: Region>(context: &StepContext<'_, L>, plan: &RecoveryPlan, region: &R) -> Vec<Check> {
    join_all(plan.compute.iter().map(async |compute: &Compute| {
        let seen = match compute {
            Compute::AutoScalingGroup(component) => in_service(component, region).await,
            Compute::EcsService(component) => running(component, region).await,
            Compute::LambdaConcurrency(component) => provisioned(component, region).await,
            Compute::CodeBuildHook(_) | Compute::AutomationHook(_) | Compute::LambdaHook(_) => {
                ended(context, compute.name()).await
            }
        };
        (compute.name().to_owned(), seen)
    }))
    .await
}

/// How a hook ended, as the run wrote it down: nothing of ours shows what it made, the endpoints do.
async fn ended<L: Ledger>(context: &StepContext<'_, L>, hook: &str) -> Result<String, String> {
    let steps = context.ledger.steps(&context.run.run_id).await;
    let steps = steps.map_err(|failure| format!("the run's steps could not be read, {failure}"))?;
    let recorded = steps.iter().filter(|step| step.name == Step::ScaleCompute).flat_map(|step| &step.components);
    match recorded.into_iter().find(|component| component.name == hook) {
        Some(component) if component.status == Status::Done => Ok(component.detail.clone()),
        Some(component) => Err(component.detail.clone()),
        None => Err("this run has not run the hook".to_owned()),
    }
}

async fn in_service<R: Region>(component: &AutoScalingGroup, region: &R) -> Result<String, String> {
    let (name, wanted) = (&component.group_name, component.capacity.desired);
    let group = region.group(name).await.map_err(unseen)?;
    match group::decide(name, group.as_ref(), component.capacity.sizes()) {
        group::Decision::Done => Ok(format!("{wanted} or more in service")),
        group::Decision::Wait { in_service } => Err(format!("{in_service} of {wanted} in service")),
        group::Decision::Resize(_) => Err(format!("the group is not at its capacity of {wanted}")),
        group::Decision::Fail(failure) => Err(failure.what),
    }
}

async fn running<R: Region>(component: &EcsService, region: &R) -> Result<String, String> {
    let wanted = component.capacity.desired;
    let service = region.service(&component.cluster_name, &component.service_name).await.map_err(unseen)?;
    match service::decide(&component.resource(), service.as_ref(), component.capacity.sizes()) {
        service::Decision::Done => Ok(format!("{wanted} or more tasks running, and steady")),
        service::Decision::Wait { running } => Err(format!("{running} of {wanted} tasks running and steady")),
        service::Decision::Set(_) => Err(format!("the service is not at its capacity of {wanted}")),
        service::Decision::Fail(failure) => Err(failure.what),
    }
}

async fn provisioned<R: Region>(component: &LambdaConcurrency, region: &R) -> Result<String, String> {
    let seen = region.function(&component.function_name, component.qualifier.as_deref()).await.map_err(unseen)?;
    // Whatever failed was asked for by the step before: nothing here asks again.
    match (concurrency::decide(component, seen.as_ref(), true), seen) {
        (concurrency::Decision::Done, Some(function)) => Ok(function.settings().to_string()),
        (concurrency::Decision::Wait { available }, _) => Err(format!("{available} provisioned available and ready")),
        (concurrency::Decision::Set(setting), _) => Err(format!("the function is not at {setting}")),
        (concurrency::Decision::Fail(failure), _) => Err(failure.what),
        (concurrency::Decision::Done, None) => Err(format!("no Lambda function {}", component.function_name)),
    }
}

/// Asks the endpoints of one method.
pub async fn endpoints<H: Http>(plan: &RecoveryPlan, http: &H, method: Method) -> Vec<Check> {
    let endpoints = plan.validation.endpoints.iter().filter(|endpoint| endpoint.method == method);
    join_all(endpoints.map(async |endpoint: &Endpoint| {
        let request = Request {
            method,
            url: &endpoint.url,
            json_body: endpoint.json_body.as_ref(),
            timeout_seconds: endpoint.timeout_seconds,
        };
        let problem = endpoint::problem(endpoint, &http.ask(request).await);
        let seen = problem.map_or_else(|| Ok(format!("HTTP {} as expected", endpoint.expect_status)), Err);
        (endpoint_name(endpoint), seen)
    }))
    .await
}

fn endpoint_name(endpoint: &Endpoint) -> String {
    format!("endpoint {}", endpoint.name)
}

/// A call that did not answer well proves nothing: the check stays open, and is asked again.
pub fn unseen(error: CallError) -> String {
    format!("could not be seen, {error}")
}
