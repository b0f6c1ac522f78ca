//! From a journal entry to the undo that its kind's crate owns.

use fence::primary::Primaries;
use fence::{instance, load_balancer};
use jiff::Timestamp;
use pilot_core::contract::{Run, Step};
use pilot_core::journal::{Action, Entry};
use pilot_core::plan::{Compute, Database, LambdaHook, RecoveryPlan, RoutingControl, StopObject, Traffic};
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{
    Caches, Concurrencies, GlobalCaches, Groups, Hooks, Records, RoutingControls, Services, StopObjects,
};
use pilot_shell::waves::{InWaves, Progress};
use promote_db::{elasticache, elasticache_global};
use scale_compute::computes::Computes;
use scale_compute::{
    auto_scaling_group, ecs_service, hook_automation, hook_code_build, hook_function, lambda_concurrency,
};
use update_dns::{route53_records, routing_control, stop_object};

/// What the undos need of AWS.
#[derive(Debug, Clone, Copy)]
pub struct Undoers<'a, F, G, E, C, H, S, R, K, T> {
    /// What was fenced, in the primary Region.
    pub primaries: &'a F,
    /// The compute of the Region that the run brings up.
    pub computes: Computes<'a, G, E, C, H>,
    /// STOP objects.
    pub objects: &'a S,
    /// Route 53 records.
    pub records: &'a R,
    /// ElastiCache replication groups and global datastores.
    pub caches: &'a K,
    /// Routing controls.
    pub controls: &'a T,
}

