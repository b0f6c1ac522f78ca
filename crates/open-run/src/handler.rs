//! The handler: check, pin, take, write down - in this order.

use jiff::Timestamp;
use pilot_core::contract::{
    ComponentProgress, OpenRun, Run, StartRequest, Status, Step, Trigger, TriggerKind, read_event,
};
use pilot_core::journal::StepRecord;
use pilot_core::plan::{RecoveryPlan, is_plan_name};
use pilot_core::{Failure, FailureName};
use pilot_shell::context::Clock;
use pilot_shell::ledger::{LeaseRequest, Ledger};
use pilot_shell::plans::PlanStore;
use serde_json::Value;

use crate::resume;

/// The function's name.
pub const FUNCTION: &str = "open-run";

/// The evidence under which a run keeps itself, so that the table alone tells what it was.
pub const RUN_EVIDENCE: &str = "run";

/// Opens a run. `region` is where this function runs.
///
/// # Errors
/// `EventInvalid`, `PlanNotFound`, `PlanInvalid`, `LeaseHeld`, `CooldownActive`, `NothingToResume`, `UnfinishedRun`, and those of the ledger. After any of them but the
/// ledger's the run holds no lease.
pub async fn handle<L: Ledger, P: PlanStore>(
    event: Value,
    ledger: &L,
    plans: &P,
    region: &str,
    clock: Clock,
) -> Result<Run, Failure> {
    let opening: OpenRun = read_event(FUNCTION, event)?;
    check_request(&opening.request)?;
    let (pin, plan) = plans.newest(&opening.request.plan).await?;
    check_region(&plan, &format!("s3://{}/{}", pin.bucket, pin.key), region)?;

    let mode = opening.request.mode;
    // Before anything is taken: a mode that the plan says nothing about must not hold the lease up.
    let towards = plan.for_mode(mode)?;
    let target_region = Some(towards.regions.recovery).filter(|target| target != region);
    let resume = opening.request.resume.clone();
    let trigger = trigger_of(opening.request);
    let request = LeaseRequest {
        workload: pin.name.clone(),
        run_id: opening.run_id.clone(),
        automatic: trigger.kind.is_automatic(),
        mode,
        resume: resume.clone(),
        now: clock(),
        lease_seconds: plan.policy.lease_seconds,
    };
    let lease = ledger.take_lease(&request).await?;
    let run = Run {
        run_id: opening.run_id,
        execution_arn: opening.execution_arn,
        plan: pin,
        mode,
        trigger,
        generation: lease.generation,
        target_region,
        resumes: None,
        started_at: opening.started_at,
    };
    let run = resume::go_on(ledger, run, &lease, resume.as_deref()).await?;
    write_down(ledger, &run, clock()).await?;
    tracing::info!(run = %run.run_id, workload = %run.plan.name, generation = run.generation, "opened");
    Ok(run)
}

fn check_request(request: &StartRequest) -> Result<(), Failure> {
    if is_plan_name(&request.plan) {
        return Ok(());
    }
    let what = format!("{:?} is no plan's name: a letter, then lower-case letters, digits and hyphens", request.plan);
    Err(Failure::new(FailureName::EventInvalid, "/request/plan", what)
        .now("nothing was touched")
        .next("start with the name of a plan in the artifacts bucket"))
}

/// Pilot Light runs in the recovery Region: a run in another one would act on another Region's resources of the same names.
fn check_region(plan: &RecoveryPlan, resource: &str, region: &str) -> Result<(), Failure> {
    if plan.regions.recovery == region {
        return Ok(());
    }
    let what = format!("/regions/recovery: is {:?}, but this function runs in {region:?}", plan.regions.recovery);
    Err(Failure::new(FailureName::PlanInvalid, resource, what)
        .now("nothing was touched")
        .next("start the run in the plan's recovery Region, or correct the plan"))
}

/// A person gives a reason, a rule gives a trigger.
fn trigger_of(request: StartRequest) -> Trigger {
    match request.trigger {
        Some(trigger) => Trigger { reason: trigger.reason.or(request.reason), ..trigger },
        None => Trigger { kind: TriggerKind::Manual, alarm_name: None, at: None, reason: request.reason },
    }
}

/// The run itself and its first step.
async fn write_down<L: Ledger>(ledger: &L, run: &Run, now: Timestamp) -> Result<(), Failure> {
    let document = serde_json::to_value(run).map_err(|error| {
        Failure::new(FailureName::JournalUnavailable, &run.run_id, format!("the run cannot be written: {error}"))
    })?;
    ledger.keep_evidence(&run.run_id, RUN_EVIDENCE, &document).await?;
    let done = |name: &str, detail: String| ComponentProgress { name: name.into(), status: Status::Done, detail };
    let record = StepRecord {
        name: Step::Open,
        started_at: run.started_at,
        ended_at: Some(now),
        outcome: Status::Done,
        components: [
            done("plan", format!("pinned to version {} with SHA-256 {}", run.plan.version, run.plan.sha256)),
            done("lease", format!("taken, generation {}", run.generation)),
        ]
        .into_iter()
        .chain(run.resumes.iter().map(|id| done("journal", format!("goes on with that of run {id}"))))
        .collect(),
        error: None,
    };
    ledger.record_step(&run.run_id, &record).await
}
