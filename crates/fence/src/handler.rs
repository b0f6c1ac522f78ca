//! The step `fence`: every item of the plan's fence at once, one look an invocation.

use futures::future::join_all;
use pilot_core::contract::{ComponentProgress, Mode, Status, Step, StepRequest, StepResponse, read_event};
use pilot_core::decide::fence::{FenceEvidence, ItemRecord, ItemState, Seen, settle};
use pilot_core::plan::{Database, FenceItem, FencePolicy};
use pilot_core::{Failure, FailureName};
use pilot_shell::StepContext;
use pilot_shell::context::{Clock, run_step};
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use pilot_shell::ports::{Groups, InstanceDoors, LoadBalancers, Services};
use serde_json::{Value, json};

use crate::group::Group;
use crate::primary::Primaries;
use crate::service::Service;
use crate::{instance, item, lift, load_balancer};

/// The function's name.
pub const FUNCTION: &str = "fence";
/// The evidence of what was fenced, and what was not.
pub const EVIDENCE: &str = "fence";

/// How soon what is in progress is looked at again: the fence stands in the way of the recovery.
const LOOK_SECONDS: u32 = 1;

/// One invocation. The primary Region's silence is never its error: it is recorded, within the fence's time.
///
/// # Errors
/// `EventInvalid`, `PlanInvalid`, `PlanChanged`, `LeaseLost`, `FenceNotAchieved`, `AwsUnavailable` (the state table's or the plans'; tried
/// again), `AwsRefused`, `JournalUnavailable`.
pub async fn handle<L: Ledger, P: PlanStore, R: Primaries>(
    event: Value,
    ledger: &L,
    plans: &P,
    primaries: &R,
    clock: Clock,
) -> Result<StepResponse, Failure> {
    // Before the lease is so much as prolonged: a bad event changes nothing at all.
    let request: StepRequest = read_event(FUNCTION, event.clone())?;
    let lifts = match request.step.name {
        Step::Fence => false,
        Step::Lift => true,
        other => {
            let what = format!("the step is {:?}", other.as_str());
            return Err(Failure::new(FailureName::EventInvalid, FUNCTION, what)
                .now("nothing was touched")
                .next("fence takes the steps `fence` and `lift` only"));
        }
    };
    let work = async |context: &StepContext<'_, L>, _: &StepRequest| {
        if lifts {
            let home = primaries.region(&context.plan.regions.recovery).await;
            return lift::step(context, &home).await;
        }
        let primary = primaries.region(&context.plan.regions.primary).await;
        fence(context, &primary).await
    };
    run_step(FUNCTION, event, ledger, plans, clock, work).await
}

