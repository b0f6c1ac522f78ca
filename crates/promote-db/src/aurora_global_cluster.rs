//! An Aurora global database: observe, decide, fail over (or switch over) to the recovery cluster, set what the plan says.
//!
//! **There is no undo.** Neither call can be taken back; this is the pivot, after which a run only goes forward. The way home is a
//! switchover, which is a run of its own.

use pilot_core::contract::Mode;
use pilot_core::decide::global_cluster::{ACCEPTED_GRACE_SECONDS, Decision, Target, decide};
use pilot_core::decide::promoted::Wanted;
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::GlobalClusterObserved;
use pilot_core::plan::AuroraGlobalCluster;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{GlobalClusters, RestoredDatabases};
use pilot_shell::waves::{Progress, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::{Value, json};

use crate::promoted::{Promoted, then_set};

/// How long a change whose answer was lost may stay unseen before it is asked for again. Asking again is safe: RDS refuses a second
/// change while one is under way, and one towards the cluster that is the writer already. Waiting first is kinder: most lost answers
/// belong to calls that were carried out, and those show within seconds.
pub const UNANSWERED_GRACE_SECONDS: i64 = ACCEPTED_GRACE_SECONDS / 3;

/// Whether runs of this mode switch over, which needs a healthy primary and loses nothing, or fail over.
fn is_planned(mode: Mode) -> bool {
    match mode {
        Mode::Switchover | Mode::Failback => true,
        // Protect promotes nothing.
        Mode::Failover | Mode::DryRun | Mode::Protect => false,
    }
}

/// Brings one global database a step on towards having its writer in the recovery Region, as the run's mode wants it.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, G: GlobalClusters, D: RestoredDatabases>(
    context: &StepContext<'_, L>,
    ports: (&G, &D),
    component: &AuroraGlobalCluster,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    reconcile_as(is_planned(context.run.mode), context, ports, component, allowed_seconds).await
}

/// The same by a switchover (`planned`) or a failover.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile_as<L: Ledger, G: GlobalClusters, D: RestoredDatabases>(
    planned: bool,
    context: &StepContext<'_, L>,
    (clusters, databases): (&G, &D),
    component: &AuroraGlobalCluster,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let move_ = Move::of(planned, context, component);
    let id = component.global_cluster_identifier.as_str();
    let observed = observe(clusters, component).await?;
    let earlier = context.earlier(&component.name, move_.action).await?;
    let accepted_seconds_ago =
        earlier.as_ref().and_then(|entry| entry.on_its_way_seconds(UNANSWERED_GRACE_SECONDS, context.now()));
    match decide(&move_.target, observed.as_ref(), accepted_seconds_ago) {
        Decision::Done => {
            context.settle(earlier.as_ref(), "its answer was lost; seen to be the writer").await?;
            let (wanted, instances) = (Wanted::of_cluster(component), instances(observed.as_ref()));
            let name = component.name.as_str();
            let promoted = Promoted { context, databases, component: name, wanted, instances, allowed_seconds };
            promoted.step(done_detail(component, earlier.as_ref())).await
        }
        Decision::Wait { reason, after_seconds } => {
            context.check_deadline(id, &reason, allowed_seconds)?;
            Ok(in_progress(&component.name, reason, after_seconds))
        }
        Decision::Fail(failure) => Err(*failure),
        Decision::FailOver { target_arn } => {
            context.check_deadline(id, "it can be failed over only now", allowed_seconds)?;
            let call = || async { clusters.fail_over(id, &target_arn).await.map(|()| "failover accepted".to_owned()) };
            let acted = context.act(move_.act(component, observed.as_ref()), earlier.as_ref(), call).await?;
            after(clusters, component, &move_, earlier.as_ref(), acted).await
        }
        Decision::SwitchOver { target_arn, writer_region } => {
            context.check_deadline(id, "it can be switched over only now", allowed_seconds)?;
            let call = || async {
                let asked = clusters.switch_over(&writer_region, id, &target_arn).await;
                asked.map(|()| "switchover accepted".to_owned())
            };
            let acted = context.act(move_.act(component, observed.as_ref()), earlier.as_ref(), call).await?;
            after(clusters, component, &move_, earlier.as_ref(), acted).await
        }
    }
}

/// The change that this run makes.
struct Move<'a> {
    target: Target<'a>,
    action: Action,
    call: &'static str,
}

impl<'a> Move<'a> {
    fn of<L>(planned: bool, context: &'a StepContext<'_, L>, component: &'a AuroraGlobalCluster) -> Self {
        let target = Target {
            global_cluster: &component.global_cluster_identifier,
            recovery_cluster: &component.recovery_cluster_identifier,
            recovery_region: &context.plan.regions.recovery,
            planned,
        };
        let (action, call) = if planned {
            (Action::SwitchoverGlobalCluster, "rds:SwitchoverGlobalCluster")
        } else {
            (Action::FailoverGlobalCluster, "rds:FailoverGlobalCluster")
        };
        Move { target, action, call }
    }

    fn act(&self, component: &AuroraGlobalCluster, observed: Option<&GlobalClusterObserved>) -> Act {
        let recovery = &component.recovery_cluster_identifier;
        let how = if self.target.planned { "switched over" } else { "failed over, allowing data loss," };
        Act {
            component: component.name.clone(),
            action: self.action,
            resource: component.global_cluster_identifier.clone(),
            irreversible: true,
            before: before(observed),
            intention: format!(
                "{how} to {recovery}, which cannot be undone{}",
                then_set(&Wanted::of_cluster(component))
            ),
        }
    }
}