impl<F, G, E, C, H, S, R, K, T> Undoers<'_, F, G, E, C, H, S, R, K, T>
where
    F: Primaries,
    G: Groups,
    E: Services,
    C: Concurrencies,
    H: Hooks,
    S: StopObjects,
    R: Records,
    K: Caches + GlobalCaches,
    T: RoutingControls,
{
    /// Brings one act a step on towards having never been.
    ///
    /// # Errors
    /// `RollbackIncomplete`, `AwsUnavailable` (tried again), `AwsRefused`, `JournalUnavailable`.
    pub async fn undo<L: Ledger>(
        &self,
        ledger: &L,
        run: &Run,
        plan: &RecoveryPlan,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<Progress, Failure> {
        let run_id = run.run_id.as_str();
        match entry.action {
            Action::FenceGroup => auto_scaling_group::undo(&self.primary(plan).await, entry).await,
            Action::FenceService => ecs_service::undo(&self.primary(plan).await, entry).await,
            Action::FenceLoadBalancer => load_balancer::undo(&self.primary(plan).await, entry).await,
            Action::FenceInstance => instance::undo(&self.primary(plan).await, entry).await,
            Action::LiftLoadBalancer => load_balancer::undo(&self.home(plan).await, entry).await,
            Action::LiftInstance => instance::undo(&self.home(plan).await, entry).await,
            Action::ResizeGroup => auto_scaling_group::undo(self.computes.groups, entry).await,
            Action::SetScalableTarget | Action::SetDesiredCount if entry.step == Step::Rest => {
                Err(incomplete(entry, "the service rests after the pivot of a failback"))
            }
            Action::SetScalableTarget | Action::SetDesiredCount => {
                ecs_service::undo(self.computes.services, entry).await
            }
            Action::SetReservedConcurrency | Action::SetProvisionedConcurrency if entry.step == Step::Rest => {
                Err(incomplete(entry, "the function rests after the pivot of a failback"))
            }
            Action::SetReservedConcurrency | Action::SetProvisionedConcurrency => {
                lambda_concurrency::undo(self.computes.concurrencies, entry).await
            }
            Action::StartAutomation => hook_automation::undo(self.computes.hooks, run_id, entry).await,
            Action::StartBuild => hook_code_build::undo(self.computes.hooks, run_id, entry).await,
            Action::CallFunction => {
                hook_function::undo(self.computes.hooks, run, plan, lambda_hook_of(plan, entry)?, entry).await
            }
            Action::PutStopObject => stop_object::undo(self.objects, stop_object_of(plan, entry)?, entry).await,
            Action::RemoveStopObject => {
                stop_object::undo_removal(self.objects, stop_object_of(plan, entry)?, entry).await
            }
            Action::SetRoutingControls => {
                routing_control::undo(self.controls, routing_control_of(plan, entry)?, entry).await
            }
            Action::UpsertRecords => route53_records::undo(ledger, run_id, self.records, entry).await,
            Action::CreateCache => elasticache::undo(self.caches, entry).await,
            Action::FailoverGlobalCache => elasticache_global::undo(self.caches, plan, entry, now).await,
            // Never reached: an irreversible entry makes the plan of the undo "pivot passed".
            Action::PromoteReadReplica => Err(incomplete(entry, "a promotion cannot be undone")),
            Action::SetPromoted | Action::TagPromoted => Err(incomplete(entry, "what was promoted keeps its settings")),
            Action::StartRestoreJob
            | Action::RestoreToPointInTime
            | Action::CreateRestoredInstance
            | Action::SetRestored => Err(incomplete(entry, "what was restored stays")),
            Action::SetAside | Action::CreateReplica | Action::KeepLostData => {
                Err(incomplete(entry, "a step of protect goes forward only"))
            }
            Action::RestGroup => Err(incomplete(entry, "the group rests after the pivot of a failback")),
            Action::FailoverCluster => Err(incomplete(entry, "a cluster's failover cannot be undone")),
            Action::FailoverGlobalCluster | Action::SwitchoverGlobalCluster => {
                Err(incomplete(entry, "a global cluster's failover or switchover cannot be undone"))
            }
        }
    }

    /// The Region that a run home leads to: its doors were opened.
    async fn home(&self, plan: &RecoveryPlan) -> F::Region {
        self.primaries.region(&plan.regions.recovery).await
    }

    async fn primary(&self, plan: &RecoveryPlan) -> F::Region {
        self.primaries.region(&plan.regions.primary).await
    }
}

/// A door that was opened may take as long to be closed again.
const LIFT_SECONDS: u32 = 60;

/// How long a component's undo may take, from the rollback's beginning: as long as the plan gives the component. The fence is lifted last, so
/// its time comes on top of that of what is undone before it. The pinned plan names every component that acted.
pub fn timeout_seconds(plan: &RecoveryPlan, component: &str) -> u32 {
    let longest = |seconds: &mut dyn Iterator<Item = u32>| seconds.max().unwrap_or(0);
    // Of the databases only a cache is undone.
    let is_cache = |db: &&Database| matches!(db, Database::ElastiCache(_) | Database::ElastiCacheGlobal(_));
    let caches = plan.databases.iter().filter(is_cache);
    let before_the_fence = longest(&mut plan.compute.iter().map(InWaves::timeout_seconds))
        .saturating_add(longest(&mut caches.map(InWaves::timeout_seconds)))
        .saturating_add(longest(&mut plan.traffic.iter().map(InWaves::timeout_seconds)));
    let databases = plan.databases.iter().map(|c: &Database| (c.name(), c.timeout_seconds()));
    let compute = plan.compute.iter().map(|c: &Compute| (c.name(), c.timeout_seconds()));
    let traffic = plan.traffic.iter().map(|c: &Traffic| (c.name(), c.timeout_seconds()));
    // Those that were closed by this run, and those that it opened on the way home.
    let lifted = plan.mirrored().map_or_else(Vec::new, |away| away.fence.items);
    let fence_seconds = plan.fence.timeout_seconds.max(LIFT_SECONDS).saturating_add(before_the_fence);
    if plan.fence.items.iter().chain(&lifted).any(|item| item.name() == component) {
        return fence_seconds;
    }
    databases.chain(compute).chain(traffic).find(|(name, _)| *name == component).map_or(0, |(_, seconds)| seconds)
}

fn stop_object_of<'a>(plan: &'a RecoveryPlan, entry: &Entry) -> Result<&'a StopObject, Failure> {
    let named = plan.traffic.iter().find_map(|traffic| match traffic {
        Traffic::StopObject(object) if object.name == entry.component => Some(object),
        _ => None,
    });
    named.ok_or_else(|| incomplete(entry, "the pinned plan has no STOP object of that name"))
}

fn lambda_hook_of<'a>(plan: &'a RecoveryPlan, entry: &Entry) -> Result<&'a LambdaHook, Failure> {
    let named = plan.compute.iter().find_map(|compute| match compute {
        Compute::LambdaHook(hook) if hook.name == entry.component => Some(hook),
        _ => None,
    });
    named.ok_or_else(|| incomplete(entry, "the pinned plan has no Lambda hook of that name"))
}

fn routing_control_of<'a>(plan: &'a RecoveryPlan, entry: &Entry) -> Result<&'a RoutingControl, Failure> {
    let named = plan.traffic.iter().find_map(|traffic| match traffic {
        Traffic::RoutingControl(component) if component.name == entry.component => Some(component),
        _ => None,
    });
    named.ok_or_else(|| {
        incomplete(entry, "the pinned plan has no routing controls of that name, and with them no endpoints")
    })
}

fn incomplete(entry: &Entry, what: &str) -> Failure {
    Failure::new(
        FailureName::RollbackIncomplete,
        &entry.resource,
        format!("{} ({}): {what}", entry.key(), entry.before),
    )
    .now("this act is not undone")
    .next("bring the resource back by hand to the values in the run's journal")
}