async fn fence<L, R>(context: &StepContext<'_, L>, primary: &R) -> Result<StepResponse, Failure>
where
    L: Ledger,
    R: Groups + Services + LoadBalancers + InstanceDoors,
{
    let earlier = earlier(context).await?;
    if let Some(evidence) = earlier.as_ref().filter(|evidence| evidence.is_settled()) {
        return concluded(context, evidence);
    }
    let records = earlier.map(|evidence| evidence.items).unwrap_or_default();
    let items = join_all(context.plan.fence.items.iter().map(|item| async {
        match records.iter().find(|record| record.name == item.name()) {
            Some(settled) if settled.state != ItemState::InProgress => Ok(settled.clone()),
            earlier => look(context, primary, item, earlier).await,
        }
    }));
    // All of them come to their end before the first failure is told: an act is not left between its call and its outcome.
    let items: Vec<ItemRecord> = items.await.into_iter().collect::<Result<_, Failure>>()?;
    let evidence = FenceEvidence {
        policy: policy(context),
        achieved: !items.is_empty() && items.iter().all(|item| item.state == ItemState::Done),
        seconds: context.waited_seconds(),
        items,
    };
    context.ledger.keep_evidence(&context.run.run_id, EVIDENCE, &json!(evidence)).await?;
    concluded(context, &evidence)
}

/// The fence as the last invocation left it.
async fn earlier<L: Ledger>(context: &StepContext<'_, L>) -> Result<Option<FenceEvidence>, Failure> {
    let evidence = context.ledger.evidence(&context.run.run_id).await?.remove(EVIDENCE);
    Ok(evidence.and_then(|evidence| serde_json::from_value(evidence).ok()))
}

async fn look<L, R>(
    context: &StepContext<'_, L>,
    primary: &R,
    item: &FenceItem,
    earlier: Option<&ItemRecord>,
) -> Result<ItemRecord, Failure>
where
    L: Ledger,
    R: Groups + Services + LoadBalancers + InstanceDoors,
{
    let region = context.plan.regions.primary.as_str();
    let seen: Seen = match item {
        FenceItem::AutoScalingGroup(item) => item::look(context, region, &Group { item, groups: primary }).await?,
        FenceItem::EcsService(item) => item::look(context, region, &Service::new(item, primary)).await?,
        FenceItem::LoadBalancer(item) => item::look(context, region, &load_balancer::closing(item, primary)).await?,
        FenceItem::RdsInstance(item) => item::look(context, region, &instance::closing(item, primary)).await?,
    };
    let (fence, policy) = (&context.plan.fence, policy(context));
    // Reckoned after the look: the primary's silence itself takes time.
    let time_is_over = context.waited_seconds() >= i64::from(fence.timeout_seconds);
    let (name, resource, now) = (item.name(), item.resource(), context.now());
    let record = settle(policy, earlier, name, &resource, seen, now, time_is_over);
    tracing::info!(item = name, state = record.state.as_str(), looks = record.looks, "{}", record.detail);
    Ok(record)
}

/// A dead primary may be beyond the fence's reach; a living one is fenced, or nothing goes on: its writes would be lost.
fn policy<L>(context: &StepContext<'_, L>) -> FencePolicy {
    match context.run.mode {
        Mode::Switchover | Mode::Failback | Mode::Protect => FencePolicy::Required,
        Mode::Failover | Mode::DryRun => context.plan.fence.policy,
    }
}

/// Whether writes that nobody stops would be lost: those of a database that AWS does not stop by itself.
fn must_hold<L>(context: &StepContext<'_, L>) -> bool {
    let replicas = context.plan.databases.iter().any(|database| matches!(database, Database::RdsReadReplica(_)));
    context.run.mode.is_planned() && replicas
}

fn nothing_to_fence<L>(context: &StepContext<'_, L>) -> Failure {
    let what = "the plan names nothing to fence, and a read replica is promoted without loss only once its source takes no writes";
    Failure::new(FailureName::FenceNotAchieved, &context.plan.metadata.name, what)
        .now("nothing was changed")
        .next("name in the plan's fence what writes to the database; then start again")
}

fn concluded<L>(context: &StepContext<'_, L>, evidence: &FenceEvidence) -> Result<StepResponse, Failure> {
    if evidence.items.is_empty() && must_hold(context) {
        return Err(nothing_to_fence(context));
    }
    if evidence.items.is_empty() {
        let detail = "the plan names nothing to fence: the old primary may still take writes if it is alive";
        let nothing = ComponentProgress { name: FUNCTION.into(), status: Status::Done, detail: detail.into() };
        return Ok(StepResponse::of(vec![(nothing, LOOK_SECONDS)]));
    }
    if evidence.is_settled() {
        evidence.check(&context.plan.metadata.name)?;
    }
    Ok(StepResponse::of(evidence.items.iter().map(|item| (progress(item), LOOK_SECONDS)).collect()))
}

fn progress(item: &ItemRecord) -> ComponentProgress {
    let (status, detail) = match item.state {
        ItemState::InProgress => (Status::InProgress, item.detail.clone()),
        settled => (Status::Done, format!("{}: {}", settled.as_str(), item.detail)),
    };
    ComponentProgress { name: item.name.clone(), status, detail }
}