async fn observe<G: GlobalClusters>(
    clusters: &G,
    component: &AuroraGlobalCluster,
) -> Result<Option<GlobalClusterObserved>, Failure> {
    let id = &component.global_cluster_identifier;
    let observed = clusters.describe(id, &component.recovery_cluster_identifier).await;
    observed.map_err(|error| error.into_failure("rds:DescribeGlobalClusters or rds:DescribeDBClusters", id))
}

/// The instances of the recovery cluster.
fn instances(observed: Option<&GlobalClusterObserved>) -> Vec<&str> {
    let recovery = observed.and_then(|global| global.recovery.as_ref());
    recovery.map_or(Vec::new(), |cluster| cluster.instances.iter().map(|i| i.identifier.as_str()).collect())
}

/// After an unplanned failover the old primary rejoins by itself, and RDS keeps a snapshot of what it had not sent only for as long as
/// its backup retention (Aurora user guide, "Performing managed failovers").
fn done_detail(component: &AuroraGlobalCluster, earlier: Option<&Entry>) -> String {
    let recovery = &component.recovery_cluster_identifier;
    let written = format!("{recovery} is the writer of {}", component.global_cluster_identifier);
    match earlier {
        Some(entry) if entry.action == Action::FailoverGlobalCluster && entry.may_have_changed() => format!(
            "{written}; data that {} had not sent is in a snapshot rds:unplanned-global-failover-*, copy it before its retention ends",
            component.primary_cluster_identifier
        ),
        _ => written,
    }
}

fn before(observed: Option<&GlobalClusterObserved>) -> Value {
    observed.map_or(Value::Null, |global| {
        let member = |m: &pilot_core::observed::GlobalMember| {
            json!({"arn": m.arn, "isWriter": m.is_writer, "synchronization": m.synchronization})
        };
        let members: Vec<Value> = global.members.iter().map(member).collect();
        json!({"status": global.status, "engineVersion": global.engine_version, "members": members})
    })
}

async fn after<G: GlobalClusters>(
    clusters: &G,
    component: &AuroraGlobalCluster,
    move_: &Move<'_>,
    earlier: Option<&Entry>,
    acted: Acted,
) -> Result<Progress, Failure> {
    match acted {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(detail) => Ok(in_progress(&component.name, format!("RDS: {detail}"), 2)),
        Acted::Failed(CallError::Refused { code, message }) => {
            let refusal = Refusal { said: format!("{code}: {message}"), wrong_state: is_wrong_state(&code) };
            refused(clusters, component, move_, earlier, refusal).await
        }
        Acted::Failed(error) => Err(error.into_failure(move_.call, &component.global_cluster_identifier)),
    }
}

/// The codes on the wire carry `Fault`, emulators write either.
fn is_wrong_state(code: &str) -> bool {
    matches!(code.trim_end_matches("Fault"), "InvalidGlobalClusterState" | "InvalidDBClusterState")
}

/// What RDS answered.
struct Refusal {
    said: String,
    wrong_state: bool,
}

/// RDS refused. In the wrong state that may be a wait (the cluster got busy between the look and the call) or a change that is under
/// way already (its answer was lost): a fresh look tells.
async fn refused<G: GlobalClusters>(
    clusters: &G,
    component: &AuroraGlobalCluster,
    move_: &Move<'_>,
    earlier: Option<&Entry>,
    Refusal { said, wrong_state }: Refusal,
) -> Result<Progress, Failure> {
    let may_be_under_way = earlier.is_some_and(Entry::may_have_changed);
    if wrong_state {
        let now = observe(clusters, component).await?;
        if let Some(detail) = now.and_then(|global| passing(&move_.target, &global)) {
            return Ok(in_progress(&component.name, format!("RDS said {said}; now {detail}"), 3));
        }
        if may_be_under_way {
            let detail = format!("RDS said {said}; an earlier call, whose answer was lost, may be under way");
            return Ok(in_progress(&component.name, detail, 5));
        }
    }
    let now_true = if may_be_under_way {
        "the writer was in another Region when last seen, but an earlier try went unanswered and may yet be carried out"
    } else {
        "the writer is where it was; nothing was promoted"
    };
    let what = format!("RDS refused {} with {said}", move_.call);
    Err(Failure::new(FailureName::PromotionRefused, &component.global_cluster_identifier, what).now(now_true).next(
        "see both clusters' states and events in the RDS console and promote-db's role; then start the run again",
    ))
}

/// What explains a refusal and goes by itself.
fn passing(target: &Target<'_>, global: &GlobalClusterObserved) -> Option<String> {
    if let Some(state) = &global.failover_state {
        return Some(format!("on the move, `{}`", state.status));
    }
    if global.member(target.recovery_cluster, target.recovery_region).is_some_and(|member| member.is_writer) {
        return Some(format!("{} is the writer", target.recovery_cluster));
    }
    if global.status != "available" {
        return Some(format!("the global cluster is `{}`", global.status));
    }
    let recovery = global.recovery.as_ref().filter(|cluster| cluster.status != "available")?;
    Some(format!("{} is `{}`", target.recovery_cluster, recovery.status))
}
